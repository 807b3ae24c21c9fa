"""What an event leads us to expect, before its candidates are looked at.

The chance that it has a counterpart in its list is a product of pieces: it is real, it shines, its
place was observed, and the surveys can see it. The number of unrelated sources is counted in the
list itself. Both make the weight of “none of these”. A ranking stores them in its basis.

The shares below are stated assumptions, not fits. A scorer's card says what follows from them.
"""

import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import numpy as np

from tom.candidates.models import EventCandidate
from tom.events.localizations import chosen_localization, skymap_of
from tom.events.map_models import Realness
from tom.events.models import EventKind, EventLocalization, NonLocalizedEvent
from tom.pointings.coverage import cover, looks_of
from tom.pointings.models import Pointing, Status
from tom.sky import SkyMap, credible_area, healpix29

# The prior with which a weight is that of the evidence alone.
EVEN = 0.5
SKY_DEG2: Final = 41252.96124941927
# Of gravitational waves of no class, so many a year are real: it meets their false alarm rate.
REAL_PER_YEAR = 12.0
YEAR_S: Final = 31557600.0
# The chance of visible light from a merger that leaves matter outside, and from one that does not.
LIGHT_OF_REMNANT, LIGHT_WITHOUT_REMNANT = 0.95, 0.02
# From a merger with a sub-solar mass: a kilonova in a supernova is one proposal among others.
LIGHT_OF_SUBSOLAR = 0.3
# By class, where no message says whether matter is left.
LIGHT_OF_CLASS = {"BNS": 0.9, "NSBH": 0.2, "MassGap": 0.1, "BBH": 0.02}
LIGHT_OF_UNKNOWN = 0.2
# The share of other events with visible light: half of the bursts that were followed up early show
# an afterglow (arXiv:0901.2024); of 100 to 200 neutrinos a few have a counterpart.
LIGHT_OF_KIND = {
    EventKind.GRB: 0.5,
    EventKind.NEUTRINO: 0.1,
    EventKind.FRB: 0.01,
    EventKind.UNKNOWN: 0.1,
}
# The share of counterparts that the surveys behind a list are deep enough for, where the map has
# no distance or the list no magnitudes.
FOUND = 0.8
# What the list's depth and the map's distance say is never taken to be less than this.
LEAST_FOUND = 0.01
# Until a list has sources of its own to count: DECam's new sources a square degree
# (arXiv:1710.02144). It counts as so many sources.
PUBLISHED_PER_DEG2, PUBLISHED_WEIGHT = 1.79, 1.0
# No shares of rates are taken to be smaller.
LEAST_RATE = 1e-3
# No event is surer to have a counterpart.
MOST = 0.999
LEAST_REGION: Final = 1e-6  # deg2
CELL_LEVEL = 4
SOURCE_MAGNITUDE: Final = -16.0


class Piece(NamedTuple):
    """One factor of the chance that the list has the counterpart: 0 to 1, and why."""

    name: str
    chance: float
    text: str


UNSEEN: Final = Piece(
    "it is bright enough", LEAST_FOUND, "no look at the list's places since the merger is known yet"
)


class Density(NamedTuple):
    """How many unrelated sources there would be over the whole sky, and how that was found."""

    sources: float
    text: str


def expect(
    event: NonLocalizedEvent,
    *,
    level: float,
    brightness: Mapping[str, Any] | None = None,
    is_looked_at: bool = True,
) -> dict[str, Any]:
    """Say what is expected of an event; `level` is the credible level within which its list lies.

    `brightness` is what the list's own magnitudes say (`tom.ranking.lights`); None: nothing.
    `is_looked_at`: some point of the list is from after the merger, or nobody asked. From public
    rows alone: what is private moves nothing that others see.
    """
    used = chosen_localization(event)
    pieces = [_real(event, used), _light(event), _observed(event, used)]
    pieces.append(_found(brightness) if is_looked_at else UNSEEN)
    density = _density(event, used, level)
    return {
        "pieces": [list(piece) for piece in pieces],
        "sources": density.sources,
        "density": density.text,
    }


