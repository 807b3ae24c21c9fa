"""Joining two targets, splitting one, and undoing either: nothing is lost, and all is as it was."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db.models import ManyToManyRel
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetExtra, TargetList, TargetName

from tests.factories import make_event, make_observer
from tests.followup.conftest import make_request
from tests.targets.alerts import NIGHT
from tests.targets.test_identity import ARCSEC, names, programs, seen, target_of
from tests.web.test_audiences import shift
from tom.candidates.models import EventCandidate, Vetting
from tom.candidates.services import match_targets
from tom.candidates.verdicts import give_verdict
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.joining.audience import CannotJoinError
from tom.joining.journal import COUNTS, WATCHED, snapshot
from tom.joining.services import join_targets, split_object, undo
from tom.moments import Fact
from tom.ranking.models import RankedCandidate
from tom.records.alert import ObjectAlert
from tom.reports.notifications.follows import follow
from tom.scoring.models import DueScore, Score
from tom.targets.joins import TargetJoin
from tom.targets.models import Cutout, Program, TargetSummary
from tom.targets.objects import SurveyObject
from tom.targets.store import store_alerts
from tom.targets.visible import visible_targets
from tom.web.comments import add_comment, comments_on

__all__ = ["programs"]  # a fixture
pytestmark = pytest.mark.django_db

EVENT_PLACE = {"ra": 197.45, "dec": -23.38}
FAR = {"ra": 197.45, "dec": -23.38 + 30 * ARCSEC}


def told(survey: str, name: str, **fields: float) -> ObjectAlert:
    return shift(seen(survey, name, **{"days": 1.0, **EVENT_PLACE, **fields}))


def store(*alerts: ObjectAlert) -> None:
    changes = store_alerts(alerts)
    match_targets(changes.changed)
    for alert in sorted(alerts, key=lambda alert: alert.time):
        _keep_stamps(alert, changes.targets[alert.survey, alert.object_id])


def _keep_stamps(alert: ObjectAlert, target_id: int) -> None:
    """Keep an alert's stamps as those of a packet that is let go are."""
    program = Program.objects.get(survey=alert.survey, number=alert.program)
    for kind, data in alert.cutouts.items():
        Cutout.objects.update_or_create(
            target_id=target_id,
            kind=kind,
            program=program,
            defaults={"time": alert.time, "fits": data},
        )


@pytest.fixture
def vera(programs: dict[str, Group]) -> User:
    return make_observer("vera", groups=[programs["A"]])


def state(*targets: BaseTarget) -> dict[tuple[str, str], dict[str, object]]:
    """Every row of targets, but for what only counts changes."""
    apart = {table.name: {*table.apart, *COUNTS} for table in WATCHED}
    return {
        place: {name: value for name, value in row.items() if name not in apart[place[0]]}
        for place, row in snapshot([target.pk for target in targets]).items()
    }


def test_two_targets_become_one_with_all_that_was_known_and_said_of_them(vera) -> None:
    event = make_event("S261120ab")
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **FAR))
    kept, other = target_of("ZTF", "z"), target_of("LSST", "l")
    add_comment(other, "said of the other", by=vera)
    follow(vera, kind="target", value=str(other.pk))
    candidate = EventCandidate.objects.get(target=other)
    give_verdict(candidate, Vetting.PROMISING, by=vera)
    request = make_request(other, vera)
    TargetExtra.objects.create(target=other, key="redshift", value="0.1")
    TargetSummary.objects.update(scored_version=99)

    join = join_targets(kept, other, by=vera)

    kept.refresh_from_db()
    assert (join.kept, join.other, join.by) == (kept, other, vera)
    assert names(kept) == {"z", "l"}
    assert {row.key for row in kept.survey_objects.all()} == {("ZTF", "z"), ("LSST", "l")}
    assert sorted(kept.points.values_list("survey", flat=True)) == ["LSST", "ZTF"]
    assert kept.summary.n_detections == 2
    assert [row.comment for row in comments_on(kept, vera)] == ["said of the other"]
    assert EventCandidate.objects.visible_to(vera).get(event=event).target == kept
    assert EventCandidate.objects.get(target=kept).vetting == Vetting.PROMISING
    assert ObservationRequest.objects.get(pk=request.pk).target == kept
    assert TargetExtra.objects.get(key="redshift").target == kept
    assert list(visible_targets(vera)) == [kept]
    assert not TargetSummary.objects.filter(pk=other.pk).exists()
    assert kept.summary.version != kept.summary.scored_version
    # And the next alert of either is the kept one's.
    store(told("LSST", "l", days=3.0, **FAR))
    assert kept.points.count() == 3


