"""Give a target a name, join two targets, split an object off, and undo."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from tom.joining.audience import CannotJoinError
from tom.joining.services import join_targets, split_object, undo
from tom.pipeline import nudge, score
from tom.targets.same import BadNameError, give_name
from tom.targets.visible import visible_targets
from tom.web.keys import read_pk
from tom.web.known import programs_of
from tom.web.people import person
from tom.web.permissions import MAKE_TARGET
from tom.web.refusals import needs
from tom.web.target_objects import joins_of, objects_of
from tom.web.views.targets import find_target


@require_POST
@needs(MAKE_TARGET)
def name_target(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a target another name."""
    found = find_target(request, pk)
    try:
        given = give_name(found, request.POST.get("name", ""))
    except BadNameError as error:
        messages.error(request, str(error))
    else:
        messages.success(request, f"{given.name} is now another name of {found.name}.")
    return redirect("targets:detail", found.pk)


@require_POST
@needs(MAKE_TARGET)
def join(request: HttpRequest, pk: int) -> HttpResponse:
    """Join this target and another one."""
    found = find_target(request, pk)
    chosen = read_pk(request.POST.get("other", "")) or 0
    other = visible_targets(request.user).filter(pk=chosen).first()
    if other is None:
        messages.error(request, "There is no such target to join.")
        return redirect("targets:detail", found.pk)
    try:
        made = join_targets(found, other, by=person(request))
    except CannotJoinError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", found.pk)
    transaction.on_commit(partial(nudge, score))
    messages.success(request, f"{found.name} and {other.name} are one target.")
    return redirect("targets:detail", made.kept_id)


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
