"""Targets made by hand, and photometry that people bring."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.models import Group
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.html import format_html
from django.views.decorators.http import require_http_methods, require_POST
from tom_targets.base_models import BaseTarget

from tom.candidates.by_hand import undo_upload, upload_points
from tom.pipeline import nudge, score
from tom.targets.audiences import show_targets
from tom.targets.by_hand import NameTakenError, make_target, program_of
from tom.targets.models import PointUpload
from tom.targets.photometry_table import (
    FIELDS,
    FLUX_UNITS,
    NoTableError,
    Reading,
    Table,
    guess_columns,
    read_points,
    read_table,
)
from tom.targets.redshifts import keep_redshift
from tom.targets.same import NOT_FREE
from tom.targets.search import find_exactly, find_in_cone
from tom.targets.visible import visible_targets
from tom.web.keys import read_pk
from tom.web.known import programs_of
from tom.web.message_says import photometry_in
from tom.web.people import person
from tom.web.permissions import MAKE_TARGET, UNDO_ANY_UPLOAD, UPLOAD_POINTS
from tom.web.refusals import LackingError, needs
from tom.web.target_form import (
    LONGEST_NAME,
    PhotometryForm,
    TargetForm,
    read_photometry_form,
    read_target_form,
)
from tom.web.target_objects import link_to
from tom.web.team.groups import groups_to_choose
from tom.web.views.targets import find_target

SAME_PLACE_ARCSEC = 1.0
PREVIEWED = 20
ERRORS_SHOWN = 50


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MAKE_TARGET)
def target_new(request: HttpRequest) -> HttpResponse:
    """Make a target; show first which targets are at this place already."""
    groups = groups_to_choose(person(request))
    if request.method != "POST":
        asked = {name: request.GET.get(name, "")[:LONGEST_NAME] for name in ("name", "position")}
        return render(request, "targets/new.html", {"form": TargetForm(asked, groups)})
    form = read_target_form(request.POST, groups)
    near = _near(request, form)
    if not form.errors and (not near or request.POST.get("anyway") == "yes"):
        try:
            made = _make(form)
        except NameTakenError:
            form.refuse("name", _why_taken(request, form.values["name"]))
        else:
            messages.success(request, f"{made.name} was made.")
            return redirect("targets:detail", made.pk)
    context = {"form": form, "near": near, "asks": bool(near) and not form.errors}
    return render(request, "targets/new.html", context, status=422)


def _why_taken(request: HttpRequest, name: str) -> str:
    """Say which target has a name, of those that the person may see; else that it is not free."""
    programs = programs_of(request.user)
    holder = find_exactly(visible_targets(request.user), [name], programs).first()
    if holder is None:
        return NOT_FREE
    return format_html("There is a target of this name: {}.", link_to(holder))


def _near(request: HttpRequest, form: TargetForm) -> list[BaseTarget]:
    if form.place is None:
        return []
    mine = visible_targets(request.user).filter(summary__isnull=False).select_related("summary")
    where = {"ra": form.place.ra, "dec": form.place.dec, "radius_arcsec": SAME_PLACE_ARCSEC}
    near = list(find_in_cone(mine, programs_of(request.user), **where))
    show_targets(near, programs_of(request.user))
    return near


def _make(form: TargetForm) -> BaseTarget:
    place = form.place
    if place is None:
        message = "the form has no place"
        raise ValueError(message)
    with transaction.atomic():
        made = make_target(
            name=form.values["name"],
            ra=place.ra,
            dec=place.dec,
            group=form.group,
            now=timezone.now(),
        )
        keep_redshift(made.pk, form.redshift)
    return made


@require_http_methods(["GET", "HEAD", "POST"])
@needs(UPLOAD_POINTS)
def photometry(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload photometry: read it, show the points that it would give, then store them.

    `?message=` and `&of=` begin with what a message tells of a target that it calls so.
    """
    found = find_target(request, pk)
    groups = groups_to_choose(person(request), found)
    if request.method != "POST":
        context = _told(found, groups) | {"form": _begun(request)}
        return render(request, "targets/photometry.html", context)
    form = read_photometry_form(request, groups)
    table, reading = _read(form)
    if found.permissions == BaseTarget.Permissions.PRIVATE and form.is_public:
        form.is_public = False
    if form.group is None and not form.is_public:
        form.errors.append("Choose who may see the points.")
    is_good = reading is not None and reading.points and not reading.errors and not form.errors
    if is_good and reading and request.POST.get("do") == "store":
        return _store(request, found, form, reading)
    context = _told(found, groups) | {"form": form, "table": table, "reading": reading}
    context |= {"is_good": is_good} | _preview(form, table, reading)
    status = 200 if is_good else 422
    return render(request, "targets/photometry.html", context, status=status)


def _begun(request: HttpRequest) -> PhotometryForm | None:
    """The form with the photometry of the message that the address names; None: it names none."""
    key = read_pk(request.GET.get("message", ""))
    if key is None:
        return None
    text = photometry_in(key, request.GET.get("of", ""), person(request))
    name = f"message {key}"
    return PhotometryForm(text, name, values={}, group=None, is_public=False, columns={})


def _read(form: PhotometryForm) -> tuple[Table | None, Reading | None]:
    if form.errors:
        return None, None
    try:
        table = read_table(form.text)
    except NoTableError as error:
        form.errors.append(f"This table cannot be read: {error}.")
        return None, None
    form.columns = form.columns or guess_columns(table.headings)
    for name in ("time", "band"):
        if name not in form.columns:
            form.errors.append(f"Say which column holds the {name}.")
    if form.errors:
        return table, None
    unit = form.values["flux_unit"]
    return table, read_points(table, form.columns, flux_unit=unit, now=timezone.now())


def _told(found: BaseTarget, groups: list[Group]) -> dict[str, Any]:
    return {
        "target": found,
        "groups": groups,
        "may_be_public": found.permissions != BaseTarget.Permissions.PRIVATE,
    }


def _preview(form: PhotometryForm, table: Table | None, reading: Reading | None) -> dict[str, Any]:
    headings = list(enumerate(table.headings)) if table else []
    return {
        "headings": headings,
        "fields": [(name, form.columns.get(name)) for name in FIELDS],
        "units": list(FLUX_UNITS),
        "shown": reading.points[:PREVIEWED] if reading else [],
        "faults": reading.errors[:ERRORS_SHOWN] if reading else [],
    }


def _store(
    request: HttpRequest, found: BaseTarget, form: PhotometryForm, reading: Reading
) -> HttpResponse:
    upload_points(
        found,
        reading.points,
        program=program_of(form.group),
        name=form.name,
        by=person(request),
        now=timezone.now(),
    )
    transaction.on_commit(partial(nudge, score))
    number = len(reading.points)
    messages.success(request, f"{number} point{' was' if number == 1 else 's were'} stored.")
    return redirect("targets:detail", found.pk)


@require_POST
@needs(UPLOAD_POINTS)
def photometry_undo(request: HttpRequest, pk: int, upload: int) -> HttpResponse:
    """Undo an upload of one's own; an administrator may undo any."""
    found, user = find_target(request, pk), person(request)
    row = get_object_or_404(PointUpload.objects.visible_to(user), target=found, pk=upload)
    if row.created_by_id != user.pk and not user.is_superuser:
        raise LackingError(UNDO_ANY_UPLOAD)
    undo_upload(row)
    transaction.on_commit(partial(nudge, score))
    messages.success(request, "The upload was taken back with its points.")
    return redirect("targets:detail", found.pk)
