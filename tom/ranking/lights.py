"""How likely a kilonova of an event is as bright as a member, against the list's own sources.

The list's own magnitudes are the background: their number grows with a power of ten, as far as the
surveys reach. A ranking stores its fit in its basis, and the next one keeps it until the list has
grown, so that one more source does not move all others. The kilonovae are the family of
`tom.sky.kilonovae`, at the distance that the map has at the member's place.

Only the first detection since the merger counts here. How a source changes is another datum:
`tom.ranking.curves` weighs it.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

import numpy as np
from scipy.special import log_ndtr

from tom.events.localizations import skymap_of
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.ranking.beside import looks_beside
from tom.ranking.case import Case
from tom.ranking.curves import (
    OTHERS,
    OTHERS_OF,
    Later,
    Members,
    fit_shares,
    kinds_of,
    log_ratio,
    usual_shares,
)
from tom.ranking.firsts import Firsts, first_of
from tom.ranking.reach import Ground, chance_found
from tom.ranking.recalled import recall_later
from tom.ranking.visits import Visits, read_visits
from tom.ranking.weighing import BoolArray, FloatArray, IntArray, Share
from tom.sky import distance_modulus_at
from tom.sky.counts import BRIGHTEST, USUAL_DEPTH, USUAL_SLOPE, count_density
from tom.sky.extinction import COEFFICIENTS
from tom.sky.kilonovae import (
    ALIKE_SCATTER,
    BANDS,
    COLOUR_SCATTER,
    MODEL_ERROR,
    SEED,
    SIZE,
    chance_brighter,
    density,
)

SOUGHT: Final = "kilonova"
FAMILY = (SIZE, SEED, MODEL_ERROR, ALIKE_SCATTER, COLOUR_SCATTER)
# How many magnitudes the family as a whole may be too faint or too bright: the root mean square of
# what the model, with the published parameters, is off AT2017gfo's photometry in r.
FAMILY_OFF = 0.33
# The fit of the background is kept until the list has so many times as many sources.
GROWTH = 1.25
# How sure the usual slope and depth are of a list of few sources.
SLOPE_SIGMA = 0.1
DEPTH_SIGMA = 1.5
# What is tried.
SLOPES = (0.2, 0.3, 0.35, 0.4, 0.45, 0.5, 0.6)
WIDTHS = (0.1, 0.2, 0.3, 0.5, 0.8)
DEPTH_STEP = 0.1
# The least chance of a kilonova's detection that a ratio is divided by.
LEAST_FOUND = 0.02
# Places within one cell of this level (1.8 degrees wide) count as observed at the same times.
CELL_LEVEL = 5

COLUMNS: Final = (
    *("brightness_ratio", "brightness_ratio_low", "brightness_ratio_high"),
    *("first_magnitude", "first_days", "map_distance_mpc"),
    *("later_ratio", "later_ratio_low", "later_ratio_high"),
    *("further_looks", "further_detections", "risen_again", "unseen"),
)


class Places(NamedTuple):
    """The distance modulus and its error, shape (n,); NaN: not known.

    `loss` has the magnitudes that the dust in front takes in each of `BANDS`, shape (n, bands).
    """

    modulus: FloatArray
    error: FloatArray
    loss: FloatArray

    def dust(self, firsts: Firsts) -> FloatArray:
        """The magnitudes that first detections lost, shape (n,)."""
        return np.asarray(self.loss[np.arange(len(self.modulus)), firsts.band])


class Seen(NamedTuple):
    """What was seen of n members since the event: first, and later."""

    visits: Visits
    firsts: Firsts
    places: Places
    later: Later


def look(case: Case, event_time: datetime | None) -> Seen:
    """Read what was seen of each member since then, as its audience knows it; None: nothing."""
    visits = read_visits(case, event_time)
    firsts = first_of(visits, len(case))
    dust = np.array([COEFFICIENTS[band] for band in BANDS])
    loss = np.nan_to_num(case.fact("ebv"))[:, None] * dust
    modulus, error = _distances(case) if len(visits.row) else np.full((2, len(case)), np.nan)
    places = Places(modulus, error, loss)
    members = Members(firsts, modulus, np.hypot(error, FAMILY_OFF), loss)
    later = recall_later(visits, members, looks_beside(visits, _cells(case), case.seen_by_all))
    return Seen(visits, firsts, places, later)


def _cells(case: Case) -> IntArray:
    return np.asarray(case.healpix29 >> (2 * (29 - CELL_LEVEL)))


def learn(
    case: Case,
    seen: Seen,
    event: NonLocalizedEvent,
    kept: Mapping[str, Any] | None,
    *,
    surroundings: Callable[[], FloatArray],
) -> dict[str, Any] | None:
    """Fit the background and the shares of kinds to a list, or keep the fits of its newest ranking.

    `surroundings` returns what all data besides the light say of the kinds, as of
    `tom.ranking.kinds.logs_of`, shape (n, kinds). A fit that is kept needs none.

    From what everybody knows alone: what is private moves nothing that others see. None: the event
    has no time or no map, or the list no detection since then.
    """
    counted = case.seen_by_all & np.isfinite(seen.firsts.magnitude)
    if event.time is None or not counted.any():
        return None
    used = case.localizations[counted]
    about = {
        "event_time": event.time.isoformat(),
        "maps": sorted({int(pk) for pk in used[~np.isnan(used)]}),
        "others": list(OTHERS_OF.get(event.kind, OTHERS)),
    }
    if kept and _holds(kept, about, int(counted.sum())):
        return dict(kept)
    fit = fit_background(seen.firsts.magnitude[counted])
    shares = {"kinds": fit_shares((seen.later.kinds + surroundings())[counted]).tolist()}
    return about | fit | shares | _chances(case, seen, counted, fit)


def is_looked_at(case: Case, seen: Seen) -> bool:
    """Whether everybody knows a point since the event at some member's place."""
    return bool(case.seen_by_all[seen.visits.row].any())


