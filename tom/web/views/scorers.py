"""The scorers: whether each works, what waits for it, and its model card."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from tom.scoring.health import read_scorers
from tom.strategies.models import Strategy
from tom.web.people import person


@require_safe
def scorer_list(request: HttpRequest) -> HttpResponse:
    """Every installed scorer."""
    lists = Strategy.objects.visible_to(person(request)).without_event().order_by("name")
    return render(request, "scorers/list.html", {"scorers": read_scorers(lists)})
