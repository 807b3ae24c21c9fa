"""What an alarm says of an event."""

from datetime import datetime

from django.conf import settings

from tom.events.models import NonLocalizedEvent
from tom.formats.chances import write_percent
from tom.reports.alarms.answer_channels import AnswerChannel
from tom.reports.alarms.matching import SECONDS_PER_YEAR
from tom.reports.alarms.models import Alarm, AlarmCause
from tom.reports.alarms.rules import AlarmRule

MOST_TITLE = 200


def title_of(event: NonLocalizedEvent, cause: AlarmCause, rule: AlarmRule | None = None) -> str:
    if cause is AlarmCause.RETRACTION:
        return f"{event.event_id} is retracted"
    if cause is AlarmCause.RESTORED:
        return f"{event.event_id} is not retracted any more"
    if rule is not None:
        return f"{event.event_id}: {rule.name}"[:MOST_TITLE]
    return f"{event.event_id}: significant {event.get_kind_display().lower()}"


def body_of(event: NonLocalizedEvent) -> str:
    """Return a few lines with the event's present type, time, rate and classes."""
    lines = [f"{event.alert_type} of {_time(event.time_created)}"]
    if event.time is not None:
        lines.append(f"Time of the event: {_time(event.time)}")
    if event.far:
        lines.append(f"False alarms: one in {years(event.far)}")
    likely = sorted(event.classification.items(), key=lambda item: -float(item[1]))
    if likely:
        lines.append(
            ", ".join(f"{name} {write_percent(float(chance))}" for name, chance in likely[:3])
        )
    return "\n".join(lines)


def hint_of(alarm: Alarm) -> str:
    """Say how an alarm is answered by SMS or chat; "" if no channel hands in answers."""
    if alarm.event is None or not AnswerChannel.objects.standing().exists():
        return ""
    return f"Answer: ACK {alarm.pk}"


def link_to(alarm: Alarm) -> str:
    """Return the address where the alarm is answered; "" if SITE_URL does not say it."""
    if not settings.SITE_URL or alarm.event is None:
        return ""
    return f"{settings.SITE_URL}/events/{alarm.event.event_id}/"


def years(far: float) -> str:
    """Say a rate in Hz as the time between two."""
    time = 1 / far / SECONDS_PER_YEAR
    return f"{time:.3g} years" if time >= 1 else f"{time * 365.25:.3g} days"


def _time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC" if moment else "unknown time"
