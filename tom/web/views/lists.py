"""Lists without an event: which there are, and one of them."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from tom.strategies.models import Strategy
from tom.web.lists import places_in, read_places, rows_of
from tom.web.pagination import page_counted
from tom.web.people import person

PER_PAGE = 30


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
    strategy = get_object_or_404(Strategy.objects.visible_to(user).without_event(), pk=pk)
    keys = places_in(strategy, user).values_list("pk", flat=True)
    page = page_counted(request, keys, per_page=PER_PAGE)
    columns, rows = rows_of(read_places(list(page), user), user, first=page.start_index())
    context = {
        "strategy": strategy,
        "page": page,
        "columns": columns,
        "rows": rows,
    }
    return render(request, "lists/list.html", context)