def test_undoing_a_join_restores_both_and_gives_each_what_came_since(vera) -> None:
    make_event("S261120ab")
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **FAR))
    kept, other = target_of("ZTF", "z"), target_of("LSST", "l")
    join = join_targets(kept, other, by=vera)
    store(told("ZTF", "z", days=2.5), told("LSST", "l", days=3.0, **FAR))
    add_comment(kept, "said since", by=vera)

    undo(join, by=vera)

    assert (kept.points.count(), other.points.count()) == (2, 2)
    assert set(other.points.values_list("survey", flat=True)) == {"LSST"}
    one, two = (TargetSummary.objects.get(target=target) for target in (kept, other))
    assert (one.n_detections, two.n_detections) == (2, 2)
    # Of ZTF's alert that LSST's outdated in between nothing was kept but its points.
    assert (one.surroundings_alert, two.surroundings_alert) == ("ZTF-z-1.0", "LSST-l-3.0")
    kept, other = (BaseTarget.objects.get(pk=target.pk) for target in (kept, other))
    assert (names(kept), names(other)) == ({"z"}, {"l"})
    assert [row.comment for row in comments_on(kept, vera)] == ["said since"]
    assert visible_targets(vera).count() == 2
    assert EventCandidate.objects.visible_to(vera).count() == 2
    join.refresh_from_db()
    assert (join.undone_by, join.hides_other) == (vera, False)
    with pytest.raises(CannotJoinError):
        undo(join, by=vera)


SURVEYS = st.sampled_from(["ZTF", "LSST", "ATLAS"])
ALERTS = st.lists(
    st.tuples(SURVEYS, st.integers(0, 4), st.sampled_from([1, 1, 2]), st.booleans()),
    min_size=1,
    max_size=6,
)


@settings(
    max_examples=12,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=ALERTS, second=ALERTS, said=st.sets(st.sampled_from("cvrfxla")))
def test_a_join_and_its_undo_are_nothing(vera, first, second, said) -> None:
    vera = User.objects.get(pk=vera.pk)  # a person as read keeps the rights of the example before
    make_event()
    both = [_make(number, alerts) for number, alerts in enumerate((first, second))]
    for number, target in enumerate(both):
        _say(target, vera, said, number)
    match_targets([target.pk for target in both])
    before = state(*both)

    try:
        join = join_targets(both[0], both[1], by=vera)
    except CannotJoinError:
        assert state(*both) == before
        _clear()
        return
    assert TargetSummary.objects.filter(target__in=both).count() == 1
    undo(join, by=vera)

    assert state(*both) == before
    _clear()


def _make(number: int, alerts: Sequence[tuple[str, int, int, bool]]) -> BaseTarget:
    """A target of the alerts' surveys, each an object of its own near the same place."""
    place = {"ra": 197.45 + number * 0.01, "dec": -23.38}
    stored = []
    for survey, day, program, is_late in alerts:
        alert = told(survey, f"{survey}{number}", days=1.0 + day / 2, program=program, **place)
        stored.append(replace(alert, cutouts={"science": bytes([day])}) if is_late else alert)
    store(*stored)
    return target_of(alerts[0][0], f"{alerts[0][0]}{number}")


def _say(target: BaseTarget, user: User, said: set[str], number: int) -> None:
    """Say and ask of a target what is named by its letter."""
    words = {
        "c": lambda: add_comment(target, "a comment", by=user),
        "v": lambda: [
            give_verdict(row, Vetting.WATCHING, by=user)
            for row in EventCandidate.objects.filter(target=target)
        ],
        "r": lambda: make_request(target, user),
        "f": lambda: follow(user, kind="target", value=str(target.pk)),
        "x": lambda: TargetExtra.objects.create(target=target, key="redshift", value=f"0.{number}"),
        "l": lambda: TargetList.objects.get_or_create(name="mine")[0].targets.add(target),
        "a": lambda: TargetName.objects.create(target=target, name=f"AT2026{'ab'[number]}"),
    }
    for letter in sorted(said):
        words[letter]()


def _clear() -> None:
    ObservationRequest.objects.all().delete()
    BaseTarget.objects.all().delete()
    NonLocalizedEvent.objects.all().delete()


