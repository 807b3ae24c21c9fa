"""New objects, and the target that each may join."""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from django.conf import settings
from django.db import connection

from tom.records.alert import ObjectAlert
from tom.sky.arrays import IntArray
from tom.sky.healpix import cells_around
from tom.targets.objects import ObjectKey, spellings_of

# Of our own among the database's advisory locks.
LOCKS = 7_201_004
# Cells of half a minute of arc: two batches seldom wait for each other.
LOCK_LEVEL = 13


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A new object, as its first alerts describe it.

    `groups` read the private programs of these alerts and of their points.
    """

    alert: ObjectAlert
    is_public: bool
    is_test: bool
    programs: frozenset[int]
    groups: frozenset[int]

    @property
    def key(self) -> ObjectKey:
        return self.alert.survey, self.alert.object_id

    @property
    def order(self) -> tuple[object, ...]:
        """Public objects come first, then the earliest; the first one names a new target."""
        return (not self.is_public, self.alert.time, self.alert.alert_id, self.key)


@dataclass(eq=False, slots=True)
class Home:
    """A target that an object may join: an existing one, or one that will be made.

    `groups` see it where it is private; None where somebody sees it as a person.
    """

    ra: float
    dec: float
    is_public: bool
    is_test: bool
    surveys: set[str]
    groups: frozenset[int] | None = frozenset()
    target_id: int = 0  # not made yet
    founder: Newcomer | None = None

    def admits(self, newcomer: Newcomer) -> bool:
        """Whether the object may join: nobody may learn anything that they may not see.

        What is private may stand in a public target, for it is shown to its readers alone; what is
        public never makes a private target public, and groups share nothing because of a place.
        A test's object and a real one stay apart.
        """
        if self.is_test != newcomer.is_test:
            return False
        return self.is_public or (not newcomer.is_public and self.groups == newcomer.groups)

    def reaches(self, newcomer: Newcomer, separation_arcsec: float) -> bool:
        """Whether an object of another survey is near enough to be the same."""
        if newcomer.alert.is_by_hand or newcomer.alert.survey in self.surveys:
            return False
        widest = max(radius_of(survey) for survey in (newcomer.alert.survey, *self.surveys))
        return separation_arcsec <= widest


def radius_of(survey: str) -> float:
    """How far apart objects of two surveys may be to be one target, arcsec."""
    radii: Mapping[str, float] = settings.JOIN_ARCSEC
    return radii.get(survey, settings.JOIN_DEFAULT_ARCSEC)


def cells_of(alerts: Sequence[ObjectAlert]) -> tuple[IntArray, int]:
    """The pixels that may contain targets which these alerts' objects join, and their level."""
    widest = max([settings.JOIN_DEFAULT_ARCSEC, *settings.JOIN_ARCSEC.values()])
    ra, dec = [alert.ra for alert in alerts], [alert.dec for alert in alerts]
    return cells_around(ra, dec, radius_arcsec=widest)


def lock_newcomers(alerts: Iterable[ObjectAlert]) -> None:
    """Lock these names and places until the end: nobody else places an object there.

    In one order for every writer; the caller holds the events, and no target's row yet.
    """
    told = list(alerts)
    cells, level = cells_of(told)
    shift = 2 * max(level - LOCK_LEVEL, 0)
    places = {f"cell {cell}" for cell in (cells[cells >= 0] >> shift).tolist()}
    names = {name for a in told for name in spellings_of(a.survey, a.object_id)}
    keys = sorted({zlib.crc32(text.encode()) - 2**31 for text in places | names})
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_advisory_xact_lock(%s, key)) FROM unnest(%s::int[]) AS key",
            [LOCKS, keys],
        )
