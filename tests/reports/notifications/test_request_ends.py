"""Whoever asked for an observation is told how it ended, once."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from tests import factories
from tests.followup.conftest import make_request
from tom.followup.states import ENDS, LEGAL, RequestState
from tom.outbox.moves import move
from tom.reports.notifications.models import Notification
from tom.reports.notifications.request_ends import notify_ends

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("end", sorted(ENDS))
def test_each_end_is_told_once_to_whoever_asked(end: RequestState) -> None:
    vera, edwin = factories.make_observer("vera"), factories.make_observer("edwin")
    before = next(state for state in sorted(RequestState) if end in LEGAL[state])
    target = factories.make_target("SN2026abc")
    request = make_request(target, vera, state=before, remote_id="1")
    move(request, end, reason="as it came")

    told = [notify_ends(timezone.now()) for _ in range(2)]

    notification = Notification.objects.get()
    assert told == [1, 0]
    assert notification.user == vera
    assert notification.target == target
    assert notification.title == f"SN2026abc: your request to PRACTICE is {end.label.lower()}"
    assert notification.body == "as it came"
    assert not Notification.objects.filter(user=edwin).exists()


def test_a_request_under_way_and_an_old_end_are_told_to_nobody() -> None:
    vera: User = factories.make_observer("vera")
    make_request(factories.make_target(), vera)
    ended = make_request(factories.make_target(), vera)
    move(ended, RequestState.CANCELED)

    assert notify_ends(timezone.now() + timedelta(days=4)) == 0


def test_a_request_that_goes_on_after_its_end_is_told_of_its_new_end() -> None:
    request = make_request(
        factories.make_target(), factories.make_observer(), state="in_progress", remote_id="1"
    )
    for state in (RequestState.COMPLETED, RequestState.ACCEPTED, RequestState.EXPIRED):
        move(request, state)
        notify_ends(timezone.now())

    titles = Notification.objects.order_by("pk").values_list("title", flat=True)
    assert [title.rpartition(" ")[2] for title in titles] == ["completed", "expired"]
