"""A hard night: a merger, its maps, its counterpart or none, and everything else in the sky."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Final

import numpy as np

from tom.benchmark.conditions import Conditions, draw_conditions
from tom.benchmark.galaxies import Galaxies, draw_galaxies
from tom.benchmark.kilonovae import draw_model
from tom.benchmark.maps import Extent, draw_maps
from tom.benchmark.places import Ground
from tom.benchmark.sources import Sampler, alert_rows
from tom.demo.fields import field_at
from tom.demo.gwalerts import TOPIC as GW_TOPIC
from tom.demo.gwalerts import GWMessage, make_chain
from tom.demo.localization import draw_distance
from tom.demo.night import Message, Night, draw_ids
from tom.demo.observing import observe
from tom.demo.packets import PacketWriter, to_datetime, to_jd
from tom.demo.population import DUST_SCATTER, Observed
from tom.demo.sources import Source, host_galaxy
from tom.demo.spots import Group
from tom.sky import SkyMap, healpix29, milky_way_ebv, row_at
from tom.sky.arrays import FloatArray, IntArray

# Seeds that anybody may tune with, and those that nobody does: the benchmark's result is theirs.
TUNING_SEEDS: Final = range(1, 1001)
BLIND_SEEDS: Final = range(9001, 9041)
# All mergers happen in this year, at any hour of it. So the Moon and the seasons differ.
FIRST_MERGER: Final = datetime(2025, 11, 1, tzinfo=UTC)
MERGER_DAYS: Final = 365
TRIES, WEATHERS = 400, 40
GALAXY_STREAM: Final = 4  # of random numbers: galaxies change nothing else of a night
ALERT_DELAY_S: Final = (420.0, 1200.0)  # after the exposure


@dataclass(frozen=True)
class Setting:
    """What nights are made: 90% areas in deg2 (even in the logarithm), distances in Mpc (even).

    `without` is the share of nights whose counterpart gives no alert: half of these have no light,
    half have a kilonova that is too faint or in a place that is not observed. `outside` is the area
    beyond the map's region that has sources too, over that of the region. Where a night is not
    `chosen`, its kilonova is seen or missed as it comes, and `without` have no light.
    """

    areas_deg2: tuple[float, float] = (50.0, 5000.0)
    distances_mpc: tuple[float, float] = (40.0, 250.0)
    without: float = 0.2
    outside: float = 0.3
    chosen: bool = True


FULL: Final = Setting()
SMALL: Final = Setting(areas_deg2=(50.0, 100.0), outside=0.1)
TINY: Final = Setting(areas_deg2=(3.0, 4.0))
_SIZES: Final = {"full": FULL, "small": SMALL, "tiny": TINY}
# By name. `small-without` has the merger, the map and the sky's other sources of `small`, and no
# night of it has a counterpart that gives an alert. `small-unchosen` are nights as they come.
SIZES: Final = (
    _SIZES
    | {f"{name}-without": replace(each, without=1.0) for name, each in _SIZES.items()}
    | {f"{name}-unchosen": replace(each, chosen=False) for name, each in _SIZES.items()}
)


@dataclass(frozen=True, eq=False)
class HardNight:
    """A hard night. `objects` are in the order of no meaning, `names` and `sent` belong to them.

    `sent` has the hours from the merger to each alert of an object, in order. `counterpart` is the
    name of the merger's light; None: nothing that gave an alert is it. `model` says which kilonova
    it is, also of one that gave no alert; "": there was no light, or nobody looked. `galaxies` are
    what a catalogue lists there; None: there is no catalogue.
    """

    seed: int
    merger_time: datetime
    chain: Sequence[GWMessage]
    maps: tuple[SkyMap, SkyMap]
    objects: Sequence[Observed]
    names: Sequence[str]
    sent: Sequence[FloatArray]
    counterpart: str | None
    model: str
    galaxies: Galaxies | None = None

    @cached_property
    def update_hour(self) -> float:
        """The hour since the merger at which the second map came."""
        return (self.chain[-1].time - self.merger_time) / timedelta(hours=1)

    def skymap_at(self, hour: float) -> SkyMap:
        """Return the map that was known at an hour since the merger."""
        return self.maps[int(hour >= self.update_hour)]

    def messages(self) -> list[Message]:
        """Make all messages in the order of time, alerts without stamps in ZTF's form."""
        found = [Message(GW_TOPIC, each.payload, each.time) for each in self.chain]
        merger_jd = to_jd(self.merger_time)
        places = _places(self.objects)
        for number, observed in enumerate(self.objects):
            rng = np.random.default_rng([self.seed, 2, number])
            writer = PacketWriter(observed, self.names[number], place=places[number], rng=rng)
            # Gaps leave each source other exposures: a number by the exposure's place could repeat.
            writer.tblid[:] = 1 + places[number]
            rows = alert_rows(observed, merger_jd)
            for row, hour in zip(rows, self.sent[number], strict=True):
                exposed = to_datetime(float(observed.epochs.exposures.jd[row]))
                time = self.merger_time + timedelta(hours=float(hour))
                topic = f"ztf_demo_{exposed:%Y%m%d}_programid1"
                found.append(Message(topic, writer.packet(row, {}), time))
        return sorted(found, key=lambda message: message.time)

    def night(self) -> Night:
        """Return its messages as a night without truth."""
        return Night(self.seed, self.merger_time, self.messages(), [])


