"""Lists without an event: which there are, and one of them."""

from itertools import count
from typing import Any

from django.contrib.auth.models import User
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.candidates.models import Vetting
from tom.ranking.models import Listing
from tom.strategies.models import Strategy
from tom.strategies.services import choose_strategy, list_of
from tom.web.candidate_list import PAGES_AHEAD
from tom.web.keys import read_pk
from tom.web.known import programs_of
from tom.web.lists import (
    ROWS_SHOWN,
    VettingFilter,
    few_fitting,
    find_kept,
    find_strategy,
    first_fitting,
    first_places,
    places_in,
    ranks_in,
    read_draw,
    read_places,
    rows_of,
    weighed_in,
)
from tom.web.pagination import MOST_COUNTED, page_asked, page_at_once, page_of
from tom.web.people import person
from tom.web.permissions import CHANGE_LIST, MAKE_LIST
from tom.web.said import SaidFilter, read_said
from tom.web.vettings import vettings_in_list


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
    off = seen.filter(kind="", active=False).order_by("name") if _may_change(user) else ()
    context = {
        "lists": lists,
        "of_events": of_events,
        "off": [(strategy, None) for strategy in off],
    }
    return render(request, "lists/index.html", context)


def _may_change(user: User) -> bool:
    return user.has_perm(CHANGE_LIST) or user.has_perm(MAKE_LIST)


@require_POST
def choose_list(request: HttpRequest) -> HttpResponse:
    """Keep by whose list the person wants targets ranked; nothing sent: by none."""
    user, key = person(request), request.POST.get("strategy", "")
    choose_strategy(user, find_strategy(read_pk(key) or 0, user) if key else None)
    back = "targets:list" if request.POST.get("back") == "targets" else "tonight"
    return redirect(back)


@require_safe
def ranked_list(request: HttpRequest, pk: int) -> HttpResponse:
    """One list, the most probable target first; of one that is switched off, its settings."""
    user = person(request)
    strategy = list_of(pk, user)
    if strategy is None:
        return redirect("list_versions", find_kept(pk, user).pk)
    said = read_said(request.GET)
    vetted = VettingFilter(request.GET.get("vetting", ""), vettings_in_list(strategy, user))
    is_filtered = bool(said or vetted)
    page, ranks = (
        _fitting(request, strategy, said, vetted) if is_filtered else _whole(request, strategy)
    )
    columns, rows = rows_of(strategy, read_places(list(page), user), user, ranks=ranks)
    context = {
        "strategy": strategy,
        "listing": Listing(None, strategy),
        "page": page,
        "columns": columns,
        "rows": rows,
        "said": said,
        "vettings": Vetting.choices,
        "vetting": vetted.asked,
        "is_filtered": is_filtered,
        "weighed": weighed_in(strategy),
        "draw": read_draw(strategy, vetted, user, now=timezone.now()),
    }
    return render(request, "lists/list.html", context)


def _whole(request: HttpRequest, strategy: Strategy) -> tuple[Page[Any], dict[int, int]]:
    """A page of a list, as keys, and the rank of each. Some pages behind it are counted."""
    most = min(ROWS_SHOWN * (page_asked(request) + PAGES_AHEAD), MOST_COUNTED)
    keys = [pk for pk, _ in first_places(strategy, person(request), most=most + 1)]
    page = page_of(request, keys, per_page=ROWS_SHOWN, most=most)
    return page, dict(zip(page, count(page.start_index()), strict=False))


def _fitting(
    request: HttpRequest, strategy: Strategy, said: SaidFilter, vetted: VettingFilter
) -> tuple[Page[Any], dict[int, int]]:
    """As `_whole`, of what brokers say and people decided."""
    user = person(request)
    least = min(ROWS_SHOWN * page_asked(request), MOST_COUNTED) + 2  # a next page, and more
    found = first_fitting(strategy, said, vetted, user, least=least)
    if found is not None:
        ranks, is_all = found
        most = MOST_COUNTED if is_all else min(len(ranks) - 1, MOST_COUNTED)
        return page_of(request, list(ranks), per_page=ROWS_SHOWN, most=most), ranks
    places, programs = places_in(strategy, user), programs_of(user)
    few = said.few(programs) if said else None
    if few is not None:
        ranks = few_fitting(strategy, few, vetted, user)
        return page_of(request, list(ranks), per_page=ROWS_SHOWN), ranks
    fitting = places.filter(vetted.condition, said.of("target", programs))
    page = page_at_once(request, fitting.values_list("pk", flat=True), per_page=ROWS_SHOWN)
    return page, ranks_in(places, list(page))
