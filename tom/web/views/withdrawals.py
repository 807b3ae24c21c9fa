"""Withdraw a spectrum, or what was taken from it, with a reason; undo that."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from tom.candidates.hosts import note_given_redshifts
from tom.pipeline import nudge, score, tell
from tom.reports.hermes.correcting import correct, telling
from tom.scoring.services import note_given
from tom.targets.redshifts import REDSHIFT
from tom.targets.spectra import UploadedSpectrum
from tom.targets.withdrawals import (
    LONGEST_REASON,
    CannotWithdrawError,
    redshift_to_forget,
    undo_withdrawal,
    withdraw,
)
from tom.web.people import person
from tom.web.permissions import UPLOAD_POINTS
from tom.web.refusals import needs
from tom.web.views.targets import find_target


def find_spectrum(request: HttpRequest, pk: int, spectrum: int) -> UploadedSpectrum:
    """Find a spectrum that the user may see, or raise 404."""
    found = find_target(request, pk)
    rows = UploadedSpectrum.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("target"), target=found, pk=spectrum)


def note_class(target: int) -> None:
    """Have judged and ranked again what uses a target's class or its redshift."""
    note_given("classifications", [target])
    note_given(REDSHIFT, [target])
    note_given_redshifts([target])
    transaction.on_commit(partial(nudge, score))


@require_http_methods(["GET", "HEAD", "POST"])
@needs(UPLOAD_POINTS)
def spectrum_withdraw(request: HttpRequest, pk: int, spectrum: int) -> HttpResponse:
    """Say why a spectrum, or its class alone, is withdrawn, and see what follows from that."""
    row = find_spectrum(request, pk, spectrum)
    classes = row.classes.standing()
    context: dict[str, Any] = {
        "spectrum": row,
        "target": row.target,
        "classes": classes,
        "redshift": redshift_to_forget(row),
        "told": telling(classes),
        "longest": LONGEST_REASON,
    }
    if request.method != "POST":
        return render(request, "targets/spectrum_withdraw.html", context)
    reason = " ".join(request.POST.get("reason", "").split())
    if not 0 < len(reason) <= LONGEST_REASON:
        context["error"] = f"Give a reason of at most {LONGEST_REASON} characters."
        return render(request, "targets/spectrum_withdraw.html", context, status=422)
    try:
        _withdraw(request, row, reason)
    except CannotWithdrawError as error:
        context["error"] = str(error)
        return render(request, "targets/spectrum_withdraw.html", context, status=422)
    return redirect("targets:detail", pk)


def _withdraw(request: HttpRequest, row: UploadedSpectrum, reason: str) -> None:
    with transaction.atomic():
        made = withdraw(
            row,
            is_whole=request.POST.get("what") != "class",
            reason=reason,
            forgets_redshift=request.POST.get("redshift") == "forget",
            by=person(request),
        )
        corrections = correct()
        for each in corrections:
            transaction.on_commit(partial(nudge, tell, each))
        note_class(row.target_id)
    what = "The spectrum and what was taken from it are" if made.is_whole else "The class is"
    messages.success(request, f"{what} withdrawn. Its history stays, and you can undo it.")


@require_POST
@needs(UPLOAD_POINTS)
def withdrawal_undo(request: HttpRequest, pk: int, spectrum: int, withdrawal: int) -> HttpResponse:
    """Let stand again what was withdrawn."""
    row = find_spectrum(request, pk, spectrum)
    made = get_object_or_404(row.withdrawals.select_related("spectrum"), pk=withdrawal)
    try:
        with transaction.atomic():
            undo_withdrawal(made, by=person(request))
            note_class(row.target_id)
    except CannotWithdrawError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", pk)
    messages.success(request, "The withdrawal was undone.")
    if made.corrections.exists():
        messages.info(request, "What was told stays taken back: draft a report to tell it again.")
    return redirect("targets:detail", pk)