def test_the_place_is_where_the_earlier_of_the_two_was_seen(vera) -> None:
    store(told("ZTF", "z", days=2.0), told("LSST", "l", days=1.0, **FAR))
    kept, other = target_of("ZTF", "z"), target_of("LSST", "l")
    figures = ("position_time", "position_alert", "healpix29", "ebv", "ebv_error")
    earlier = TargetSummary.objects.values_list(*figures).get(pk=other.pk)

    join = join_targets(kept, other, by=vera)

    assert TargetSummary.objects.values_list(*figures).get(pk=kept.pk) == earlier
    assert BaseTarget.objects.get(pk=kept.pk).dec == other.dec
    undo(join, by=vera)
    assert BaseTarget.objects.get(pk=kept.pk).dec == kept.dec


@pytest.mark.parametrize("one", [True, False])
@pytest.mark.parametrize("two", [True, False])
def test_a_target_is_a_test_where_both_are_tests(vera, one: bool, two: bool) -> None:
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **FAR))
    kept, other = target_of("ZTF", "z"), target_of("LSST", "l")
    TargetSummary.objects.filter(pk=kept.pk).update(is_test=one)
    TargetSummary.objects.filter(pk=other.pk).update(is_test=two)

    join_targets(kept, other, by=vera)

    assert TargetSummary.objects.get(pk=kept.pk).is_test == (one and two)


def test_of_two_candidates_of_an_event_one_is_left(vera) -> None:
    event = make_event("S261120ab")
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **FAR))
    kept, other = target_of("ZTF", "z"), target_of("LSST", "l")
    EventCandidate.objects.update(rank=1, log_weight=0.5)
    assert EventCandidate.objects.filter(event=event, is_public=True).count() == 2

    join_targets(kept, other, by=vera)

    assert EventCandidate.objects.get(event=event, is_public=True).target == kept
    hidden = EventCandidate.objects.get(target=other)
    assert (hidden.rank, hidden.log_weight, hidden.credible_level_2d) == (None, None, None)


# --- Splitting --------------------------------------------------------------------------------
def test_an_object_is_split_off_with_its_points_and_undoing_it_is_nothing(vera) -> None:
    make_event("S261120ab")
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, dec=-23.38 + 0.3 * ARCSEC))
    target = BaseTarget.objects.get()
    add_comment(target, "of the whole", by=vera)

    split = split_object(SurveyObject.objects.get(survey="LSST"), by=vera)

    new = target_of("LSST", "l")
    target.refresh_from_db()
    assert (names(target), names(new)) == ({"z"}, {"l"})
    assert set(target.points.values_list("survey", flat=True)) == {"ZTF"}
    assert set(new.points.values_list("survey", flat=True)) == {"LSST"}
    assert (target.summary.n_detections, new.summary.n_detections) == (1, 1)
    assert new.dec == pytest.approx(-23.38 + 0.3 * ARCSEC)
    assert new.summary.surroundings_alert
    assert target.summary.surroundings_alert == ""
    assert EventCandidate.objects.visible_to(vera).count() == 2
    assert Cutout.objects.get(target=new).program.survey == "LSST"
    # A further alert stays with the object, though the target is as near as before.
    store(told("LSST", "l", days=3.0, dec=-23.38 + 0.3 * ARCSEC))
    assert new.points.count() == 2

    undo(split, by=vera)
    assert (target.points.count(), list(visible_targets(vera))) == (3, [target])
    assert names(BaseTarget.objects.get(pk=target.pk)) == {"z", "l"}


def test_a_split_and_its_undo_are_nothing(vera) -> None:
    make_event("S261120ab")
    store(
        told("ZTF", "z"),
        told("LSST", "l", days=2.0, dec=-23.38 + 0.3 * ARCSEC),
        told("ATLAS", "a", days=1.5, program=2),
    )
    target = BaseTarget.objects.get()
    before = state(target)
    for row in SurveyObject.objects.order_by("survey"):
        split = split_object(row, by=vera)
        assert state(target) != before
        undo(split, by=vera)
        assert state(target) == before, row


