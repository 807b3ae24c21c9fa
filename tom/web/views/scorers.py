"""The scorers: whether each works, what waits for it, its model card, and how good it was."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.reports.classes.telling import read_told
from tom.scoring.feedback import TRUTHS
from tom.scoring.health import read_scorers
from tom.scoring.models import OwnScorer
from tom.strategies.models import Strategy
from tom.web.feedback import read_feedback
from tom.web.people import person
from tom.web.suggested import read_suggested
from tom.web.term_means import read_means


@require_safe
def scorer_list(request: HttpRequest) -> HttpResponse:
    """Every installed scorer."""
    lists = Strategy.objects.visible_to(person(request)).without_event().order_by("name")
    means = read_means()
    found = [
        {"scorer": scorer, "means": means.pop(f"{scorer.spec.name} {scorer.spec.version}", [])}
        for scorer in read_scorers(lists)
    ]
    own = OwnScorer.objects.visible_to(person(request)).select_related("group", "in_force")
    own = own.defer("in_force__artefact", "in_force__card").order_by("name")
    context = {"found": found, "terms": means, "own": own, "now": timezone.now()}
    context["told"] = read_told()
    return render(request, "scorers/list.html", context)


@require_safe
def scorer_feedback(request: HttpRequest) -> HttpResponse:
    """How good each scorer was, by what objects turned out to be."""
    asked = request.GET.get("truth", "")
    truth = asked if asked in TRUTHS else next(iter(TRUTHS))
    context = {"found": read_feedback(truth), "truth": truth}
    context |= read_suggested(person(request), request.GET, now=timezone.now())
    return render(request, "scorers/feedback.html", context)
