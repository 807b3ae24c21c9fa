"""What is matched is kept: windows, what is fresh, and what becomes public."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from tests.factories import MERGER, make_event, make_target, make_user
from tom.candidates.batches import events_near, window
from tom.candidates.facts import CandidateFact
from tom.candidates.keeping import Match, keep, known_hosts
from tom.candidates.looks import last_look, note_look
from tom.candidates.models import CandidateStanding, EventCandidate
from tom.candidates.services import doubt_candidates, match_anew
from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy
from tom.strategies.services import strategies_of_kinds
from tom.targets.models import AudienceSummary, TargetSummary

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


# --- Windows ----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("before", "after", "earliest", "latest"),
    [
        (1.0, 14.0, MERGER - DAY, MERGER + 14 * DAY),
        (0.0, 0.5, MERGER, MERGER + DAY / 2),
        (None, 2.0, None, MERGER + 2 * DAY),
        (3.0, None, MERGER - 3 * DAY, None),
        (None, None, None, None),
    ],
)
def test_a_window_reaches_so_many_days_from_the_event(before, after, earliest, latest) -> None:
    strategy = Strategy(days_before=before, days_after=after)

    assert window(NonLocalizedEvent(time=MERGER), strategy) == (earliest, latest)
    assert window(NonLocalizedEvent(time=None), strategy) == (None, None)


def make_events(*days: float | None, **fields: object) -> list[NonLocalizedEvent]:
    """Events so many days after the first detection of what is asked for; None: of no time."""
    return [
        make_event(alert_types=(), time=None if day is None else MERGER + day * DAY, **fields)
        for day in days
    ]


def test_events_are_near_whose_window_any_detection_may_reach() -> None:
    Strategy.objects.all().delete()
    Strategy.objects.create(name="gw", kind="gw", days_before=1.0, days_after=14.0)
    Strategy.objects.create(name="frb", kind="frb", days_before=None, days_after=3.0)
    one, other, unseen = (make_target(points=0) for _ in range(3))
    TargetSummary.objects.filter(pk=unseen.pk).update(first_detection=None, last_detection=None)
    for target, first, last in ((one, 0.0, 2.0), (other, 1.0, 2.5)):
        TargetSummary.objects.filter(pk=target.pk).update(
            first_detection=MERGER + first * DAY, last_detection=MERGER + last * DAY
        )
    # A candidate's first detection is at most 14 days after an event, its last a day before one.
    near = make_events(-14.0, 0.0, 2.5, 3.5, None)
    make_events(-14.01, 3.51)
    make_events(0.0, None, retracted=True)
    near += make_events(-3.0, 900.0, None, kind="frb")
    make_events(-3.01, kind="frb")
    strategies = strategies_of_kinds()

    found = set(events_near([one.pk, other.pk, unseen.pk], strategies))

    assert found == set(near)
    assert set(events_near([other.pk], strategies)) == set(near) - {near[0], near[5]}
    assert not events_near([unseen.pk], strategies).exists()
    assert not events_near([], strategies).exists()


def test_what_an_audience_alone_saw_reaches_as_far() -> None:
    target = make_target(points=0)
    TargetSummary.objects.update(first_detection=None, last_detection=None)
    AudienceSummary.objects.create(
        target=target,
        programs=[1],
        healpix29=1,
        first_detection=MERGER,
        last_detection=MERGER + DAY,
    )
    (event,) = make_events(1.0)

    assert list(events_near([target.pk], strategies_of_kinds())) == [event]


def test_a_changed_strategy_makes_events_of_its_kind_due_from_a_moment_on() -> None:
    due = make_events(0.0, 1.0, None)
    others = [*make_events(-0.1), *make_events(1.0, None, kind="grb")]

    match_anew("gw", since=MERGER)

    for event, is_due in ((e, e in due) for e in (*due, *others)):
        event.refresh_from_db()
        assert (event.match_due, event.rank_version) == (is_due, int(is_due))


# --- What is kept -----------------------------------------------------------------------------
@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event(alert_types=("INITIAL",))


def keep_one(event: NonLocalizedEvent, target_id: int, *audiences: tuple[int, ...]) -> set[int]:
    healpix = TargetSummary.objects.get(pk=target_id).healpix29
    chosen = {event.pk: event.localizations.get()}
    return keep([Match(event.pk, target_id, audience, healpix) for audience in audiences], chosen)


def versions(target_id: int) -> tuple[int, ...]:
    own = TargetSummary.objects.values_list("version", flat=True).get(pk=target_id)
    rows = AudienceSummary.objects.filter(target=target_id).order_by("programs")
    return (own, *rows.values_list("version", flat=True))


@pytest.fixture
def target_id(event: NonLocalizedEvent) -> int:
    """A public target with two audiences; all its summaries have the version 1."""
    target = make_target(points=1)
    for programs in ([1], [1, 2]):
        AudienceSummary.objects.create(target=target, programs=programs, healpix29=1)
    return target.pk


def test_what_becomes_a_candidate_is_scored_anew_for_those_who_know_it(event, target_id) -> None:
    assert keep_one(event, target_id, (1,)) == {event.pk}
    assert versions(target_id) == (1, 2, 1)
    assert keep_one(event, target_id, (1,), (), (1, 2)) == {event.pk}
    assert versions(target_id) == (2, 2, 2)
    assert keep_one(event, target_id, (1,), (), (1, 2)) == {event.pk}
    assert versions(target_id) == (2, 2, 2)
    assert keep_one(event, target_id) == set()


def test_what_private_points_make_a_candidate_has_no_public_levels(event, target_id) -> None:
    keep_one(event, target_id, (1,), (1, 2))

    row = EventCandidate.objects.get()
    assert (row.is_public, row.localization) == (False, event.localizations.get())
    assert (row.credible_level_2d, row.credible_level_3d, row.probdensity) == (None, None, None)
    standings = CandidateStanding.objects.order_by("programs")
    assert [tuple(each.programs) for each in standings] == [(1,), (1, 2)]
    for each in standings:
        assert 0 <= each.credible_level_2d < 0.1  # in the middle of the map
        assert each.probdensity > 0


def test_what_becomes_public_counts_as_made_then_and_stays_public(event, target_id) -> None:
    keep_one(event, target_id, (1,))
    before = timezone.now() - 3 * DAY
    EventCandidate.objects.update(created=before)
    CandidateStanding.objects.update(created=before)
    keep_one(event, target_id, (1,))
    assert EventCandidate.objects.get().created == before

    keep_one(event, target_id, (), (1,))
    row = EventCandidate.objects.get()
    assert row.is_public
    assert timezone.now() - row.created < DAY
    assert 0 <= row.credible_level_2d < 0.1
    assert CandidateStanding.objects.get().created == before

    EventCandidate.objects.update(created=before)
    keep_one(event, target_id, ())
    assert EventCandidate.objects.get().created == before
    keep_one(event, target_id, (1, 2))
    assert EventCandidate.objects.get().is_public


def test_a_verdict_and_a_rank_stay_with_a_candidate_that_is_matched_again(event, target_id) -> None:
    keep_one(event, target_id, ())
    EventCandidate.objects.update(vetting="promising", rank=3, log_weight=0.5)

    keep_one(event, target_id, ())

    row = EventCandidate.objects.get()
    assert (row.vetting, row.rank, row.log_weight) == ("promising", 3, 0.5)


def test_a_doubted_candidate_has_no_place_and_what_was_public_is_forgotten(
    event, target_id
) -> None:
    other = make_target(points=1)
    for pk in (target_id, other.pk):
        keep_one(event, pk, (), (1,))
    EventCandidate.objects.update(rank=3, log_weight=0.5, log_weight_low=0.1, log_weight_high=0.9)

    doubt_candidates([target_id])

    row, untouched = (EventCandidate.objects.get(target=pk) for pk in (target_id, other.pk))
    numbers = ("credible_level_2d", "credible_level_3d", "probdensity", "rank", "log_weight")
    for name in (*numbers, "log_weight_low", "log_weight_high"):
        assert getattr(row, name) is None
    assert (row.is_public, untouched.is_public, untouched.rank) == (False, True, 3)
    known = CandidateFact.objects.filter(programs=[])
    assert list(known.filter(candidate=row).values_list("is_known", "probdensity")) == [
        (False, None)
    ]
    assert known.filter(candidate=untouched, is_known=True).exists()
    assert CandidateFact.objects.filter(candidate=row, programs=[1], is_known=True).exists()


def test_a_host_counts_by_its_distance_with_no_error_where_none_is_told() -> None:
    one, two, three = (make_target(points=0).pk for _ in range(3))
    TargetSummary.objects.filter(pk=one).update(host_distance_mpc=40.0, host_distance_error_mpc=4.0)
    TargetSummary.objects.filter(pk=two).update(host_distance_mpc=50.0)

    assert known_hosts([one, two, three]) == {one: (40.0, 4.0), two: (50.0, 0.0)}
    assert known_hosts([three]) == {}


# --- Looks ------------------------------------------------------------------------------------
def test_each_person_looks_at_each_event_for_themselves() -> None:
    vera, sid = make_user(), make_user()
    one, two = make_events(0.0, 1.0)
    now = timezone.now()

    assert note_look(vera, one, now=now) is None
    assert note_look(vera, one, now=now + timedelta(minutes=30)) is None
    assert note_look(sid, one, now=now + 2 * DAY) is None
    assert note_look(vera, two, now=now + 2 * DAY) is None
    assert note_look(vera, one, now=now + DAY) == now + timedelta(minutes=30)
    # A page that was asked for earlier and comes later takes nothing back.
    assert note_look(vera, one, now=now + DAY / 2) == now + timedelta(minutes=30)
    assert note_look(vera, one, now=now + 2 * DAY) == now + DAY

    assert last_look(vera, one) == now + DAY
    assert (last_look(sid, one), last_look(sid, two)) == (None, None)


@pytest.mark.django_db(transaction=True)
def test_a_page_does_not_wait_for_the_disk_and_what_is_written_after_it_does() -> None:
    event = make_event()
    with connection.cursor() as cursor:
        cursor.execute("SET synchronous_commit TO on")  # the server of the tests has it off
    with transaction.atomic():
        note_look(make_user(), event, now=timezone.now())
        assert how_it_is_written() == "off"

    assert how_it_is_written() == "on"
    connection.close()


def how_it_is_written() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SHOW synchronous_commit")
        return cursor.fetchone()[0]


# --- Lists that are due -----------------------------------------------------------------------
@pytest.mark.parametrize(
    ("fields", "is_due"),
    [
        ({"ranked": None}, True),
        ({"ranked": timedelta(seconds=61)}, True),
        ({"ranked": timedelta(seconds=50)}, False),
        ({"ranked": timedelta(days=-1)}, True),  # the clock was set back since
        ({"ranked": None, "active": False}, False),
        ({"ranked": None, "kind": "gw"}, False),
    ],
)
def test_a_list_is_ranked_again_after_a_minute(fields, is_due: bool) -> None:
    Strategy.objects.all().delete()
    ago = fields.pop("ranked")
    Strategy.objects.create(name="x", ranked=ago and timezone.now() - ago, **fields)

    assert Strategy.objects.due().exists() == is_due
