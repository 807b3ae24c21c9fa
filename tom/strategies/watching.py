"""Watch lists: places on the sky near which a list without an event seeks its targets, as rows."""

import json
from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final, NamedTuple, Self

import numpy as np
from django.core.exceptions import ValidationError
from django.db import models
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.sky.discs import Discs

MOST_PLACES: Final = 5_000
LONGEST_NAME: Final = 100
LARGEST_RADIUS_ARCSEC: Final = 3_600.0
AXES: Final = ("ra", "dec")


class Watched(NamedTuple):
    """A place that is watched: its name, ICRS degrees, and how far around it, in arcsec."""

    name: str
    ra: float
    dec: float
    radius_arcsec: float


class Near(NamedTuple):
    """The watched place that a target is near, and how far from it, in arcsec."""

    name: str
    arcsec: float


class WatchList(models.Model):
    """Places that are watched. It is never changed: rankings and versions name it by its digest."""

    digest = models.CharField(max_length=64, primary_key=True, editable=False)
    places = models.JSONField(help_text="Name, right ascension, declination, radius in arcsec")
    created = models.DateTimeField(default=timezone.now, editable=False)

    def __str__(self) -> str:
        return f"{len(self.places)} places"

    @classmethod
    def of(cls, places: Iterable[Watched]) -> Self:
        """Return the watch list of these places, not stored yet; the same places have one row."""
        rows = [list(place) for place in dict.fromkeys(places)]
        return cls(digest=sha256(json.dumps(rows).encode()).hexdigest(), places=rows)

    def keep(self) -> None:
        """Store it, if it is not stored.

        Raises
        ------
        ValidationError
            If no ranking could use a place.
        """
        self.clean()
        rows = {"places": self.places, "created": self.created}
        WatchList.objects.get_or_create(digest=self.digest, defaults=rows)

    def clean(self) -> None:
        """Refuse places that no ranking could use.

        Raises
        ------
        ValidationError
        """
        if not 0 < len(self.places) <= MOST_PLACES:
            message = f"a watch list has 1 to {MOST_PLACES:,} places"
            raise ValidationError(message)
        wrong = [f"{row[0]}: {fault}" for row in self.places if (fault := wrong_place(*row))]
        if wrong:
            raise ValidationError(wrong[:10])

    @property
    def watched(self) -> list[Watched]:
        """The places."""
        return [Watched(*row) for row in self.places]

    def discs(self) -> Discs:
        """Return the places as discs on the sky."""
        figures = [figures for _, *figures in self.places]
        return Discs(*np.array(figures, float).T)


def wrong_place(name: str, ra: float, dec: float, radius_arcsec: float) -> str:
    """Return what is wrong with a place; "" if nothing is."""
    if not (0 < len(name) <= LONGEST_NAME and name.isprintable()) or name.startswith("#"):
        return f"a name has 1 to {LONGEST_NAME} characters, and no # at its beginning"
    if not 0 <= ra <= 360:
        return f"a right ascension lies from 0 to 360 degrees, not at {ra:.10g}"
    if not -90 <= dec <= 90:
        return f"a declination lies from -90 to 90 degrees, not at {dec:.10g}"
    if not 0 < radius_arcsec <= LARGEST_RADIUS_ARCSEC:
        return (
            f"a radius is more than 0 and at most {LARGEST_RADIUS_ARCSEC:.0f} arcsec,"
            f" not {radius_arcsec:.10g}"
        )
    return ""


def watch_list(digest: str | None) -> WatchList | None:
    """Return the watch list of a strategy, a version or a ranking; None: it has none."""
    return None if digest is None else WatchList.objects.get(pk=digest)


def near_watched(digest: str | None, targets: Sequence[BaseTarget]) -> dict[int, Near]:
    """Return, by its key, which place of a watch list each target is near, if it is near any."""
    watched = watch_list(digest)
    if watched is None:
        return {}
    placed = [target for target in targets if target.ra is not None and target.dec is not None]
    ra, dec = (np.array([getattr(target, name) for target in placed], float) for name in AXES)
    rows, away = watched.discs().nearest(ra, dec)
    return {
        target.pk: Near(watched.places[row][0], arcsec)
        for target, row, arcsec in zip(placed, rows.tolist(), away.tolist(), strict=True)
        if row >= 0
    }


def watch_lists_of(chosen: Iterable[Mapping[str, Any]]) -> dict[str, WatchList]:
    """Return the watch lists that the settings of some versions name; one query if any does."""
    return WatchList.objects.in_bulk({told.get("watched") for told in chosen} - {None})
