"""Events: the list, one event's chain, map and ranked candidates, and what people say of them."""

import csv
from typing import Any

from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.models import EventCandidate, Vetting
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.events.services import pin_localization
from tom.kept_queries import Given, kept_query
from tom.pipeline import nudge, prepare, rank
from tom.web.candidate_list import (
    BEST_SHOWN,
    MOST_LISTED,
    PAGES_AHEAD,
    CandidateList,
    look_at_list,
    open_list,
)
from tom.web.candidate_rows import (
    ROWS_FIRST,
    ROWS_SHOWN,
    Listed,
    count_candidates,
    make_rows,
    read_candidates,
)
from tom.web.candidate_search import (
    find_page,
    is_by_worth,
    order_choices,
    order_of,
    read_found,
)
from tom.web.chances import read_expected
from tom.web.event_facts import read_facts
from tom.web.event_joins import find_joined, joined_with
from tom.web.event_list import add_maps, filter_choices, find_events
from tom.web.event_map import ASKED as MAP_NAMED
from tom.web.event_map import LAYER, MOMENT, draw_map
from tom.web.event_panels import head_of, panels_of
from tom.web.kept_rows import forget_other_filters, rows_kept
from tom.web.keys import read_pk
from tom.web.links import event_links
from tom.web.notice_timeline import notice_timeline
from tom.web.pagination import page_asked, page_of
from tom.web.people import person
from tom.web.permissions import PIN_LOCALIZATION
from tom.web.refusals import needs
from tom.web.said import read_said
from tom.web.spreadsheets import cell
from tom.web.verdicts import REASONS
from tom.web.visibility import instruments_by_site

# Asks for the whole page at once.
WHOLE = "whole"
# The cookie that says whether a script swaps parts of pages, for a year.
SWAPS, YEAR = "swaps", 365 * 24 * 3600
NONE_OF_THESE = "none of these"
# What the address says of the list.
ASKED = ("q", "order", "vetting", "region", "since", "up")
CSV_COLUMNS = (
    *("rank", "name", "ra", "dec", "posterior", "posterior_low", "posterior_high"),
    *("credible_level_2d", "credible_level_3d", "last_magnitude", "last_band", "last_detection"),
    "vetting",
)


@require_safe
def event_list(request: HttpRequest) -> HttpResponse:
    """Every event, the newest first, or as the query asks."""
    page = page_of(request, find_events(request.GET))
    page.object_list = count_candidates(page, request.user)
    add_maps(page.object_list)
    return render(request, "events/list.html", {"page": page} | filter_choices(request.GET))


@require_safe
def event(request: HttpRequest, event_id: str) -> HttpResponse:
    """One event; `?part=` names a part that is swapped by itself."""
    found = next(iter(_events_named(event_id=event_id)), None)
    if found is None:
        return redirect("event", find_joined(event_id).event_id)
    match request.GET.get("part"):
        case None:
            return _answer_page(request, found)
        case "rest":
            context = _rest(_list_of(request, found), request.GET)
            return render(request, "events/_rest.html", context)
        case "about":
            context = _about(_list_of(request, found), request.GET)
            return render(request, "events/_about.html", context)
        case "facts":
            return render(request, "events/_facts.html", read_facts(found))
        case "retracted":
            return render(request, "events/_retracted.html", {"event": found})
        case "candidates":
            return _answer_list(request, found)
        case _:
            message = "no such part"
            raise Http404(message)


@kept_query
def _events_named(*, event_id: Given) -> QuerySet[NonLocalizedEvent]:
    return NonLocalizedEvent.objects.filter(event_id=event_id)


def _answer_page(request: HttpRequest, found: NonLocalizedEvent) -> HttpResponse:
    """The page: with what stands below the list, or without it for a script that asks later."""
    listing = look_at_list(found, person(request), now=timezone.now())
    is_whole = _is_asked_whole(request)
    told = _rest(listing, request.GET) if is_whole else read_facts(found)
    rows = ROWS_SHOWN if is_whole else ROWS_FIRST
    context = told | _candidates(request, listing, rows=rows) | head_of(found, listing.user)
    context |= {"is_whole": is_whole, "strategy": listing.strategy}
    response = render(request, "events/event.html", context)
    if WHOLE in request.GET and SWAPS not in request.COOKIES:
        is_secure = request.is_secure()
        response.set_cookie(SWAPS, "0", max_age=YEAR, samesite="Lax", secure=is_secure)
    return response


def _is_asked_whole(request: HttpRequest) -> bool:
    """Whether the page has all at once: no script runs there, or the map is asked for.

    Else a script asks for what stands below the list by itself. A browser that runs none goes on to
    the whole page, and a cookie keeps that. A script sets the same cookie to 1.
    """
    is_asked = not request.GET.keys().isdisjoint((WHOLE, MAP_NAMED))
    return is_asked or request.COOKIES.get(SWAPS) == "0"


def _rest(listing: CandidateList, query: QueryDict) -> dict[str, Any]:
    """What stands below the list."""
    context = _about(listing, query) | panels_of(listing.event, listing.user)
    return context | joined_with(listing.event, context["sequences"])


