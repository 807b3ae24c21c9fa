"""Samples to fit and to measure `kilonova` on: each class with limits, kilonovae of each family."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from ml_plugins.injections import samples
from ml_plugins.injections.samples import FARTHEST_MPC, Light, Placed, Sample, Sky
from ml_plugins.injections.shares import KILONOVA
from ml_plugins.injections.split import Data, part_of
from ml_plugins.injections.stars import periodic_light, supernova_light
from ml_plugins.kilonova.points import BANDS, count_detections, points_of
from ml_plugins.kilonova.training.drawing import ALIKE, GRID, bank
from tom.scoring.contract import Batch, Host

BANK = 150
"""So many kilonovae of each family are placed."""
HOST_FRACTION = 0.1
"""The fractional error of a host's distance in the samples."""
FAMILY_SHARES = {
    "two components": 0.3,
    ALIKE: 0.3,
    "blue": 0.12,
    "red": 0.12,
    "with an afterglow": 0.16,
}
"""The shares of kilonovae in a fit: assumed."""


def placed(family: str, rng: np.random.Generator) -> Callable[[np.random.Generator, float], Light]:
    """Draw some of a family; return the function that places one at an age and a distance."""
    curves = bank(family, BANK, rng)

    def draw(rng: np.random.Generator, now: float) -> Light:
        one = curves[:, int(rng.integers(BANK))]
        return samples.published({band: (GRID, one[at]) for at, band in enumerate(BANDS)})(rng, now)

    return draw


def draw_kilonovae(sky: Sky, number: int, rng: np.random.Generator) -> dict[str, list[Sample]]:
    """Draw kilonovae of each family by its share, of `number` in all."""
    return {
        family: list(samples.injected(sky, placed(family, rng), family, round(share * number), rng))
        for family, share in FAMILY_SHARES.items()
    }


def draw_unrelated(
    data: Data, part: str, number: int, rng: np.random.Generator
) -> dict[str, list[Sample]]:
    """Draw `number` of each unrelated class of one part, all injected; also real supernovae and
    variables as they were seen.
    """
    transients = [star for star in part_of(data.transients, part) if star.label != "nova"]
    variables = part_of(data.variables, part)
    sky = Sky(part_of(data.transients, part), data.depths)
    lights = {
        "supernova": supernova_light(transients),
        "dwarf nova": samples.draw_dwarf_nova,
        "flare": samples.flare_light(part_of(data.flares, part)),
        "active nucleus": samples.draw_active_nucleus,
        "variable": periodic_light(variables),
    }
    made = {
        label: list(samples.injected(sky, light, label, number, rng))
        for label, light in lights.items()
    }
    made["supernova"] += samples.real(transients, 2, rng)
    made["variable"] += samples.real(variables, 8, rng)
    return made


def draw_all(
    data: Data, part: str, number: int, rng: np.random.Generator
) -> dict[str, list[Sample]]:
    """Draw all classes of one part: `number` of each, twice as many kilonovae."""
    sky = Sky(part_of(data.transients, part), data.depths)
    families = draw_kilonovae(sky, 2 * number, rng)
    made = draw_unrelated(data, part, number, rng)
    return {KILONOVA: [sample for some in families.values() for sample in some]} | made


def seen_twice(made: Sequence[Sample]) -> list[Sample]:
    """Return the samples that have two detections in g and r."""
    batch = Batch.build([sample.curve for sample in made])
    enough = count_detections(points_of(batch), len(batch)) >= 2
    return [sample for sample, kept in zip(made, enough.tolist(), strict=True) if kept]


def give_host(sample: Sample, rng: np.random.Generator) -> Sample:
    """Return a sample with a host: a kilonova's own, or one by chance as far as any within reach.

    So the distance alone tells nothing: hosts of both are uniform in volume.
    """
    own = isinstance(sample.light, Placed)
    far = sample.light.megaparsec if own else FARTHEST_MPC * float(rng.uniform()) ** (1 / 3)  # type: ignore[union-attr]
    told = far * float(np.exp(rng.normal() * HOST_FRACTION))
    host = Host("", told, HOST_FRACTION * told)
    return replace(sample, curve=replace(sample.curve, given={"host": host}))


def take_limits(sample: Sample) -> Sample:
    """Return a sample as a stream without limits tells it: its detections alone."""
    curve = sample.curve
    kept = [at for at, kind in enumerate(curve.kind) if kind != "limit"]
    seen = replace(
        curve,
        mjd=[curve.mjd[at] for at in kept],
        flux=[curve.flux[at] for at in kept],
        flux_error=[curve.flux_error[at] for at in kept],
        band=[curve.band[at] for at in kept],
        kind=[curve.kind[at] for at in kept],
    )
    return replace(sample, curve=seen)


def each(
    made: Mapping[str, Sequence[Sample]], change: Callable[[Sample], Sample]
) -> dict[str, list[Sample]]:
    """Change every sample of every class."""
    return {label: [change(one) for one in part] for label, part in made.items()}
