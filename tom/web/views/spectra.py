"""A target's spectra: upload one, take it back, ask the scorers again, take its class."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe
from tom_targets.base_models import BaseTarget

from tom.formats.spectrum import ANGSTROMS
from tom.pipeline import judge_spectra, nudge
from tom.records.redshift import RedshiftSource
from tom.scoring.answers import SpectrumAnswer
from tom.scoring.spectra import spectrum_scorers
from tom.targets.by_hand import program_of
from tom.targets.redshifts import BadRedshiftError, keep_redshift, read_redshift
from tom.targets.spectra import UploadedSpectrum, WithdrawnError, take_class
from tom.web.distances import redshift_of
from tom.web.people import person
from tom.web.permissions import MAKE_TARGET, UNDO_ANY_UPLOAD, UPLOAD_POINTS
from tom.web.refusals import LackingError, needs
from tom.web.said import CLASSES
from tom.web.spectra import SpectrumForm, read_spectrum_form, spectra_of, waits
from tom.web.team.groups import groups_to_choose
from tom.web.views.targets import find_target
from tom.web.views.withdrawals import find_spectrum, note_class


@require_safe
def spectra(request: HttpRequest, pk: int) -> HttpResponse:
    """The newest spectra of a target, a part of its page."""
    found = find_target(request, pk)
    shown = spectra_of(found, person(request), has_redshift=redshift_of(found) is not None)
    context = {
        "target": found,
        "spectra": shown,
        "waits": waits(shown),
        "has_scorer": bool(spectrum_scorers()),
        "classes": CLASSES,
    }
    return render(request, "targets/_spectra.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(UPLOAD_POINTS)
def spectrum_new(request: HttpRequest, pk: int) -> HttpResponse:
    """Upload a spectrum of a target."""
    found = find_target(request, pk)
    groups = groups_to_choose(person(request), found)
    may_be_public = found.permissions != BaseTarget.Permissions.PRIVATE
    context = {
        "target": found,
        "groups": groups,
        "may_be_public": may_be_public,
        "units": list(ANGSTROMS),
        "form": SpectrumForm({"unit": "Angstrom"}),
    }
    if request.method != "POST":
        return render(request, "targets/spectrum_new.html", context)
    form = read_spectrum_form(request, groups, may_be_public=may_be_public)
    if form.errors or form.spectrum is None or form.observed is None:
        return render(request, "targets/spectrum_new.html", context | {"form": form}, status=422)
    what = {
        "target": found,
        "program": program_of(form.group),
        "observed": form.observed,
        "wavelength": form.spectrum.wavelength.tolist(),
        "flux": form.spectrum.flux.tolist(),
        "error": form.spectrum.error.tolist(),
    }
    if UploadedSpectrum.objects.filter(**what).exists():
        form.errors.append("This spectrum is here already, for the same people.")
        return render(request, "targets/spectrum_new.html", context | {"form": form}, status=422)
    UploadedSpectrum.objects.create(**what, name=form.name, created_by=person(request))
    transaction.on_commit(partial(nudge, judge_spectra))
    number = len(form.spectrum.flux)
    messages.success(request, f"The spectrum was stored with its {number} points.")
    return redirect("targets:detail", found.pk)


@require_POST
@needs(UPLOAD_POINTS)
def spectrum_undo(request: HttpRequest, pk: int, spectrum: int) -> HttpResponse:
    """Take back a spectrum of one's own; an administrator may take back any."""
    row, user = find_spectrum(request, pk, spectrum), person(request)
    if row.created_by_id != user.pk and not user.is_superuser:
        raise LackingError(UNDO_ANY_UPLOAD)
    if row.classes.exists() or row.withdrawals.exists():
        messages.error(request, "A class was taken from this spectrum: withdraw it instead.")
        return redirect("targets:detail", pk)
    row.delete()
    messages.success(request, "The spectrum was taken back.")
    return redirect("targets:detail", pk)


@require_POST
@needs(UPLOAD_POINTS)
def spectrum_again(request: HttpRequest, pk: int, spectrum: int) -> HttpResponse:
    """Ask the scorers again, as when the site's templates are new."""
    row = find_spectrum(request, pk, spectrum)
    SpectrumAnswer.objects.filter(spectrum=row).delete()
    transaction.on_commit(partial(nudge, judge_spectra))
    return redirect("targets:detail", pk)


@require_POST
@needs(MAKE_TARGET)
def spectrum_take(request: HttpRequest, pk: int, spectrum: int) -> HttpResponse:
    """Take a class from a spectrum for its target and, if one is typed, a redshift."""
    row = find_spectrum(request, pk, spectrum)
    label = request.POST.get("class", "")
    try:
        redshift = read_redshift(request.POST.get("redshift", ""))
    except BadRedshiftError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", pk)
    if label not in CLASSES:
        messages.error(request, "Choose a class.")
        return redirect("targets:detail", pk)
    if redshift is not None and not row.program.public:
        messages.error(
            request,
            "The redshift of a target is everybody's, and this spectrum is not: leave it empty.",
        )
        return redirect("targets:detail", pk)
    try:
        with transaction.atomic():
            _take(request, row, label, redshift)
    except WithdrawnError:
        messages.error(request, "The spectrum is withdrawn: no class is taken from it.")
        return redirect("targets:detail", pk)
    told = "" if redshift is None else f", at redshift {redshift:g}"
    messages.success(request, f"{row.target.name} is {label} by this spectrum{told}.")
    return redirect("targets:detail", pk)


def _take(request: HttpRequest, row: UploadedSpectrum, label: str, redshift: float | None) -> None:
    """Keep the class and the redshift, whose source is the transient's own spectrum."""
    shown = row.answers.exclude(ranks=None).order_by("-pk").first()
    version = f"{shown.scorer} {shown.version}" if shown else ""
    take_class(row, label, by=person(request), version=version)
    if redshift is not None:
        keep_redshift(row.target_id, redshift, RedshiftSource.TRANSIENT)
    note_class(row.target_id)
