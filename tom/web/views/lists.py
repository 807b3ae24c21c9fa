"""Lists without an event: which there are, and one of them."""

from itertools import count

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tom.strategies.models import Strategy
from tom.web.known import programs_of
from tom.web.lists import ROWS_SHOWN, find_strategy, places_in, ranks_in, read_places, rows_of
from tom.web.pagination import page_at_once
from tom.web.people import person
from tom.web.said import read_said


@require_safe
def list_index(request: HttpRequest) -> HttpResponse:
    """The lists that the user may see, and the strategies of the events' lists."""
    user = person(request)
    seen = Strategy.objects.visible_to(user).select_related("group")
    lists = [
        (strategy, places_in(strategy, user).count())
        for strategy in seen.without_event().order_by("name")
    ]
    of_events = [(strategy, None) for strategy in seen.exclude(kind="").order_by("name")]
    context = {"lists": lists, "of_events": of_events}
    return render(request, "lists/index.html", context)


@require_safe
def ranked_list(request: HttpRequest, pk: int) -> HttpResponse:
    """One list, the most probable target first."""
    user = person(request)
    strategy = find_strategy(pk, user)
    said = read_said(request.GET)
    places = places_in(strategy, user)
    keys = places.filter(said.of("target", programs_of(user))).values_list("pk", flat=True)
    page = page_at_once(request, keys, per_page=ROWS_SHOWN)
    shown = list(page)
    in_turn = zip(shown, count(page.start_index()), strict=False)
    ranks = ranks_in(places, shown) if said else dict(in_turn)
    columns, rows = rows_of(read_places(shown, user), user, ranks=ranks)
    context = {
        "strategy": strategy,
        "page": page,
        "columns": columns,
        "rows": rows,
        "said": said,
    }
    return render(request, "lists/list.html", context)
