"""An event's list of galaxies: what it has, and from which sites each can be observed tonight."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import numpy as np

from tom.events.map_models import GalaxyList
from tom.events.models import NonLocalizedEvent
from tom.events.preparing import is_prepared
from tom.followup.sites import sites
from tom.galaxies.models import Catalogue
from tom.pipeline import nudge, prepare
from tom.sky.healpix import unit_vectors
from tom.sky.tonight import dark_hours
from tom.sky.visibility import Constraints
from tom.web.visibility import constraints_of, instruments_by_site

Row = Mapping[str, Any]
# Less is no time to point a telescope.
LEAST_HOURS = 0.2


class ListState(StrEnum):
    """What there is of a list of galaxies."""

    NO_MAP = "no map"
    NO_CATALOGUE = "no catalogue"
    DUE = "being ranked"
    RANKED = "ranked"


@dataclass(frozen=True)
class FoundList:
    """An event's list; `found` is the earlier one where it is being ranked anew, None: none."""

    state: ListState
    found: GalaxyList | None


def open_list(event: NonLocalizedEvent) -> FoundList:
    """Read an event's list of galaxies; where it is due, wake the task that makes it."""
    if event.used is None:
        return FoundList(ListState.NO_MAP, None)
    found = GalaxyList.objects.filter(pk=event.used.localization_id).first()
    if not Catalogue.objects.exists():
        return FoundList(ListState.NO_CATALOGUE, found)
    if is_prepared(event):
        return FoundList(ListState.RANKED, found)
    nudge(prepare, event.pk)
    return FoundList(ListState.DUE, found)


def hours_tonight(
    rows: Sequence[Row], names: Sequence[str], *, now: datetime
) -> list[dict[str, float]]:
    """Return from which of these sites each galaxy can be observed tonight: hours by site.

    The sites with the most hours come first.
    """
    if not rows:
        return []
    instruments = instruments_by_site()
    vectors = unit_vectors(
        np.array([row["ra"] for row in rows]), np.array([row["dec"] for row in rows])
    )
    up: list[dict[str, float]] = [{} for _ in rows]
    for name in names:
        instrument = instruments.get(name)
        limits = constraints_of(instrument) if instrument else Constraints()
        hours = dark_hours(sites()[name], vectors, when=now, constraints=limits).hours
        for at in np.flatnonzero(hours >= LEAST_HOURS).tolist():
            up[at][name] = round(float(hours[at]), 1)
    return [dict(sorted(each.items(), key=lambda item: -item[1])) for each in up]


def rows_up(rows: Sequence[Row], site: str, *, now: datetime) -> list[Row]:
    """Return those galaxies that can be observed tonight from a site; all: no such site."""
    if site not in sites():
        return list(rows)
    hours = hours_tonight(rows, [site], now=now)
    return [row for row, up in zip(rows, hours, strict=True) if up]


def with_hours(rows: Sequence[Row], *, now: datetime) -> list[dict[str, Any]]:
    """Return galaxies with `tonight`: the hours of each site that can observe them."""
    hours = hours_tonight(rows, sorted(sites()), now=now)
    return [{**row, "tonight": up} for row, up in zip(rows, hours, strict=True)]
