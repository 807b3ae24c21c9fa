"""Paging: wake whoever is on duty, once per event and cause, and note who answered.

A page that may have arrived is not sent again on that channel: it fires once. What keeps a lost
page from being a lost night is that every channel stands alone, that a definite refusal is tried
again, and that a page stays on the screen until a person acknowledges it.
"""

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.utils import timezone

from tom.events.models import NonLocalizedEvent
from tom.live.models import Topic
from tom.live.publish import publish
from tom.reports.channels import (
    NotSentError,
    RestsError,
    UnknownOutcomeError,
    send_email,
    send_webhook,
)
from tom.reports.models import Channel, Page, PageCause, PageSend, SendState

SENDING_SECONDS: Final = 120
"""A page still being sent after this lost its worker; far above every timeout of a channel."""
RETRY_SECONDS: Final = 20
SIGNIFICANT_FAR_HZ: Final = 1 / (30 * 86_400)
"""False alarms of once a month: by these LVK calls a merger significant
(https://emfollow.docs.ligo.org/userguide/analysis/)."""


def page_event(event: NonLocalizedEvent) -> Page | None:
    """Make the page that an event's newest message calls for; None where there is none to make.

    A significant live event and the retraction of an event each page once. A test event never
    does, nor one whose newest message is older than PAGE_HOURS. Call it after every message of
    the event; the pipeline then wakes `send_page`.
    """
    cause = _cause(event)
    if cause is None:
        return None
    with transaction.atomic():
        page, created = Page.objects.get_or_create(
            event=event, cause=cause, defaults={"title": _title(event, cause), "body": _body(event)}
        )
        if not created:
            return None
        now = timezone.now()
        PageSend.objects.bulk_create(
            [PageSend(page=page, channel=channel, due_at=now) for channel in _channels()]
        )
        publish(Topic.EVENT, event.event_id)
    return page


def send_page(page: Page, *, now: datetime) -> None:
    """Send a page on every channel where it is due, each on its own."""
    if page.event.test_reasons:  # found out since: nothing of a test leaves
        page.sends.filter(state=SendState.DUE).update(
            state=SendState.FAILED, reason="the event is a test", due_at=None
        )
    for send in page.sends.all():
        _send(page, send, now=now)


def acknowledge_page(page: Page, by: User) -> bool:
    """Note that a person answers a page; return whether this call was the first."""
    with transaction.atomic():
        first = (
            Page.objects.filter(pk=page.pk)
            .unacknowledged()
            .update(acknowledged_by=by, acknowledged_at=timezone.now())
        )
        if first:
            publish(Topic.EVENT, page.event.event_id)
    return bool(first)


def due_pages(now: datetime) -> QuerySet[Page]:
    """Return the pages that the sweep should nudge `send_page` for."""
    due = PageSend.objects.filter(state__in=[SendState.DUE, SendState.SENDING], due_at__lte=now)
    return Page.objects.filter(pk__in=due.values("page"))


def _cause(event: NonLocalizedEvent) -> PageCause | None:
    if event.test_reasons or _is_old(event):
        return None
    if event.retracted:
        return PageCause.RETRACTION
    return PageCause.SIGNIFICANT if _is_significant(event) else None


def _is_significant(event: NonLocalizedEvent) -> bool:
    """Whether its message says so; where it says nothing that can be read, whether its rate does.

    Better one page too many than an event that nobody hears of.
    """
    if event.significant is None:
        return event.far is not None and event.far <= SIGNIFICANT_FAR_HZ
    return event.significant


def _is_old(event: NonLocalizedEvent) -> bool:
    """Whether the newest message is no news: a past event sent again, or read from a file."""
    news = timezone.now() - timedelta(hours=settings.PAGE_HOURS)
    return event.time_created is not None and event.time_created < news


def _channels() -> list[Channel]:
    channels = []
    if settings.PAGE_EMAILS:
        channels.append(Channel.EMAIL)
    if settings.PAGE_WEBHOOK:
        channels.append(Channel.WEBHOOK)
    return channels


def _send(page: Page, send: PageSend, *, now: datetime) -> None:
    row = PageSend.objects.filter(pk=send.pk)
    lost = row.filter(state=SendState.SENDING, due_at__lte=now)
    if lost.update(
        state=SendState.UNKNOWN, reason="the worker was lost while it sent", due_at=None
    ):
        return
    claimed = row.filter(state=SendState.DUE).filter(Q(due_at=None) | Q(due_at__lte=now))
    if not claimed.update(
        state=SendState.SENDING,
        attempts=F("attempts") + 1,
        due_at=now + timedelta(seconds=SENDING_SECONDS),
    ):
        return  # another worker has it, or it is done
    try:
        _deliver(page, Channel(send.channel))
    except RestsError as error:  # no attempt: the address is silent for everybody
        attempts = F("attempts") - 1
        row.update(state=SendState.DUE, reason=str(error), due_at=error.until, attempts=attempts)
    except NotSentError as error:
        _put_off(row, attempts=send.attempts + 1, reason=str(error), now=now)
    except UnknownOutcomeError as error:
        row.update(state=SendState.UNKNOWN, reason=str(error), due_at=None)
    else:
        row.update(state=SendState.SENT, reason="", sent_at=timezone.now(), due_at=None)
    publish(Topic.EVENT, page.event.event_id)


def _deliver(page: Page, channel: Channel) -> None:
    if channel is Channel.EMAIL:
        name = f"{page.event.event_id}.{page.cause}.{page.pk}"
        send_email(subject=page.title, body=page.body, to=settings.PAGE_EMAILS, name=name)
    else:
        send_webhook(settings.PAGE_WEBHOOK, title=page.title, body=page.body)


def _put_off(row: QuerySet[PageSend], *, attempts: int, reason: str, now: datetime) -> None:
    if attempts >= settings.PAGE_ATTEMPTS:
        row.update(state=SendState.FAILED, reason=reason, due_at=None)
    else:
        due_at = now + timedelta(seconds=RETRY_SECONDS * 2 ** (attempts - 1))
        row.update(state=SendState.DUE, reason=reason, due_at=due_at)


def _title(event: NonLocalizedEvent, cause: PageCause) -> str:
    if cause is PageCause.RETRACTION:
        return f"{event.event_id} is retracted"
    return f"{event.event_id}: significant {event.get_kind_display().lower()}"


def _body(event: NonLocalizedEvent) -> str:
    """Say in a few lines what the chain now says."""
    lines = [f"{event.alert_type} of {_time(event.time_created)}"]
    if event.time is not None:
        lines.append(f"Time of the event: {_time(event.time)}")
    if event.far:
        lines.append(f"False alarms: one in {_years(event.far)}")
    likely = sorted(event.classification.items(), key=lambda item: -float(item[1]))
    if likely:
        lines.append(", ".join(f"{name} {float(chance):.0%}" for name, chance in likely[:3]))
    return "\n".join(lines)


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown time"


def _years(far: float) -> str:
    years = 1 / far / 31_557_600
    return f"{years:.3g} years" if years >= 1 else f"{years * 365.25:.3g} days"
