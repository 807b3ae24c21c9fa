"""The form of a stream's filter, its trial, and what the pages say of a filter in force."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import (
    make_admin,
    make_credential,
    make_group,
    make_lead,
    make_observer,
    make_stream,
)
from tests.streams.packets import make_ztf_packet
from tests.streams.quiet import nowhere
from tests.woken import woken
from tom.streams.door import filter_in_force
from tom.streams.models import (
    FilterCount,
    FilterTrial,
    Stream,
    StreamFilter,
    StreamHealth,
    TopicMinute,
)
from tom.streams.rules import Cone, Rule, night_of
from tom.streams.services import Incoming, store_messages
from tom.streams.trials import try_filter
from tom.web.filter_form import read_filter_form, words_of
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db
WHOLE = {
    "least_reliability": "0.65", "brightest": "14", "faintest": "20.5", "sign": "positive",
    "least_dec": "-30", "most_dec": "+60.5", "cones": "197.45 -23.38 2\n\n 360, 10, 0.5 ",
    "programs": "1, 2", "in_regions": "on", "no_solar_system": "on",
}  # fmt: skip


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_lead("lead"))
    return client


@pytest.fixture
def stream() -> Stream:
    return make_stream("ZTF", topics=["ztf_test"], active=True)


def address(stream: Stream, *, do: str = "") -> str:
    return f"/streams/{stream.pk}/filter/{do}"


def finish_trial() -> None:
    try_filter(FilterTrial.objects.select_related("filter__stream").get(), nowhere)


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


# --- The form ---------------------------------------------------------------------------------
def test_a_form_becomes_a_rule_and_is_shown_as_it_was_typed(lead: Client, stream: Stream):
    answer = lead.post(address(stream), WHOLE)

    draft = stream.filters.get()
    assert answer.status_code == 302
    assert draft.rule == Rule(
        least_reliability=0.65, brightest=14.0, faintest=20.5, sign="positive", least_dec=-30.0,
        most_dec=60.5, cones=(Cone(197.45, -23.38, 2.0), Cone(0.0, 10.0, 0.5)), in_regions=True,
        no_solar_system=True, programs=(1, 2),
    )  # fmt: skip
    assert draft.began is None
    shown = text(lead.get(address(stream)))
    for words in words_of(draft.rule):
        assert words in shown.replace("Program", "program")
    assert "197.45 -23.38 2" in shown
    assert 'value="0.65"' in shown


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("least_reliability", "1.2", "a number from 0 to 1"),
        ("least_reliability", "nan", "a number from 0 to 1"),
        ("faintest", "bright", "a number from -5 to 40"),
        ("faintest", "13", "the smaller number"),
        ("most_dec", "-31", "southern declination comes first"),
        ("least_dec", "-91", "a number from -90 to 90"),
        ("sign", "both", "Choose which detections pass"),
        ("cones", "197.45 -23.38", "is no cone"),
        ("cones", "197.45 -23.38 0", "is no cone"),
        ("cones", "\n".join(["1 1 1"] * 51), "at most 50 cones"),
        ("programs", "one", "numbers, as 1, 2"),
        ("programs", "9" * 30, "numbers, as 1, 2"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_saved(
    lead: Client, stream: Stream, name: str, value: str, why: str
):
    answer = lead.post(address(stream), WHOLE | {name: value})

    assert answer.status_code == 422
    assert why in text(answer)
    assert not stream.filters.exists()


def test_a_filter_that_is_shown_and_saved_again_is_the_same(lead: Client, stream: Stream):
    fine = {"least_reliability": "0.9999995", "least_dec": "-23.3814812", "sign": ""}
    lead.post(address(stream), fine | {"cones": "197.450341598 -23.381481201 0.00027777"})
    draft = stream.filters.get()

    lead.post(address(stream), lead.get(address(stream)).context["form"].values)

    assert stream.filters.get().rule == draft.rule


def test_a_filter_without_a_condition_is_refused():
    assert read_filter_form({}).errors
    assert not read_filter_form({"in_regions": "on"}).errors


def test_a_rule_says_each_condition():
    assert words_of(Rule(faintest=20.5, cones=(Cone(1, 2, 3),), in_regions=True)) == [
        "magnitude 20.5 or less", "in the region of an open event or in 1 cone"
    ]  # fmt: skip


# --- From the draft to the filter in force ----------------------------------------------------
def test_a_draft_is_tried_before_it_can_be_switched_on(
    lead: Client, stream: Stream, django_capture_on_commit_callbacks
):
    for number, drb in enumerate((0.9, 0.1, 0.2)):
        packet = make_ztf_packet(drb=drb, candid=number + 1)
        store_messages([Incoming("ztf_test", packet, 0, number, broker=stream.address)])
    woken()
    with django_capture_on_commit_callbacks(execute=True):
        lead.post(address(stream), {"least_reliability": "0.5"})
    assert {task for task, *_ in woken()} == {"try_filter"}

    assert "Trying: 7 nights left." in text(lead.get(f"{address(stream)}?part=trial"))
    refused = lead.post(address(stream, do="on/"), follow=True)
    assert "Try it first" in text(refused)
    assert filter_in_force(stream.pk) is None
    finish_trial()
    shown = text(lead.get(f"{address(stream)}?part=trial"))
    assert re.search(r'num">3</td>\s*<td class="num">3</td>\s*<td class="num"> 1 <', shown)
    assert "reliability 2" in shown
    answer = lead.post(address(stream, do="on/"), follow=True)

    chosen = filter_in_force(stream.pk)
    assert "The filter of ZTF is on." in text(answer)
    assert chosen is not None
    assert chosen.least_reliability == 0.5
    assert "reliability at least 0.5" in text(answer)


def test_a_draft_whose_trial_failed_was_not_tried(lead: Client, stream: Stream):
    lead.post(address(stream), {"least_reliability": "0.5"})
    finish_trial()
    FilterTrial.objects.update(fault="the store of packets does not answer")

    assert "Switch this filter on" not in text(lead.get(address(stream)))
    assert "Try it first" in text(lead.post(address(stream, do="on/"), follow=True))
    assert filter_in_force(stream.pk) is None


def test_a_trial_of_nothing_says_so(lead: Client, stream: Stream):
    lead.post(address(stream), {"least_reliability": "0.5"})
    finish_trial()

    assert "nobody can say what the filter would have passed" in text(lead.get(address(stream)))


def test_a_trial_that_nobody_takes_says_so(lead: Client, stream: Stream):
    lead.post(address(stream), {"least_reliability": "0.5"})
    FilterTrial.objects.update(moved=timezone.now() - timedelta(minutes=2))

    assert "No worker goes on with the trial" in text(lead.get(address(stream)))


def test_a_changed_filter_takes_the_place_of_the_one_in_force(lead: Client, stream: Stream):
    old = StreamFilter.objects.create(stream=stream, least_reliability=0.9, began=timezone.now())
    assert 'value="0.9"' in text(lead.get(address(stream)))  # the form begins with it
    for value in ("0.4", "0.5"):  # the draft is one row
        lead.post(address(stream), {"least_reliability": value})
    assert filter_in_force(stream.pk) == old
    finish_trial()

    lead.post(address(stream, do="on/"))

    old.refresh_from_db()
    new = filter_in_force(stream.pk)
    assert old.ended is not None
    assert new is not None
    assert (new.least_reliability, stream.filters.count()) == (0.5, 2)


def test_a_filter_is_switched_off_and_a_draft_deleted(lead: Client, stream: Stream):
    StreamFilter.objects.create(stream=stream, least_reliability=0.9, began=timezone.now())
    lead.post(address(stream), {"least_reliability": "0.4"})

    lead.post(address(stream, do="drop/"))
    assert stream.filters.count() == 1
    assert filter_in_force(stream.pk) is not None
    lead.post(address(stream, do="off/"))

    assert filter_in_force(stream.pk) is None


@pytest.mark.parametrize("do", ["", "on/", "off/", "drop/"])
def test_who_may_not_change_the_stream_changes_no_filter(client: Client, do: str):
    credential = make_credential(group=make_group("others"))
    stream = make_stream("ZTF", credential=credential)
    StreamFilter.objects.create(stream=stream, least_reliability=0.9, began=timezone.now())
    client.force_login(make_lead("outsider"))

    answer = client.post(address(stream, do=do), {"least_reliability": "0.1"}, follow=True)

    assert "belongs to a group that you are not in" in text(answer)
    assert stream.filters.get().ended is None


# --- What the pages say -----------------------------------------------------------------------
@pytest.fixture
def filtered(stream: Stream) -> Stream:
    Stream.objects.update(changed=timezone.now() - timedelta(minutes=5))
    now = timezone.now()
    chosen = StreamFilter.objects.create(stream=stream, least_reliability=0.5, began=now)
    health = StreamHealth.objects.create(
        stream=stream.address, topic="ztf_test", connected=True, reported=now
    )
    minute = now.replace(second=0, microsecond=0)
    TopicMinute.objects.create(health=health, minute=minute, messages=200, left_out=150)
    for ago, outcome, messages in ((1, "passed", 40), (1, "place", 3960), (9, "passed", 7)):
        FilterCount.objects.create(
            filter=chosen, night=night_of(now) - timedelta(days=ago), outcome=outcome,
            messages=messages,
        )  # fmt: skip
    return stream


def test_the_streams_page_says_what_a_filter_keeps(client: Client, filtered: Stream):
    client.force_login(make_observer("observer"))

    shown = text(client.get("/streams/"))

    assert "reliability at least 0.5." in shown
    assert "Last hour, since it is on: 50 kept, 150 left out (25% passed)." in shown
    assert "40 packets kept, 3,960 left out (1% passed)." in shown
    assert "/filter/" not in shown  # an observer changes none


def test_the_share_that_passed_is_of_what_the_filter_judged(lead: Client, filtered: Stream):
    """What came before it was on, and heartbeats, passed no filter."""
    now = timezone.now()
    Stream.objects.update(topics=["ztf_test", "sys.heartbeat"])
    beats = StreamHealth.objects.create(
        stream=filtered.address, topic="sys.heartbeat", connected=True, reported=now
    )
    survey = StreamHealth.objects.get(topic="ztf_test")
    minute = now.replace(second=0, microsecond=0)
    TopicMinute.objects.create(health=beats, minute=minute, messages=60)
    TopicMinute.objects.create(health=survey, minute=minute - timedelta(minutes=30), messages=900)

    assert "since it is on: 50 kept, 150 left out (25% passed)." in text(lead.get("/streams/"))

    StreamFilter.objects.update(began=now - timedelta(hours=2))
    assert "Last hour: 950 kept, 150 left out (86% passed)." in text(lead.get("/streams/"))


def test_the_filters_page_shows_the_nights(lead: Client, filtered: Stream):
    shown = text(lead.get(address(filtered)))

    assert "place 3,960" in shown
    assert "4,000" in shown


def test_the_api_and_prometheus_give_the_same(client: Client, filtered: Stream):
    admin = make_admin()
    client.force_login(admin)
    [said] = client.get("/api/streams/").json()
    [night] = said["filter"].pop("nights")
    header = {"Authorization": f"Token {renew_token(admin)}"}
    answer = client.get("/api/metrics/", headers=header).content.decode()
    samples = {
        (sample.name, sample.labels.get("outcome")): sample.value
        for family in text_string_to_metric_families(answer)
        for sample in family.samples
    }

    assert said["filter"]["conditions"] == ["reliability at least 0.5"]
    assert (said["filter"]["passed_hour"], said["filter"]["left_out_hour"]) == (50, 150)
    assert (night["passed"], night["left_out"]) == (40, 3960)
    assert night["outcomes"] == {"passed": 40, "place": 3960}
    assert samples["counterpart_stream_filter_packets_total", "passed"] == 47
    assert samples["counterpart_stream_filter_packets_total", "place"] == 3960
    assert samples["counterpart_stream_left_out_last_hour", None] == 150


def test_the_pages_ask_as_often_however_many_filters_there_are(
    lead: Client, filtered: Stream, django_assert_max_num_queries
):
    for number in range(20):
        other = make_stream(topics=[f"ztf_{number}"], active=True)
        row = StreamFilter.objects.create(stream=other, least_dec=0, began=timezone.now())
        for ago in range(10):
            night = night_of(timezone.now()) - timedelta(days=ago)
            FilterCount.objects.create(filter=row, night=night, outcome="passed", messages=1)

    with django_assert_max_num_queries(34):
        lead.get("/streams/")
    with django_assert_max_num_queries(34):
        lead.get(address(filtered))
