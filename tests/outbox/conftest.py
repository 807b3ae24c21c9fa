"""One row of each kind that goes through the outbox."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests import factories
from tests.followup.conftest import make_request
from tom.followup.models import ObservationRequest
from tom.outbox.models import Outgoing
from tom.reports.alarms.models import Alarm, AlarmSend
from tom.reports.classes.models import ClassMessage
from tom.reports.hermes.models import Report

KINDS: dict[str, type[Outgoing]] = {
    "request": ObservationRequest,
    "report": Report,
    "alarm": AlarmSend,
    "classes": ClassMessage,
}


def make_request_row() -> ObservationRequest:
    return make_request(factories.make_target(), factories.make_user("vera"), remote_id="1")


def make_report() -> Report:
    vera, now = factories.make_observer(), timezone.now()
    confirmed = {"confirmed_by": vera, "confirmed_at": now, "created_by": vera}
    url = "kafka://broker/hermes.test"
    return Report.objects.create(event=factories.make_event(), url=url, body={}, **confirmed)


def make_alarm() -> AlarmSend:
    alarm = Alarm.objects.create(event=factories.make_event(), cause="significant", title="!")
    return AlarmSend.objects.create(alarm=alarm, channel="email")


def make_classes() -> ClassMessage:
    score = factories.make_score(factories.make_target())
    return ClassMessage.objects.create(score=score, url="kafka://broker/elasticc-test", body=b"x")


_MAKERS: dict[str, Callable[[], Outgoing]] = {
    "request": make_request_row,
    "report": make_report,
    "alarm": make_alarm,
    "classes": make_classes,
}


def make_row(kind: str, state: str = "", **fields: Any) -> Outgoing:
    """A row of a kind, to be sent where no state is named, with `fields` as they are."""
    row = _MAKERS[kind]()
    fields = {"state": state or row.table.due, "due_at": None, **fields}
    type(row)._default_manager.filter(pk=row.pk).update(**fields)
    return type(row)._default_manager.get(pk=row.pk)


@pytest.fixture(params=sorted(KINDS))
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


DAY = timedelta(days=1)
