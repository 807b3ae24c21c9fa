"""AT2017gfo's real photometry in GW170817's three real maps, among a survey's sources: JSON lines.

    .venv/bin/python -m tests.evaluation.gw170817 --seeds 3 > gw170817.jsonl

The maps are those of two detectors, of three, and of the catalogue; they come one after the other.
The other sources are those of a hard night, as dense as there, in the region of the first map. No
survey of such sources saw the merger, so it is moved to a spring night in which Palomar sees its
place. AT2017gfo's points in g, r and i are as measured, at their own times after the merger (those
of one time a minute apart); each gives an alert. A line has, for each hour with news, AT2017gfo's
place and chance, that of none of these, and what is first. The last line has when it was first, and
its place at some hours.
"""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from tests.conftest import REAL_DATA
from tests.evaluation.measured_nights import (
    Measured,
    Night,
    Point,
    follow_night,
    make_night,
    print_nights,
)
from tom.benchmark.nights import HardNight
from tom.demo.gwalerts import GWMessage, make_chain
from tom.sky import SkyMap, read_skymap

MERGED = datetime(2017, 8, 17, 12, 41, 4, tzinfo=UTC)
# Its place is highest at midnight of such a night.
MOVED_TO = datetime(2026, 4, 17, 6, 0, 0, tzinfo=UTC)
AT2017GFO = partial(
    Measured,
    "AT2017gfo",
    ra=197.450374,
    dec=-23.381495,
    ebv=0.11,
    distance_mpc=40.7,
    host_magnitude=-20.6,
    offset_kpc=2.1,
)
FIDS = {"g": 1, "r": 2, "i": 3}
# The compilation gives the points of a night one time. A camera takes one band after the other, and
# a survey numbers its alerts by their time: two of one time count as one.
BAND_APART_DAYS = 1 / 1440
MAPS = (
    "GW170817_G298107_HL_bayestar_nside1024_nested.fits.gz",
    "GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits",
    "GW170817_GWTC1_LALInference_nside1024_nested.fits.gz",
)
LAST_MAP = timedelta(hours=30)
WHEN_HOURS = (12, 18, 24, 36, 48, 72, 96, 120, 144)


def main() -> int:
    """Print a line for each seed, and the summary."""
    return print_nights(__doc__ or "", follow, summarise, seeds=3)


def follow(seed: int) -> Night:
    """Send a night through the intake hour by hour; return how its list stood at each."""
    return follow_night(_make_night(seed))


def summarise(nights: Sequence[Night]) -> dict[str, Any]:
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


def _make_night(seed: int) -> HardNight:
    """Make the night: its three maps, AT2017gfo, and the other sources of this seed."""
    maps = [read_skymap((REAL_DATA / "gw/maps" / name).read_bytes()) for name in MAPS]
    measured = AT2017GFO(points=_read_points(REAL_DATA))
    return make_night(seed, measured, maps[:2], _chain(maps, seed), MOVED_TO)


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


def _read_points(folder: Path) -> list[Point]:
    """The first point of each hour and band, in order of time."""
    found: dict[tuple[int, int], Point] = {}
    for line in (folder / "ml" / "kn" / "AT2017gfo.dat").read_text().splitlines():
        stamp, name, magnitude, error = line.split()
        fid = FIDS.get(name.rpartition("::")[2])
        days = (datetime.fromisoformat(stamp).replace(tzinfo=UTC) - MERGED) / timedelta(days=1)
        if fid is not None and np.isfinite(float(error)):
            taken = days + (fid - 1) * BAND_APART_DAYS
            point = Point(taken, fid, float(magnitude), float(error))
            found.setdefault((int(days * 24), fid), point)
    return sorted(found.values())


if __name__ == "__main__":
    sys.exit(main())
