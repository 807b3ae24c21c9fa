"""Lists as they stood at an earlier time, and how one member of a list rose and fell."""

import csv
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import Listing, RankedCandidate
from tom.strategies.watching import Near
from tom.targets.visible import visible_targets
from tom.web.candidate_rows import read_curves
from tom.web.event_joins import find_joined
from tom.web.event_map import MOMENT, read_moment
from tom.web.lists import ROWS_SHOWN, find_kept
from tom.web.pagination import page_at_once
from tom.web.past_lists import PastList, open_past, read_rows, target_of
from tom.web.people import person
from tom.web.rank_history import RankHistory, draw_history, read_history
from tom.web.spreadsheets import cell
from tom.web.vettings import verdicts_in_list, verdicts_of

NO_TIME = "This is no time: write it as 2026-11-20T03:00:00, in UTC.\n"
NONE_OF_THESE = "none of these"
COLUMNS = (
    *("rank", "name", "ra", "dec", "posterior", "posterior_low", "posterior_high", "number"),
    *("vetting", "vetted", "verdicts", "watched", "watched_arcsec"),
)


@require_safe
def event_past(request: HttpRequest, event_id: str) -> HttpResponse:
    """An event's list as it stood at the time that the address names."""
    found = NonLocalizedEvent.objects.filter(event_id=event_id).first()
    if found is None:
        return redirect("event_past", find_joined(event_id).event_id)
    return _show(request, Listing(found, None))


@require_safe
def list_past(request: HttpRequest, pk: int) -> HttpResponse:
    """A list without an event as it stood at the time that the address names."""
    return _show(request, Listing(None, find_kept(pk, person(request))))


def _show(request: HttpRequest, listing: Listing) -> HttpResponse:
    past, context = _open(request, listing)
    if past is not None:
        page = page_at_once(
            request, past.places().values_list("pk", flat=True), per_page=ROWS_SHOWN
        )
        columns, rows = read_rows(past, list(page), first=max(page.start_index(), 1))
        context |= {"page": page, "columns": columns, "rows": rows, "none": past.scale.none}
    return render(request, "lists/past.html", context)


def _open(request: HttpRequest, listing: Listing) -> tuple[PastList | None, dict[str, Any]]:
    asked = request.GET.get(MOMENT, "")
    when = read_moment(asked) if asked else timezone.now()
    past = None if when is None else open_past(listing, person(request), when=when)
    return past, _about(listing) | {
        "past": past,
        "when": when,
        "shown_time": when and _next_second(when),
    }


def _about(listing: Listing) -> dict[str, Any]:
    """Whose list it is, and the addresses of its past."""
    event, strategy = listing
    name, key = ("list_past", listing.owner.pk) if event is None else ("event_past", event.event_id)
    return {
        "listing": listing,
        "event": event,
        "strategy": strategy,
        "past_url": reverse(name, args=[key]),
        "csv_url": reverse(f"{name}_csv", args=[key]),
    }


def _next_second(when: datetime) -> datetime:
    """The time as a form writes it: the list at it is not an earlier one."""
    return (when + timedelta(microseconds=999_999)).replace(microsecond=0)


@require_safe
def event_past_csv(request: HttpRequest, event_id: str) -> HttpResponse:
    """The same as CSV."""
    return _answer_csv(
        request, Listing(get_object_or_404(NonLocalizedEvent, event_id=event_id), None)
    )


@require_safe
def list_past_csv(request: HttpRequest, pk: int) -> HttpResponse:
    """The same as CSV."""
    return _answer_csv(request, Listing(None, find_kept(pk, person(request))))


def _answer_csv(request: HttpRequest, listing: Listing) -> HttpResponse:
    past, about = _open(request, listing)
    if about["when"] is None:
        return HttpResponse(NO_TIME, status=400, content_type="text/plain; charset=utf-8")
    name = "".join(c if c.isalnum() or c in "-_" else "_" for c in str(listing))
    response = HttpResponse(content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}-list.csv"'
    writer = csv.writer(response)
    writer.writerow(COLUMNS)
    if past is not None:
        places = list(past.places().select_related(past.path))
        near = past.near([target_of(place) for place in places])
        is_now = not request.GET.get(MOMENT)
        verdicts = _verdicts_on(listing, places, person(request)) if is_now else {}
        for rank, place in enumerate(places, 1):
            target, said = target_of(place), past.chances(place)
            figures = said.posterior, said.posterior_low, said.posterior_high, said.number
            told = _verdict_cells(verdicts.get(getattr(place, listing.member_column), []))
            told = told if is_now else [""] * len(told)
            told += _near_cells(near.get(target.pk))
            writer.writerow([rank, cell(target.name), target.ra, target.dec, *figures, *told])
        if past.scale.none is not None:
            none = ["", NONE_OF_THESE, "", "", past.scale.none]
            writer.writerow([*none, *[""] * (len(COLUMNS) - len(none))])
    return response


def _verdicts_on(
    listing: Listing, places: Sequence[RankedCandidate], user: User
) -> dict[int, list[Verdict]]:
    """What each person says now of the members of a list."""
    keys = [getattr(place, listing.member_column) for place in places]
    if listing.strategy is None:
        return verdicts_of(keys, user)
    return verdicts_in_list(listing.strategy, keys, user)


def _verdict_cells(said: Sequence[Verdict]) -> list[object]:
    """The newest verdict, its time, and what each person says."""
    if not said:
        return [Vetting.NEW, "", ""]
    newest, told = said[0], "; ".join(_in_words(verdict) for verdict in said)
    return [newest.verdict, newest.created.isoformat(), cell(told)]


def _near_cells(near: Near | None) -> list[object]:
    return ["", ""] if near is None else [cell(near.name), near.arcsec]


def _in_words(verdict: Verdict) -> str:
    who = verdict.by or "somebody who left"
    return f"{verdict.get_verdict_display()} by {who}{verdict.why and f': {verdict.why}'}"


@require_safe
def candidate_history(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """The ranks that an event's candidate had, and the reason of each jump."""
    rows = EventCandidate.objects.visible_to(request.user).select_related("event", "target")
    candidate = get_object_or_404(rows, pk=pk, event__event_id=event_id)
    listing = Listing(candidate.event, None)
    history = read_history(listing, candidate.target, pk, person(request))
    return _show_history(request, listing, candidate.target, history)


@require_safe
def listed_history(request: HttpRequest, pk: int, target_pk: int) -> HttpResponse:
    """The ranks that a target had in a list without an event, and the reason of each jump."""
    user = person(request)
    listing = Listing(None, find_kept(pk, user))
    target = get_object_or_404(visible_targets(user), pk=target_pk)
    history = read_history(listing, target, target_pk, user)
    return _show_history(request, listing, target, history)


def _show_history(
    request: HttpRequest, listing: Listing, target: BaseTarget, history: RankHistory
) -> HttpResponse:
    points = read_curves([target.pk], person(request))[target.pk]
    plot = draw_history(history, points)
    context = {"target": target, "history": history, "plot": plot}
    return render(request, "lists/history.html", _about(listing) | context)
