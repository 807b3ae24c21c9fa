"""What a stream's filter asks of a trigger, judged for a batch at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from tom.photometry import magnitudes
from tom.records import Trigger
from tom.sky import healpix29, separation_arcsec
from tom.sky.arrays import BoolArray, FloatArray, IntArray

NIGHT_BEGINS: Final = timedelta(hours=16)
"""A night begins at 16:00 UTC: at no site from Hawaii to South Africa is it dark then."""


class Sign(StrEnum):
    """Which detections a rule takes, by the sign of their difference flux."""

    BOTH = ""
    POSITIVE = "positive"
    NEGATIVE = "negative"


class Outcome(StrEnum):
    """What becomes of a packet at the door: it passes, or the first condition that it fails."""

    PASSED = "passed"
    UNREAD = "unread"  # its trigger cannot be read: it passes, and its parser says what is wrong
    PROGRAM = "program"
    SOLAR_SYSTEM = "solar_system"
    RELIABILITY = "reliability"
    SIGN = "sign"
    MAGNITUDE = "magnitude"
    DECLINATION = "declination"
    PLACE = "place"


PASSES: Final = frozenset({Outcome.PASSED, Outcome.UNREAD})


@dataclass(frozen=True, slots=True)
class Cone:
    """A place and a radius: ICRS, degrees."""

    ra: float
    dec: float
    radius: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Conditions on a trigger. It passes if all hold; one that is left open always holds.

    Attributes
    ----------
    least_reliability
        0 to 1. A trigger without a reliability passes.
    brightest, faintest
        AB magnitudes of the size of the difference flux, whatever its sign.
    least_dec, most_dec
        ICRS, degrees.
    cones, in_regions
        The trigger lies in one of the cones or, with `in_regions`, in the region of an open event.
    programs
        Numbers of the survey's programs; empty: all.
    """

    least_reliability: float | None = None
    brightest: float | None = None
    faintest: float | None = None
    sign: str = Sign.BOTH
    least_dec: float | None = None
    most_dec: float | None = None
    cones: tuple[Cone, ...] = ()
    in_regions: bool = False
    no_solar_system: bool = False
    programs: tuple[int, ...] = ()


def judge(rule: Rule, triggers: Sequence[Trigger], regions: IntArray) -> list[Outcome]:
    """Say of each trigger whether it passes, or which condition it fails first.

    Parameters
    ----------
    regions
        Of all open events: int64, shape `(k, 2)`, nested order-29 ranges `[first, stop)`, sorted
        and apart from each other. They count only with `rule.in_regions`.
    """
    table = _Table(triggers)
    failed = {
        Outcome.PROGRAM: table.outside_programs(rule),
        Outcome.SOLAR_SYSTEM: rule.no_solar_system & table.solar_system,
        Outcome.RELIABILITY: table.unreliable(rule),
        Outcome.SIGN: table.wrong_sign(rule),
        Outcome.MAGNITUDE: _outside(table.magnitude, rule.brightest, rule.faintest),
        Outcome.DECLINATION: _outside(table.dec, rule.least_dec, rule.most_dec),
        Outcome.PLACE: table.elsewhere(rule, regions),
    }
    order = [Outcome.PASSED, *failed]
    first = np.zeros(len(triggers), dtype=np.int64)
    for number, fails in reversed(list(enumerate(failed.values(), start=1))):
        first[fails] = number
    return [order[number] for number in first]


class _Table:
    """The columns of a batch of triggers, shape `(n,)` each."""

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self.ra = np.array([each.ra for each in triggers], dtype=np.float64)
        self.dec = np.array([each.dec for each in triggers], dtype=np.float64)
        self.flux = np.array([each.flux_njy for each in triggers], dtype=np.float64)
        self.program = np.array([each.program for each in triggers], dtype=np.int64)
        self.solar_system = np.array([each.is_solar_system for each in triggers], dtype=bool)
        # NaN, which is below nothing: no reliability fails no condition.
        self.reliability = np.array([each.reliability for each in triggers], dtype=np.float64)
        with np.errstate(divide="ignore"):  # no flux: fainter than everything
            self.magnitude = magnitudes(np.abs(self.flux))

    def outside_programs(self, rule: Rule) -> BoolArray:
        if not rule.programs:
            return np.zeros(len(self.program), dtype=bool)
        return ~np.isin(self.program, rule.programs)

    def unreliable(self, rule: Rule) -> BoolArray:
        return _outside(self.reliability, rule.least_reliability, None)

    def wrong_sign(self, rule: Rule) -> BoolArray:
        match rule.sign:
            case Sign.POSITIVE:
                return self.flux <= 0
            case Sign.NEGATIVE:
                return self.flux >= 0
            case _:
                return np.zeros(len(self.flux), dtype=bool)

    def elsewhere(self, rule: Rule, regions: IntArray) -> BoolArray:
        if not rule.cones and not rule.in_regions:
            return np.zeros(len(self.ra), dtype=bool)
        inside = np.zeros(len(self.ra), dtype=bool)
        for cone in rule.cones:
            away = separation_arcsec(self.ra, self.dec, cone.ra, cone.dec)
            inside |= away <= cone.radius * 3600
        if rule.in_regions:
            inside |= _within(healpix29(self.ra, self.dec), regions)
        return ~inside


def _outside(values: FloatArray, least: float | None, most: float | None) -> BoolArray:
    below = np.zeros(len(values), dtype=bool) if least is None else values < least
    return below if most is None else below | (values > most)


def _within(ids: IntArray, ranges: IntArray) -> BoolArray:
    """Whether each id lies in one of the ranges, which are sorted and apart from each other."""
    if not len(ranges):
        return np.zeros(len(ids), dtype=bool)
    at: npt.NDArray[np.int64] = np.searchsorted(ranges[:, 0], ids, side="right") - 1
    found: BoolArray = (at >= 0) & (ids < ranges[at, 1])
    return found


def night_of(time: datetime) -> date:
    """Return the night of a moment, by the date of its evening in the Americas and Hawaii."""
    return (time - NIGHT_BEGINS).date()
