"""Give a target a name or take one back, join two targets, split an object off, and undo."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST
from tom_targets.base_models import BaseTarget

from tom.joining.audience import CannotJoinError, in_order
from tom.joining.services import join_targets, split_object, undo
from tom.pipeline import nudge, score
from tom.targets.audiences import show_targets
from tom.targets.same import (
    BadNameError,
    NotFreeError,
    are_far_apart,
    degrees_apart,
    give_name,
    joining_radius_arcsec,
)
from tom.web.keys import read_pk
from tom.web.known import find_shown, programs_of
from tom.web.people import person
from tom.web.permissions import MAKE_TARGET
from tom.web.refusals import needs
from tom.web.target_objects import given_names, joins_of, link_to, objects_of, others_named
from tom.web.templatetags.sky import angle
from tom.web.views.targets import find_target


@require_POST
@needs(MAKE_TARGET)
def name_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a target another name; say which other targets have it, of those that one may see."""
    found, user, name = find_target(request, pk), person(request), request.POST.get("name", "")
    others = others_named(name, found, user)
    try:
        given = give_name(found, name, by=user)
    except NotFreeError as error:
        messages.error(request, "Another target has this name." if others else str(error))
    except BadNameError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{given.name} is now another name of {found.name}.")
    for other in others:
        messages.warning(request, _has_this_name(found, other))
    return redirect("targets:detail", found.pk)


def _has_this_name(found: BaseTarget, other: BaseTarget) -> str:
    """Say that another target has a name, with a link to it, and how far away it is."""
    apart = degrees_apart(found, other)
    far = "" if apart is None else f", {angle(apart)} away"
    return format_html("{} has this name{}.", link_to(other), far)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MAKE_TARGET)
def take_name_back(request: HttpRequest, pk: int, alias: int) -> HttpResponse:
    """Ask, then take back a name that a person gave a target."""
    found = find_target(request, pk)
    given = next((row for row in given_names(found, person(request)) if row.pk == alias), None)
    if given is None:
        message = "no such name"
        raise Http404(message)
    if request.method != "POST":
        return render(request, "targets/take_name_back.html", {"target": found, "alias": given})
    given.delete()
    messages.success(request, f"{given.name} is no longer a name of {found.name}.")
    return redirect("targets:detail", found.pk)


@require_POST
@needs(MAKE_TARGET)
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Join this target and another one; ask first where they are far apart."""
    found, user = find_target(request, pk), person(request)
    other = find_shown(read_pk(request.POST.get("other", "")) or 0, user)
    if other is None:
        messages.error(request, "There is no such target to join.")
        return redirect("targets:detail", found.pk)
    show_targets([other], programs_of(user))
    try:
        in_order(found, other)  # what cannot be joined is refused at once
        if request.POST.get("anyway") != "yes" and are_far_apart(found, other):
            return _ask_to_join(request, found, other)
        made = join_targets(found, other, by=user)
    except CannotJoinError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", found.pk)
    transaction.on_commit(partial(nudge, score))
    messages.success(request, f"{found.name} and {other.name} are one target.")
    return redirect("targets:detail", made.kept_id)


def _ask_to_join(request: HttpRequest, found: BaseTarget, other: BaseTarget) -> HttpResponse:
    context = {
        "target": found,
        "other": other,
        "both": [found, other],
        "degrees_apart": degrees_apart(found, other),
        "radius_deg": joining_radius_arcsec(found, other) / 3600,
    }
    return render(request, "targets/join.html", context, status=422)


@require_POST
@needs(MAKE_TARGET)
def split(request: HttpRequest, pk: int) -> HttpResponse:
    """Make an object of this target a target of its own."""
    found = find_target(request, pk)
    chosen = read_pk(request.POST.get("object", "")) or 0
    row = objects_of(found, programs_of(request.user)).filter(pk=chosen).first()
    if row is None:
        messages.error(request, "The target has no such object.")
        return redirect("targets:detail", found.pk)
    try:
        made = split_object(row, by=person(request))
    except CannotJoinError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", found.pk)
    transaction.on_commit(partial(nudge, score))
    messages.success(request, f"{made.other_name} is a target of its own.")
    return redirect("targets:detail", found.pk)


@require_POST
@needs(MAKE_TARGET)
def undo_join(request: HttpRequest, pk: int, join: int) -> HttpResponse:
    """Undo what was joined or split."""
    found, user = find_target(request, pk), person(request)
    row = next((each for each in joins_of(found, user) if each.pk == join), None)
    if row is None:
        message = "no such join"
        raise Http404(message)
    try:
        undo(row, by=user)
    except CannotJoinError as error:
        messages.error(request, str(error))
    else:
        transaction.on_commit(partial(nudge, score))
        messages.success(
            request, f"{found.name} and {row.other_name} are again what they were before."
        )
    return redirect("targets:detail", found.pk)