def _answer_list(request: HttpRequest, found: NonLocalizedEvent) -> HttpResponse:
    """The list alone; where a person chose its filters the page's address names them."""
    listing = _list_of(request, found)
    context = _candidates(request, listing)
    response = render(request, "events/_candidates.html", context)
    if "auto" not in request.GET:
        query = context["listed"].query
        response.headers["HX-Replace-Url"] = f"{request.path}?{query}" if query else request.path
    return response


def _list_of(request: HttpRequest, found: NonLocalizedEvent) -> CandidateList:
    return open_list(found, person(request), now=timezone.now())


def _about(listing: CandidateList, query: QueryDict) -> dict[str, Any]:
    found, facts = listing.event, read_facts(listing.event)
    chosen = facts["chosen"]
    drawn = draw_map(chosen, listing, query) if chosen else None
    if drawn and not drawn.is_nested:
        nudge(prepare, found.pk)
    return facts | {
        "pages_elsewhere": event_links(found),
        "timeline": notice_timeline(found),
        "drawn": drawn,
        "list_asked": [(name, query[name]) for name in ASKED if query.get(name)],
    }


def _candidates(
    request: HttpRequest, listing: CandidateList, *, rows: int = ROWS_SHOWN
) -> dict[str, Any]:
    """The list with the first `rows` of its page; a script asks for all where some are to come."""
    found = listing.event
    if "auto" not in request.GET:  # a person asks, not the page by itself
        forget_other_filters(request, found.pk, request.GET)
    stay = rows_kept(request, found.pk, request.GET)
    asked = page_asked(request)
    most = min(ROWS_SHOWN * (asked + PAGES_AHEAD), MOST_LISTED)
    least = min(ROWS_SHOWN * asked, MOST_LISTED) + 2  # a row of the next page, and one behind it
    keys, most = find_page(listing, request.GET, least=least, most=most, kept=stay)
    page = page_of(request, keys, per_page=ROWS_SHOWN, most=most)
    listed = Listed(_list_query(request.GET), max(page.start_index() - 1, 0))
    shown = read_candidates(list(page)[:rows], event=found)
    columns, made = make_rows(listing, shown, listed=listed)
    order = request.GET.get("order", "")
    by_worth = is_by_worth(listing, order)
    return {
        "event": found,
        "none": listing.scale.none,
        "expected": read_expected(found, listing.user),
        "page": page,
        "any_kept": bool(made) or listing.is_any(),
        "any_map": found.localizations.exists,  # asked where the list is empty
        "rows": made,
        "to_come": list(page)[rows:],
        "columns": columns,
        "listed": listed,
        "reasons": REASONS,
        "level_shown": listing.level_shown,
        "since": listing.since,
        "vettings": Vetting.choices,
        "sites": sorted(instruments_by_site()),
        "said": read_said(request.GET),
        "asked": {name: request.GET.get(name, "") for name in ASKED}
        | {"order": order_of(listing, order)},
        "orders": order_choices(listing, order),
        "is_settled": listing.is_settled,
        "best_shown": BEST_SHOWN,
        "by_worth": by_worth,
        "observers": listing.observers if by_worth else [],
    }


def _list_query(query: QueryDict) -> str:
    """The list's filters and order, without empty ones and what names a page or a part of it."""
    values = query.copy()
    for name in [*values]:
        if name in {"part", "auto", "page", WHOLE, MAP_NAMED, MOMENT, LAYER} or not values[name]:
            values.pop(name)
    return values.urlencode()


@require_POST
@needs(PIN_LOCALIZATION)
def pin(request: HttpRequest, event_id: str) -> HttpResponse:
    """Pin one of the event's localizations, whatever comes later; none: unpin."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    value = request.POST.get("localization", "")
    uses = EventLocalization.objects.filter(event=found)
    chosen = get_object_or_404(uses, pk=read_pk(value)) if value else None
    pin_localization(found, chosen)
    nudge(rank, found.pk)
    return redirect("event", event_id)


@require_safe
def candidates_csv(request: HttpRequest, event_id: str) -> HttpResponse:
    """The table of candidates, with the page's filters, as CSV."""
    found = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    listing = _list_of(request, found)
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in found.event_id)
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-candidates.csv"'
    writer = csv.writer(response)
    writer.writerow(CSV_COLUMNS)
    writer.writerows(_csv_row(candidate) for candidate in read_found(listing, request.GET))
    none = listing.scale.none
    if none is not None:
        writer.writerow(["", NONE_OF_THESE, "", "", none, *[""] * (len(CSV_COLUMNS) - 5)])
    return response


def _csv_row(candidate: EventCandidate) -> list[object]:
    target, summary = candidate.target, candidate.target.summary
    return [
        candidate.rank, cell(target.name),
        target.ra, target.dec,
        candidate.posterior, candidate.posterior_low, candidate.posterior_high,
        candidate.credible_level_2d, candidate.credible_level_3d,
        summary.last_magnitude, cell(summary.last_band),
        summary.last_detection.isoformat() if summary.last_detection else "",
        candidate.vetting,
    ]  # fmt: skip
