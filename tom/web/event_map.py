"""The map of an event's page: its layers, the moment it shows, and what each site sees of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db.models import F, Func, JSONField, OuterRef, QuerySet, Subquery, Value
from django.http import QueryDict
from django.urls import reverse
from django.utils.safestring import SafeString

from tom.events.map_models import GalaxyList, Sketch
from tom.events.models import EventLocalization
from tom.followup.sites import sites
from tom.sky.bodies import sun_and_moon
from tom.sky.sketch import unpack_cells
from tom.sky.tonight import ShareTonight, share_tonight
from tom.sky.visibility import Constraints, mjd_of
from tom.web.candidate_list import CandidateList, SpotRow
from tom.web.plots.skymap import Contours, Surroundings, draw_close, draw_sky
from tom.web.plots.spots import Spot
from tom.web.seen_fields import SeenFields, find_fields
from tom.web.templatetags.sky import chance
from tom.web.visibility import constraints_of, instruments_by_site

# What the address says of the map: the moment, the layers, and that it says them.
MOMENT, LAYER, ASKED = "at", "layer", "map"
# Each layer, and whether it is drawn where nobody chose.
LAYERS: Final[Mapping[str, tuple[str, bool]]] = {
    "candidates": ("Candidates", True),
    "fields": ("Observed fields", True),
    "galaxies": ("Galaxies", True),
    "bodies": ("Sun and Moon", True),
    "plane": ("Galactic plane", True),
    "dwarfs": ("M dwarfs", False),
}
GALAXIES_DRAWN = 30
FIRST_YEAR, LAST_YEAR = 1950, 2100


class Layer(NamedTuple):
    """A layer of the map in its form."""

    name: str
    label: str
    is_on: bool


class SiteTonight(NamedTuple):
    """A site, and how much of the map it can observe tonight."""

    name: str
    share: ShareTonight


@dataclass(frozen=True)
class EventMap:
    """The map of an event as its page shows it.

    `is_chosen` says that somebody chose the moment, `odd_moment` is what was given for it and is
    none: then the map shows now. `is_nested` says that the regions from 10% to
    90% are drawn, not two alone; `tonight` is None before the map is prepared.
    """

    sky: SafeString
    close: SafeString | None
    moment: datetime
    is_chosen: bool
    odd_moment: str
    layers: list[Layer]
    is_nested: bool
    n_galaxies: int
    fields: SeenFields
    tonight: list[SiteTonight] | None


def draw_map(chosen: EventLocalization, listing: CandidateList, query: QueryDict) -> EventMap:
    """Draw the map that an event uses, as the address asks and its reader may see it."""
    given = query.get(MOMENT, "")
    asked = read_moment(given)
    moment, spots = asked or listing.now, spots_of(listing)
    sketch = _sketches().filter(pk=chosen.localization_id).first()
    contours: Contours = sketch.outlines if sketch else chosen.localization.contours
    galaxies = _galaxies(sketch.first or []) if sketch else []
    fields = find_fields(listing.event, listing.user)
    around = Surroundings(sun_and_moon(mjd_of(moment)), galaxies, fields.groups)
    return EventMap(
        sky=draw_sky(contours, spots, around=around),
        close=draw_close(contours, spots, around=around),
        moment=moment,
        is_chosen=asked is not None,
        odd_moment=given[:40] if asked is None else "",
        layers=read_layers(query),
        is_nested=len(contours) > 2,
        n_galaxies=len(galaxies),
        fields=fields,
        tonight=_tonight(sketch, moment) if sketch else None,
    )


def spots_of(listing: CandidateList) -> list[Spot]:
    """The best candidates on the map, with the ranks that the list's reader may see."""
    listed = reverse("targets:list")
    return [
        Spot(
            ra=row.ra,
            dec=row.dec,
            url=f"{listed}{row.target_id}/",
            title=_title(row),
            rank=row.rank,
        )
        for row in listing.read_spots()
        if row.ra is not None and row.dec is not None
    ]


def _title(row: SpotRow) -> str:
    return row.name if row.posterior is None else f"{row.rank}. {row.name}, {chance(row.posterior)}"


def galaxies_of(localization_id: int) -> list[Spot]:
    """The likeliest galaxies of a prepared map."""
    sketch = _sketches().filter(pk=localization_id).only("pk").first()
    return _galaxies(sketch.first or []) if sketch else []


def _sketches() -> QuerySet[Any]:
    """The sketches, each with the first galaxies of its map."""
    path = Value(f"$[0 to {GALAXIES_DRAWN - 1}]")
    first = Func(
        F("galaxies"), path, function="jsonb_path_query_array", output_field=JSONField(),
        template="%(function)s(%(expressions)s::jsonpath)",
    )  # fmt: skip
    lists = GalaxyList.objects.filter(pk=OuterRef("pk")).values(named=first)
    return Sketch.objects.defer("mocs").annotate(first=Subquery(lists))


def _galaxies(rows: Sequence[Mapping[str, Any]]) -> list[Spot]:
    return [
        Spot(
            ra=row["ra"],
            dec=row["dec"],
            url="",
            title=f"{row['rank']}. {row['name'] or row['number']}, {chance(row['share'])}",
            rank=row["rank"],
        )
        for row in rows
    ]


def read_moment(text: str) -> datetime | None:
    """Read a moment in UTC as a form writes it; None: it is none, or too far from our time."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if not FIRST_YEAR <= moment.year < LAST_YEAR:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def read_layers(query: QueryDict) -> list[Layer]:
    """Return each layer, and whether the address asks for it."""
    named = query.getlist(LAYER)
    return [
        Layer(name, label, name in named if ASKED in query else is_usual)
        for name, (label, is_usual) in LAYERS.items()
    ]


def _tonight(sketch: Sketch, moment: datetime) -> list[SiteTonight]:
    """Every site that is known, the one that sees most first."""
    cells, instruments = unpack_cells(sketch.cells), instruments_by_site()
    vectors, found = cells.vectors, []
    for name, site in sites().items():
        instrument = instruments.get(name)
        limits = constraints_of(instrument) if instrument else Constraints()
        share = share_tonight(site, vectors, cells.probability, when=moment, constraints=limits)
        found.append(SiteTonight(name, share))
    return sorted(found, key=lambda row: (-row.share.probability, -row.share.most, row.name))
