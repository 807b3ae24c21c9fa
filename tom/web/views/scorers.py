"""The scorers: whether each works, what waits for it, its model card, and how good it was."""

from datetime import timedelta
from typing import Final

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from tom.reports.classes.telling import read_told
from tom.scoring.catching_up import can_catch_up, catch_up, newest_catch_ups, stop_catching_up
from tom.scoring.feedback import TRUTHS
from tom.scoring.health import read_scorers
from tom.scoring.models import OwnScorer
from tom.scoring.services import scorers
from tom.strategies.models import Strategy
from tom.web.feedback import read_feedback
from tom.web.people import person
from tom.web.permissions import ADD_SCORERS
from tom.web.refusals import needs
from tom.web.suggested import read_suggested
from tom.web.term_means import read_means

# How far back a scorer may be asked to judge what is stored, in days; none: all of it.
STORED_DAYS: Final[dict[str, int | None]] = {"7": 7, "30": 30, "100": 100, "all": None}


@require_safe
def scorer_list(request: HttpRequest) -> HttpResponse:
    """Every installed scorer."""
    lists = Strategy.objects.visible_to(person(request)).without_event().order_by("name")
    means = read_means()
    catch_ups = newest_catch_ups()
    found = [
        {
            "scorer": scorer,
            "means": means.pop(f"{scorer.spec.name} {scorer.spec.version}", []),
            "catch_up": catch_ups.get(scorer.spec.name),
            "reads_curves": can_catch_up(scorer),
        }
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


@require_POST
@needs(ADD_SCORERS)
def scorer_stored(request: HttpRequest, name: str) -> HttpResponse:
    """Have a scorer judge what was stored before it came, or stop it."""
    own = OwnScorer.objects.visible_to(person(request)).filter(name=name).first()
    installed = {each.spec.name for each in scorers() if can_catch_up(each)}
    if own is None and name not in installed:
        raise Http404
    wanted = request.POST.get("seen", "")
    if request.POST.get("do") == "stop":
        stopped = stop_catching_up(name)
        told = "judges no more of what is stored" if stopped else "judged nothing of what is stored"
    elif wanted in STORED_DAYS:
        days = STORED_DAYS[wanted]
        since = None if days is None else timezone.now() - timedelta(days=days)
        begun = catch_up(name, since=since, by=person(request))
        told = "judges what is stored" if begun else "judges what is stored already"
    else:
        return HttpResponse("Say how far back: 7, 30 or 100 days, or all.", status=422)
    messages.success(request, f"{name} {told}.")
    return redirect("own_scorer", own.pk) if own else redirect("scorer_list")
