"""The page on which two maps of an event are compared."""

from collections.abc import Mapping, Sequence

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.events.localizations import maps_in_turn
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.web.candidate_list import open_list
from tom.web.keys import read_pk
from tom.web.map_difference import (
    MOST_COMPARED,
    compare_sides,
    find_classes,
    find_moved,
    open_side,
)
from tom.web.people import person
from tom.web.plots.skymap import draw_close, draw_sky


@require_safe
def map_difference(request: HttpRequest, event_id: str) -> HttpResponse:
    """Compare two maps of an event: by themselves the one it uses and the last other one before."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    uses = list(
        event.localizations.select_related("localization").defer(
            "localization__fits", "localization__packed"
        )
    )
    context: dict[str, object] = {"event": event, "localizations": uses}
    if len(uses) > 1:
        listing = open_list(event, person(request), now=timezone.now())
        sides = [open_side(use, listing) for use in _chosen(request, event, uses)]
        before, after = sides
        earlier = before.use.localization.contours
        contours = after.use.localization.contours
        context |= {
            "before": before,
            "after": after,
            "is_same": before.use.localization_id == after.use.localization_id,
            "difference": compare_sides(before, after),
            "classes": find_classes(before, after),
            "moved": find_moved(before, after, listing),
            "most": MOST_COMPARED,
            "sky": draw_sky(contours, (), earlier=earlier),
            "close": draw_close(contours, (), earlier=earlier),
        }
    return render(request, "events/difference.html", context)


def _chosen(
    request: HttpRequest, event: NonLocalizedEvent, uses: Sequence[EventLocalization]
) -> tuple[EventLocalization, EventLocalization]:
    by_pk = {use.pk: use for use in uses}
    turns = [use.pk for use, _ in maps_in_turn(event)]
    present = turns[0] if turns else uses[-1].pk
    earlier = [pk for pk in (*reversed(turns[1:]), *by_pk) if pk != present]
    maps = {pk: use.localization_id for pk, use in by_pk.items()}
    earlier.sort(key=lambda pk: maps[pk] == maps[present])  # the same map, sent again, comes last
    before = _named(request, "before", by_pk, fallback=earlier[0])
    return before, _named(request, "after", by_pk, fallback=present)


def _named(
    request: HttpRequest, name: str, by_pk: Mapping[int, EventLocalization], *, fallback: int
) -> EventLocalization:
    """The map that the address names; Http404: the event has no such map."""
    value = request.GET.get(name)
    pk = read_pk(value) if value else fallback
    if pk is None or pk not in by_pk:
        message = "the event has no such map"
        raise Http404(message)
    return by_pk[pk]
