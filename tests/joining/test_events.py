"""Two events that are one: joined, taken apart, and what follows each."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.factories import (
    make_lead,
    make_message,
    make_observer,
    make_skymap,
    make_target,
)
from tests.followup.conftest import make_request
from tests.missions.voevents import make_voevent
from tests.planning.plans import keep_plan
from tests.reports.alarms.conftest import make_rule
from tests.streams.packets import make_circular, make_gwalert_json
from tom import intake
from tom.candidates.models import EventCandidate, Vetting
from tom.candidates.services import match_event
from tom.candidates.verdicts import give_verdict
from tom.events.joins import EventJoin
from tom.events.models import NonLocalizedEvent
from tom.events.services import record_notice
from tom.joining.events import CannotJoinEventsError, join_events, part_events, split_mission
from tom.records import Notice
from tom.records.notice import NoticeMap, NoticeType, Product
from tom.reports.alarms.alarms import raise_alarm, send_alarm
from tom.reports.alarms.models import Alarm
from tom.reports.gcn.drafts import draft_circular
from tom.reports.notifications.follows import follow, is_following
from tom.sky import write_skymap
from tom.streams.services import store_message
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db

TIME = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
GW, GRB = "S261120abc", "GRB261120A"
PLACE = {"ra": 197.45, "dec": -23.38}


def make_map(**values: Any) -> NoticeMap:
    fits = write_skymap(make_skymap(**values))
    return NoticeMap(product=Product.SKYMAP, author="a", fits=fits)


def record(name: str, sender: str, **values: Any) -> NonLocalizedEvent:
    notice = Notice(
        **{
            "sender": sender,
            "kind": "gw" if sender == "LVK" else "grb",
            "names": (name,),
            "type": NoticeType.INITIAL,
            "time": TIME,
            "event_time": TIME - HOUR,
            **values,
        }
    )
    return record_notice(make_message(kind="gcn.notice"), notice).event


def both(**values: Any) -> tuple[NonLocalizedEvent, NonLocalizedEvent]:
    wide = {"maps": (make_map(sigma_deg=9.0),)}
    return record(GW, "LVK", **wide), record(
        GRB, "Swift", maps=(make_map(sigma_deg=3.0),), **values
    )


def again(event: NonLocalizedEvent) -> NonLocalizedEvent:
    return NonLocalizedEvent.everything.get(pk=event.pk)


def work(payload: bytes, topic: str = "file") -> None:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)


# --- Join ---------------------------------------------------------------------------------------
def test_a_joined_event_s_messages_maps_and_names_go_to_the_gravitational_wave() -> None:
    gw, grb = both()

    join_events(grb, gw, by=make_lead())

    gw = again(gw)
    assert list(NonLocalizedEvent.objects.all()) == [gw]
    assert gw.names == sorted([GRB, GW.upper()])
    assert gw.sequences.count() == gw.localizations.count() == 2
    assert gw.used is not None
    assert gw.used.sender == "Swift"  # the smaller of the newest maps
    assert not again(grb).is_live


def test_a_later_message_of_either_name_goes_to_the_one_event() -> None:
    gw, grb = both()
    join_events(gw, grb, by=make_lead())

    later = record(GRB, "Swift", type=NoticeType.UPDATE, time=TIME + HOUR)
    other = record(GW, "LVK", type=NoticeType.UPDATE, time=TIME + HOUR)

    assert later.pk == other.pk == gw.pk
    assert gw.sequences.count() == 4


def test_a_retraction_takes_back_what_was_said_of_the_event_that_it_names_alone() -> None:
    """LVK itself told of both: its retraction of one leaves the other."""
    one, two = record(GW, "LVK"), record("S261120abd", "LVK", time=TIME + HOUR)
    join_events(one, two, by=make_lead())

    record("S261120abd", "LVK", type=NoticeType.RETRACTION, time=TIME + 2 * HOUR)
    assert not again(one).retracted

    record(GW, "LVK", type=NoticeType.RETRACTION, time=TIME + 3 * HOUR)
    assert again(one).retracted


def test_a_circular_with_either_name_is_one_of_the_event() -> None:
    gw, grb = both()
    work(make_circular(circularId=1, eventId=GRB), "gcn.circulars")
    join_events(gw, grb, by=make_lead())
    work(make_circular(circularId=2, eventId=GRB), "gcn.circulars")

    assert sorted(gw.circulars.values_list("circular_id", flat=True)) == [1, 2]


@pytest.mark.parametrize("reason", ["a test", "one event already"])
def test_what_is_no_pair_is_refused(reason: str) -> None:
    gw, grb = both(test_reasons=("its role is test",) if reason == "a test" else ())
    if reason == "one event already":
        join_events(gw, grb, by=make_lead())

    with pytest.raises(CannotJoinEventsError, match=reason):
        join_events(gw, grb, by=make_lead())


def test_verdicts_requests_and_follows_follow_and_go_back() -> None:
    gw, grb = both()
    near, far = make_target("near", **PLACE), make_target("far", ra=10.0, dec=60.0)
    match_event(grb)
    match_event(gw)
    shown = EventCandidate.objects.get(event=grb, target=near)
    lost = EventCandidate.objects.create(event=grb, target=far)
    observer = make_observer()
    for candidate in (shown, lost):
        give_verdict(candidate, Vetting.PROMISING, by=observer)
    request = make_request(near, observer, event=grb, candidate=shown)
    follow(observer, kind="event", value=GRB)
    plan = keep_plan(grb, by=observer)

    join = join_events(gw, grb, by=observer)

    mine = {row.target.name: row for row in EventCandidate.objects.filter(event=gw)}
    assert {row.vetting for row in mine.values()} == {Vetting.PROMISING}
    assert set(mine) == {"near", "far"}
    request.refresh_from_db()
    assert (request.event_id, request.candidate_id) == (gw.pk, mine["near"].pk)
    assert is_following(observer, kind="event", value=GW)
    plan.refresh_from_db()
    assert plan.event_id == gw.pk

    part_events(join, by=observer)

    request.refresh_from_db()
    assert (request.event_id, request.candidate_id) == (grb.pk, shown.pk)
    vettings = dict(EventCandidate.objects.values_list("pk", "vetting"))
    assert (vettings[shown.pk], vettings[mine["near"].pk]) == (Vetting.PROMISING, Vetting.NEW)
    assert not is_following(observer, kind="event", value=GW)
    plan.refresh_from_db()
    assert plan.event_id == grb.pk


def test_drafts_of_circulars_follow_and_go_back() -> None:
    gw, grb = both()
    observer = make_observer()
    draft = draft_circular(grb, [], by=observer)

    join = join_events(gw, grb, by=observer)

    draft.refresh_from_db()
    assert draft.event_id == gw.pk
    part_events(join, by=observer)
    draft.refresh_from_db()
    assert draft.event_id == grb.pk


def test_open_alarms_follow_and_go_back_and_what_both_raised_calls_nobody_twice(settings) -> None:
    settings.ALARM_HOURS, settings.ALARM_EMAILS = 24 * 365 * 50, ["duty@example.org"]
    gw, grb = both()
    near = make_rule("near", sources=["grb"])
    for event, rule in ((gw, None), (grb, None), (grb, near)):
        alarm = Alarm.objects.create(event=event, cause="significant", rule=rule, title=event)
        alarm.sends.create(channel="email", due_at=TIME)
    shown = Alarm.objects.unacknowledged().order_by("pk")
    first, twin, of_rule = shown.all()

    join = join_events(gw, grb, by=make_lead())

    assert {each.pk: each.event_id for each in shown.all()} == {first.pk: gw.pk, of_rule.pk: gw.pk}
    twin.refresh_from_db()
    send_alarm(twin, now=TIME)
    assert twin.sends.get().reason == "the event was joined to another one"
    assert raise_alarm(again(gw)) is None
    part_events(join, by=make_lead())
    assert [each.event_id for each in shown.all()] == [gw.pk, grb.pk, grb.pk]
    raise_alarm(again(grb))
    assert twin.sends.get().state == "due"  # what was withheld meanwhile


# --- Apart --------------------------------------------------------------------------------------
def test_taken_apart_each_has_its_own_messages_newer_ones_too() -> None:
    gw, grb = both()
    lead = make_lead()
    join = join_events(gw, grb, by=lead)
    record(GRB, "Swift", type=NoticeType.UPDATE, time=TIME + HOUR, names=(GRB, "Swift-7"))
    work(make_circular(circularId=3, eventId=GRB), "gcn.circulars")

    part_events(join, by=lead)

    gw, grb = again(gw), again(grb)
    assert (gw.sequences.count(), grb.sequences.count()) == (1, 2)
    assert (gw.names, grb.names) == ([GW.upper()], sorted([GRB, "SWIFT7"]))
    assert gw.used is not None
    assert grb.used is not None
    assert (gw.used.sender, grb.used.sender) == ("LVK", "Swift")
    assert grb.circulars.count() == 1
    assert not grb.sequences.exclude(origin=None).exists()
    record(GRB, "Swift", type=NoticeType.RETRACTION, time=TIME + 2 * HOUR)
    assert (again(gw).retracted, again(grb).retracted) == (False, True)
    join.refresh_from_db()
    assert (join.by, join.parted_by) == (lead, lead)
    with pytest.raises(CannotJoinEventsError, match="apart already"):
        part_events(join, by=lead)


def test_a_kind_that_is_known_by_the_other_event_alone_goes_with_it() -> None:
    one, two = record("EP-WXT-1", "Einstein Probe", kind="unknown"), record(GRB, "Swift")

    join = join_events(one, two, by=make_lead())
    assert again(one).kind == "grb"

    part_events(join, by=make_lead())
    assert (again(one).kind, again(two).kind) == ("unknown", "grb")


def test_joins_of_joins_come_apart_from_the_last_one_on() -> None:
    lead = make_lead()
    gw, grb = both()
    third = record("Swift-9", "Fermi GBM")
    inner = join_events(grb, third, by=lead)
    outer = join_events(gw, grb, by=lead)
    assert gw.sequences.count() == 3
    assert record("Swift-9", "Fermi GBM", time=TIME + HOUR).pk == gw.pk
    with pytest.raises(CannotJoinEventsError, match="was joined to another event"):
        part_events(inner, by=lead)

    part_events(outer, by=lead)
    part_events(inner, by=lead)

    counts = [again(each).sequences.count() for each in (gw, grb, third)]
    assert counts == [1, 1, 2]


# --- By names -----------------------------------------------------------------------------------
def test_a_message_that_names_two_events_joins_them_unless_a_person_took_them_apart() -> None:
    work(make_voevent("gcn.fermi.gbm.voevent"))
    work(make_gwalert_json(superevent_id=GW))
    assert NonLocalizedEvent.objects.count() == 2
    coincidence = {"gcn_notice_id": 789000001, "observatory": "Fermi", "search": "GRB"}
    said = {"superevent_id": GW, "external_coinc": coincidence}
    work(make_gwalert_json(**said, alert_type="UPDATE", time_created="2026-01-01T06:00:00Z"))

    gw = NonLocalizedEvent.objects.get()
    assert (gw.event_id, gw.sequences.count()) == (GW, 3)
    join = EventJoin.objects.get()
    assert join.by is None

    part_events(join, by=make_lead())
    work(make_gwalert_json(**said, alert_type="UPDATE", time_created="2026-01-01T07:00:00Z"))
    assert sorted(NonLocalizedEvent.objects.values_list("event_id", flat=True)) == [
        "GBM-789000001",
        GW,
    ]
    work(make_voevent("gcn.fermi.gbm.voevent", date="2026-01-01T08:00:00"))
    assert again(join.other).sequences.count() == 2


def test_a_merger_whose_first_message_names_a_burst_keeps_its_own_name_and_kind() -> None:
    coincidence = {"gcn_notice_id": "789000001", "observatory": "Fermi", "search": "GRB"}
    work(make_voevent("gcn.fermi.gbm.voevent", Def_NOT_a_GRB="true"))
    work(make_gwalert_json(superevent_id=GW, external_coinc=coincidence))

    gw = NonLocalizedEvent.objects.get()
    assert (gw.event_id, gw.kind, gw.significant, gw.sequences.count()) == (GW, "gw", True, 2)
    burst = EventJoin.objects.get().other
    assert (burst.event_id, burst.kind) == ("GBM-789000001", "grb")


@pytest.mark.parametrize("order", ["burst first", "merger first", "burst after the retraction"])
def test_a_merger_that_is_taken_back_lets_its_burst_go(order: str) -> None:
    """Its requests are held and its people told, and the burst is an event by itself."""
    coincidence = {"gcn_notice_id": "789000001", "observatory": "Fermi", "search": "GRB"}
    told = make_gwalert_json(superevent_id=GW, external_coinc=coincidence)
    taken_back = make_gwalert_json(
        superevent_id=GW, alert_type="RETRACTION", time_created="2026-01-01T06:00:00Z"
    )
    burst = make_voevent("gcn.fermi.gbm.voevent")
    orders = {
        "burst first": (burst, told, taken_back),
        "merger first": (told, burst, taken_back),
        "burst after the retraction": (told, taken_back, burst),
    }
    for payload in orders[order]:
        work(payload)

    gw, grb = (NonLocalizedEvent.objects.get(kind=kind) for kind in ("gw", "grb"))
    assert (gw.event_id, gw.retracted) == (GW, True)
    assert (grb.event_id, grb.is_live) == ("GBM-789000001", True)
    assert [row.sender for row in grb.sequences.all()] == ["Fermi GBM"]

    work(make_voevent("gcn.fermi.gbm.voevent", date="2026-01-01T08:00:00"))
    late = {"alert_type": "UPDATE", "time_created": "2026-01-01T05:30:00Z"}
    work(make_gwalert_json(superevent_id=GW, external_coinc=coincidence, **late))
    assert again(gw).retracted
    assert grb.sequences.count() == 2


def test_a_request_for_a_merger_is_held_though_its_burst_stands() -> None:
    gw, grb = both()
    lead = make_lead()
    request = make_request(make_target(), lead, event=gw)
    join_events(gw, grb, by=lead)

    payload = make_gwalert_json(
        superevent_id=GW, alert_type="RETRACTION", time_created="2026-11-20T08:00:00Z"
    )
    work(payload)

    request.refresh_from_db()
    assert (again(gw).retracted, again(grb).is_live) == (True, True)
    assert (request.event, request.state) == (gw, "held")


def test_a_coincidence_that_comes_first_waits_for_the_burst() -> None:
    coincidence = {"gcn_notice_id": "789000001", "observatory": "Fermi", "search": "GRB"}
    work(make_gwalert_json(superevent_id=GW, external_coinc=coincidence))
    work(make_voevent("gcn.fermi.gbm.voevent"))

    assert NonLocalizedEvent.objects.get().sequences.count() == 2


@pytest.mark.parametrize(
    "values",
    [{"superevent_id": "MS261120abc"}, {"superevent_id": GW, "alert_tense": "test"}],
)
def test_a_test_s_coincidence_joins_nothing(values: dict[str, str]) -> None:
    work(make_voevent("gcn.fermi.gbm.voevent"))
    coincidence = {"gcn_notice_id": "789000001", "observatory": "Fermi", "search": "GRB"}
    work(make_gwalert_json(**values, external_coinc=coincidence))

    assert NonLocalizedEvent.objects.count() == 2


# --- Take out -----------------------------------------------------------------------------------
def test_a_mission_s_messages_are_taken_out_of_an_event_and_stay_out() -> None:
    coincidence = {"gcn_notice_id": "789000001", "observatory": "Fermi", "search": "GRB"}
    work(make_gwalert_json(superevent_id=GW, external_coinc=coincidence))
    work(make_voevent("gcn.fermi.gbm.voevent"))
    event = NonLocalizedEvent.objects.get()
    lead = make_lead()

    with pytest.raises(CannotJoinEventsError, match="called after these messages"):
        split_mission(event.sequences.get(sender="LVK"), by=lead)
    join = split_mission(event.sequences.get(sender="Fermi GBM"), by=lead)

    other = again(join.other)
    assert other.kind == "grb"
    assert other.used is not None
    assert again(event).used is None
    assert (event.sequences.count(), other.sequences.count()) == (1, 1)

    back = join_events(event, other, by=lead)
    assert back.kept == event
    assert event.sequences.count() == 2


def test_the_only_messages_of_an_event_are_not_taken_out() -> None:
    gw, grb = both()

    with pytest.raises(CannotJoinEventsError, match="no message would be left"):
        split_mission(grb.sequences.get(), by=make_lead())
    join_events(gw, grb, by=make_lead())
    split_mission(gw.sequences.get(sender="Swift"), by=make_lead())
    assert again(grb).joined_to is None


def test_targets_of_the_joined_region_become_candidates() -> None:
    gw, grb = record(GW, "LVK"), record(GRB, "Swift", maps=(make_map(),))
    make_target("near", **PLACE)
    TargetSummary.objects.update(first_detection=TIME, last_detection=TIME)
    join_events(gw, grb, by=make_lead())

    match_event(again(gw))

    assert [row.target.name for row in EventCandidate.objects.filter(event=gw)] == ["near"]
