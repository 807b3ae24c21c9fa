"""AT2017gfo's real photometry in GW170817's three real maps, among a survey's sources: JSON lines.

    .venv/bin/python -m tests.evaluation.gw170817 --seeds 3 > gw170817.jsonl

The maps are those of two detectors, of three, and of the catalogue; they come one after the other.
The other sources are those of a hard night, as dense as there, in the region of the first map. No
survey of such sources saw the merger, so it is moved to a spring night in which Palomar sees its
place. AT2017gfo's points in g, r and i are as measured, at their own times after the merger; each
gives an alert. A line has, for each hour with news, AT2017gfo's place and chance, that of none of
these, and what is first. The last line has when it was first, and its place at some hours.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import numpy as np

from tests.bench.database import fresh_database, own_servers
from tests.conftest import REAL_DATA
from tests.evaluation.night_hours import by_hour, read_chances
from tom.benchmark.conditions import draw_conditions
from tom.benchmark.nights import HardNight
from tom.benchmark.places import Ground
from tom.benchmark.sources import Sampler, alert_rows
from tom.demo.gwalerts import GWMessage, make_chain
from tom.demo.night import draw_ids
from tom.demo.observing import Epochs
from tom.demo.packets import to_jd
from tom.demo.population import Observed
from tom.demo.sources import Source, host_galaxy
from tom.demo.spots import Group
from tom.demo.survey import Exposures
from tom.sky import SkyMap, read_skymap

MERGED = datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC)
# Its place is highest at midnight of such a night.
MOVED_TO = datetime(2026, 4, 17, 6, 0, 0, tzinfo=UTC)
RA, DEC, EBV, DISTANCE_MPC = 197.450374, -23.381495, 0.11, 40.7
FIDS = {"g": 1, "r": 2, "i": 3}
MAPS = (
    "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
    "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "GW170817_GWTC1_LALInference_nside1024_nested.fits.gz",
)
LAST_MAP = timedelta(hours=30)
OUTSIDE = 0.1
ALERT_DELAY_S = 600.0
WHEN_HOURS = (12, 18, 24, 36, 48, 72, 96, 120, 144)
AB_NJY = 31.4  # the magnitude of 1 nJy


def main() -> int:
    """Print a line for each seed, and the summary."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first", type=int, default=1)
    given = parser.parse_args()
    nights = []
    with own_servers():
        for seed in range(given.first, given.first + given.seeds):
            with fresh_database("gw170817"), get_context("fork").Pool(1) as pool:
                nights.append(pool.apply(follow, (seed,)))
            sys.stdout.write(json.dumps(nights[-1]) + "\n")
            sys.stdout.flush()
    sys.stdout.write(json.dumps(summarise(nights)) + "\n")
    return 0


def follow(seed: int) -> dict[str, Any]:
    """Send a night through the intake hour by hour; return how its list stood at each."""
    from tests.bench import intake

    night, hours = make_night(seed), []
    for hour, messages in by_hour(night.night()):
        intake.keep(messages)
        intake.work()
        intake.score()
        if hour > 0:
            hours.append({"hour": hour} | _stands(night))
    seen = np.sort(night.sent[list(night.names).index(str(night.counterpart))])
    return {"seed": seed, "alerts_hours": np.round(seen, 1).tolist(), "hours": hours}


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


