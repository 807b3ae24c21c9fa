"""What an event's rows do: the map that holds when, pins, ranking due, names, and their locks."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_event, make_localization, make_message, make_skymap, make_user
from tests.streams.packets import make_circular
from tom.changes.models import Change, Topic
from tom.events.brought import keep_maps
from tom.events.chain import ALL_SET_ASIDE
from tom.events.circulars import dated_late, record_circular
from tom.events.localizations import (
    choose_localization,
    chosen_localization,
    draw_position,
    keep_map,
    maps_in_turn,
    maps_of,
    note_localization,
    skymaps_of,
    voices_with_maps,
)
from tom.events.locks import change_events, hold_events
from tom.events.models import (
    Circular,
    EventLocalization,
    EventSequence,
    Localization,
    NonLocalizedEvent,
)
from tom.events.services import (
    note_changes,
    pin_localization,
    record_notice,
    set_aside,
    take_back,
)
from tom.forms.circular import parse_circular
from tom.records import Notice
from tom.records.notice import NoticeMap, NoticeType, Position, Product
from tom.sky import MalformedSkyMapError, write_skymap

pytestmark = pytest.mark.django_db

TIME = datetime(2026, 1, 1, 5, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


def make_notice(**values: object) -> Notice:
    return Notice(
        **{
            "sender": "Made",
            "kind": "grb",
            "names": ("GRB260101A",),
            "type": NoticeType.INITIAL,
            "time": TIME,
            **values,
        }
    )


def record(**values: object) -> NonLocalizedEvent:
    return record_notice(make_message(), make_notice(**values)).event


def add_map(
    event: NonLocalizedEvent,
    hours: float = 0.0,
    *,
    sender: str = "Made",
    product: str = Product.SKYMAP,
    area: float = 100.0,
    **values: object,
) -> EventLocalization:
    localization = make_localization()
    localization.area_90 = area
    localization.save(update_fields=["area_90"])
    return EventLocalization.objects.create(
        event=event, localization=localization, sender=sender, product=product,
        time=TIME + hours * HOUR, **{"author": sender, **values},
    )  # fmt: skip


def make_bare_event(event_id: str = "GRB260101A") -> NonLocalizedEvent:
    return make_event(event_id, alert_types=(), kind="grb")


# --- Which map holds ----------------------------------------------------------------------------
def test_an_event_without_a_map_of_its_own_uses_none() -> None:
    event = make_bare_event()
    add_map(event, product=Product.COMBINED)
    add_map(event, set_aside=True)

    assert chosen_localization(event) is None
    assert maps_in_turn(event) == []
    assert maps_of(NonLocalizedEvent.objects.all()) == []


def test_a_combined_map_is_used_once_somebody_pinned_it() -> None:
    event = make_bare_event()
    own, combined = add_map(event), add_map(event, 1.0, product=Product.COMBINED, area=1.0)
    assert chosen_localization(event) == own

    pin_localization(event, combined)
    event.refresh_from_db()

    assert chosen_localization(event) == combined


def test_a_pin_on_a_map_that_is_not_among_the_event_s_chooses_none() -> None:
    event, other = make_bare_event(), make_bare_event("GRB260102A")
    own, foreign = add_map(event), add_map(other)
    event.pinned = foreign

    assert choose_localization(event, [own]) is None


def test_the_event_names_the_map_that_it_uses_through_its_whole_chain() -> None:
    wide, small = (
        NoticeMap(product=Product.SKYMAP, author="x", fits=write_skymap(make_skymap(sigma_deg=s)))
        for s in (9.0, 6.0)
    )
    event = record(maps=(wide,))
    event.refresh_from_db()
    assert event.used == chosen_localization(event)

    record(maps=(small,), type=NoticeType.UPDATE, time=TIME + HOUR)
    event.refresh_from_db()
    newest = event.used
    assert newest is not None
    assert newest.time == TIME + HOUR

    set_aside(event.sequences.get(alert_type="UPDATE"), make_user())
    event.refresh_from_db()
    assert event.used is not None
    assert event.used.time == TIME

    pin_localization(event, newest)
    event.refresh_from_db()
    assert event.used == newest

    pin_localization(event, None)
    event.refresh_from_db()
    assert event.used is not None
    assert event.used.time == TIME


@pytest.mark.parametrize("pinned", [True, False])
def test_a_pin_makes_the_event_due_and_is_told(*, pinned: bool) -> None:
    event = make_bare_event()
    use = add_map(event)
    NonLocalizedEvent.objects.update(match_due=False, pinned=use)

    pin_localization(event, use if pinned else None)

    after = NonLocalizedEvent.objects.get()
    assert after.pinned == (use if pinned else None)
    assert after.match_due
    assert after.rank_version == event.rank_version + 1
    assert [(change.topic, change.key) for change in Change.objects.all()] == [
        (Topic.EVENT, event.event_id)
    ]


def test_of_two_maps_of_one_mission_and_time_the_same_one_counts_whatever_their_order() -> None:
    event = make_bare_event()
    uses = [add_map(event, area=area) for area in (5.0, 500.0)]

    by_hand = max(uses, key=lambda use: use.localization.sha256)

    assert choose_localization(event, uses) == by_hand
    assert choose_localization(event, uses[::-1]) == by_hand


def test_of_two_missions_with_equal_areas_the_first_by_name_counts() -> None:
    event = make_bare_event()
    late, early = add_map(event, 2.0, sender="A"), add_map(event, 1.0, sender="B")

    assert choose_localization(event, [early, late]) == late
    assert voices_with_maps([early, late]) == ["A", "B"]


def test_a_late_wide_map_replaces_no_other_telescope_s_of_its_mission() -> None:
    event = make_bare_event()
    bat = add_map(event, sender="Swift", author="Swift BAT", area=0.03)
    xrt = add_map(event, 1.0, sender="Swift", author="Swift XRT", area=1e-5)
    later = add_map(event, 2.0, sender="Swift", author="Swift BAT", area=0.01)

    assert choose_localization(event, [bat, xrt, later]) == xrt
    assert choose_localization(event, [bat, later]) == later
    assert voices_with_maps([bat, xrt, later]) == ["Swift BAT", "Swift XRT"]


@pytest.mark.parametrize("sender", ["LVK", "IceCube", "By hand"])
def test_the_newest_map_of_whoever_speaks_as_one_counts(sender: str) -> None:
    event = make_bare_event()
    first = add_map(event, sender=sender, author="a", area=10.0)
    later = add_map(event, 1.0, sender=sender, author="b", area=900.0)

    assert choose_localization(event, [first, later]) == later
    assert voices_with_maps([first, later]) == [sender]


def test_maps_hold_in_turn_by_their_own_times_however_they_came() -> None:
    event = make_bare_event()
    third, first, second = (add_map(event, hours) for hours in (3.0, 1.0, 2.0))
    add_map(event, 1.5, set_aside=True)
    add_map(event, 2.5, product=Product.COMBINED)

    turns = maps_in_turn(event)

    assert turns == [(third, None), (first, second.time), (second, third.time)]


def test_a_pinned_map_holds_now_and_not_once_more_in_its_turn() -> None:
    event = make_bare_event()
    first, second = add_map(event, 1.0), add_map(event, 2.0)
    pin_localization(event, first)
    event.refresh_from_db()

    # The newest was nobody's predecessor: it held until nothing.
    assert maps_in_turn(event) == [(first, None)]
    assert second in event.localizations.all()


def test_the_maps_of_many_events_are_found_by_one_query_and_read_no_map() -> None:
    events = [make_bare_event(f"GRB26010{n}A") for n in range(1, 4)]
    uses = [add_map(event, hours) for event in events[:2] for hours in (1.0, 2.0)]

    with CaptureQueriesContext(connection) as queries:
        found = maps_of(NonLocalizedEvent.objects.all())
        areas = [use.localization.area_90 for _, turns in found for use, _ in turns]

    assert len(queries) == 1
    assert '"packed"' not in queries[0]["sql"]
    assert areas == [100.0] * 4
    turns_of = dict(found)
    assert turns_of.keys() == set(events[:2])
    assert turns_of[events[0]] == [(uses[1], None), (uses[0], uses[1].time)]


def test_skymaps_not_in_memory_are_read_by_one_query_each_once() -> None:
    first, second = make_localization(), make_localization(ra=10.0)

    with CaptureQueriesContext(connection) as queries:
        found = dict(skymaps_of([second.pk, first.pk, second.pk]))
    with CaptureQueriesContext(connection) as again:
        kept = dict(skymaps_of([first.pk, second.pk]))

    assert len(queries) == 1
    assert len(again) == 0
    assert kept[first.pk] is found[first.pk]
    assert found.keys() == {first.pk, second.pk}


# --- Maps as they come --------------------------------------------------------------------------
def test_one_map_is_stored_once_and_noted_once_for_each_event_and_time() -> None:
    fits = write_skymap(make_skymap())
    event = make_bare_event()

    kept = [keep_map(fits) for _ in range(2)]
    notes = {"sender": "Made", "author": "a", "product": "skymap", "time": TIME}
    uses = [note_localization(event, kept[0], **notes) for _ in range(2)]
    later = note_localization(event, kept[0], **notes | {"time": TIME + HOUR})

    assert kept[0] == kept[1]
    assert uses[0] == uses[1] != later
    assert Localization.objects.count() == 1


def test_what_is_no_map_is_not_stored() -> None:
    with pytest.raises(MalformedSkyMapError):
        keep_map(b"SIMPLE  = no map")

    assert not Localization.objects.exists()


def test_the_figures_kept_of_a_map_are_its_own() -> None:
    skymap = make_skymap(ra=80.0, dec=10.0, sigma_deg=6.0, distance_mpc=100.0)

    row = keep_map(write_skymap(skymap))

    assert row.n_rows == skymap.n
    # Of a Gaussian of 6 degrees: 2 pi sigma^2 ln 2 and ln 10.
    assert row.area_50 == pytest.approx(2 * 3.1416 * 36 * 0.693, rel=0.1)
    assert row.area_90 == pytest.approx(2 * 3.1416 * 36 * 2.303, rel=0.1)
    assert (row.distance_mean, row.distance_std) == (100.0, pytest.approx(20.0))
    assert row.distance_fraction == pytest.approx(1.0)
    assert row.max_ra == pytest.approx(80.0, abs=3)
    assert row.max_dec == pytest.approx(10.0, abs=3)
    assert row.contours.keys() == {"0.5", "0.9"}
    (outer,) = row.contours["0.9"]
    assert max(dec for _, dec in outer) == pytest.approx(10 + 6 * 2.146, abs=2.5)


PLACE = Position(ra=10.0, dec=20.0, radius_deg=5.0, author="Made")


@pytest.mark.parametrize(
    ("maps", "kept"),
    [
        ((), ["Made"]),
        ((Product.COMBINED,), ["other", "Made"]),
        ((Product.SKYMAP,), ["other"]),
    ],
)
def test_a_position_is_drawn_where_no_map_is_the_event_s_own(
    maps: tuple[Product, ...], kept: list[str]
) -> None:
    fits = write_skymap(make_skymap())
    brought = tuple(NoticeMap(product=product, author="other", fits=fits) for product in maps)

    found = keep_maps(make_notice(maps=brought, position=PLACE), with_maps=True)

    assert [notice_map.author for notice_map, _ in found.kept] == kept
    assert found.faults == ()


def test_each_map_that_cannot_be_used_is_named_and_takes_no_other_with_it() -> None:
    good = NoticeMap(product=Product.COMBINED, author="x", fits=write_skymap(make_skymap()))
    bad = replace(good, product=Product.SKYMAP, fits=b"no map")
    nowhere = replace(PLACE, radius_deg=-1.0)

    found = keep_maps(make_notice(maps=(bad, good)), with_maps=True)
    lost = keep_maps(make_notice(position=nowhere), with_maps=True)

    assert [notice_map for notice_map, _ in found.kept] == [good]
    assert found.faults == ("skymap (not a FITS file)",)
    (fault,) = lost.faults
    assert fault.startswith("position (")


def test_maps_that_ended_a_worker_are_not_read_again() -> None:
    good = NoticeMap(product=Product.SKYMAP, author="x", fits=write_skymap(make_skymap()))

    found = keep_maps(make_notice(maps=(good,)), with_maps=False)

    assert found.kept == []
    assert found.faults == ("skymap (its reading ended the worker)",)
    assert not Localization.objects.exists()


def test_one_circle_makes_one_map() -> None:
    assert draw_position(PLACE) == draw_position(PLACE)
    assert draw_position(PLACE).fits != draw_position(replace(PLACE, containment=0.68)).fits


# --- The chain ----------------------------------------------------------------------------------
def test_each_thing_is_what_the_newest_message_says_that_says_any() -> None:
    record(far=1e-9, significant=True, classification={"BNS": 0.9}, properties={"HasNS": 1.0},
           event_time=TIME - HOUR)  # fmt: skip
    record(time=TIME + 2 * HOUR, type=NoticeType.UPDATE, classification={"NSBH": 0.8}, far=0.0)
    event = record(time=TIME + HOUR, type=NoticeType.UPDATE, classification={"BBH": 1.0}, far=1e-3)

    assert event.classification == {"NSBH": 0.8}
    assert event.far == 0.0  # nought is said, too
    assert event.significant is True
    assert event.properties == {"HasNS": 1.0}
    assert event.time == TIME - HOUR
    assert (event.alert_type, event.time_created) == ("UPDATE", TIME + 2 * HOUR)


def test_what_a_burst_is_called_says_nothing_of_the_merger_that_it_came_with() -> None:
    merger = {"kind": "gw", "event_time": TIME - HOUR, "far": 1e-12, "significant": True}
    record(sender="LVK", **merger, classification={"BNS": 1.0}, properties={"HasNS": 1.0})
    record(sender="GBM", type=NoticeType.UPDATE, time=TIME + HOUR, event_time=TIME, far=1e-5,
           significant=False, classification={"SOLAR_FLARE": 1.0})  # fmt: skip
    event = NonLocalizedEvent.objects.get()

    assert (event.time, event.far, event.significant) == (TIME - HOUR, 1e-12, True)
    assert (event.classification, event.properties) == ({"BNS": 1.0}, {"HasNS": 1.0})

    record(sender="LVK", kind="gw", type=NoticeType.RETRACTION, time=TIME + 2 * HOUR)
    event.refresh_from_db()
    assert event.classification == {"SOLAR_FLARE": 1.0}  # nothing else counts now


@pytest.mark.parametrize("kinds", [("unknown", "grb"), ("grb", "unknown")])
def test_an_event_has_the_kind_of_whoever_knows_it(kinds: tuple[str, str]) -> None:
    record(sender="A", kind=kinds[0])
    record(sender="B", kind=kinds[1], time=TIME + HOUR, event_time=TIME)

    event = NonLocalizedEvent.objects.get()
    assert (event.kind, event.time) == ("grb", TIME)


def test_a_retraction_keeps_what_was_said_and_says_no_more() -> None:
    record(far=1e-9, classification={"BNS": 0.9})
    event = record(time=TIME + HOUR, type=NoticeType.RETRACTION, facts={"why": "noise"})

    assert event.retracted
    assert not event.is_live
    assert (event.far, event.classification) == (1e-9, {"BNS": 0.9})
    assert event.sequences.get(alert_type="RETRACTION").details == {"why": "noise"}


def test_an_event_is_found_by_any_of_its_names_and_learns_the_others() -> None:
    first = record(names=("GRB260101A", "bn260101001"))

    assert record(names=("BN260101001", "EP260101a"), time=TIME + HOUR).pk == first.pk
    event = record(names=("EP260101A",), time=TIME + 2 * HOUR)

    assert event.pk == first.pk
    assert event.event_id == "GRB260101A"
    assert len(event.names) == 3


def test_an_event_whose_first_name_is_asked_for_is_preferred_to_one_that_has_it_as_another() -> (
    None
):
    older = record(names=("A1", "B2"))
    own = NonLocalizedEvent.objects.create(event_id="B2", names=["B2"], kind="grb")

    assert record(names=("B2",), time=TIME + HOUR).pk == own.pk
    assert record(names=("A1",), time=TIME + HOUR).pk == older.pk


def test_what_adds_nothing_changes_nothing_and_tells_nobody() -> None:
    first = record_notice(make_message(), make_notice())
    Change.objects.all().delete()

    again = record_notice(make_message(), make_notice(left_out=("far (odd)",)))

    assert (first.is_new, again.is_new) == (True, False)
    assert again.left_out == ("far (odd)",)
    assert NonLocalizedEvent.objects.get().rank_version == first.event.rank_version
    assert not Change.objects.exists()


def test_a_map_that_a_message_lacked_is_added_to_it_and_ranks_anew() -> None:
    first = record_notice(make_message(), make_notice(), with_maps=False)
    fits = write_skymap(make_skymap())
    brought = NoticeMap(product=Product.SKYMAP, author="x", fits=fits)

    again = record_notice(make_message(), make_notice(maps=(brought,)))

    assert again.is_new
    assert again.event.rank_version == first.event.rank_version + 1
    sequence = EventSequence.objects.get()
    assert sequence.localization is not None
    assert sequence.localization.author == "x"


@pytest.mark.parametrize(("minutes", "is_early"), [(9, False), (11, True)])
def test_a_message_of_later_than_our_clock_allows_is_early(
    settings: Settings, minutes: int, *, is_early: bool
) -> None:
    settings.FUTURE_MINUTES = 10
    message = make_message()

    record_notice(message, make_notice(time=message.received + timedelta(minutes=minutes)))

    assert EventSequence.objects.get().is_early is is_early


def test_an_event_of_later_than_its_message_has_no_time_and_says_so(settings: Settings) -> None:
    settings.FUTURE_MINUTES = 10

    soon = record_notice(make_message(), make_notice(event_time=TIME + timedelta(minutes=10)))
    assert soon.event.time == TIME + timedelta(minutes=10)
    late = record_notice(
        make_message(), make_notice(names=("GRB2",), event_time=TIME + timedelta(minutes=11))
    )

    assert late.event.time is None
    assert late.left_out == ("event.time 2026-01-01 05:11:00 (after the message itself)",)


def test_setting_aside_and_taking_back_say_who_and_when_and_make_the_event_due() -> None:
    event, person = record(far=1e-9), make_user()
    version = event.rank_version
    NonLocalizedEvent.objects.update(match_due=False)
    Change.objects.all().delete()

    event = set_aside(event.sequences.get(), person)
    row = event.sequences.get()
    assert row.set_aside_by == person
    assert row.set_aside is not None
    assert (event.match_due, event.rank_version, event.far) == (True, version + 1, None)
    assert event.test_reasons == [ALL_SET_ASIDE]
    assert (event.alert_type, event.time_created, event.retracted) == ("", None, False)

    event = take_back(row)
    row.refresh_from_db()
    assert (row.set_aside, row.set_aside_by) == (None, None)
    assert (event.test_reasons, event.far) == ([], 1e-9)
    assert [change.key for change in Change.objects.all()] == [event.event_id] * 2


def test_the_map_of_a_message_that_was_set_aside_is_too_unless_another_brought_it() -> None:
    fits = write_skymap(make_skymap())
    brought = NoticeMap(product=Product.SKYMAP, author="x", fits=fits)
    record(maps=(brought,))
    event = record(maps=(brought,), type=NoticeType.UPDATE)  # at the same time

    first, second = event.sequences.order_by("number")
    set_aside(first, make_user())
    assert not event.localizations.get().set_aside
    set_aside(second, make_user())
    assert event.localizations.get().set_aside
    take_back(first)
    assert not event.localizations.get().set_aside


# --- Ranking due, and the locks -----------------------------------------------------------------
def test_events_are_due_from_a_change_until_it_was_ranked() -> None:
    due, done = make_bare_event(), make_bare_event("GRB260102A")
    NonLocalizedEvent.objects.update(rank_version=3, ranked_version=3)
    assert not NonLocalizedEvent.objects.due_for_ranking().exists()

    note_changes([due.pk, due.pk])

    assert list(NonLocalizedEvent.objects.due_for_ranking()) == [due]
    due.refresh_from_db()
    done.refresh_from_db()
    assert (due.rank_version, done.rank_version) == (4, 3)


@pytest.mark.parametrize(
    ("first", "second", "waits"),
    [
        (hold_events, hold_events, False),
        (hold_events, change_events, True),
        (change_events, hold_events, True),
        (change_events, change_events, True),
    ],
)
def test_many_may_hold_the_events_and_one_alone_may_change_them(first, second, waits) -> None:
    def take() -> None:
        with transaction.atomic():
            second()

    with transaction.atomic():
        first()
        other = begin(take)
        assert other.done() is not waits
        transaction.set_rollback(True)  # which lets the lock go

    assert other.result(timeout=WAIT_SECONDS) is None


# --- Circulars ----------------------------------------------------------------------------------
def keep_circular(**values: object) -> bool:
    return record_circular(
        make_message(topic="gcn.circulars"), parse_circular(make_circular(**values))
    )


def test_an_older_edit_and_the_same_one_change_nothing_shown_and_tell_nobody() -> None:
    event = make_bare_event("S260101a")
    assert keep_circular(version=2, subject="new")
    Change.objects.all().delete()

    assert keep_circular(version=1, subject="old")
    assert not keep_circular(version=2, subject="odd")

    row = Circular.objects.get()
    assert set(row.versions.values_list("version", flat=True)) == {1, 2}
    assert (row.subject, row.version, row.event) == ("new", 2, event)
    assert not Change.objects.exists()


def test_an_edit_that_names_another_event_is_told_on_both_pages() -> None:
    first, second = make_bare_event("S260101a"), make_bare_event("S260102b")
    keep_circular(eventId="S260101a", subject="x")
    assert Circular.objects.get().event == first
    Change.objects.all().delete()

    assert keep_circular(eventId="S260102b", subject="x", version=2)

    assert Circular.objects.get().event == second
    assert {change.key for change in Change.objects.all()} == {"S260101a", "S260102b"}


def test_a_text_without_a_number_is_no_circular() -> None:
    text = replace(parse_circular(make_circular()), circular_id=None)

    assert not record_circular(make_message(), text)
    assert not Circular.objects.exists()


@pytest.mark.parametrize(
    ("after", "named"), [(timedelta(hours=23), False), (timedelta(hours=25), True)]
)
def test_a_circular_of_tomorrow_s_tomorrow_is_dated_by_when_it_came(
    after: timedelta, *, named: bool
) -> None:
    message = make_message(topic="gcn.circulars")
    circular = replace(parse_circular(make_circular()), created_on=message.received + after)

    assert bool(dated_late(message, circular)) is named
    record_circular(message, circular)

    created = Circular.objects.get().created_on
    assert created == (message.received if named else circular.created_on)


# --- A second message of one time ---------------------------------------------------------------
def test_a_second_message_of_one_time_adds_what_it_says_more() -> None:
    record(far=1e-9, facts={"a": 1, "b": {"c": 2}})
    record(far=None, facts={"a": None, "b": {"d": 3}, "text": "words"})

    sequence = EventSequence.objects.get()
    assert sequence.details["a"] == 1
    assert sequence.details["b"] == {"c": 2, "d": 3}
    assert sequence.details["text"] == "words"
    assert sequence.event.far == 1e-9


def test_a_second_message_that_says_no_more_is_known() -> None:
    first = record_notice(make_message(), make_notice(facts={"a": 1}))
    second = record_notice(make_message(), make_notice(facts={"a": 1}))
    less = record_notice(make_message(), make_notice())

    assert [each.is_new for each in (first, second, less)] == [True, False, False]
