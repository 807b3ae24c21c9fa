"""Prepare what an event's pages show of its map: a sketch, galaxies, and whether it looks real."""

from django.conf import settings
from django.db import transaction

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.localizations import skymap_of
from tom.events.map_models import GalaxyList, Sketch
from tom.events.models import NonLocalizedEvent
from tom.events.realness import is_judged, judge_map
from tom.galaxies.listing import METHOD, rank_galaxies, read_galaxies_of, rows_of
from tom.galaxies.loaded import LoadedCatalogues, loaded_catalogues
from tom.galaxies.models import Catalogue
from tom.sky.distance import unrelated_scale
from tom.sky.moc import region_mocs
from tom.sky.sketch import LEVELS, coarse_cells, nested_outlines, pack_cells


def is_prepared(event: NonLocalizedEvent) -> bool:
    """Whether the map that the event uses has all that its pages show; True without a map."""
    if event.used is None:
        return True
    localization_id = event.used.localization_id
    is_drawn = Sketch.objects.filter(pk=localization_id).exists()
    is_listed = _is_listed(localization_id, loaded_catalogues(method=METHOD))
    return is_drawn and is_listed and is_judged(event)


def prepare_map(event: NonLocalizedEvent) -> None:
    """Make what the event's map lacks for its pages, and tell the pages; it may run twice."""
    if event.used is None:
        return
    localization_id = event.used.localization_id
    is_new = _draw(localization_id)
    is_new = judge_map(event) or is_new
    catalogues = loaded_catalogues(method=METHOD)
    if catalogues is not None and not _is_listed(localization_id, catalogues):
        _list_galaxies(localization_id, catalogues)
        is_new = True
    if is_new:
        with transaction.atomic():
            publish(Topic.EVENT, event.event_id)


def _is_listed(localization_id: int, catalogues: LoadedCatalogues | None) -> bool:
    if catalogues is None:
        return True
    lists = GalaxyList.objects.filter(pk=localization_id, catalogues=catalogues.known_by)
    return lists.exists()


def _draw(localization_id: int) -> bool:
    """Draw the sketch, if there is none; return whether it is new."""
    if Sketch.objects.filter(pk=localization_id).exists():
        return False
    skymap = skymap_of(localization_id)
    made = {
        "outlines": nested_outlines(skymap),
        "cells": pack_cells(coarse_cells(skymap)),
        "mocs": region_mocs(skymap, LEVELS),
    }
    _, is_new = Sketch.objects.get_or_create(pk=localization_id, defaults=made)
    return is_new


def _list_galaxies(localization_id: int, catalogues: LoadedCatalogues) -> None:
    skymap = skymap_of(localization_id)
    found = read_galaxies_of(skymap)
    shares = catalogues.completeness
    scale = unrelated_scale(settings.HOST_HORIZON_MPC)
    ranked = rank_galaxies(skymap, found, completeness=shares, scale_mpc=scale)
    GalaxyList.objects.update_or_create(
        pk=localization_id,
        defaults={
            "catalogues": catalogues.known_by,
            "n_galaxies": len(ranked.order),
            "none_share": ranked.none_share,
            "completeness": ranked.completeness,
            "citations": list(Catalogue.objects.order_by("pk").values_list("citation", flat=True)),
            "galaxies": rows_of(skymap, found, ranked, completeness=shares),
        },
    )
