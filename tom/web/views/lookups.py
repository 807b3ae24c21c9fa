"""Ask brokers for what is not here, see each answer as it comes, and make a target of it."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe
from tom_targets.base_models import BaseTarget

from tom.forms.declared import Wanted
from tom.lookups.models import Answer, Lookup
from tom.lookups.services import make_lookup, objects_of, read_found, take
from tom.pipeline import look_up, nudge, wake
from tom.records import ObjectAlert, Retelling
from tom.records.alert import PointKind
from tom.streams.models import AlertMessage, MessageState
from tom.targets.objects import LONGEST_NAME, ObjectKey, SurveyObject
from tom.targets.visible import visible_targets
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import MAKE_TARGET
from tom.web.refusals import needs
from tom.web.search_text import Sought, read_search

LARGEST_RADIUS_ARCSEC = 600.0


@dataclass
class FoundRow:
    """One object that a broker found, as the page shows it."""

    number: int
    told: Retelling | None
    message: AlertMessage | None = None
    target: BaseTarget | None = None

    @property
    def alert(self) -> ObjectAlert | None:
        return self.told.alerts[0] if self.told and self.told.alerts else None

    @property
    def n_detections(self) -> int:
        points = self.alert.points if self.alert else ()
        return sum(point.kind is PointKind.ALERT for point in points)

    @property
    def names(self) -> list[str]:
        return [" ".join(key) for key in objects_of(self.told)] if self.told else []

    @property
    def says(self) -> list[str]:
        """The likeliest class of each classifier, and tags."""
        opinions = self.told.opinions if self.told else ()
        likely = [
            f"{each.classifier}: {max(each.probabilities, key=lambda k: each.probabilities[k])}"
            for said in opinions
            for each in said.judgements
        ]
        return [*likely, *(tag for said in opinions[:1] for tag in said.tags)]

    @property
    def is_waiting(self) -> bool:
        return self.message is not None and self.message.state == MessageState.RECEIVED


@require_POST
@needs(MAKE_TARGET)
def ask(request: HttpRequest) -> HttpResponse:
    """Ask every broker that can be asked for a name or a place."""
    sought = read_search(request.POST.get("q", ""))
    why_not = sought.why_not or _why_no_name(sought)
    if why_not:
        messages.error(request, why_not)
        return redirect(f"{reverse('search')}?{urlencode({'q': sought.name})}")
    wanted = Wanted(name=sought.name)
    if sought.cone is not None:
        wanted = Wanted(
            ra=sought.cone.ra,
            dec=sought.cone.dec,
            radius_arcsec=min(sought.cone.radius_arcsec, LARGEST_RADIUS_ARCSEC),
        )
    made = make_lookup(person(request), wanted, text=sought.name)
    for pk in made.answers.values_list("pk", flat=True):
        transaction.on_commit(partial(nudge, look_up, pk))
    return redirect("lookup", made.pk)


def _why_no_name(sought: Sought) -> str:
    """Why a text that is no place cannot be asked for as a name; empty if it can."""
    if not sought.name:
        return "Write a name or a place."
    is_long = sought.cone is None and len(sought.name) > LONGEST_NAME
    return f"A name has {LONGEST_NAME} characters at most." if is_long else ""


@require_safe
@needs(MAKE_TARGET)
def lookup(request: HttpRequest, pk: int) -> HttpResponse:
    """What each broker answers; `?part=answers` is fetched again while one is under way."""
    user = person(request)
    found = get_object_or_404(Lookup, pk=pk, user=user)
    context = {"lookup": found} | _answers(found, user)
    part = request.GET.get("part") == "answers"
    return render(request, "search/_answers.html" if part else "search/lookup.html", context)


@require_POST
@needs(MAKE_TARGET)
def take_found(request: HttpRequest, pk: int) -> HttpResponse:
    """Keep one object that a broker found: it becomes a target, or joins the one it is."""
    answer = get_object_or_404(Answer, pk=pk, lookup__user=person(request))
    number = read_pk(request.POST.get("number", ""))
    message = None if number is None else take(answer, number)
    if message is None:
        messages.error(request, "There is no such object in this answer.")
    elif message.state == MessageState.RECEIVED:
        transaction.on_commit(partial(wake, {message.kind: [message.pk]}))
    return redirect("lookup", answer.lookup_id)


def _answers(found: Lookup, user: User) -> dict[str, Any]:
    answers = list(found.answers.all())
    rows = {
        answer.pk: [FoundRow(n, t) for n, t in enumerate(read_found(answer))] for answer in answers
    }
    kept = AlertMessage.objects.defer("payload").in_bulk(
        [pk for answer in answers for pk in answer.kept.values()]
    )
    everything = [row for each in rows.values() for row in each]
    targets = _targets_of(
        {key for row in everything if row.told for key in objects_of(row.told)}, user
    )
    for answer in answers:
        for row in rows[answer.pk]:
            row.message = kept.get(answer.kept.get(str(row.number), 0))
            keys = objects_of(row.told) if row.told else []
            row.target = next((targets[key] for key in keys if key in targets), None)
        answer.rows = rows[answer.pk]  # type: ignore[attr-defined]
    busy = any(answer.is_under_way for answer in answers) or any(r.is_waiting for r in everything)
    return {"answers": answers, "is_busy": busy}


def _targets_of(keys: set[ObjectKey], user: User) -> dict[ObjectKey, BaseTarget]:
    """The targets of objects that are here, where the user may see them."""
    objects = SurveyObject.objects.filter(object_id__in={name for _, name in keys})
    owners = {row.key: row.target_id for row in objects if row.key in keys}
    seen = visible_targets(user).in_bulk(list(set(owners.values())))
    return {key: seen[pk] for key, pk in owners.items() if pk in seen}
