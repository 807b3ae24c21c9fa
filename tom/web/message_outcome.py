"""What a message made: its place in an event's chain, a circular, a target, as one may see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate
from tom.events.models import Circular, EventSequence
from tom.formats.errors import MalformedAlertError
from tom.forms.registry import forms
from tom.records import ObjectAlert
from tom.streams.models import AlertMessage
from tom.streams.packets import PacketGoneError, PacketStoreError, read_packet
from tom.targets.models import Program
from tom.targets.objects import SurveyObject
from tom.targets.visible import visible_targets
from tom.web.message_rights import may_read_bytes


@dataclass(frozen=True)
class Outcome:
    """The rows that came of a message; `n_targets` are the event's that the person may see."""

    sequence: EventSequence | None = None
    n_targets: int = 0
    circular: Circular | None = None
    target: BaseTarget | None = None


def outcome_of(message: AlertMessage, user: User) -> Outcome:
    """Find what a message made, of what this person may see."""
    sequence = sequences_of([message]).first()
    seen = EventCandidate.objects.visible_to(user)
    return Outcome(
        sequence=sequence,
        n_targets=seen.filter(event=sequence.event).count() if sequence else 0,
        circular=_circulars_of(message.pk).select_related("event").first(),
        target=_target_of(message, user),
    )


def sequences_of(messages: Sequence[AlertMessage]) -> QuerySet[EventSequence]:
    """The places in chains that these messages took, with their events."""
    return EventSequence.objects.filter(message__in=messages).select_related("event")


def event_of(message_id: int) -> str | None:
    """The id of the event that a message speaks of, by its chain or its circular; else None."""
    chain = EventSequence.objects.filter(message=message_id).values_list("event__event_id")
    circular = _circulars_of(message_id).filter(event__isnull=False)
    found = chain.first() or circular.values_list("event__event_id").first()
    return found[0] if found else None


def _circulars_of(message_id: int) -> QuerySet[Circular]:
    """The circular that a message brought, or one of its earlier versions."""
    return Circular.objects.filter(versions__message=message_id)


def _target_of(message: AlertMessage, user: User) -> BaseTarget | None:
    if message.group_id is not None and not may_read_bytes(user, message):
        return None
    alert = _alert_of(message)
    if alert is None or (message.group_id is None and not _may_know(alert, user)):
        return None
    objects = SurveyObject.objects.filter(survey=alert.survey, object_id=alert.object_id)
    # A target that came neither from a survey nor by hand is known by its name alone.
    named = Q(name=alert.object_id, survey_objects=None)
    meant = Q(pk__in=objects.values("target")) | named
    return visible_targets(user).filter(meant).order_by("pk").first()


def _alert_of(message: AlertMessage) -> ObjectAlert | None:
    form = forms().get(message.kind)
    if form is None or form.parse is None or form.record is not ObjectAlert:
        return None
    try:
        alert = form.parse(read_packet(message))
    except (MalformedAlertError, PacketGoneError, PacketStoreError):
        return None
    return alert if isinstance(alert, ObjectAlert) else None


def _may_know(alert: ObjectAlert, user: User) -> bool:
    """Whether a person may know that this program saw the object."""
    if user.is_superuser:
        return True
    program = Program.objects.filter(survey=alert.survey, number=alert.program)
    return program.filter(Q(public=True) | Q(group__in=user.groups.all())).exists()