def read_brightness(
    case: Case, seen: Seen, basis: Mapping[str, Any] | None
) -> dict[str, FloatArray]:
    """Return what `Columns` has of what was seen, with what a ranking has learnt."""
    if basis is None:
        return dict.fromkeys(COLUMNS, np.full(len(case), np.nan))
    _, firsts, places, later = seen
    distance_mpc = 10 ** ((places.modulus - 25) / 5)
    columns = (
        *(*ratios(firsts, places, basis), firsts.magnitude, firsts.days, distance_mpc),
        *_later_ratios(later, np.array(basis["kinds"]), Share(*basis.get("others", OTHERS))),
        *(later.looks, later.seen, later.risen, np.isnan(firsts.magnitude).astype(float)),
    )
    return dict(zip(COLUMNS, columns, strict=True))


def read_kinds(seen: Seen, basis: Mapping[str, Any] | None) -> FloatArray | None:
    """Return the chances of each member's kinds by its light, shape (n, kinds); None: not known."""
    return None if basis is None else kinds_of(seen.later, np.array(basis["kinds"]))


def _later_ratios(later: Later, shares: FloatArray, others: Share) -> FloatArray:
    """The likelihood ratio of the later light, and its range, shape (3, n); NaN: none was seen.

    The range is from the shares of the kinds, the usual ones and those of the list, and from that
    of counterparts that are no kilonovae of the family, `others`.
    """
    fitted = np.exp(log_ratio(later, shares, others.value))
    ends = [
        np.exp(log_ratio(later, of, end)) for of in (shares, usual_shares()) for end in others[1:]
    ]
    found = np.stack([fitted, np.min(ends, 0), np.max(ends, 0)])
    return np.asarray(np.where(later.looks > 0, found, np.nan))


