"""Scorers that people add: the forms that add one, its page, its switches, and its end."""

import logging
import threading
from typing import Final

from django.contrib import messages
from django.contrib.auth.models import User
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from tom.ranking.needed import needs_version
from tom.scoring.catching_up import newest_catch_ups
from tom.scoring.health import weights_of
from tom.scoring.models import DueScore, OwnKind, OwnScorer, OwnVersion, ScorerState
from tom.scoring.own import spec_of
from tom.scoring.own_deleting import delete_scorer, delete_version
from tom.scoring.own_services import (
    add_scorer,
    add_version,
    change_scorer,
    let_weigh,
    put_in_force,
)
from tom.scoring.own_trial import Trial, UselessError, try_scorer
from tom.strategies.models import Strategy
from tom.strategies.services import strategies_of_kinds
from tom.web.own_scorer_form import FORMS, OwnScorerForm
from tom.web.own_scorer_typed import typed_before
from tom.web.people import person
from tom.web.permissions import ADD_CODE, ADD_SCORERS
from tom.web.refusals import needs, require

logger = logging.getLogger(__name__)

_trying: Final = threading.Lock()
BUSY: Final = "Another scorer is being tried. Send this again in a moment."
WORKING: Final = "It judges at this moment. Send this again in a moment."
WEIGHING_NOW: Final = "It weighs now. Put it back to its shadow period, or switch it off."
NAMED_BY_LIST: Final = "The weights of a list name it. Take it out there first."
NEEDED: Final = "A stored ranking was made with it, and could not be repeated without it."


@require_http_methods(["GET", "HEAD", "POST"])
def own_new(request: HttpRequest, made_of: str) -> HttpResponse:
    """Add a scorer: it is tried first, and kept only if it works."""
    _require_code(request, made_of)  # first: who may not run code is told of that
    require(request, ADD_SCORERS)
    if made_of not in FORMS:
        raise Http404
    return _form(request, made_of, None)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(ADD_SCORERS)
def own_version(request: HttpRequest, pk: int) -> HttpResponse:
    """Add a version of a scorer; it begins with a shadow period of its own."""
    scorer = _changeable(request, pk)
    return _form(request, scorer.kind, scorer)


def _form(request: HttpRequest, kind: str, scorer: OwnScorer | None) -> HttpResponse:
    _require_code(request, kind)
    user = person(request)
    if request.method != "POST":
        typed = typed_before(scorer) if scorer else {}
        form = FORMS[kind](user=user, scorer=scorer, initial=typed)
        return _show(request, form)
    form = FORMS[kind](request.POST, request.FILES, user=user, scorer=scorer)
    kept = _keep(form, user) if form.is_valid() else None
    if kept is None:
        return _show(request, form, status=422)
    messages.success(request, f"{kept.name} judges from now on.")
    return redirect("own_scorer", kept.pk)


def _show(request: HttpRequest, form: OwnScorerForm, *, status: int = 200) -> HttpResponse:
    context = {"form": form, "scorer": form.scorer, "kind": form.kind}
    return render(request, "scorers/own_form.html", context, status=status)


def _keep(form: OwnScorerForm, user: User) -> OwnScorer | None:
    """Try what a form brings and keep it; None: the form says why not."""
    parts = form.parts()
    trial = _try(form)
    if trial is None:
        return None
    version = form.own_version(parts)
    version.trial = trial.as_json()
    try:
        if form.scorer is not None:
            add_version(form.scorer, version, by=user)
            return form.scorer
        group = form.cleaned_data["group"]
        return add_scorer(parts.spec.name, form.kind, group=group, version=version, by=user)
    except IntegrityError:  # somebody was quicker
        form.add_error(None, "There is one of this name and version.")
        return None


def _try(form: OwnScorerForm) -> Trial | None:
    """Try it, one at a time in this process of ours; None: the form says what is wrong."""
    if not _trying.acquire(blocking=False):
        form.add_error(None, BUSY)
        return None
    try:
        return try_scorer(form.parts())
    except UselessError as error:
        form.add_error(None, f"It was tried, and is not kept: {error}")
        return None
    finally:
        _trying.release()


@require_safe
def own_scorer(request: HttpRequest, pk: int) -> HttpResponse:
    """One scorer that somebody added: what it is, what its trial found, its versions."""
    user = person(request)
    rows = OwnScorer.objects.visible_to(user).select_related("group", "in_force")
    rows = rows.defer("in_force__artefact")
    scorer = get_object_or_404(rows.select_related("made_by", "changed_by"), pk=pk)
    versions = scorer.versions.select_related("by").defer("artefact", "card").order_by("-created")
    context = {
        "scorer": scorer,
        "weights": _lists_of(scorer, user),
        "versions": versions[:50],
        "state": ScorerState.objects.filter(scorer=scorer.name).first(),
        "catch_up": newest_catch_ups().get(scorer.name),
        "waiting": DueScore.objects.filter(scorer=scorer.name).count(),
        "now": timezone.now(),
    }
    return render(request, "scorers/own.html", context)


