"""How long an alert was on its way: each step, on pages and in the API, as one may know it."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client
from django.utils import timezone

from tests.factories import (
    MERGER,
    make_candidate,
    make_event,
    make_group,
    make_observer,
    make_place,
    make_program,
    make_ranking,
)
from tests.ranking.test_lists import make_strategy
from tests.streams.packets import JD, make_ztf_packet
from tom import intake
from tom.candidates.models import EventCandidate
from tom.demo.packets import to_datetime, to_jd
from tom.ranking.models import RankedCandidate, Ranking
from tom.ranking.services import rank_if_due
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.streams.models import AlertMessage
from tom.streams.services import Incoming, store_messages
from tom.targets.models import Arrival, TargetSummary
from tom.web.templatetags.sky import DASH, duration
from tom.web.timeline import LABELS

pytestmark = pytest.mark.django_db

EXPOSED = to_datetime(JD) + timedelta(seconds=15)  # the middle of the exposure's 30 s
SECONDS = (700, 0.5, 1.5, 12, 30, 0.25)  # of each step after the one before
TIMES = [EXPOSED]
for _seconds in SECONDS:
    TIMES.append(TIMES[-1] + timedelta(seconds=_seconds))
SENT, RECEIVED, STORED, SCORED, RANKED, SHOWN = TIMES[1:]


@pytest.fixture
def vera(client: Client) -> User:
    vera = make_observer("vera")
    client.force_login(vera)
    return vera


def bring(*, program: int = 1, jd: float = JD, candid: int = 1) -> AlertMessage:
    """Have an alert come, and be received and stored at their times."""
    packet = make_ztf_packet(programid=program, jd=jd, candid=candid, pid=candid)
    stored = store_messages([Incoming("ztf", packet, 0, candid, broker="b:9092", sent=SENT)])
    assert intake.work_alerts()
    (pk,) = stored.all_ids
    AlertMessage.objects.filter(pk=pk).update(received=RECEIVED, finished=STORED)
    return AlertMessage.objects.get(pk=pk)


def make_stages(message: AlertMessage, programs: tuple[int, ...] = ()) -> EventCandidate:
    """Have the target of a message be scored, ranked for an event and shown at their times."""
    target = message.arrivals.get().object.target
    score = Score.objects.create(
        target=target,
        programs=list(programs),
        scorer="fast_transient",
        version="1",
        data_version=1,
        data_until=EXPOSED,
        probability={"kilonova": 0.5},
    )
    Score.objects.filter(pk=score.pk).update(created=SCORED)
    event = make_event("S261120ab")
    candidate = make_candidate(event, target, rank=None)
    for offset in (-3600, 0, 3600):  # one that knew nothing of the alert, and a later one
        ranking = make_ranking(event)
        make_place(ranking, candidate, programs=programs)
        moved = timedelta(seconds=offset)
        times = {"created": RANKED + moved, "published": SHOWN + moved}
        Ranking.objects.filter(pk=ranking.pk).update(**times)
    return candidate


def told(steps: list[dict[str, Any]]) -> dict[str, datetime | None]:
    return {
        step["name"]: step["time"] and datetime.fromisoformat(step["time"]).astimezone(UTC)
        for step in steps
    }


def test_each_step_of_an_alert_is_told_with_the_time_that_it_took(
    client: Client, vera: User
) -> None:
    message = bring()
    candidate = make_stages(message)
    page = f"/targets/{candidate.target_id}/"

    answer = client.get(f"/api{page}timeline/?event=S261120ab").json()
    text = " ".join(client.get(f"{page}?event=S261120ab").text.split())

    assert told(answer["steps"]) == dict(zip(LABELS, TIMES, strict=True))
    assert [step["seconds_after"] for step in answer["steps"]] == [None, *SECONDS]
    assert (answer["message"], answer["event"]) == (message.pk, "S261120ab")
    way = text.split('<ol class="timeline"')[1].split("</ol>")[0]
    assert re.findall("<b>([A-Za-z]+)</b>", way) == list(LABELS.values())
    laters = re.findall(r">([^<>]+) later<", way)
    assert laters == ["12 min", "0.50 s", "1.5 s", "12 s", "30 s", "0.25 s"]
    assert "12 min in all; ranked for" in text


def test_intake_scorers_and_ranking_note_each_step_themselves(client: Client, vera: User) -> None:
    event = make_event("S261120ab")
    jd = to_jd(MERGER + timedelta(days=1))
    sent = timezone.now()
    packet = make_ztf_packet(ra=197.45, dec=-23.38, jd=jd, jdstarthist=jd)
    stored = store_messages([Incoming("ztf", packet, 0, 1, broker="b:9092", sent=sent)])
    assert intake.work_alerts()
    while score_due(most=100):
        pass
    assert rank_if_due(event)

    (way,) = client.get(f"/api/messages/{stored.all_ids[0]}/timelines/").json()

    times = told(way["steps"])
    assert way["event"] == "S261120ab"
    assert all(times.values()), times
    assert list(times.values()) == sorted(times.values())


def test_the_page_of_its_message_tells_the_same(client: Client, vera: User) -> None:
    message = bring()
    make_stages(message)

    (way,) = client.get(f"/api/messages/{message.pk}/timelines/").json()
    text = client.get(f"/messages/{message.pk}/").text

    assert told(way["steps"]) == dict(zip(LABELS, TIMES, strict=True))
    assert text.count('<ol class="timeline') == 1
    assert client.get(f"/api/messages/{message.pk}/").json()["sent"] is not None


def test_what_did_not_happen_yet_is_said_and_has_no_time(client: Client, vera: User) -> None:
    message = bring()
    target = message.arrivals.get().object.target
    AlertMessage.objects.update(sent=None)

    steps = told(client.get(f"/api/targets/{target.pk}/timeline/").json()["steps"])
    text = client.get(f"/targets/{target.pk}/").text

    assert [name for name, time in steps.items() if time is None] == [
        *("broker", "scored", "ranked", "shown")
    ]
    assert "not since" in text
    assert "not known" in text


def test_a_message_that_waits_again_is_not_stored(client: Client, vera: User) -> None:
    message = bring()
    AlertMessage.objects.update(state="received", finished=None)

    (way,) = client.get(f"/api/messages/{message.pk}/timelines/").json()

    assert told(way["steps"])["stored"] is None


def test_a_target_without_a_kept_way_says_so(client: Client, vera: User) -> None:
    target = make_candidate(make_event()).target

    assert "whose way was kept" in client.get(f"/targets/{target.pk}/").text
    answer = client.get(f"/api/targets/{target.pk}/timeline/").json()
    assert (answer["message"], answer["steps"]) == (None, [])
    api = f"/api/targets/{target.pk}/timeline/?event=S000000xx"
    assert client.get(api).status_code == 404


@pytest.fixture
def team() -> Group:
    return make_group("team")


def test_the_newest_alert_is_the_newest_that_the_reader_may_know_of(
    client: Client, vera: User, team: Group
) -> None:
    private = make_program(2, group=team)
    public = bring()
    hidden = bring(program=2, jd=JD + 1, candid=2)
    target = public.arrivals.get().object.target
    api = f"/api/targets/{target.pk}/timeline/"

    def message_shown() -> int:
        return client.get(api).json()["message"]

    assert Arrival.objects.get(message=hidden).program == private
    assert message_shown() == public.pk
    assert client.get(f"/api/messages/{hidden.pk}/timelines/").json() == []
    assert 'class="timeline' not in client.get(f"/messages/{hidden.pk}/").text
    vera.groups.add(team)
    assert message_shown() == hidden.pk
    assert len(client.get(f"/api/messages/{hidden.pk}/timelines/").json()) == 1


def test_scores_and_places_of_others_are_not_told(client: Client, vera: User, team: Group) -> None:
    private = make_program(2, group=team)
    candidate = make_stages(bring(), programs=(private.pk,))
    api = f"/api/targets/{candidate.target_id}/timeline/"

    steps = told(client.get(api).json()["steps"])

    assert (steps["scored"], steps["ranked"], steps["shown"]) == (None, None, None)
    vera.groups.add(team)
    steps = told(client.get(api).json()["steps"])
    assert (steps["ranked"], steps["shown"]) == (RANKED, SHOWN)


@pytest.mark.parametrize("is_theirs", [True, False])
def test_a_place_in_a_list_is_told_to_those_who_see_the_list(
    client: Client, vera: User, *, is_theirs: bool
) -> None:
    candidate = make_stages(bring())
    group = make_group("lists")
    strategy = make_strategy(name="Bright things", group=group)
    ranking = Ranking.objects.create(strategy=strategy, prior=0.001, layout=[])
    Ranking.objects.filter(pk=ranking.pk).update(created=RANKED, published=SHOWN)
    weights = dict.fromkeys(("log_weight", "log_weight_low", "log_weight_high"), 1.0)
    RankedCandidate.objects.create(
        strategy=strategy, ranking=ranking, target=candidate.target, terms={}, **weights
    )
    target = candidate.target_id
    candidate.delete()
    if is_theirs:
        vera.groups.add(group)

    steps = told(client.get(f"/api/targets/{target}/timeline/").json()["steps"])

    assert (steps["ranked"], steps["shown"]) == ((RANKED, SHOWN) if is_theirs else (None, None))


def test_an_alert_of_a_closed_program_is_told_to_its_readers_alone(
    client: Client, vera: User, team: Group
) -> None:
    message = bring()
    program = make_program()
    program.public, program.group = False, team
    program.save()

    assert client.get(f"/api/messages/{message.pk}/timelines/").json() == []


def test_the_way_of_an_alert_costs_the_same_however_many_there_are(
    client: Client, vera: User, django_assert_max_num_queries
) -> None:
    target = bring().arrivals.get().object.target
    page = f"/targets/{target.pk}/?part=standing"
    client.get(page)
    with django_assert_max_num_queries(30) as few:
        client.get(page)
    for number in range(2, 8):
        bring(jd=JD + number / 100, candid=number)

    with django_assert_max_num_queries(len(few)):
        client.get(page)


def test_one_message_of_several_alerts_of_an_object_counts_the_newest() -> None:
    message = bring()

    assert message.arrivals.get().time == EXPOSED
    assert TargetSummary.objects.count() == 1


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.4211, "0.42 s"),
        (-3, "-3.0 s"),
        (59, "59 s"),
        (186, "3.1 min"),
        (7200, "2.0 h"),
        (None, DASH),
    ],
)
def test_a_duration_is_said_with_its_unit(seconds: float | None, said: str) -> None:
    assert duration(seconds) == said