def ratios(
    firsts: Firsts, places: Places, fit: Mapping[str, Any]
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """The likelihood ratio of each first detection, and its range, shape (n,) each.

    The mean over the sources of a list is 1: `fit` is what was learnt of it. NaN: no distance, or
    no detection.
    """
    sigma = np.sqrt(places.error**2 + firsts.error**2 + FAMILY_OFF**2)
    absolute = firsts.magnitude - places.modulus - places.dust(firsts)
    unrelated = background(firsts.magnitude, fit) * max(fit["in_reach"] or 1.0, LEAST_FOUND)
    found = [
        density(band=firsts.band, days=firsts.days, magnitude=absolute + off, sigma=sigma)
        / unrelated
        for off in (0.0, -FAMILY_OFF, FAMILY_OFF)
    ]
    return found[0], np.min(found, 0), np.max(found, 0)


def background(magnitude: FloatArray, fit: Mapping[str, Any]) -> FloatArray:
    """The density of the list's sources, 1/mag, where surveys lose none, shape (n,)."""
    return count_density(magnitude, **{name: fit[name] for name in ("slope", "depth", "width")})


def fit_background(magnitude: FloatArray) -> dict[str, Any]:
    """Fit how the number of sources grows with the magnitude, and where surveys lose them.

    The density is that of `background` times the share of sources found, the normal distribution's
    at (depth - magnitude) / width: of all combinations the likeliest.
    """
    counts, edges = np.histogram(
        magnitude, np.arange(np.floor(magnitude.min()), magnitude.max() + 0.2, DEPTH_STEP)
    )
    filled = np.flatnonzero(counts)
    middles, counts = edges[filled] + DEPTH_STEP / 2, counts[filled]
    depths = np.arange(np.median(magnitude) - 1, magnitude.max() + 1, DEPTH_STEP)
    best = max(
        (
            (_log_likelihood(middles, counts, slope, depth, width), slope, float(depth), width)
            for slope in SLOPES
            for width in WIDTHS
            for depth in np.maximum(np.round(depths, 1), BRIGHTEST + 1)
        ),
    )
    _, slope, depth, width = best
    return {"sources": len(magnitude), "slope": slope, "depth": depth, "width": width}


def _log_likelihood(
    middles: FloatArray, counts: FloatArray, slope: float, depth: float, width: float
) -> float:
    fit = {"slope": slope, "depth": depth, "width": width}
    logs = np.log(background(middles, fit)) + log_ndtr((depth - middles) / width)
    usual = ((slope - USUAL_SLOPE) / SLOPE_SIGMA) ** 2 + ((depth - USUAL_DEPTH) / DEPTH_SIGMA) ** 2
    return float(counts @ np.maximum(logs, -50.0) - usual / 2)


def _holds(kept: Mapping[str, Any], about: Mapping[str, Any], sources: int) -> bool:
    same = all(kept.get(name) == value for name, value in about.items())
    return same and kept["sources"] / GROWTH <= sources <= kept["sources"] * GROWTH


def _chances(
    case: Case, seen: Seen, counted: BoolArray, fit: Mapping[str, Any]
) -> dict[str, float | None]:
    """The chance that a kilonova is found at all, and that one is at the time of each source.

    `found` is by all looks at each part of the sky. `in_reach` is the mean over the sources: it
    makes the mean ratio over them 1.
    """
    _, firsts, places, _ = seen
    rows = np.flatnonzero(counted & np.isfinite(places.modulus))
    if not len(rows):
        return {"found": None, "in_reach": None, "distance_mpc": None}
    weight = np.nan_to_num(case.fact("probdensity")[rows]) + 1e-12
    reached = chance_brighter(
        band=firsts.band[rows],
        days=firsts.days[rows],
        magnitude=fit["depth"] - places.modulus[rows] - places.dust(firsts)[rows],
        sigma=np.sqrt(places.error[rows] ** 2 + fit["width"] ** 2 + FAMILY_OFF**2),
    )
    return {
        "found": _chance_found(case, seen),
        "in_reach": float(reached.mean()),
        "distance_mpc": float(np.average(10 ** (places.modulus[rows] / 5 - 5), weights=weight)),
    }


def _chance_found(case: Case, seen: Seen) -> float | None:
    """The chance that what everybody knows of the list's places would have shown a kilonova."""
    rows = np.flatnonzero(case.seen_by_all)
    number = np.full(len(case), -1)
    number[rows] = np.arange(len(rows))
    points = np.flatnonzero(number[seen.visits.row] >= 0)
    visits = seen.visits.take(points)
    modulus, error, loss = (column[rows] for column in seen.places)
    ground = Ground(
        cell=_cells(case)[rows],
        modulus=modulus,
        error=np.hypot(error, FAMILY_OFF),
        loss=loss,
        weight=case.fact("probdensity")[rows],
    )
    return chance_found(visits._replace(row=number[visits.row]), ground)


def _distances(case: Case) -> FloatArray:
    """The map's distance modulus at each place, and its error, shape (2, n); NaN: it has none."""
    found = np.full((2, len(case)), np.nan)
    uses = EventLocalization.objects.filter(
        pk__in=set(case.localizations[~np.isnan(case.localizations)].tolist())
    )
    for pk, key in uses.values_list("pk", "localization_id"):
        rows = np.flatnonzero(case.localizations == pk)
        found[:, rows] = distance_modulus_at(skymap_of(key), case.healpix29[rows])
    return found