def summarise(nights: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return from which hour it was first for good, and its place and chance at `WHEN_HOURS`."""
    told: dict[str, Any] = {
        "first_for_good_from_hours": [_from(night["hours"]) for night in nights]
    }
    for when in WHEN_HOURS:
        stood = [[at for at in night["hours"] if at["hour"] <= when] for night in nights]
        last = [of[-1] for of in stood if of]
        told[f"at_{when}_h"] = {name: [at[name] for at in last] for name in ("rank", "chance")}
    return told


def _from(hours: Sequence[dict[str, Any]]) -> float | None:
    other = [number for number, at in enumerate(hours) if at["rank"] != 1]
    after = hours[other[-1] + 1 :] if other else hours
    return after[0]["hour"] if after else None


def make_night(seed: int) -> HardNight:
    """Make the night: its three maps, AT2017gfo, and the other sources of this seed."""
    rng = np.random.default_rng([seed, 1])
    maps = [read_skymap((REAL_DATA / "gw/maps" / name).read_bytes()) for name in MAPS]
    ground, merger_jd = Ground(maps[0]), to_jd(MOVED_TO)
    conditions = draw_conditions(
        covered=np.sort(ground.fields), follow_up=ground.fields, merger_jd=merger_jd, rng=rng
    )
    light = at2017gfo(REAL_DATA, merger_jd, rng)
    objects = [light, *Sampler(ground, conditions, rng).draw(outside=OUTSIDE)]
    names = draw_ids(objects, rng)
    return HardNight(
        seed=seed,
        merger_time=MOVED_TO,
        chain=_chain(maps, seed),
        maps=(maps[0], maps[1]),
        objects=objects,
        names=names,
        sent=[_sent(observed, merger_jd) for observed in objects],
        counterpart=names[0],
        model="AT2017gfo",
    )


def _chain(maps: Sequence[SkyMap], seed: int) -> list[GWMessage]:
    """The messages of the first two maps, and an update with the third."""
    pairs = (maps[0], maps[1]), (maps[1], maps[2])
    chain, later = (
        make_chain(
            merger_time=MOVED_TO,
            preliminary=first,
            update=second,
            rng=np.random.default_rng([seed, 2]),
        )
        for first, second in pairs
    )
    told, time = json.loads(later[-1].payload), MOVED_TO + LAST_MAP
    told["time_created"] = f"{time:%Y-%m-%dT%H:%M:%SZ}"
    return [*chain, GWMessage("UPDATE", time, json.dumps(told).encode())]


def at2017gfo(folder: Path, merger_jd: float, rng: np.random.Generator) -> Observed:
    """AT2017gfo as it was measured: the first point of each hour and band."""
    points = _read_points(folder)
    days, fid, magnitude, error = np.array(points).T
    flux = 10 ** (0.4 * (AB_NJY - magnitude))
    sigma = flux * error / (2.5 / np.log(10))
    n = len(points)
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
        ra=np.full(n, RA),
        dec=np.full(n, DEC),
        fwhm=np.full(n, 1.5),
        elongation=np.full(n, 1.05),
        n_negative=np.zeros(n, np.int64),
        rb=np.full(n, 0.9),
        drb=np.full(n, 0.99),
    )
    host = host_galaxy(
        absolute_magnitude=-20.6, distance_mpc=DISTANCE_MPC, offset_kpc=2.1, ebv=EBV, rng=rng
    )
    source = Source("AT2017gfo", RA, DEC, lambda jd, fid: np.zeros(len(jd)), host, fast=True)
    return Observed(source, epochs, Group.NEW, DISTANCE_MPC)


def _read_points(folder: Path) -> list[tuple[float, int, float, float]]:
    """Days after the merger, band, AB magnitude and its error, in order of time."""
    found: dict[tuple[int, int], tuple[float, int, float, float]] = {}
    for line in (folder / "ml" / "kn" / "AT2017gfo.dat").read_text().splitlines():
        stamp, name, magnitude, error = line.split()
        fid = FIDS.get(name.rpartition("::")[2])
        days = (datetime.fromisoformat(stamp).replace(tzinfo=UTC) - MERGED) / timedelta(days=1)
        if fid is not None and np.isfinite(float(error)):
            found.setdefault((int(days * 24), fid), (days, fid, float(magnitude), float(error)))
    return sorted(found.values())


def _sent(observed: Observed, merger_jd: float) -> np.ndarray[Any, np.dtype[np.float64]]:
    """The hours from the merger to each alert."""
    exposures, rows = observed.epochs.exposures, alert_rows(observed, merger_jd)
    hours = (exposures.jd[rows] - merger_jd) * 24 + ALERT_DELAY_S / 3600
    return np.asarray(np.maximum.accumulate(hours))


if __name__ == "__main__":
    sys.exit(main())
