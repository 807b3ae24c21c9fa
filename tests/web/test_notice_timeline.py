"""How long a notice of an event was on its way: each step, on pages and in the API."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone

from tests.factories import (
    MERGER,
    make_event,
    make_observer,
    make_ranking,
    make_skymap,
    make_target,
)
from tests.streams.packets import make_gwalert_json
from tom import intake
from tom.events.models import EventSequence, NonLocalizedEvent
from tom.ranking.models import Ranking
from tom.ranking.services import rank_if_due
from tom.sky import write_skymap
from tom.streams.models import AlertMessage
from tom.streams.services import Incoming, store_messages
from tom.web.notice_timeline import notice_timeline

pytestmark = pytest.mark.django_db

NAMES = ["event", "author", "broker", "received", "stored", "matched", "ranked", "shown"]
SECONDS = [90.0, 5.0, 1.0, 2.0, 0.0, 4.0, 0.5]
EVENT_ID = "S261120ab"


@pytest.fixture
def vera(client: Client) -> User:
    vera = make_observer("vera")
    client.force_login(vera)
    return vera


def make_way(event: NonLocalizedEvent) -> AlertMessage:
    """Have the newest notice of an event go its way at `SECONDS` from each step to the next."""
    newest = event.sequences.select_related("message").latest("number")
    times = [event.time]
    for seconds in SECONDS:
        times.append(times[-1] + timedelta(seconds=seconds))
    EventSequence.objects.filter(pk=newest.pk).update(time_created=times[1])
    kept = {"sent": times[2], "received": times[3], "finished": times[4]}
    AlertMessage.objects.filter(pk=newest.message_id).update(**kept)
    for later in (-3600, 0, 3600):
        ranking, moved = make_ranking(event), timedelta(seconds=later)
        said = {"created": times[6] + moved, "published": times[7] + moved}
        Ranking.objects.filter(pk=ranking.pk).update(**said)
    return newest.message


def told(steps: list[dict[str, str]]) -> dict[str, datetime | None]:
    return {
        step["name"]: step["time"] and datetime.fromisoformat(step["time"]).astimezone(UTC)
        for step in steps
    }


def test_each_step_of_a_notice_is_told_with_the_time_that_it_took(
    client: Client, vera: User
) -> None:
    message = make_way(make_event(EVENT_ID))

    answer = client.get(f"/api/events/{EVENT_ID}/timeline/").json()
    (way,) = client.get(f"/api/messages/{message.pk}/timelines/").json()
    page = client.get(f"/events/{EVENT_ID}/").text

    assert way == answer
    assert [step["name"] for step in answer["steps"]] == NAMES
    assert [step["seconds_after"] for step in answer["steps"]] == [None, *SECONDS]
    assert (answer["target"], answer["message"], answer["event"]) == (None, message.pk, EVENT_ID)
    shown = page.split('<ol class="timeline')[1].split("</ol>")[0]
    assert re.findall("<b>([A-Za-z]+)</b>", shown) == [name.title() for name in NAMES]
    assert re.findall(r">([^<>]+) later<", shown)[0] == "1.5 min"
    assert client.get(f"/messages/{message.pk}/").text.count('<ol class="timeline') == 1


def test_intake_and_ranking_note_each_step_themselves(client: Client, vera: User) -> None:
    make_target()
    skymap = write_skymap(make_skymap())
    alert = make_gwalert_json(
        superevent_id=EVENT_ID,
        time_created=(MERGER + timedelta(minutes=1)).isoformat(),
        event={"time": MERGER.isoformat(), "skymap": skymap},
    )
    sent = timezone.now()
    stored = store_messages([Incoming("igwn.gwalert", alert, 0, 1, broker="b:9092", sent=sent)])
    intake.work_message(stored.all_ids[0])
    assert rank_if_due(NonLocalizedEvent.objects.get())

    times = told(client.get(f"/api/events/{EVENT_ID}/timeline/").json()["steps"])

    assert list(times) == NAMES
    assert all(times.values()), times
    assert list(times.values()) == sorted(times.values())


def test_a_notice_without_a_map_is_not_matched_and_one_that_waits_not_stored() -> None:
    event = make_event(localized=False)
    message = event.sequences.latest("number").message

    def steps() -> dict[str, datetime | None]:
        way = notice_timeline(event)
        assert way is not None
        return {step.name: step.time for step in way.steps}

    AlertMessage.objects.filter(pk=message.pk).update(finished=timezone.now())
    assert steps()["stored"] is not None
    assert steps()["matched"] is None
    AlertMessage.objects.filter(pk=message.pk).update(state="received", finished=None)
    assert (steps()["stored"], steps()["ranked"]) == (None, None)


def test_a_notice_that_was_set_aside_is_not_the_newest(client: Client, vera: User) -> None:
    event = make_event(EVENT_ID)
    *_, before, newest = event.sequences.order_by("number")
    EventSequence.objects.filter(pk=newest.pk).update(set_aside=timezone.now())
    api = f"/api/events/{EVENT_ID}/timeline/"

    assert client.get(api).json()["message"] == before.message_id
    event.sequences.update(set_aside=timezone.now())
    answer = client.get(api).json()
    assert (answer["message"], answer["steps"]) == (None, [])
    assert '<ol class="timeline' not in client.get(f"/events/{EVENT_ID}/").text
