"""The demonstration night: all its messages and, separately, the truth."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tom.demo.cutouts import Darkroom
from tom.demo.gwalerts import TOPIC as GW_TOPIC
from tom.demo.gwalerts import make_chain
from tom.demo.light import to_magnitude
from tom.demo.localization import draw_arcs, make_skymap
from tom.demo.packets import PacketWriter, to_datetime, to_jd
from tom.demo.population import Observed, Population, alert_rows, region_of
from tom.demo.stamps import make_scene, make_stamps
from tom.sky import SkyMap, healpix29, levels_2d
from tom.sky.arrays import IntArray

# The last exposure may come 6.1 days after the merger, its alert half an hour later.
MERGER_AGE = timedelta(days=6, hours=6)
# UTC, by day at Palomar: the kilonova is young in the first night and fades in the next ones. A
# merger in the night may show only the kilonova's rise.
MERGER_HOUR = 18
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class Message:
    """One message as it comes from a stream: topic, bytes, and when it went out (UTC)."""

    topic: str
    payload: bytes
    time: datetime


@dataclass(frozen=True)
class Truth:
    """What one object really is. No scorer sees it.

    `in_region`: it lies in the update's 90% region. `is_new`: it was first seen after the merger.
    `peak_magnitude` is the AB magnitude of the brightest alert. Only the kilonova has a
    `distance_mpc`.
    """

    object_id: str
    kind: str
    ra: float
    dec: float
    in_region: bool
    credible_level: float
    is_new: bool
    fast: bool
    first_seen: datetime
    n_alerts: int
    peak_magnitude: float
    distance_mpc: float | None = None


@dataclass(frozen=True)
class Night:
    """A simulated night: its messages in the order of time, and the truth about its objects."""

    seed: int
    merger_time: datetime
    messages: list[Message]
    truth: list[Truth]


def latest_merger(now: datetime) -> datetime:
    """Return the newest merger by day at Palomar whose whole night lies before `now` (aware)."""
    newest = now.astimezone(UTC) - MERGER_AGE
    merger = newest.replace(hour=MERGER_HOUR, minute=0, second=0, microsecond=0)
    return merger if merger <= newest else merger - timedelta(days=1)


def make_night(seed: int, merger_time: datetime) -> Night:
    """Make the demonstration night.

    One binary neutron star merger at `merger_time` (aware) as a chain of three messages, and
    about 3,000 alerts of 600 objects from 20 days before to 6 days after it. The same seed
    and time give the same bytes.
    """
    rng = np.random.default_rng(seed)
    merger_jd = to_jd(merger_time)
    wide, narrow = draw_arcs(merger_jd, rng)
    preliminary, update = make_skymap(wide), make_skymap(narrow)
    chain = make_chain(merger_time=merger_time, preliminary=preliminary, update=update, rng=rng)
    messages = [Message(GW_TOPIC, message.payload, message.time) for message in chain]
    population = Population(region_of(update), merger_jd, rng)
    drawn = list(population.draw())
    # The names and the numbers must not reveal the order of drawing.
    sources = [drawn[row] for row in rng.permutation(len(drawn))]
    darkroom = Darkroom(rng)
    truth = []
    for place, (observed, object_id) in enumerate(
        zip(sources, draw_ids(sources, rng), strict=True)
    ):
        rows = alert_rows(observed, merger_jd)
        writer = PacketWriter(observed, object_id, place=place, rng=rng)
        messages += _alerts(writer, observed, rows, darkroom, rng)
        truth.append(_tell(observed, object_id, rows, update=update, merger_jd=merger_jd))
    messages.sort(key=lambda message: message.time)
    return Night(seed, merger_time, messages, truth)


def draw_ids(sources: list[Observed], rng: np.random.Generator) -> list[str]:
    """Name objects as ZTF does: the year of the first detection, and letters, here at random."""
    letters: set[str] = set()
    while len(letters) < len(sources):
        letters.add("".join(rng.choice(list(LETTERS), size=7)))
    # A set's order differs from run to run.
    return [
        f"ZTF{to_datetime(observed.first_jd):%y}{name}"
        for observed, name in zip(sources, sorted(letters), strict=True)
    ]


def _alerts(
    writer: PacketWriter,
    observed: Observed,
    rows: IntArray,
    darkroom: Darkroom,
    rng: np.random.Generator,
) -> Iterator[Message]:
    scene = make_scene(observed.source, darkroom=darkroom, rng=rng)
    for row in rows:
        stamps = make_stamps(
            observed.source, observed.epochs, row, scene=scene, darkroom=darkroom, rng=rng
        )
        time = writer.time(row, rng)
        night = to_datetime(float(observed.epochs.exposures.jd[row]))
        topic = f"ztf_demo_{night:%Y%m%d}_programid1"
        yield Message(topic, writer.packet(row, stamps), time)


def _tell(
    observed: Observed, object_id: str, rows: IntArray, *, update: SkyMap, merger_jd: float
) -> Truth:
    source = observed.source
    level = float(levels_2d(update, healpix29(source.ra, source.dec)))
    return Truth(
        object_id=object_id,
        kind=source.kind,
        ra=source.ra,
        dec=source.dec,
        in_region=level <= 0.9,
        credible_level=level,
        is_new=observed.first_jd > merger_jd,
        fast=source.fast,
        first_seen=to_datetime(observed.first_jd),
        n_alerts=len(rows),
        peak_magnitude=float(to_magnitude(observed.epochs.flux[rows]).min()),
        distance_mpc=observed.distance_mpc,
    )
