"""What a person said of an event by hand, as rows."""

from django.contrib.auth.models import User

from tests.factories import MERGER
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.forms.by_hand import SENDER, TOPIC, Circle, SaidByHand
from tom.records.notice import NoticeType
from tom.streams.services import store_message


def say_by_hand(event: NonLocalizedEvent, *, by: User) -> EventSequence:
    """Add to an event's chain what a person said, as if the event that it made was joined to it."""
    said = SaidByHand(
        event="HAND-mine",
        type=NoticeType.INITIAL,
        written=MERGER,
        by=by.get_username(),
        by_id=by.pk,
        kind="gw",
        time=MERGER,
        circle=Circle(ra=197.45, dec=-23.38, radius_deg=1.0),
    )
    message, _ = store_message(TOPIC, said.write(), name=said.event)
    return EventSequence.objects.create(
        event=event,
        sender=SENDER,
        alert_type=said.type,
        time_created=said.written,
        message=message,
        details={"by": said.by, "by_id": said.by_id, "why": ""},
    )