def pieces_of(kept: Mapping[str, Any]) -> list[Piece]:
    """The pieces that a ranking has stored."""
    return [Piece(*piece) for piece in kept.get("pieces", ())]


def chance_of(kept: Mapping[str, Any]) -> float:
    """The chance that the list has the counterpart, 0 to `MOST`."""
    return min(math.prod(piece.chance for piece in pieces_of(kept)), MOST)


def log_none_of(kept: Mapping[str, Any]) -> float:
    """The natural logarithm of the weight of “none of these”; infinite: there is no counterpart.

    A candidate's weight is its evidence alone, against all unrelated sources over the whole sky.
    """
    chance = chance_of(kept)
    if chance == 0:
        return math.inf
    return math.log1p(-chance) - math.log(chance) + math.log(kept["sources"])


def prior_of(kept: Mapping[str, Any]) -> float:
    """The chance of any one source over the whole sky, before any evidence."""
    return float(chance_of(kept) / max(kept["sources"], 1.0))


def _real(event: NonLocalizedEvent, used: EventLocalization | None) -> Piece:
    name = "it is real"
    if event.retracted:
        return Piece(name, 0.0, "it was retracted: nothing can be its counterpart")
    terrestrial = _share(event.classification.get("Terrestrial"))
    if terrestrial is not None:
        text = f"its messages call it terrestrial with chance {terrestrial:.2g}"
        return Piece(name, 1 - terrestrial, text)
    if event.kind != EventKind.GW:
        return Piece(name, 1.0, "no message gives a chance that it is noise")
    odds, said = _odds_of_rate(event.far)
    likelier, judged = _judged(used)
    odds *= likelier
    return Piece(name, odds / (1 + odds), f"{said}{judged}")


def _odds_of_rate(far_hz: float | None) -> tuple[float, str]:
    if far_hz is None:
        return 1.0, "no message says how often noise looks so: even odds"
    per_year = max(far_hz, 0.0) * YEAR_S
    told = f"noise looks so {per_year:.2g} times a year, and {REAL_PER_YEAR:g} such a year are real"
    return REAL_PER_YEAR / max(per_year, LEAST_RATE), told


def _judged(used: EventLocalization | None) -> tuple[float, str]:
    """How much likelier a merger's map looks so than noise's, by GWSkyNet; 1: it says nothing.

    Its rates are those of scores beyond this one, on either side: the ratio lies between theirs.
    """
    row = Realness.objects.filter(pk=used.localization_id).first() if used else None
    if row is None or row.false_alarms is None or row.misses is None:
        return 1.0, ""
    above = (1 - row.misses) / max(row.false_alarms, LEAST_RATE)
    below = max(row.misses, LEAST_RATE) / max(1 - row.false_alarms, LEAST_RATE)
    ratio = math.sqrt(max(above, LEAST_RATE) * below)
    return ratio, f"; its map looks {ratio:.2g} times as much like a merger's as like noise's"


def _light(event: NonLocalizedEvent) -> Piece:
    name = "it shines"
    if event.kind != EventKind.GW:
        chance = LIGHT_OF_KIND.get(EventKind(event.kind), LIGHT_OF_UNKNOWN)
        label = EventKind(event.kind).label.lower()
        return Piece(name, chance, f"about {chance:.0%} of such events ({label}) shine")
    chance, text = _light_of_merger(event)
    subsolar = _share(event.properties.get("HasSSM"))
    if subsolar:
        chance = 1 - (1 - chance) * (1 - LIGHT_OF_SUBSOLAR * subsolar)
        text += f"; a mass below the Sun's has chance {subsolar:.2g}"
    return Piece(name, chance, text)