def _lists_of(scorer: OwnScorer, user: User) -> dict[float, list[str]]:
    """The names of the lists that its classes are for, by its weight there."""
    if scorer.in_force is None:
        return {}
    lists = Strategy.objects.visible_to(user).without_event().order_by("name")
    own = [
        each
        for each in (*strategies_of_kinds().values(), *lists)
        if scorer.group_id in (None, each.group_id)
    ]
    return weights_of(spec_of(scorer.in_force.spec), own)


@require_POST
@needs(ADD_SCORERS)
def own_change(request: HttpRequest, pk: int) -> HttpResponse:
    """Switch it on or off, end or begin its shadow period, or go to another version."""
    scorer, user = _changeable(request, pk), person(request)
    wanted = request.POST.get("do", "")
    if wanted != "off":
        _require_code(request, scorer.kind)
    match wanted:
        case "off":
            change_scorer(scorer, by=user, active=False)
            told = "is switched off"
        case "on":
            change_scorer(scorer, by=user, active=True)
            told = "judges again"
        case "weigh" if not scorer.can_weigh:
            return HttpResponse("Its answer is no chance: it weighs in no list.", status=422)
        case "weigh":
            let_weigh(scorer, timezone.now(), by=user)
            told = "weighs from now on"
        case "shadow":
            let_weigh(scorer, None, by=user)
            told = "is in its shadow period: it weighs in no list"
        case "use":
            version = get_object_or_404(scorer.versions, version=request.POST.get("version", ""))
            put_in_force(scorer, version, by=user)
            told = f"judges by version {version.version} from now on"
        case _:
            return HttpResponse("This page does nothing of that name.", status=422)
    messages.success(request, f"{scorer.name} {told}.")
    return redirect("own_scorer", scorer.pk)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(ADD_SCORERS)
def own_delete(request: HttpRequest, pk: int) -> HttpResponse:
    """Ask, then delete a scorer, or the version of it that is named and does not judge."""
    scorer = _changeable(request, pk)
    _require_code(request, scorer.kind)
    version = _named_version(request, scorer)
    why = _why_kept(scorer, version)
    if request.method == "POST" and not why:
        if delete_version(version) if version else delete_scorer(scorer):
            return _tell_deleted(request, scorer, version)
        why = WORKING
    context = {"scorer": scorer, "version": version, "why": why}
    status = 422 if request.method == "POST" else 200
    return render(request, "scorers/own_delete.html", context, status=status)


def _named_version(request: HttpRequest, scorer: OwnScorer) -> OwnVersion | None:
    """Return the version that the address names; None: it names none, and all is meant."""
    named = request.GET.get("version", "")
    if not named:
        return None
    others = scorer.versions.exclude(pk=scorer.in_force_id or 0)
    return get_object_or_404(others, version=named)


def _why_kept(scorer: OwnScorer, version: OwnVersion | None) -> str:
    """Return why a scorer, or one version of it, cannot be deleted; "": it can be."""
    if version is None and OwnScorer.objects.weighing(timezone.now()).filter(pk=scorer.pk).exists():
        return WEIGHING_NOW
    if version is None and Strategy.objects.filter(weights__has_key=scorer.name).exists():
        return NAMED_BY_LIST
    going = [version] if version else list(scorer.versions.defer("artefact", "card"))
    if any(needs_version(scorer.name, each.version, since=each.created) for each in going):
        return NEEDED
    return ""


def _tell_deleted(
    request: HttpRequest, scorer: OwnScorer, version: OwnVersion | None
) -> HttpResponse:
    what = f"{scorer.name} {version.version}" if version else scorer.name
    logger.info("A scorer was deleted", extra={"scorer": what, "by": request.user.pk})
    messages.success(request, f"{what} is deleted, with its scores.")
    return redirect("own_scorer", scorer.pk) if version else redirect("scorer_list")


def _require_code(request: HttpRequest, kind: str) -> None:
    """Raise LackingError if it runs code, and the caller may not add what does."""
    if kind == OwnKind.FILTER:
        require(request, ADD_CODE)


def _changeable(request: HttpRequest, pk: int) -> OwnScorer:
    """Return a scorer that the caller may change: one that they see."""
    return get_object_or_404(OwnScorer.objects.visible_to(person(request)), pk=pk)
