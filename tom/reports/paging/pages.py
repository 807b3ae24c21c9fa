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
from django.db.models import QuerySet
from django.utils import timezone

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.outbox.models import due
from tom.outbox.moves import move
from tom.outbox.sending import give_up, send
from tom.reports.paging.channels import send_email, send_webhook
from tom.reports.paging.models import Channel, Page, PageCause, PageSend, SendState

SIGNIFICANT_FAR_HZ: Final = 1 / (30 * 86_400)
"""False alarms of once a month: by these LVK calls a merger significant
(https://emfollow.docs.ligo.org/userguide/analysis/)."""


_LOST: Final = "the worker was lost while it sent"


def page_event(event: NonLocalizedEvent) -> Page | None:
    """Make the page that an event's newest message calls for; None where there is none to make.

    A significant live event and the retraction of an event each page once. A test event never
    does, nor one that is not of PAGE_KINDS or whose newest message is older than PAGE_HOURS. Call
    it after every message of the event; the pipeline then wakes `send_page`.
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
    for each in page.sends.all():
        each.page = page
        if page.event.test_reasons and each.state == SendState.DUE:  # found out since
            move(each, SendState.FAILED, reason="the event is a test")
        elif not give_up(each, _LOST, now=now):
            _send(each, now=now)


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
    watched = PageSend.objects.filter(due(now), state__in=[SendState.DUE, SendState.SENDING])
    return Page.objects.filter(pk__in=watched.values("page"))


def _cause(event: NonLocalizedEvent) -> PageCause | None:
    if event.test_reasons or _is_old(event) or event.kind not in settings.PAGE_KINDS:
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


def _send(each: PageSend, *, now: datetime) -> None:
    if each.due_at is None or each.due_at <= now:
        send(each, lambda: _deliver(each), lambda _: _keep_sent(each), now=now)


def _deliver(each: PageSend) -> None:
    page = each.page
    if each.channel == Channel.EMAIL:
        name = f"{page.event.event_id}.{page.cause}.{page.pk}"
        send_email(subject=page.title, body=page.body, to=settings.PAGE_EMAILS, name=name)
    else:
        send_webhook(settings.PAGE_WEBHOOK, title=page.title, body=page.body)


def _keep_sent(each: PageSend) -> None:
    move(each, SendState.SENT, sent_at=timezone.now())


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
