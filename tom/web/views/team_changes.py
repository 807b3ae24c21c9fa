"""The changes that managers of the team make. Each answers with the page as it is then."""

from collections.abc import Callable
from functools import wraps

from django.contrib import messages
from django.contrib.auth.models import Group
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from tom.targets.models import Program
from tom.web.addresses import local_address
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import MANAGE_TEAM
from tom.web.refusals import needs
from tom.web.team import groups, people
from tom.web.team.invitations import DAYS, make_invitation, revoke_invitation
from tom.web.team.record import RefusedChangeError, changes_shown_to
from tom.web.team.roles import BY_KEY, Role
from tom.web.team.undo import undo
from tom.web.views.team import show_team

LONGEST_NOTE = 100
LONGEST_NAME = 100
LONGEST_SURVEY = 16
# What a program's number may be: the largest that its column takes.
LARGEST_NUMBER = 2**31 - 1
EVERYBODY = "public"


def change(do: Callable[..., None]) -> Callable[..., HttpResponse]:
    """Make a view of a change: it returns to the page, with the reason if it is refused."""

    @wraps(do)
    @require_POST
    @needs(MANAGE_TEAM)
    def view(request: HttpRequest, **keys: int) -> HttpResponse:
        try:
            do(request, **keys)
        except RefusedChangeError as refusal:
            messages.error(request, str(refusal))
        wanted = request.POST.get("next", "")
        return redirect(local_address(request, wanted, otherwise=reverse("team")))

    return view


# --- People -----------------------------------------------------------------------------------
@change
def give_role(request: HttpRequest, pk: int) -> None:
    """Give a person another role."""
    people.give_role(pk, _role(request), by=person(request))


@change
def choose_groups(request: HttpRequest, pk: int) -> None:
    """Add a person to a group, or take them out."""
    group = _group(request.POST.get("group", ""))
    move = people.leave if request.POST.get("do") == "leave" else people.join
    move(pk, group, by=person(request))


@change
def switch(request: HttpRequest, pk: int) -> None:
    """Switch a person off, or on again."""
    turn = people.switch_on if request.POST.get("do") == "on" else people.switch_off
    turn(pk, by=person(request))


# --- Groups and programs ----------------------------------------------------------------------
@change
def group_new(request: HttpRequest) -> None:
    """Make a group."""
    made = groups.make_group(request.POST.get("name", ""), by=person(request))
    messages.success(request, f"{made.name} was made.")


@change
def group_rename(request: HttpRequest, pk: int) -> None:
    """Rename a group."""
    group = get_object_or_404(Group, pk=pk)
    groups.rename_group(group, request.POST.get("name", ""), by=person(request))


@change
def group_delete(request: HttpRequest, pk: int) -> None:
    """Delete a group."""
    group = get_object_or_404(Group, pk=pk)
    groups.delete_group(group, by=person(request))
    messages.success(request, f"{group.name} was deleted. Under Changes it can be brought back.")


@change
def program_new(request: HttpRequest) -> None:
    """Make a program: a private one names its group."""
    name, survey = (request.POST.get(field, "").strip() for field in ("name", "survey"))
    number = read_pk(request.POST.get("number", "").strip())
    if not name.isprintable() or not 0 < len(name) <= LONGEST_NAME:
        message = f"A program's name has 1 to {LONGEST_NAME} characters."
        raise RefusedChangeError(message)
    if not survey.isprintable() or not 0 < len(survey) <= LONGEST_SURVEY:
        message = f"A survey's name has 1 to {LONGEST_SURVEY} characters, as in its packets."
        raise RefusedChangeError(message)
    if number is None or number > LARGEST_NUMBER:
        message = "A program's number is a whole number, as in the survey's packets."
        raise RefusedChangeError(message)
    readers = _readers(request)
    made = groups.make_program(
        survey=survey, number=number, name=name, readers=readers, by=person(request)
    )
    messages.success(request, f"{made} was made.")


@change
def program_give(request: HttpRequest, pk: int) -> None:
    """Choose who reads a program."""
    get_object_or_404(Program, pk=pk)
    groups.give_program(pk, _readers(request), by=person(request))


# --- Invitations ------------------------------------------------------------------------------
@never_cache
@require_POST
@needs(MANAGE_TEAM)
def invite(request: HttpRequest) -> HttpResponse:
    """Make an invitation and show its link, this once."""
    try:
        secret = _make_invitation(request)
    except RefusedChangeError as refusal:
        messages.error(request, str(refusal))
        return redirect("team")
    link = request.build_absolute_uri(reverse("invitation", args=[secret]))
    return show_team(request, link=link)


def _make_invitation(request: HttpRequest) -> str:
    days = read_pk(request.POST.get("days", ""))
    _, secret = make_invitation(
        role=_role(request),
        groups=[_group(text) for text in request.POST.getlist("groups")],
        note=" ".join(request.POST.get("note", "").split())[:LONGEST_NOTE],
        days=days if days in DAYS else min(DAYS),
        by=person(request),
    )
    return secret


@change
def revoke(request: HttpRequest, pk: int) -> None:
    """Take an invitation back."""
    if not revoke_invitation(pk, by=person(request)):
        message = "This invitation is no longer open."
        raise RefusedChangeError(message)


# --- The record -------------------------------------------------------------------------------
@change
def undo_change(request: HttpRequest, pk: int) -> None:
    """Undo a change."""
    by = person(request)
    undo(get_object_or_404(changes_shown_to(by), pk=pk), by=by)


def _role(request: HttpRequest) -> Role:
    role = BY_KEY.get(request.POST.get("role", ""))
    if role is None:
        message = "Choose a role."
        raise RefusedChangeError(message)
    return role


def _group(text: str) -> Group:
    pk = read_pk(text)
    found = None if pk is None else Group.objects.filter(pk=pk).first()
    if found is None:
        message = "Choose a group."
        raise RefusedChangeError(message)
    return found


def _readers(request: HttpRequest) -> Group | None:
    wanted = request.POST.get("readers", "")
    if wanted == EVERYBODY:
        return None
    try:
        return _group(wanted)
    except RefusedChangeError as error:
        message = "A private program belongs to a group: choose one."
        raise RefusedChangeError(message) from error
