"""What the surroundings of a candidate say, as likelihood ratios for the ranking.

Every ratio is P(datum | counterpart) / P(datum | unrelated source in the alert stream). The shares
behind them are stated assumptions with a range, not fits: the range makes each term's interval.
All logs are natural.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

from tom.scoring.fusion import Term, missing_term


class Share(NamedTuple):
    """An assumed probability and the range it may lie in."""

    value: float
    low: float
    high: float


# The true position lies where the map does not say, by the map's own error.
MAP_FAILS = Share(0.02, 0.005, 0.05)
# The galaxy taken for the host is a chance neighbour, so that its distance says nothing.
HOST_IS_WRONG = Share(0.1, 0.03, 0.3)
# A counterpart has an unrelated star within 1 arcsec: 1e3 to 3e4 stars per square degree to the
# catalogue's depth, times pi arcsec2.
STAR_BY_CHANCE = Share(0.002, 0.0005, 0.01)
# An unrelated source is a star's own variability.
SOURCE_IS_STAR = Share(0.4, 0.25, 0.6)
# A position has one earlier 5-sigma positive epoch by a fault of subtraction or an asteroid.
EPOCH_BY_CHANCE = Share(0.03, 0.01, 0.1)
# A position has one earlier detection of 3 sigma by chance alone: 12 of 53 real ZTF objects that
# were younger than 30 days had one before their first of 5 sigma.
SIGHT_BY_CHANCE = Share(0.2, 0.1, 0.35)
# An unrelated source, new in the event's window, was seen before it.
SOURCE_IS_OLD = Share(0.5, 0.3, 0.7)
# Each further epoch by chance is rarer than the last by this much.
NEXT_EPOCH_BY_CHANCE = 0.1
# However often seen: another transient in the same host, or a variable nucleus beneath it.
OLD_FLOOR = Share(1e-3, 1e-4, 1e-2)
# Activity this long ago (e-folding, days) is as likely another source at the same place.
ACTIVITY_MEMORY_DAYS = 2000.0
# A counterpart has a known minor planet within 30 arcsec by chance; in the ecliptic it is more.
PLANET_BY_CHANCE = Share(0.01, 0.002, 0.05)
# An unrelated alert is a minor planet.
SOURCE_IS_PLANET = Share(0.2, 0.1, 0.4)

STAR_RADIUS_ARCSEC = 1.0
PLANET_RADIUS_ARCSEC = 30.0
# Error of one coordinate of a predicted minor planet's place.
EPHEMERIS_SIGMA_ARCSEC = 1.5
# The data each term rests on; no scorer that is ranked by may rest on them too.
INPUTS = {
    "sky map": frozenset({"skymap.probdensity"}),
    "distance": frozenset({"skymap.distance", "host.distance"}),
    "star": frozenset({"star.separation", "star.score"}),
    "earlier activity": frozenset({"lightcurve.before_window"}),
    "minor planet": frozenset({"solar_system.separation"}),
}
# Where nothing at all is known of a factor, how far it could go in favour: natural log.
BEST_UNSEEN_MAP = math.log(1000)
BEST_UNSEEN_DISTANCE = math.log(10)


def sky_map_term(probdensity: float | None) -> Term:
    """Weigh the position: 4 pi times the sky map's probability density (per sr) there.

    The unrelated sources are taken as uniform over the sky. 0 where the map does not reach; None:
    the event has no map.
    """
    inputs = INPUTS["sky map"]
    if probdensity is None or math.isnan(probdensity):
        return missing_term(
            "sky map",
            inputs=inputs,
            reason="the event has no sky map",
            worst=math.log(MAP_FAILS.value),
            best=BEST_UNSEEN_MAP,
        )
    isotropic = 4 * math.pi * probdensity
    logs = [math.log((1 - fails) * isotropic + fails) for fails in MAP_FAILS]
    reason = f"the map holds {isotropic:.3g} times the sky's average here"
    return _term("sky map", logs, inputs, reason, probdensity)


def distance_term(overlap: float | None) -> Term:
    """Weigh the distance.

    `overlap` is the integral of p_GW(d | direction) p_host(d) / p_background(d), a number without
    unit; 1 where the host's distance is what background galaxies have. None: no distance.
    """
    inputs = INPUTS["distance"]
    if overlap is None or math.isnan(overlap):
        return missing_term(
            "distance",
            inputs=inputs,
            reason="no distance of the host, or none in the map here",
            worst=math.log(HOST_IS_WRONG.value),
            best=BEST_UNSEEN_DISTANCE,
        )
    logs = [math.log((1 - wrong) * overlap + wrong) for wrong in HOST_IS_WRONG]
    reason = f"the host's distance fits {overlap:.3g} times as well as a background galaxy's"
    return _term("distance", logs, inputs, reason, overlap)


def star_term(*, separation_arcsec: float | None, star_score: float | None) -> Term:
    """Weigh the nearest catalogued source.

    Parameters
    ----------
    separation_arcsec : float or None
        To the nearest source; infinity where the catalogue has none near; None: not looked up.
    star_score : float or None
        Chance that it is a star (PS1's sgscore), 0 to 1; None: not known, taken as 0.5.
    """
    inputs = INPUTS["star"]
    by_chance, is_star = STAR_BY_CHANCE, SOURCE_IS_STAR
    if separation_arcsec is None or math.isnan(separation_arcsec):
        return missing_term(
            "star",
            inputs=inputs,
            reason="no star catalogue was asked",
            worst=math.log(by_chance.value / is_star.value),
            best=math.log((1 - by_chance.value) / (1 - is_star.value)),
        )
    if separation_arcsec > STAR_RADIUS_ARCSEC:
        logs = _over(by_chance, is_star, lambda chance, share: (1 - chance) / (1 - share))
        return _term("star", logs, inputs, "no star within 1 arcsec", separation_arcsec)
    chance_star = 0.5 if star_score is None or math.isnan(star_score) else star_score
    logs = _over(
        by_chance,
        is_star,
        lambda chance, share: (
            chance_star * chance / share + (1 - chance_star) * (1 - chance) / (1 - share)
        ),
    )
    reason = f"a source {separation_arcsec:.2f} arcsec away is a star with chance {chance_star:.2f}"
    return _term("star", logs, inputs, reason, separation_arcsec)


def earlier_activity_term(
    *, epochs: int | None, age_days: float | None, sight_age_days: float | None = None
) -> Term:
    """Weigh what shone here before the event's window.

    Parameters
    ----------
    epochs : int or None
        Epochs before the window, positive by 5 sigma; None: no history was searched.
    age_days : float or None
        From the newest of them to the window, days; None where there is none.
    sight_age_days : float or None
        From the survey's first sight, one raw detection of 3 sigma, to the window, days; None
        where it does not lie before the window. It weighs only where there is no epoch, and
        less than one: so weak a detection is often chance.
    """
    inputs = INPUTS["earlier activity"]
    best = math.log((1 - EPOCH_BY_CHANCE.value) / (1 - SOURCE_IS_OLD.value))
    if epochs is None:
        return missing_term(
            "earlier activity",
            inputs=inputs,
            reason="no history at this place",
            worst=math.log(OLD_FLOOR.value),
            best=best,
        )
    if epochs == 0 and sight_age_days is not None:
        return _first_sight(sight_age_days)
    if epochs == 0:
        logs = _over(EPOCH_BY_CHANCE, SOURCE_IS_OLD, lambda chance, old: (1 - chance) / (1 - old))
        return _term("earlier activity", logs, inputs, "dark here before the event", 0.0)
    memory = _memory(age_days or 0.0)
    logs = [
        memory * math.log(max(chance * NEXT_EPOCH_BY_CHANCE ** (epochs - 1), floor) / old)
        for chance, floor, old in zip(EPOCH_BY_CHANCE, OLD_FLOOR, SOURCE_IS_OLD, strict=True)
    ]
    plural = "" if epochs == 1 else "s"
    reason = f"{epochs} earlier epoch{plural}, the newest about {age_days or 0.0:.3g} d before"
    return _term("earlier activity", logs, inputs, reason, float(epochs))


def _first_sight(age_days: float) -> Term:
    memory = _memory(age_days)
    logs = [
        memory * log
        for log in _over(SIGHT_BY_CHANCE, SOURCE_IS_OLD, lambda chance, old: chance / old)
    ]
    reason = f"no earlier epoch of 5 sigma, but the survey's first sight {age_days:.3g} d before"
    return _term("earlier activity", logs, INPUTS["earlier activity"], reason, 0.0)


def _memory(age_days: float) -> float:
    return math.exp(-max(age_days, 0.0) / ACTIVITY_MEMORY_DAYS)


def solar_system_term(separation_arcsec: float | None) -> Term:
    """Weigh the nearest known minor planet.

    `separation_arcsec` is to its predicted place; infinity where none is near; None where the
    survey did not look for one.
    """
    inputs = INPUTS["minor planet"]
    by_chance, is_planet = PLANET_BY_CHANCE, SOURCE_IS_PLANET
    best = math.log((1 - by_chance.value) / (1 - is_planet.value))
    if separation_arcsec is None or math.isnan(separation_arcsec):
        return missing_term(
            "minor planet",
            inputs=inputs,
            reason="no search for minor planets",
            worst=math.log(_planet_ratio(0.0, by_chance.value, is_planet.value)),
            best=best,
        )
    if separation_arcsec > PLANET_RADIUS_ARCSEC:
        logs = _over(by_chance, is_planet, lambda chance, share: (1 - chance) / (1 - share))
        return _term("minor planet", logs, inputs, "no known minor planet near", separation_arcsec)
    logs = _over(
        by_chance,
        is_planet,
        lambda chance, share: _planet_ratio(separation_arcsec, chance, share),
    )
    reason = f"a known minor planet was due {separation_arcsec:.1f} arcsec away"
    return _term("minor planet", logs, inputs, reason, separation_arcsec)


def _planet_ratio(separation: float, by_chance: float, is_planet: float) -> float:
    """Return chance neighbours over chance neighbours and the planet itself, per arcsec2."""
    variance = EPHEMERIS_SIGMA_ARCSEC**2
    itself = math.exp(-(separation**2) / (2 * variance)) / (2 * math.pi * variance)
    uniform = by_chance / (math.pi * PLANET_RADIUS_ARCSEC**2)
    return uniform / (is_planet * itself + (1 - is_planet) * uniform)


def _over(chance: Share, share: Share, ratio: Callable[[float, float], float]) -> list[float]:
    """Return the log ratio at the assumed shares and at the four corners of their ranges."""
    corners = [(c, s) for c in chance[1:] for s in share[1:]]
    return [math.log(ratio(c, s)) for c, s in [(chance.value, share.value), *corners]]


def _term(
    name: str, logs: list[float], inputs: frozenset[str], reason: str, value: float | None
) -> Term:
    """Make a term of its central log ratio, given first, and those at the ends of the ranges."""
    shown = value if value is not None and math.isfinite(value) else None
    return Term(name, logs[0], min(logs), max(logs), inputs, reason, shown)