def make_hard_night(seed: int, setting: Setting = FULL) -> HardNight:
    """Make a hard night; the same seed and setting give the same bytes."""
    rng = np.random.default_rng([seed, 1])
    merger_time = _draw_time(rng)
    merger_jd = to_jd(merger_time)
    maps = draw_maps(_draw_extent(setting, rng), merger_jd, rng)
    chain = make_chain(merger_time=merger_time, preliminary=maps[0], update=maps[1], rng=rng)
    ground = Ground(maps[1])
    has_alert, has_light = _draw_fate(setting, rng)
    conditions, light = _draw_light(
        ground, merger_jd, setting, has_alert=has_alert, has_light=has_light, rng=rng
    )
    has_alert = light is not None and _is_seen(light, merger_jd)
    others = list(Sampler(ground, conditions, rng).draw(outside=setting.outside))
    drawn = [light, *others] if has_alert and light is not None else others
    order = rng.permutation(len(drawn)).tolist()
    objects = [drawn[row] for row in order]
    names = draw_ids(objects, rng)
    return HardNight(
        seed=seed,
        merger_time=merger_time,
        chain=chain,
        maps=maps,
        objects=objects,
        names=names,
        sent=[_sent(observed, merger_jd, rng) for observed in objects],
        counterpart=names[order.index(0)] if has_alert else None,
        model=light.source.kind if light is not None else "",
        galaxies=draw_galaxies(
            ground, objects, setting.outside, np.random.default_rng([seed, GALAXY_STREAM])
        ),
    )


def _draw_time(rng: np.random.Generator) -> datetime:
    seconds = float(rng.uniform(0, MERGER_DAYS * 86400))
    return FIRST_MERGER + timedelta(seconds=round(seconds))


def _draw_extent(setting: Setting, rng: np.random.Generator) -> Extent:
    return Extent(
        area_deg2=float(np.exp(rng.uniform(*np.log(setting.areas_deg2)))),
        distance_mpc=float(rng.uniform(*setting.distances_mpc)),
    )


def _draw_fate(setting: Setting, rng: np.random.Generator) -> tuple[bool, bool]:
    """Whether the counterpart is to give an alert, and whether there is light at all."""
    chance = float(rng.uniform())
    dark = setting.without / 2 if setting.chosen else setting.without
    return chance >= setting.without, chance >= dark


def _draw_light(
    ground: Ground,
    merger_jd: float,
    setting: Setting,
    *,
    has_alert: bool,
    has_light: bool,
    rng: np.random.Generator,
) -> tuple[Conditions, Observed | None]:
    """Draw the weather, and a kilonova by the map until its fate is as it should be.

    Weather in which no kilonova can be so is drawn anew. Of a night that is not chosen the first
    one is taken.
    """
    fields = ground.fields
    for _ in range(WEATHERS):
        conditions = draw_conditions(
            covered=np.sort(fields), follow_up=fields, merger_jd=merger_jd, rng=rng
        )
        if not has_light:
            return conditions, None
        sampler = Sampler(ground, conditions, rng)
        for ra, dec in zip(*ground.draw_by_map(TRIES, rng), strict=True):
            light = _draw_kilonova(sampler, ra, dec, setting)
            if not setting.chosen:
                return conditions, light
            if light is not None and _is_seen(light, merger_jd) == has_alert:
                return conditions, light
    message = f"no kilonova of this merger can be {'seen' if has_alert else 'missed'}"
    raise RuntimeError(message)


def _is_seen(light: Observed, merger_jd: float) -> bool:
    return len(alert_rows(light, merger_jd)) > 0


def _draw_kilonova(sampler: Sampler, ra: float, dec: float, setting: Setting) -> Observed | None:
    """Draw a kilonova at a place, from the map's distances there; None: it is never observed."""
    rng, skymap = sampler.rng, sampler.ground.skymap
    estimate = float(milky_way_ebv(np.array([ra]), np.array([dec]))[0][0])
    ebv = estimate * float(rng.lognormal(0, DUST_SCATTER))
    spot = sampler.spot(ra, dec, ebv, Group.NEW)
    if spot is None:
        return None
    row = int(row_at(skymap, healpix29([ra], [dec]))[0])
    distance = draw_distance(skymap, row, rng, within=setting.distances_mpc)
    model = draw_model(rng)
    light = model.light(start_jd=spot.merger_jd, distance_mpc=distance)
    neighbour = host_galaxy(
        absolute_magnitude=rng.normal(-20.8, 0.8),
        distance_mpc=distance,
        offset_kpc=float(rng.lognormal(np.log(2.5), 0.6)),
        ebv=spot.ebv,
        rng=rng,
    )
    source = Source(model.name, spot.ra, spot.dec, spot.dim(light), neighbour, fast=True)
    return Observed(source, observe(source, spot.exposures, rng), Group.NEW, distance)


def _sent(observed: Observed, merger_jd: float, rng: np.random.Generator) -> FloatArray:
    """Return the hours from the merger to each alert, in order: minutes after the exposure."""
    rows = alert_rows(observed, merger_jd)
    exposures = observed.epochs.exposures
    delay_s = exposures.seconds[rows] + rng.uniform(*ALERT_DELAY_S, len(rows))
    sent = (exposures.jd[rows] - merger_jd) * 24 + delay_s / 3600
    return np.asarray(np.maximum.accumulate(sent))


def _places(objects: Sequence[Observed]) -> IntArray:
    """Number the objects in each quadrant of a field, so that no two share a detection's number."""
    ra = np.array([observed.source.ra for observed in objects])
    dec = np.array([observed.source.dec for observed in objects])
    field, quadrant = field_at(ra, dec)
    piece = field * 64 + quadrant
    order = np.argsort(piece, kind="stable")
    of_piece = piece[order]
    first = np.searchsorted(of_piece, of_piece, side="left")
    numbers = np.empty(len(objects), np.int64)
    numbers[order] = np.arange(len(objects)) - first
    return numbers
