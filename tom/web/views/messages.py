"""Messages: all that came, what became of them, and the replay of failed ones."""

import codecs
import json
from decimal import Decimal
from functools import partial
from typing import Any

from django.contrib import messages as notes
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Count, Max
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from tom.events.circulars import read_version
from tom.events.localizations import chosen_localization
from tom.events.models import Circular
from tom.formats.values import clean
from tom.forms.circular_says import read_said, write_said
from tom.pipeline import nudge, wake
from tom.reports.notifications.follows import is_following
from tom.reports.notifications.models import FollowKind
from tom.streams.claims import replay_message, replay_messages, replayable
from tom.streams.models import AlertMessage, MessageState
from tom.streams.packets import PacketGoneError, PacketStoreError, read_packet
from tom.sweeping import sweep
from tom.web.addresses import local_address
from tom.web.dead_alerts import mark_seen
from tom.web.message_outcome import outcome_of, sequences_of
from tom.web.message_rights import hide_name, may_read_bytes, with_reasons
from tom.web.message_says import said_in
from tom.web.notice_timeline import notice_timelines_of
from tom.web.pagination import page_of
from tom.web.people import person
from tom.web.permissions import READ_PACKET, REPLAY_MESSAGE, VIEW_MESSAGES
from tom.web.refusals import LackingError, needs
from tom.web.timeline import timelines_of

# What is shown of a payload on its page; the whole is downloaded.
SHOWN_BYTES = 20_000
REASONS_SHOWN = 20
TOPICS_OFFERED = 40
# Of messages that died of one reason, how many one click replays.
MOST_REPLAYED = 20_000


@require_safe
@needs(VIEW_MESSAGES)
def message_list(request: HttpRequest) -> HttpResponse:
    """Messages, the newest first; of the dead ones, how many have each reason."""
    state, topic = request.GET.get("state", ""), request.GET.get("topic", "")[:255]
    rows = AlertMessage.objects.defer("payload").order_by("-received", "-pk")
    if state in MessageState.values:
        rows = rows.filter(state=state)
    if topic:
        rows = rows.filter(topic=topic)
    page = page_of(request, rows)
    page.object_list = [hide_name(row, person(request)) for row in page.object_list]
    context = {
        "page": page,
        "chains": {row.message_id: row for row in sequences_of(list(page))},
        "state": state,
        "topic": topic,
        "states": MessageState.choices,
        "reasons": _reasons(topic, person(request)) if state == MessageState.DEAD else [],
    }
    if request.GET.get("part") == "list":
        return render(request, "messages/_list.html", context)
    return render(request, "messages/list.html", context | _other_panels(person(request), topic))


def _other_panels(user: User, topic: str) -> dict[str, Any]:
    recent = AlertMessage.objects.order_by("-received").values_list("topic", flat=True)[:500]
    return {
        "topics": sorted(set(recent))[:TOPICS_OFFERED],
        "counts": dict(
            AlertMessage.objects.filter(state__in=["dead", "received", "unhandled"])
            .values_list("state")
            .annotate(n=Count("pk"))
        ),
        "follow_kind": FollowKind.TOPIC,
        "follow_value": topic,
        "following": bool(topic) and is_following(user, kind=FollowKind.TOPIC, value=topic),
    }


def _reasons(topic: str, user: User) -> list[dict[str, Any]]:
    dead = with_reasons(AlertMessage.objects.filter(state=MessageState.DEAD), user)
    if topic:
        dead = dead.filter(topic=topic)
    counted = dead.values("reason").annotate(n=Count("pk"), newest=Max("received"))
    return [dict(row) for row in counted.order_by("-n", "reason")[:REASONS_SHOWN]]


@require_safe
@needs(VIEW_MESSAGES)
def message(request: HttpRequest, pk: int) -> HttpResponse:
    """One message: where it came from, what became of it, and its beginning."""
    found = hide_name(get_object_or_404(AlertMessage, pk=pk), person(request))
    readable = found.has_bytes and may_read_bytes(person(request), found)
    said, shown = _read_bytes(found) if readable else ("", b"")
    context = {
        "message": found,
        "made": outcome_of(found, person(request)),
        "said": said_in(found, shown, person(request)),
        "timelines": [*notice_timelines_of(found), *timelines_of(found, person(request))],
        "readable": readable,
        "shown": said or show_payload(shown),
        "is_cut": readable and found.size > SHOWN_BYTES,
    }
    name = "_message" if request.GET.get("part") == "message" else "message"
    return render(request, f"messages/{name}.html", context)


