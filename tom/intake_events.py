"""Notices and texts that are read: what becomes of events, and what a changed event calls for."""

from tom.candidates.services import match_event
from tom.events.circulars import dated_late, record_circular
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.followup.services import stop_requests
from tom.intake_verdicts import KNOWN, STORED, Verdict, stored
from tom.joining.agreeing import join_told
from tom.joining.releasing import release_bursts
from tom.records import Notice, Text
from tom.reports.alarms.alarms import raise_alarm
from tom.reports.hermes.taking_back import take_back
from tom.streams.models import AlertMessage

# From the next attempt on, an alert is stored without its maps.
ATTEMPTS_WITH_MAPS = 2


def store_notice(message: AlertMessage, notice: Notice) -> Verdict:
    """Record a notice in its chain; return what became of its message."""
    # Rather an event without its map than none: reading one may end its worker each time.
    recorded = record_notice(message, notice, with_maps=message.attempts <= ATTEMPTS_WITH_MAPS)
    joined = join_told(recorded)
    if joined is None and not recorded.is_new:
        return stored(recorded.left_out) if recorded.left_out else KNOWN
    event = joined or recorded.event
    released = release_bursts(event)
    for each in (event, *released):
        react_to_change(each)
    return stored(recorded.left_out)


def store_text(message: AlertMessage, text: Text) -> Verdict:
    """Keep a circular in its newest version; any other text is the message itself."""
    if text.circular_id is None:
        return STORED
    left_out = (*text.left_out, *dated_late(message, text))
    if not record_circular(message, text) and not left_out:
        return KNOWN
    return stored(left_out)


def react_to_change(event: NonLocalizedEvent) -> None:
    """Do what a changed chain calls for: stop requests, match targets, page."""
    if event.retracted:
        stop_requests(event, reason="The event was retracted")
        take_back(event.reports.all())
    else:
        match_event(event)
    raise_alarm(event)
