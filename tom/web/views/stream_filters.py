"""The filter of a stream: its form, its trial, and switching it on and off."""

import logging
from functools import partial
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.pipeline import nudge, try_filter
from tom.streams.models import FilterTrial, Stream, StreamFilter
from tom.streams.trials import NIGHTS, ask_for_trial, is_under_way
from tom.web.filter_figures import nights_of, nights_tried
from tom.web.filter_form import FilterForm, form_of_filter, read_filter_form, words_of
from tom.web.people import person
from tom.web.permissions import MANAGE_STREAMS
from tom.web.refusals import needs
from tom.web.streams import may_change
from tom.web.views.streams import NOT_YOURS, change_filter

logger = logging.getLogger(__name__)

TRY_FIRST = "Try it first: a trial shows what it would have passed. Then switch it on."


@require_http_methods(["GET", "HEAD", "POST"])
@needs(MANAGE_STREAMS)
def filter_page(request: HttpRequest, pk: int) -> HttpResponse:
    """The filter in force, the form of the next one, and what its trial found."""
    stream = get_object_or_404(Stream.objects.with_credentials(), pk=pk)
    if not may_change(person(request), stream):
        messages.error(request, NOT_YOURS)
        return redirect("stream_list")
    if request.GET.get("part") == "trial":
        return render(request, "streams/_filter_trial.html", {"stream": stream} | _tried(stream))
    if request.method != "POST":
        return _page(request, stream)
    form = read_filter_form(request.POST)
    if form.errors:
        return _page(request, stream, form)
    _try(stream, form)
    return redirect("stream_filter", stream.pk)


def _page(request: HttpRequest, stream: Stream, form: FilterForm | None = None) -> HttpResponse:
    rows = {row.began is None: row for row in stream.filters.filter(ended=None)}
    in_force, draft = rows.get(False), rows.get(True)
    context = {
        "stream": stream,
        "in_force": in_force,
        "words": words_of(in_force.rule) if in_force else [],
        "nights": nights_of(stream.pk),
        "form": form or form_of_filter(draft or in_force),
        **_tried(stream),
    }
    status = 422 if form is not None else 200
    return render(request, "streams/filter.html", context, status=status)


def _tried(stream: Stream) -> dict[str, Any]:
    """The trial of the draft for its page."""
    trial = FilterTrial.objects.select_related("filter").filter(
        filter__stream=stream, filter__began=None
    )
    row = trial.first()
    if row is None:
        return {"trial": None}
    nights = nights_tried(row)
    return {
        "trial": row,
        "runs": is_under_way(row),
        "tried": nights,
        "left": NIGHTS - len(nights),
        "is_empty": not any(night.stored for night in nights),
        "draft_words": words_of(row.filter.rule),
    }


def _try(stream: Stream, form: FilterForm) -> None:
    """Store the draft, and ask for its trial."""
    with transaction.atomic():
        Stream.objects.select_for_update(of=("self",)).get(pk=stream.pk)  # one draft at a time
        draft = stream.filters.filter(began=None).first() or StreamFilter(stream=stream)
        form.fill(draft)
        draft.save()
        trial = ask_for_trial(draft)
    transaction.on_commit(partial(nudge, try_filter, trial.pk))


@change_filter
def filter_on(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Put the draft in force, in place of what is; it must have been tried."""
    now = timezone.now()
    with transaction.atomic():
        Stream.objects.select_for_update(of=("self",)).get(pk=stream.pk)
        drafts = stream.filters.filter(began=None, trial__fault="")
        tried = drafts.filter(trial__finished__isnull=False).first()
        if tried is None:
            messages.error(request, TRY_FIRST)
            return redirect("stream_filter", stream.pk)
        stream.filters.filter(began__isnull=False, ended=None).update(ended=now)
        tried.began = now
        tried.save(update_fields=["began"])
        publish(Topic.STREAM)
    logger.info("A filter was switched on", extra={"filter": tried.pk, "by": request.user.pk})
    messages.success(request, f"The filter of {stream.name} is on.")
    return redirect("stream_list")


@change_filter
def filter_off(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Switch the filter off: everything of the stream is kept from now on."""
    stream.filters.filter(began__isnull=False, ended=None).update(ended=timezone.now())
    publish(Topic.STREAM)
    logger.info("A filter was switched off", extra={"stream": stream.pk, "by": request.user.pk})
    messages.success(request, f"{stream.name} has no filter now: all that comes by it is kept.")
    return redirect("stream_filter", stream.pk)


@change_filter
def filter_drop(request: HttpRequest, stream: Stream) -> HttpResponse:
    """Delete the draft; what is in force stays so."""
    stream.filters.filter(began=None).delete()
    messages.success(request, "The draft is deleted.")
    return redirect("stream_filter", stream.pk)
