"""Light curves of the hard nights of the blind benchmark: how many a second of processor time."""

import time

import numpy as np

from tom.benchmark.conditions import draw_conditions
from tom.benchmark.maps import Extent, draw_maps
from tom.benchmark.places import Ground
from tom.benchmark.sources import Sampler

MERGER_JD = 2461000.9
DISTANCE_MPC = 120.0


def measure_hard_nights(area_deg2: float) -> dict[str, float]:
    """Sample the sources of a region and their light curves; one core's processor time.

    `light_curves` are those with an alert. Fainter ones are sampled too, and not counted.
    """
    rng = np.random.default_rng(1)
    extent = Extent(area_deg2=area_deg2, distance_mpc=DISTANCE_MPC)
    ground = Ground(draw_maps(extent, MERGER_JD, rng)[1])
    conditions = draw_conditions(
        covered=np.sort(ground.fields), follow_up=ground.fields, merger_jd=MERGER_JD, rng=rng
    )
    began = time.process_time()
    drawn = list(Sampler(ground, conditions, rng).draw(outside=0.0))
    seconds = time.process_time() - began
    points = sum(len(observed.epochs.flux) for observed in drawn)
    return {
        "light_curves": len(drawn),
        "points": points,
        "processor_s": round(seconds, 3),
        "light_curves_per_second": round(len(drawn) / seconds),
    }
