"""Drafts of GCN Circulars: fill one, edit it, see its versions."""

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST

from tom.events.models import NonLocalizedEvent
from tom.reports.gcn.drafts import (
    bring_back_draft,
    discard_draft,
    draft_circular,
    link_of,
    save_version,
    text_to_give,
    why_not_given,
)
from tom.reports.gcn.form import LONGEST_BODY, LONGEST_SUBJECT
from tom.reports.gcn.models import CircularDraft, DraftVersion
from tom.reports.gcn.text import warning_of
from tom.reports.public_data import CannotTellError
from tom.web.circular_drafts import chosen_of, offer_candidates, promising
from tom.web.keys import read_pk
from tom.web.people import person
from tom.web.permissions import TELL
from tom.web.refusals import needs

DRAFTS_SHOWN = 30


@require_http_methods(["GET", "HEAD", "POST"])
@needs(TELL)
def circular_drafts(request: HttpRequest, event_id: str) -> HttpResponse:
    """The drafts about an event, and which candidates a new one tells of; POST makes one."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    user = person(request)
    shown = offer_candidates(event, user)
    chosen, error = promising(shown), ""
    if request.method == "POST":
        given = map(read_pk, request.POST.getlist("candidate"))
        chosen = {pk for pk in given if pk is not None}
        try:
            draft = draft_circular(event, chosen_of(event, user, chosen), by=user)
        except CannotTellError as refusal:
            error = str(refusal)
        else:
            return redirect("circular_draft", event.event_id, draft.pk)
    drafts = CircularDraft.objects.visible_to(user).filter(event=event)
    drafts = drafts.order_by(F("discarded").desc(nulls_first=True), "-created", "-pk")
    drafts = drafts.select_related("created_by").prefetch_related("versions")
    context = {
        "event": event,
        "candidates": shown,
        "chosen": chosen,
        "error": error,
        "drafts": [(draft, _newest(draft)) for draft in drafts[:DRAFTS_SHOWN]],
    }
    return render(request, "circulars/drafts.html", context, status=422 if error else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@needs(TELL)
def circular_draft(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """One draft: its newest text to edit, or an earlier one; POST keeps another text."""
    drafts = CircularDraft.objects.visible_to(person(request)).filter(event__event_id=event_id)
    drafts = drafts.select_related("event", "created_by", "discarded_by")
    drafts = drafts.prefetch_related("candidates__target")
    draft = get_object_or_404(drafts, pk=pk)
    versions = list(draft.versions.select_related("created_by").order_by("-number"))
    for version in versions:
        version.draft = draft
    if request.method != "POST":
        shown = _version(versions, request.GET.get("version", ""))
        return render(request, "circulars/draft.html", _told(draft, versions, shown))
    given = {name: request.POST.get(name, "") for name in ("subject", "body")}
    after = read_pk(request.POST.get("after", "")) or 0
    try:
        save_version(draft, **given, after=after, by=person(request))
    except CannotTellError as refusal:
        context = _told(draft, versions, versions[0]) | given | {"error": str(refusal)}
        return render(request, "circulars/draft.html", context, status=422)
    messages.success(request, "The text was saved.")
    return redirect("circular_draft", event_id, pk)


@require_POST
@needs(TELL)
def circular_discard(request: HttpRequest, event_id: str, pk: int) -> HttpResponse:
    """Discard a draft; `undo` brings it back."""
    drafts = CircularDraft.objects.visible_to(person(request)).filter(event__event_id=event_id)
    draft = get_object_or_404(drafts, pk=pk)
    if request.POST.get("undo"):
        bring_back_draft(draft)
        messages.success(request, "The draft is back.")
    else:
        discard_draft(draft, by=person(request))
        messages.success(request, "The draft was discarded. Its page brings it back.")
    return redirect("circular_draft", event_id, pk)


def _newest(draft: CircularDraft) -> DraftVersion:
    return max(draft.versions.all(), key=lambda version: version.number)


def _version(versions: list[DraftVersion], asked: str) -> DraftVersion:
    """The version that is asked for, or the newest."""
    if not asked:
        return versions[0]
    number = read_pk(asked)
    found = next((each for each in versions if each.number == number), None)
    if found is None:
        message = "the draft has no such version"
        raise Http404(message)
    return found


def _told(
    draft: CircularDraft, versions: list[DraftVersion], shown: DraftVersion
) -> dict[str, Any]:
    subject, body = text_to_give(shown)
    return {
        "draft": draft,
        "event": draft.event,
        "versions": versions,
        "shown": shown,
        "newest": versions[0],
        "is_newest": shown == versions[0] and draft.discarded is None,
        "subject": shown.subject,
        "body": shown.body,
        "given": f"SUBJECT: {subject}\n\n{body}",
        "warning": warning_of(draft.event),
        "why_not": why_not_given(draft),
        "link": link_of(shown),
        "longest_subject": LONGEST_SUBJECT,
        "longest_body": LONGEST_BODY,
    }