@require_safe
@needs(VIEW_MESSAGES)
def message_bytes(request: HttpRequest, pk: int) -> HttpResponse:
    """The bytes of one message as they came."""
    found = get_object_or_404(AlertMessage, pk=pk)
    if not may_read_bytes(person(request), found):
        raise LackingError(READ_PACKET)
    if not found.has_bytes:
        message = "its bytes are no longer kept"
        raise Http404(message)
    said, payload = _read_bytes(found)
    if said:
        return HttpResponse(said, status=503, content_type="text/plain")
    response = HttpResponse(payload, content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="message-{found.pk}"'
    return response


def _read_bytes(found: AlertMessage) -> tuple[str, bytes]:
    """A message's bytes, or why they cannot be read."""
    try:
        return "", read_packet(found)
    except (PacketGoneError, PacketStoreError) as error:
        return f"Its bytes cannot be read: {error}.", b""


def show_payload(payload: bytes) -> str:
    """The beginning of a payload: JSON or text as it reads, else a dump of its bytes."""
    is_whole = len(payload) <= SHOWN_BYTES
    try:
        text = payload.decode() if is_whole else _decode_head(payload[:SHOWN_BYTES])
    except UnicodeDecodeError:
        return _dump(payload[:512])
    if is_whole:
        try:
            # JSON may hold halves of a character, which no page can.
            return clean(json.dumps(json.loads(text), indent=2, ensure_ascii=False))[:SHOWN_BYTES]
        except (ValueError, RecursionError):
            return clean(text)
    return clean(text)


def _decode_head(head: bytes) -> str:
    """Decode the beginning of a text, which may end within a character."""
    return codecs.getincrementaldecoder("utf-8")().decode(head)


def _dump(payload: bytes) -> str:
    lines = []
    for start in range(0, len(payload), 16):
        row = payload[start : start + 16]
        text = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in row)
        lines.append(f"{start:06x}  {row.hex(' '):<47}  {text}")
    return "\n".join(lines)


@require_POST
@needs(REPLAY_MESSAGE)
def replay(request: HttpRequest, pk: int) -> HttpResponse:
    """Put one message back to be worked on."""
    found = get_object_or_404(AlertMessage.objects.defer("payload"), pk=pk)
    if replay_message(found):
        transaction.on_commit(partial(wake, {found.kind: [pk]}))
        notes.success(request, "The message is processed again.")
    else:
        notes.warning(
            request,
            "Not replayed: the message is waiting already, repeats another one, "
            "or its bytes are no longer kept.",
        )
    page = reverse("message", args=[pk])
    return HttpResponseRedirect(
        local_address(request, request.POST.get("next", ""), otherwise=page)
    )


@require_POST
@needs(REPLAY_MESSAGE)
def seen(request: HttpRequest, pk: int) -> HttpResponse:
    """Take a dead alert, with those before it of its topic, from the bar of every page."""
    found = get_object_or_404(AlertMessage.objects.defer("payload"), pk=pk)
    if mark_seen(found):
        notes.success(request, "Marked as seen: no page tells of it any more. It can be replayed.")
    return redirect("message", pk)


@require_POST
@needs(REPLAY_MESSAGE)
def replay_all(request: HttpRequest) -> HttpResponse:
    """Put the dead messages of one reason back to be worked on."""
    dead = AlertMessage.objects.filter(
        state=MessageState.DEAD, reason=request.POST.get("reason", "").replace("\r\n", "\n")
    )
    dead = with_reasons(dead, person(request))
    if topic := request.POST.get("topic", ""):
        dead = dead.filter(topic=topic)
    dead = replayable(dead)
    ids = dead.order_by("pk").values_list("pk", flat=True)[:MOST_REPLAYED]
    replayed, left = replay_messages(list(ids)), dead.count()
    transaction.on_commit(partial(nudge, sweep))
    more = f" Left of the same reason: {left:,}. Replay them, too." if left else ""
    if replayed:
        notes.success(request, f"{replayed:,} worked on again.{more}")
    else:
        notes.warning(request, "None is replayed: there is none, or their bytes are not kept.")
    return redirect(f"/messages/?{urlencode({'state': 'dead', 'topic': topic})}")


@require_safe
def circular(request: HttpRequest, number: Decimal) -> HttpResponse:
    """A GCN Circular: its newest version, or the one whose message `?version=` names."""
    found = get_object_or_404(Circular.objects.select_related("event"), circular_id=number)
    versions = list(found.versions.all())
    asked = next(
        (row for row in versions if str(row.message_id) == request.GET.get("version")), None
    )
    if asked is not None and asked.message_id != found.message_id:
        said = read_version(asked)
        found.subject, found.body, found.submitter = said.subject, said.body, said.submitter or ""
        found.version, found.message_id = asked.version, asked.message_id
    says = read_said(found.subject, found.body)
    context = {"circular": found, "versions": versions, "said": says, "table": write_said(says)}
    if says.areas and found.event is not None:
        context["ours"] = chosen_localization(found.event)
    return render(request, "messages/circular.html", context)
