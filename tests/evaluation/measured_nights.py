"""A light curve as it was measured, among a hard night's other sources: its list hour by hour."""

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from datetime import datetime
from multiprocessing import get_context
from typing import Any, NamedTuple

import numpy as np

from tests.bench.database import fresh_database, own_servers
from tests.evaluation.night_hours import by_hour, read_chances
from tom.benchmark.conditions import draw_conditions
from tom.benchmark.nights import HardNight
from tom.benchmark.places import Ground
from tom.benchmark.sources import Sampler, alert_rows
from tom.demo.gwalerts import GWMessage
from tom.demo.night import draw_ids
from tom.demo.observing import Epochs
from tom.demo.packets import to_jd
from tom.demo.population import Observed
from tom.demo.sources import Source, host_galaxy
from tom.demo.spots import Group
from tom.demo.survey import Exposures
from tom.sky import SkyMap

OUTSIDE = 0.1
ALERT_DELAY_S = 600.0
AB_NJY = 31.4  # the magnitude of 1 nJy

Night = dict[str, Any]


class Point(NamedTuple):
    """A measured point: days after the merger, ZTF's number of the band, AB magnitude, error."""

    days: float
    fid: int
    magnitude: float
    error: float


class Measured(NamedTuple):
    """A source with its points in order of time, its place in degrees and its host."""

    name: str
    ra: float
    dec: float
    ebv: float
    distance_mpc: float
    host_magnitude: float
    offset_kpc: float
    points: Sequence[Point]


def print_nights(
    says: str,
    follow: Callable[[int], Night],
    summarise: Callable[[Sequence[Night]], dict[str, Any]],
    *,
    seeds: int,
) -> int:
    """Print a line for each seed, each in a database of its own, and the summary."""
    parser = argparse.ArgumentParser(description=says)
    parser.add_argument("--seeds", type=int, default=seeds)
    parser.add_argument("--first", type=int, default=1)
    given = parser.parse_args()
    nights = []
    with own_servers():
        for seed in range(given.first, given.first + given.seeds):
            with fresh_database("measured"), get_context("fork").Pool(1) as pool:
                nights.append(pool.apply(follow, (seed,)))
            sys.stdout.write(json.dumps(nights[-1]) + "\n")
            sys.stdout.flush()
    sys.stdout.write(json.dumps(summarise(nights)) + "\n")
    return 0


def follow_night(night: HardNight) -> Night:
    """Send a night through the intake hour by hour; return how its list stood at each."""
    from tests.bench import intake

    hours = []
    for hour, messages in by_hour(night.night()):
        intake.keep(messages)
        intake.work()
        intake.score()
        if hour > 0:
            hours.append({"hour": hour} | _stands(night))
    seen = np.sort(night.sent[list(night.names).index(str(night.counterpart))])
    return {"seed": night.seed, "alerts_hours": np.round(seen, 1).tolist(), "hours": hours}


def _stands(night: HardNight) -> dict[str, Any]:
    chances, none = read_chances()
    names, name = list(chances), str(night.counterpart)
    kinds = {n: of.source.kind for n, of in zip(night.names, night.objects, strict=True)}
    return {
        "rank": names.index(name) + 1 if name in chances else None,
        "chance": chances.get(name, 0.0),
        "none": none,
        "listed": len(names),
        "first": kinds[names[0]] if names else None,
    }


def make_night(
    seed: int,
    measured: Measured,
    maps: Sequence[SkyMap],
    chain: Sequence[GWMessage],
    merger: datetime,
) -> HardNight:
    """Make the night of a measured source: its chain, and the other sources of this seed.

    The others are as dense as in a hard night, in the region of the first map.
    """
    rng = np.random.default_rng([seed, 1])
    ground, merger_jd = Ground(maps[0]), to_jd(merger)
    conditions = draw_conditions(
        covered=np.sort(ground.fields), follow_up=ground.fields, merger_jd=merger_jd, rng=rng
    )
    light = _observed(measured, merger_jd, rng)
    objects = [light, *Sampler(ground, conditions, rng).draw(outside=OUTSIDE)]
    names = draw_ids(objects, rng)
    return HardNight(
        seed=seed,
        merger_time=merger,
        chain=list(chain),
        maps=(maps[0], maps[-1]),
        objects=objects,
        names=names,
        sent=[_sent(observed, merger_jd) for observed in objects],
        counterpart=names[0],
        model=measured.name,
    )


def _observed(measured: Measured, merger_jd: float, rng: np.random.Generator) -> Observed:
    days, fid, magnitude, error = np.array(measured.points).T
    flux = 10 ** (0.4 * (AB_NJY - magnitude))
    sigma = flux * error / (2.5 / np.log(10))
    n = len(days)
    exposures = Exposures(
        jd=merger_jd + days,
        field=np.full(n, 1),
        fid=fid.astype(np.int64),
        seconds=np.full(n, 60.0),
        limit=AB_NJY - 2.5 * np.log10(5 * sigma),
        seeing=np.full(n, 1.5),
        zero_point=np.full(n, 26.0),
    )
    epochs = Epochs(
        exposures=exposures,
        flux=flux,
        error=sigma,
        detected=np.ones(n, bool),
        ra=np.full(n, measured.ra),
        dec=np.full(n, measured.dec),
        fwhm=np.full(n, 1.5),
        elongation=np.full(n, 1.05),
        n_negative=np.zeros(n, np.int64),
        rb=np.full(n, 0.9),
        drb=np.full(n, 0.99),
    )
    host = host_galaxy(
        absolute_magnitude=measured.host_magnitude,
        distance_mpc=measured.distance_mpc,
        offset_kpc=measured.offset_kpc,
        ebv=measured.ebv,
        rng=rng,
    )
    source = Source(
        measured.name,
        measured.ra,
        measured.dec,
        lambda jd, fid: np.zeros(len(jd)),
        host,
        fast=True,
    )
    return Observed(source, epochs, Group.NEW, measured.distance_mpc)


def _sent(observed: Observed, merger_jd: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The hours from the merger to each alert."""
    exposures, rows = observed.epochs.exposures, alert_rows(observed, merger_jd)
    hours = (exposures.jd[rows] - merger_jd) * 24 + ALERT_DELAY_S / 3600
    return np.asarray(np.maximum.accumulate(hours))
