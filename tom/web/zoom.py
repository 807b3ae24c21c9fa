"""What the zoomable map of an event shows: regions, candidates, galaxies, observed fields."""

import math
from typing import Any, Final

from tom.events.map_models import Sketch
from tom.events.models import EventLocalization
from tom.events.preparing import is_prepared
from tom.pipeline import nudge, prepare
from tom.web.candidate_list import CandidateList
from tom.web.event_map import galaxies_of, spots_of
from tom.web.plots.spots import Spot, rank_step
from tom.web.seen_fields import SeenFields, find_fields

# The narrowest and the widest view that the map opens with, in degrees.
NARROWEST_DEG, WIDEST_DEG = 0.5, 180.0
# How many times the region's diameter is seen at first.
ROOM: Final = 1.8


def zoom_data(listing: CandidateList, use: EventLocalization) -> dict[str, Any]:
    """Return what the map's script draws, as its reader may see it: degrees (ICRS)."""
    if not is_prepared(listing.event):
        nudge(prepare, listing.event.pk)
    regions = Sketch.objects.filter(pk=use.localization_id).values_list("mocs", flat=True).first()
    localization = use.localization
    return {
        "centre": [localization.max_ra, localization.max_dec],
        "width": _width(localization.area_90),
        "regions": regions or {},
        "candidates": [_candidate(spot) for spot in spots_of(listing)],
        "galaxies": [_galaxy(spot) for spot in galaxies_of(use.localization_id)],
        "fields": _fields(find_fields(listing.event, listing.user)),
    }


def _width(area_deg2: float) -> float:
    """How wide a view shows a region of this area."""
    diameter = 2 * math.sqrt(area_deg2 / math.pi)
    return min(max(ROOM * diameter, NARROWEST_DEG), WIDEST_DEG)


def _candidate(spot: Spot) -> dict[str, Any]:
    return {
        "ra": spot.ra,
        "dec": spot.dec,
        "title": spot.title,
        "url": spot.url,
        "step": rank_step(spot.rank),
    }


def _galaxy(spot: Spot) -> dict[str, Any]:
    return {"ra": spot.ra, "dec": spot.dec, "title": spot.title}


def _fields(found: SeenFields) -> list[dict[str, Any]]:
    return [
        {
            "colour": group.colour,
            "step": group.step,
            "title": group.title,
            "rings": group.rings,
        }
        for group in found.groups
    ]