@pytest.mark.parametrize(
    "steps",
    [
        ("join", "split l"),
        ("join", "split z"),
        ("join", "split l", "join"),
        ("join", "undo", "join", "split l"),
        ("join", "split l", "undo", "split l", "undo", "split z"),
    ],
)
def test_what_was_done_in_turn_is_undone_in_turn(vera, steps: tuple[str, ...]) -> None:
    make_event("S261120ab")
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **FAR))
    both = [target_of("ZTF", "z"), target_of("LSST", "l")]
    before, done = state(*both), []

    for step in steps:
        word, _, name = step.partition(" ")
        match word:
            case "join":
                done.append(join_targets(target_of("ZTF", "z"), target_of("LSST", "l"), by=vera))
            case "split":
                done.append(split_object(SurveyObject.objects.get(object_id=name), by=vera))
            case "undo":
                undo(done.pop(), by=vera)
    while done:
        undo(done.pop(), by=vera)

    assert state(*both) == before
    assert [target_of("ZTF", "z"), target_of("LSST", "l")] == both


def test_the_only_object_of_a_target_is_not_split_off(vera) -> None:
    store(told("ZTF", "z"))

    with pytest.raises(CannotJoinError):
        split_object(SurveyObject.objects.get(), by=vera)


def test_what_was_done_later_is_undone_first(vera) -> None:
    store(told("ZTF", "a"), told("ZTF", "b", **FAR), told("ZTF", "c", ra=10.0))
    a, b, c = (target_of("ZTF", name) for name in "abc")
    first = join_targets(a, b, by=vera)
    second = join_targets(c, a, by=vera)

    with pytest.raises(CannotJoinError):
        undo(first, by=vera)
    with pytest.raises(CannotJoinError):
        join_targets(b, c, by=vera)
    undo(second, by=vera)
    undo(first, by=vera)

    assert [target_of("ZTF", name) for name in "abc"] == [a, b, c]


# --- One detection of two objects of one survey ------------------------------------------------
def test_a_detection_that_two_objects_share_counts_once_while_they_are_one(vera) -> None:
    shared = told("ZTF", "a").points[0]
    one = told("ZTF", "a")
    two = replace(
        told("ZTF", "b", days=2.0, **FAR), points=(*told("ZTF", "b", days=2.0).points, shared)
    )
    store(one, two)
    a, b = target_of("ZTF", "a"), target_of("ZTF", "b")
    assert (a.points.count(), b.points.count()) == (1, 2)

    join = join_targets(a, b, by=vera)
    assert a.points.count() == 2
    assert TargetSummary.objects.get(target=a).n_detections == 2

    undo(join, by=vera)
    assert (a.points.count(), b.points.count()) == (1, 2)


# --- Who may see it ---------------------------------------------------------------------------
def test_a_private_target_joins_a_public_one_for_its_readers_alone(vera, programs) -> None:
    make_event("S261120ab")
    store(told("LSST", "public"), told("ZTF", "hidden", days=2.0, program=2, **FAR))
    public, hidden = target_of("LSST", "public"), target_of("ZTF", "hidden")
    add_comment(hidden, "said privately", by=vera)
    stranger = make_observer("sid")
    before = state(public)

    join = join_targets(hidden, public, by=vera)

    assert (join.kept, join.other) == (public, hidden)
    assert names(public) == {"public"}
    assert [row.comment for row in comments_on(public, vera)] == ["said privately"]
    assert not comments_on(public, stranger).exists()
    mine = state(public)
    for place, row in before.items():  # nothing that everybody sees is another
        assert mine[place] == row, place
    undo(join, by=vera)
    assert state(public) == before


def test_targets_of_two_groups_are_not_joined(vera, programs) -> None:
    store(told("ZTF", "of A", program=2), told("ZTF", "of B", program=3, **FAR))

    with pytest.raises(CannotJoinError):
        join_targets(target_of("ZTF", "of A"), target_of("ZTF", "of B"), by=vera)


def test_scores_of_a_target_that_joined_another_stay_for_the_rankings_that_used_them(vera) -> None:
    store(told("ZTF", "a"), told("ZTF", "b", **FAR))
    a, b = target_of("ZTF", "a"), target_of("ZTF", "b")
    score = Score.objects.create(
        target=b, scorer="s", version="1", data_version=1, data_until=NIGHT + timedelta(days=1)
    )

    join_targets(a, b, by=vera)

    assert Score.objects.get().pk == score.pk


def test_every_table_that_names_targets_or_candidates_is_thought_of() -> None:
    watched = {table.model for table in WATCHED}
    # Of scores and ranks the history stays with the hidden target; facts are only added.
    apart = {Score, DueScore, RankedCandidate, TargetJoin}
    for model in (BaseTarget, EventCandidate):
        for link in model._meta.related_objects:
            named = link.through if isinstance(link, ManyToManyRel) else link.related_model
            kinds = watched | apart
            assert named in kinds or issubclass(named, Fact), named
