"""The redshift that a person gives a target."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from tom.candidates.hosts import note_given_redshifts
from tom.pipeline import nudge, score
from tom.scoring.services import note_given
from tom.targets.redshifts import (
    REDSHIFT,
    BadRedshiftError,
    keep_redshift,
    read_redshift,
    read_source,
)
from tom.web.permissions import MAKE_TARGET
from tom.web.refusals import needs
from tom.web.views.targets import find_target


@require_POST
@needs(MAKE_TARGET)
def give_redshift(request: HttpRequest, pk: int) -> HttpResponse:
    """Give a target a redshift; an empty one removes the redshift that it has."""
    found = find_target(request, pk)
    try:
        redshift = read_redshift(request.POST.get("redshift", ""))
        source = read_source(request.POST.get("source", ""))
    except BadRedshiftError as error:
        messages.error(request, str(error))
        return redirect("targets:detail", found.pk)
    with transaction.atomic():
        keep_redshift(found.pk, redshift, source)
        note_given(REDSHIFT, [found.pk])
        note_given_redshifts([found.pk])
        transaction.on_commit(partial(nudge, score))
    told = "has no redshift now" if redshift is None else f"has the redshift {redshift:g}"
    messages.success(request, f"{found.name} {told}.")
    return redirect("targets:detail", found.pk)
