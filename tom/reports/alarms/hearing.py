"""Who heard what of an event, and what is withheld while the event is not live."""

from collections.abc import Mapping
from datetime import datetime

from django.db.models import Q

from tom.events.models import NonLocalizedEvent
from tom.outbox.moves import move
from tom.reports.alarms.contacts import Contact
from tom.reports.alarms.models import Alarm, AlarmCause, AlarmSend, SendState
from tom.reports.alarms.steps import unfinished

# A contact by its key, or a channel of the settings by its name; and the cause of an alarm.
Heard = Mapping[int | str, str]
_HEARD = (SendState.SENDING, SendState.SENT, SendState.UNKNOWN)


def is_told_retracted(event: NonLocalizedEvent) -> bool:
    """Whether the last that was said is that the event is retracted."""
    causes = list(event.alarms.values_list("cause", flat=True))
    return causes.count(AlarmCause.RETRACTION) > causes.count(AlarmCause.RESTORED)


def withhold_calls(event: NonLocalizedEvent) -> None:
    """Withhold what the event as it stands does not call for.

    Each is one conditional update. What another worker is just sending counts as heard.
    """
    for each in _sends_in(event, SendState.DUE):
        if why := unfinished(each.alarm):
            withhold(each, why)


def release_calls(event: NonLocalizedEvent, *, now: datetime) -> None:
    """Make due again what was withheld and the event as it stands calls for."""
    for each in _sends_in(event, SendState.WITHHELD):
        if not unfinished(each.alarm):
            move(each, SendState.DUE, due_at=now)


def _sends_in(event: NonLocalizedEvent, state: SendState) -> list[AlarmSend]:
    sends = AlarmSend.objects.filter(alarm__event=event, state=state).select_related("alarm")
    for each in sends:
        each.alarm.event = event
    return list(sends)


def withhold(each: AlarmSend, why: str) -> None:
    """Keep a call for when its event is live again; news that is none any more ends."""
    is_call = each.alarm.cause == AlarmCause.SIGNIFICANT
    move(each, SendState.WITHHELD if is_call else SendState.FAILED, reason=why)


def last_heard(event: NonLocalizedEvent) -> Heard:
    """Return the cause of what each contact and channel heard last of an event, or may have.

    A person who answered on a page heard it by each of their contacts.
    """
    sends = AlarmSend.objects.filter(Q(contact__isnull=False) | Q(reaches=""))
    sent = sends.filter(alarm__event=event, state__in=_HEARD, tried_at__isnull=False)
    told = [
        (at, alarm, contact or channel, cause)
        for at, alarm, contact, channel, cause in sent.values_list(
            "tried_at", "alarm", "contact", "channel", "alarm__cause"
        )
    ]
    answered = Alarm.objects.filter(event=event, acknowledged_by__contacts__isnull=False)
    told += answered.values_list("acknowledged_at", "pk", "acknowledged_by__contacts", "cause")
    return {who: cause for _, _, who, cause in sorted(told, key=lambda each: each[:2])}


def contacts_to_tell(heard: Heard, *, retracted: bool) -> list[Contact]:
    """Return the contacts that last heard the contrary."""
    contrary = [who for who, cause in heard.items() if is_retraction(cause) != retracted]
    pks = [who for who in contrary if isinstance(who, int)]
    return list(Contact.objects.standing().filter(pk__in=pks).select_related("person"))


def is_retraction(cause: str | None) -> bool:
    return cause == AlarmCause.RETRACTION
