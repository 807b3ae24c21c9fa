"""Early type IIb supernovae in the map of a sub-solar merger: do they fall when they rebrighten?

    .venv/bin/python -m tests.evaluation.subsolar > subsolar.jsonl

As S250818k and SN 2025ulz: the shock of such a supernova cools for some days and fades as fast as a
kilonova, then it rises again. Seeds 1 to 3 are three supernovae of ZTF's Bright Transient Survey
(https://sites.astro.caltech.edu/ztf/bts/) with their points in g and r as measured, their redshifts
and their days of the year. The merger is ours: half a day before the first point, near its place,
at its distance. Its map is small, so the supernova has few rivals. The other sources are those of a
hard night. A line has, for each hour with news, the supernova's place and chance. The last line
has, for each, when it was seen to rise again, its largest chance before that and a day after it and
later (null: nothing was seen by then), that of the end, and the last hour at which it was worth a
look: a chance of `WORTH` or more.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import polars as pl
from astropy import units as u
from astropy.coordinates import Angle
from astropy.cosmology import Planck18
from astropy.time import Time

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
from tom.sky import SkyMap

SUPERNOVAE = ("ZTF19abxjrge", "ZTF19abxtcio", "ZTF20abwzqzo")
"""SN 2019ply, SN 2019pof, SN 2020sbw."""
SINCE_MERGER = 0.5
DAYS = 12.0
RISE_MAG = 0.3
WORTH = 0.05
A_V_OF_EBV = 3.1
FIDS = {"g": 1, "r": 2}


def main() -> int:
    """Print a line for each supernova, and the summary."""
    return print_nights(__doc__ or "", follow, summarise, seeds=len(SUPERNOVAE))


def follow(seed: int) -> Night:
    """Send a supernova's night through the intake hour by hour; `rises_at` is when it was seen."""
    measured, merger = _measured(SUPERNOVAE[seed - 1])
    told = follow_night(_make_night(seed, measured, merger))
    return told | {"name": measured.name, "rises_at": _rises_at(measured.points)}


def summarise(nights: Sequence[Night]) -> dict[str, Any]:
    """Return, for each, what the list said of it before and after it was seen to rise again."""
    return {night["name"]: _before_and_after(night) for night in nights}


def _before_and_after(night: Mapping[str, Any]) -> dict[str, Any]:
    rises_at, hours = night["rises_at"], night["hours"]
    before = [at for at in hours if at["hour"] < rises_at]
    after = [at for at in hours if at["hour"] >= rises_at + 24]
    worth = [at["hour"] for at in hours if at["chance"] >= WORTH]
    return {
        "rises_at": round(rises_at, 1),
        "largest_before": max(at["chance"] for at in before),
        "best_rank_before": min(at["rank"] for at in before if at["rank"]),
        "largest_after": max((at["chance"] for at in after), default=None),
        "at_the_end": hours[-1]["chance"],
        "last_worth_a_look": max(worth, default=None),
    }


def _rises_at(points: Sequence[Point]) -> float:
    """The hours from the merger to the first point that is brighter than the faintest before it."""
    faintest: dict[int, float] = {}
    for point in points:
        if point.magnitude < faintest.get(point.fid, -np.inf) - RISE_MAG:
            return point.days * 24
        faintest[point.fid] = max(point.magnitude, faintest.get(point.fid, -np.inf))
    message = "it does not rise"
    raise ValueError(message)


def _make_night(seed: int, measured: Measured, merger: datetime) -> HardNight:
    from tests import factories  # Django's models are known only now

    maps = [
        factories.make_skymap(
            ra=measured.ra + 0.4, dec=measured.dec - 0.2, sigma_deg=width, distance_mpc=distance
        )
        for width, distance in ((1.0, measured.distance_mpc), (0.8, measured.distance_mpc * 1.05))
    ]
    return make_night(seed, measured, maps, _chain(maps, merger, seed), merger)


def _chain(maps: Sequence[SkyMap], merger: datetime, seed: int) -> list[GWMessage]:
    """The messages of a merger one of whose masses is below the Sun's."""
    rng = np.random.default_rng([seed, 2])
    chain = make_chain(merger_time=merger, preliminary=maps[0], update=maps[1], rng=rng)
    return [replace(message, payload=_subsolar(message.payload)) for message in chain]


def _subsolar(payload: bytes) -> bytes:
    told = json.loads(payload)
    told["event"]["properties"] |= {"HasSSM": 1.0}
    return json.dumps(told).encode()


def _measured(name: str) -> tuple[Measured, datetime]:
    """A supernova with its points after a merger, and when that was, in 2026.

    Nothing is known of its host here: an average galaxy 5 kpc away stands for it.
    """
    folder = REAL_DATA / "ml"
    row = pl.read_parquet(folder / "ztf_bts_meta.parquet").row(
        by_predicate=pl.col("oid") == name, named=True
    )
    curve = pl.read_parquet(folder / "ztf_bts_lc.parquet").filter(oid=name).sort("mjd")
    merged = curve["mjd"][0] - SINCE_MERGER
    points = [
        Point(at["mjd"] - merged, FIDS[at["band"]], at["mag"], at["magerr"])
        for at in curve.iter_rows(named=True)
        if at["mjd"] - merged < DAYS
    ]
    measured = Measured(
        row["IAUID"],
        ra=float(Angle(row["RA"], unit=u.hourangle).deg),
        dec=float(Angle(row["Dec"], unit=u.deg).deg),
        ebv=row["A_V"] / A_V_OF_EBV,
        distance_mpc=float(Planck18.luminosity_distance(row["redshift"]).to_value(u.Mpc)),
        host_magnitude=-19.5,
        offset_kpc=5.0,
        points=points,
    )
    then: datetime = Time(merged, format="mjd").to_datetime(timezone=UTC)
    return measured, then.replace(year=2026, microsecond=0)


if __name__ == "__main__":
    sys.exit(main())
