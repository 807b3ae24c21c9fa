"""What stands above an event's list and below it: alarms, requests, circulars, reports."""

from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from tom.events.circular_rows import Circular
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.kept_queries import Given, kept_query
from tom.reports.alarms.models import Alarm
from tom.reports.hermes.models import Report
from tom.reports.notifications.follows import is_following
from tom.reports.notifications.models import FollowKind
from tom.targets.visible import Reader, reader_of
from tom.web.views.requests import requests_going_on

SHOWN: Final = 20


def head_of(event: NonLocalizedEvent, user: User) -> dict[str, Any]:
    """What stands above the list."""
    return {
        "doubting": _circulars(True, event=event.pk),
        "going_on": requests_going_on(event, user),
        "alarms_raised": _alarms(reader_of(user), event=event.pk),
        "follow_kind": FollowKind.EVENT,
        "follow_value": event.event_id,
        "following": is_following(user, kind=FollowKind.EVENT, value=event.event_id),
    }


def panels_of(event: NonLocalizedEvent, user: User) -> dict[str, Any]:
    """What stands below the list, beside what is said of the event itself."""
    reader = reader_of(user)
    return {
        "circulars": _circulars(False, event=event.pk),
        "requests": _requests(reader, event=event.pk),
        "reports": _reports(reader, event=event.pk),
    }


@kept_query
def _circulars(is_doubting: bool, *, event: Given) -> QuerySet[Circular]:
    rows = Circular.objects.filter(event=event).defer("body")
    return (rows.exclude(takes_back="") if is_doubting else rows)[:SHOWN]


@kept_query
def _alarms(reader: Reader, *, event: Given) -> QuerySet[Alarm]:
    rows = Alarm.objects.visible_to(reader.user).filter(event=event)
    return rows.select_related("acknowledged_by", "event").prefetch_related("sends")


@kept_query
def _requests(reader: Reader, *, event: Given) -> QuerySet[ObservationRequest]:
    rows = ObservationRequest.objects.visible_to(reader.user).filter(event=event)
    return rows.select_related("target", "event")[:SHOWN]


@kept_query
def _reports(reader: Reader, *, event: Given) -> QuerySet[Report]:
    return Report.objects.visible_to(reader.user).filter(event=event)[:SHOWN]
