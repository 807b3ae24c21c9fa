"""Rules, contacts and shifts as rows, and the peers that they reach."""

from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.core.mail.backends.smtp import EmailBackend
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_observer
from tests.peers.smtp import MailSink, running_mail_sink
from tests.peers.webhook import Webhook, running_webhook
from tom.reports.alarms.contacts import Channel, Contact, SmsGateway
from tom.reports.alarms.rules import AlarmRule, AlarmStep, Source
from tom.shifts.models import Shift

KEY = "s3cret-of-the-gateway"


@pytest.fixture
def mails(settings: Settings) -> Iterator[MailSink]:
    """A mail server that is used, without an address in the settings."""
    with running_mail_sink() as sink:
        settings.EMAIL_BACKEND = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        yield sink


@pytest.fixture
def hook(settings: Settings) -> Iterator[Webhook]:
    """A webhook of this machine, which ALARM_HOSTS names."""
    with running_webhook() as hook:
        settings.ALARM_HOSTS = ["127.0.0.1"]
        yield hook


@pytest.fixture
def gateway(settings: Settings) -> Iterator[Webhook]:
    """An SMS gateway of this machine, which ALARM_HOSTS names."""
    with running_webhook() as gateway:
        settings.ALARM_HOSTS = ["127.0.0.1"]
        SmsGateway.objects.create(
            pk=1,
            name="the gateway",
            url=gateway.url,
            headers=f"Authorization: Bearer {KEY}",
            body='{"to": "{to}", "message": "{text}"}',
        )
        yield gateway


def make_contact(
    person: User | None, channel: str = Channel.EMAIL, address: str = "", *, name: str = ""
) -> Contact:
    """A contact by e-mail of somebody, or of the team."""
    who = person.get_username() if person else "team"
    return Contact.objects.create(
        person=person,
        channel=channel,
        name=name or f"{channel} of {who}",
        address=address or f"{who}@example.org",
    )


def make_rule(name: str = "any merger", **fields: object) -> AlarmRule:
    """A rule for mergers and bursts without thresholds, and without steps."""
    sources = [Source.CBC, Source.BURST, Source.GRB]
    return AlarmRule.objects.create(name=name, **{"sources": sources, **fields})


def make_step(
    rule: AlarmRule, *who: User | Contact, after: int = 0, on_shift: bool = False
) -> AlarmStep:
    """The next step of a rule, by every channel."""
    step = AlarmStep.objects.create(
        rule=rule,
        number=rule.steps.count() + 1,
        after_minutes=after,
        on_shift=on_shift,
        channels=Channel.values,
    )
    step.people.add(*(each for each in who if isinstance(each, User)))
    step.contacts.add(*(each for each in who if isinstance(each, Contact)))
    return step


def make_shift(person: User | None = None, *, hours: tuple[float, float] = (-1, 7)) -> Shift:
    """A shift from and until so many hours from now."""
    start, end = (timezone.now() + timedelta(hours=hour) for hour in hours)
    return Shift.objects.create(person=person or make_observer(), start=start, end=end)


def later(**delta: float) -> datetime:
    return timezone.now() + timedelta(**delta)