def _light_of_merger(event: NonLocalizedEvent) -> tuple[float, str]:
    remnant = _share(event.properties.get("HasRemnant"))
    if remnant is not None:
        chance = remnant * LIGHT_OF_REMNANT + (1 - remnant) * LIGHT_WITHOUT_REMNANT
        return chance, f"matter is left outside with chance {remnant:.2g}"
    told = {
        known: share
        for known in LIGHT_OF_CLASS
        if (share := _share(event.classification.get(known))) is not None
    }
    if sum(told.values()) > 0:
        total = sum(told.values())
        chance = sum(share * LIGHT_OF_CLASS[known] for known, share in told.items()) / total
        likeliest = max(told, key=lambda known: told[known])
        return chance, f"the likeliest class is {likeliest}, and no message tells of a remnant"
    neutron = _share(event.properties.get("HasNS"))
    if neutron is not None:
        chance = neutron * LIGHT_OF_CLASS["NSBH"]
        return chance, f"a neutron star is in it with chance {neutron:.2g}"
    return LIGHT_OF_UNKNOWN, "no message gives its class"


def _observed(event: NonLocalizedEvent, used: EventLocalization | None) -> Piece:
    """The share of the map that was observed; 1 where nobody told us of pointings."""
    name = "its place was observed"
    rows = Pointing.objects.filter(event=event, group=None, status=Status.COMPLETED)
    if event.time is not None:
        rows = rows.filter(time__gte=event.time)
    looks = looks_of(rows)
    if not looks or used is None:
        return Piece(name, 1.0, "nobody told which fields were observed: all of the map counts")
    pk = used.localization_id
    whole = cover(pk, looks, SOURCE_MAGNITUDE).whole
    told = 0.0 if whole is None else whole.probability
    share = min(max(told, _share_with_candidates(event, skymap_of(pk))), 1.0)
    text = f"of the map {share:.0%} was observed, by {len(looks)} pointings and by the candidates"
    return Piece(name, share, text)


def _share_with_candidates(event: NonLocalizedEvent, skymap: SkyMap) -> float:
    """The probability in cells of the sky in which the list has a candidate."""
    rows = EventCandidate.objects.filter(event=event).known_publicly()
    places = list(rows.values_list("target__ra", "target__dec"))
    known = [place for place in places if None not in place]
    if not known:
        return 0.0
    ra, dec = zip(*known, strict=True)
    cells = np.unique(healpix29(ra, dec) >> (2 * (29 - CELL_LEVEL)))
    of = skymap.start29 >> (2 * (29 - CELL_LEVEL))
    return float(skymap.probability[np.isin(of, cells)].sum())


def _found(brightness: Mapping[str, Any] | None) -> Piece:
    name = "it is bright enough"
    if brightness is None or brightness["found"] is None:
        return Piece(name, FOUND, f"surveys are deep enough for {FOUND:.0%} of counterparts")
    text = (
        f"of kilonovae at {brightness['distance_mpc']:.3g} Mpc so many would have been detected by"
        " the looks at the list's places since the merger"
    )
    return Piece(name, min(max(brightness["found"], LEAST_FOUND), 1.0), text)


def _density(event: NonLocalizedEvent, used: EventLocalization | None, level: float) -> Density:
    """Count the list's own sources; one of them may be the counterpart, and is left out."""
    rows = EventCandidate.objects.filter(event=event).known_publicly()
    if used is None:
        count = max(rows.count() - 1, 1)
        return Density(float(count), f"without a map, each of {count} others counts alike")
    count = rows.filter(credible_level_2d__lte=level).count()
    area = max(credible_area(skymap_of(used.localization_id), level), LEAST_REGION)
    others = max(count - 1, 0)
    per_deg2 = (others + PUBLISHED_WEIGHT) / (area + PUBLISHED_WEIGHT / PUBLISHED_PER_DEG2)
    text = (
        f"the list has {count} sources in {area:.4g} square degrees: {per_deg2:.3g} unrelated ones"
        " in each"
    )
    if others < PUBLISHED_WEIGHT * 10:
        text += f" (few to count: {PUBLISHED_PER_DEG2:g} were published for such surveys)"
    return Density(per_deg2 * SKY_DEG2, text)


def _share(value: object) -> float | None:
    """A chance that a message gives, 0 to 1; None: it gives none."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return min(max(float(value), 0.0), 1.0)
