"""What goes from one target to another, table by table, and what stays where it was."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.contenttypes.models import ContentType
from django.utils import timezone
from django_comments.models import Comment
from guardian.shortcuts import assign_perm
from hypothesis import given, settings
from hypothesis import strategies as st
from tom_dataproducts.models import PhotometryReducedDatum
from tom_targets.base_models import BaseTarget
from tom_targets.models import PersistentShare, TargetExtra, TargetList

from tests.factories import MERGER, make_event, make_group, make_observer, make_program, make_user
from tests.followup.conftest import make_request
from tests.targets.alerts import NIGHT
from tests.targets.test_summary import make_targets
from tom.candidates.models import CandidateStanding, EventCandidate, Verdict, Vetting
from tom.followup.models import ObservationRequest
from tom.joining import moving
from tom.joining.audience import CannotJoinError, in_order, is_said_privately, readers_of
from tom.joining.figures import drop_audiences, take_in
from tom.joining.journal import differences
from tom.joining.services import join_targets, undo
from tom.reports.gcn.models import CircularDraft
from tom.reports.hermes.models import Report
from tom.reports.notifications.follows import follow
from tom.reports.notifications.models import Follow, Notification
from tom.shifts.claims import claim_target, claims_on
from tom.targets.models import (
    AudienceSummary,
    Cutout,
    LightCurvePoint,
    Program,
    TargetSummary,
)
from tom.targets.objects import SurveyObject
from tom.web.comments import add_comment

db = pytest.mark.django_db


@pytest.fixture
def vera(db: None) -> User:
    return make_observer("vera")


@pytest.fixture
def both(db: None) -> tuple[BaseTarget, BaseTarget]:
    """The target that takes in, and the other one."""
    kept, other, _third = make_targets(3)
    return kept, other


@pytest.fixture
def third(both) -> BaseTarget:
    """One that nobody joins."""
    return BaseTarget.objects.get(name="t2")


# --- Data -------------------------------------------------------------------------------------
def add_point(
    target: BaseTarget,
    key: str,
    *,
    band: str = "g",
    program: Program | None = None,
    **fields: object,
) -> LightCurvePoint:
    return LightCurvePoint.objects.create(
        target=target,
        survey="ZTF",
        key=key,
        time=NIGHT,
        band=band,
        flux=1000.0,
        flux_error=10.0,
        program=program or make_program(),
        **{"kind": "alert", **fields},
    )


@db
def test_points_that_both_have_stay_and_all_others_go(both) -> None:
    kept, other = both
    for target, band in ((kept, "g"), (other, "r")):
        add_point(target, "same", band=band)
        add_point(target, f"of {band}", band=band)
    add_point(other, "same", kind="forced", band="r")

    moving.move_data(other.pk, kept.pk)

    mine = kept.points.values_list("kind", "key", "band")
    assert set(mine) == {
        *(("alert", "same", "g"), ("alert", "of g", "g"), ("alert", "of r", "r")),
        ("forced", "same", "r"),
    }
    assert [point.key for point in other.points.all()] == ["same"]


@db
def test_points_of_some_objects_go_alone(both) -> None:
    kept, other = both
    rows = [SurveyObject.objects.create(survey="ZTF", object_id=n, target=other) for n in "ab"]
    for row in rows:
        add_point(other, f"of {row.object_id}", object=row)
    add_point(other, "of none")

    moving.move_points([rows[0].pk], other.pk, kept.pk)

    assert [point.key for point in kept.points.all()] == ["of a"]
    assert other.points.count() == 2


@db
def test_the_toolkit_s_photometry_goes_but_what_both_have(both) -> None:
    kept, other = both
    for target, bands in ((kept, "g"), (other, "gr")):
        for band in bands:
            PhotometryReducedDatum.objects.create(
                target=target, timestamp=NIGHT, bandpass=band, brightness=18.0, unit="AB mag"
            )

    moving.move_data(other.pk, kept.pk)

    rows = PhotometryReducedDatum.objects
    assert set(rows.filter(target=kept).values_list("bandpass", flat=True)) == {"g", "r"}
    assert rows.filter(target=other).count() == 1


def add_stamp(target: BaseTarget, number: int, hours: int, kind: str = "science") -> Cutout:
    program = Program.objects.get(survey="ZTF", number=number)
    time = NIGHT + timedelta(hours=hours)
    return Cutout.objects.create(target=target, kind=kind, program=program, time=time, fits=b"x")


@db
@pytest.mark.parametrize(
    ("mine", "theirs", "kept_hours"), [(None, 1, 1), (1, 2, 2), (2, 1, 2), (1, 1, 1), (1, None, 1)]
)
def test_of_two_stamps_of_a_kind_and_a_program_the_newer_stands(
    both, third, mine: int | None, theirs: int | None, kept_hours: int
) -> None:
    kept, other = both
    make_program()
    make_program(2, group=make_group())
    if mine is not None:
        first = add_stamp(kept, 1, mine)
    if theirs is not None:
        second = add_stamp(other, 1, theirs)
    elsewhere = [add_stamp(other, 2, 9), add_stamp(other, 1, 9, kind="template")]
    for kind in ("science", "difference"):
        add_stamp(third, 1, 9, kind=kind)

    moving.move_cutouts(other.pk, kept.pk)

    science = Cutout.objects.get(target=kept, kind="science", program__number=1)
    assert science.time == NIGHT + timedelta(hours=kept_hours)
    assert {row.target_id for row in Cutout.objects.filter(pk__in=[r.pk for r in elsewhere])} == {
        kept.pk
    }
    assert Cutout.objects.filter(target=third).count() == 2
    left = Cutout.objects.filter(target=other)
    if mine is None or theirs is None:
        assert not left.exists()
    else:
        older = first if theirs > mine else second
        assert [(row.pk, row.kind) for row in left] == [(older.pk, "science")]


@db
def test_stamps_of_some_programs_go_alone(both, third) -> None:
    kept, other = both
    make_program()
    private = make_program(2, group=make_group())
    rows = [add_stamp(other, 1, 0), add_stamp(other, 2, 0)]

    moving.move_cutouts(other.pk, kept.pk, [private.pk])
    assert [row.pk for row in Cutout.objects.filter(target=kept)] == [rows[1].pk]

    moving.give_stamp(rows[0].pk, kept.pk)
    assert Cutout.objects.filter(target=kept).count() == 2
    mine = add_stamp(other, 1, 5)
    others = [add_stamp(third, 1, 5), add_stamp(kept, 1, 5, kind="template")]
    moving.give_stamp(mine.pk, kept.pk)  # whichever is the newer
    assert set(Cutout.objects.filter(target=kept).values_list("pk", flat=True)) == {
        mine.pk,
        rows[1].pk,
        others[1].pk,
    }
    assert Cutout.objects.get(pk=others[0].pk).target == third
    assert Cutout.objects.get(target=other).pk == rows[0].pk


# --- Words ------------------------------------------------------------------------------------
@db
def test_what_was_said_and_asked_goes_and_what_both_have_stays(both, third, vera) -> None:
    kept, other = both
    sid = make_user("sid")
    for user, targets in ((vera, [other]), (sid, [kept, other]), (make_user(), [third])):
        for target in targets:
            follow(user, kind="target", value=str(target.pk))
    Follow.objects.create(user=vera, kind="event", value=str(other.pk))
    for target, keys in ((kept, ["a"]), (other, ["a", "b"])):
        for key in keys:
            TargetExtra.objects.create(target=target, key=key, value=target.name)
            PersistentShare.objects.create(target=target, destination=key)
            TargetList.objects.get_or_create(name=key)[0].targets.add(target)
    Notification.objects.create(user=vera, kind="target", cause="x", title="t", target=other)
    add_comment(other, "of the other", by=vera)
    add_comment(third, "of a third", by=vera)
    about = ContentType.objects.get_for_model(User)  # a person whose key is the target's
    elsewhere = add_comment(third, "of a person", by=vera)
    Comment.objects.filter(pk=elsewhere.pk).update(content_type=about, object_pk=str(other.pk))

    moving.move_words(other.pk, kept.pk)

    follows = Follow.objects.filter(kind="target")
    assert set(follows.filter(value=str(kept.pk)).values_list("user__username", flat=True)) == {
        *("vera", "sid")
    }
    assert [row.user for row in follows.filter(value=str(other.pk))] == [sid]
    assert Follow.objects.filter(kind="event", value=str(other.pk)).exists()
    for rows in (
        TargetExtra.objects.filter(target=kept).values_list("key", "value"),
        [
            (row.name, kept.name if row.name == "a" else other.name)
            for row in kept.targetlist_set.all()
        ],
    ):
        assert set(rows) == {("a", kept.name), ("b", other.name)}
    shares = PersistentShare.objects.values_list("destination", "target")
    assert sorted(shares) == [("a", kept.pk), ("a", other.pk), ("b", kept.pk)]
    assert Notification.objects.get().target == kept
    kind = ContentType.objects.get_for_model(BaseTarget)
    said = Comment.objects.filter(content_type=kind).values_list("comment", "object_pk")
    assert set(said) == {("of the other", str(kept.pk)), ("of a third", str(third.pk))}
    assert Comment.objects.get(pk=elsewhere.pk).object_pk == str(other.pk)


@db
def test_a_request_goes_on_guarding_against_its_like(both, third, vera) -> None:
    kept, other = both
    untouched = make_request(third, vera)
    guards = [f"{other.pk}:a", f"{other.pk}:taken", None, "someone:else"]
    make_request(kept, vera, guard=f"{kept.pk}:taken")
    row, rows = make_request(other, vera), []
    for number, guard in enumerate(guards):
        row.pk, row.key, row.guard = None, f"key {number}", guard
        row.save(force_insert=True)
        rows.append(row.pk)
    ObservationRequest.objects.filter(target=other).exclude(pk__in=rows).delete()

    moving.move_requests(other.pk, kept.pk)

    found = [ObservationRequest.objects.get(pk=pk) for pk in rows]
    assert {row.target_id for row in found} == {kept.pk}
    wanted = [f"{kept.pk}:a", f"{other.pk}:taken", None, "someone:else"]
    assert [row.guard for row in found] == wanted
    again = ObservationRequest.objects.get(pk=untouched.pk)
    assert (again.target, again.guard) == (third, untouched.guard)


@db
def test_of_two_candidates_of_one_event_the_kept_one_has_what_was_said(both, third, vera) -> None:
    kept, other = both
    bystander = EventCandidate.objects.create(event=make_event(alert_types=()), target=third)
    asked = make_request(third, vera, candidate=bystander)
    shared, alone = (make_event(alert_types=()) for _ in range(2))
    mine = EventCandidate.objects.create(event=shared, target=kept)
    same = EventCandidate.objects.create(event=shared, target=other, rank=2, log_weight=0.3)
    only = EventCandidate.objects.create(event=alone, target=other, rank=1)
    for row in (mine, same, only):
        CandidateStanding.objects.create(candidate=row, event_id=row.event_id, programs=[1])
        Verdict.objects.create(candidate=row, by=vera, verdict=Vetting.WATCHING)
        report = Report.objects.create(event=row.event, url="x", body={})
        report.candidates.add(row)
        CircularDraft.objects.create(event=row.event).candidates.add(row)
    request = make_request(other, vera, candidate=same)

    events = moving.move_candidates(other.pk, kept.pk)

    assert set(events) == {shared.pk, alone.pk}
    assert EventCandidate.objects.get(pk=only.pk).target == kept
    left = EventCandidate.objects.get(target=other)
    assert (left.pk, left.is_public, left.rank, left.log_weight) == (same.pk, False, None, None)
    assert (mine.verdicts.count(), mine.reports.count()) == (2, 2)
    assert mine.circular_drafts.count() == 2
    assert ObservationRequest.objects.get(pk=request.pk).candidate == mine
    assert ObservationRequest.objects.get(pk=asked.pk).candidate == bystander
    standings = set(CandidateStanding.objects.values_list("candidate", flat=True))
    assert standings == {mine.pk, only.pk}


# --- Who may see it ---------------------------------------------------------------------------
@db
def test_the_readers_of_a_target_are_its_groups_and_people(both) -> None:
    target, other = both
    groups: list[Group] = [make_group() for _ in range(3)]
    person = make_user()
    add_point(target, "p", program=make_program(2, group=groups[0]))
    add_point(target, "q")
    assign_perm("tom_targets.view_target", groups[1], target)
    assign_perm("tom_targets.change_target", groups[2], target)
    assign_perm("tom_targets.view_target", person, target)

    readers = readers_of(target)

    assert readers == {*(f"group {group.pk}" for group in groups[:2]), f"person {person.pk}"}
    assert readers_of(other) == set()


def say(target: BaseTarget, by: User, what: str, *, is_public: bool) -> None:
    match what:
        case "comment":
            add_comment(target, "x", by=by)
            Comment.objects.filter(object_pk=str(target.pk)).update(is_public=is_public)
        case "verdict":
            row = EventCandidate.objects.create(event=make_event(alert_types=()), target=target)
            Verdict.objects.create(candidate=row, by=by, verdict="watching", is_public=is_public)
        case "request":
            make_request(target, by, is_public=is_public)


SAID = ["comment", "verdict", "request"]


@db
@pytest.mark.parametrize("what", SAID)
def test_what_was_said_privately_is_told_apart(both, vera, what: str) -> None:
    kept, other = both
    say(kept, vera, what, is_public=True)
    say(other, vera, what, is_public=False)

    assert not is_said_privately(kept)
    assert is_said_privately(other)


PUBLIC, PRIVATE = "PUBLIC", "PRIVATE"


@db
@pytest.mark.parametrize(
    ("kinds", "readers", "secret", "kept"),
    [
        # Two public ones are joined, unless one of other readers hears what was said privately.
        ((PUBLIC, PUBLIC), ("", ""), None, 0),
        ((PUBLIC, PUBLIC), ("a", "b"), None, 0),
        ((PUBLIC, PUBLIC), ("a", "b"), 0, None),
        ((PUBLIC, PUBLIC), ("a", "b"), 1, None),
        ((PUBLIC, PUBLIC), ("ab", "b"), 0, 0),
        ((PUBLIC, PUBLIC), ("ab", "b"), 1, None),
        # The public one is kept.
        ((PUBLIC, PRIVATE), ("", "a"), None, 0),
        ((PRIVATE, PUBLIC), ("a", ""), None, 1),
        ((PRIVATE, PUBLIC), ("a", ""), 0, 1),
        ((PRIVATE, PUBLIC), ("a", "b"), 0, None),
        # Two private ones have the same readers.
        ((PRIVATE, PRIVATE), ("a", "a"), None, 0),
        ((PRIVATE, PRIVATE), ("a", "ab"), None, None),
        ((PRIVATE, PRIVATE), ("ab", "a"), None, None),
        ((PRIVATE, PRIVATE), ("ab", "ab"), 1, 0),
    ],
)
def test_targets_are_joined_where_nobody_learns_what_they_may_not(
    both, vera, kinds, readers, secret: int | None, kept: int | None
) -> None:
    groups = {name: make_group() for name in "ab"}
    for target, kind, theirs in zip(both, kinds, readers, strict=True):
        target.permissions = kind
        for name in theirs:
            assign_perm("tom_targets.view_target", groups[name], target)
    if secret is not None:
        say(both[secret], vera, "comment", is_public=False)

    if kept is None:
        with pytest.raises(CannotJoinError, match="Not everybody who sees one"):
            in_order(*both)
    else:
        assert in_order(*both) == (both[kept], both[1 - kept])


# --- Figures ----------------------------------------------------------------------------------
KNOWN = {
    "surroundings_time": NIGHT,
    "surroundings_alert": "b",
    "star_score": 0.1,
    "position_time": NIGHT,
    "position_alert": "b",
    "ebv": 0.1,
    "first_seen": NIGHT,
}


@db
@pytest.mark.parametrize(
    ("theirs", "star_score", "ebv", "first_seen"),
    [
        ({}, 0.1, 0.1, 0),
        ({"surroundings_time": NIGHT, "surroundings_alert": "a"}, 0.1, 0.1, 0),
        ({"surroundings_time": NIGHT, "surroundings_alert": "c"}, 0.2, 0.1, 0),
        ({"surroundings_time": MERGER + timedelta(days=900)}, 0.2, 0.1, 0),
        ({"position_time": NIGHT, "position_alert": "c"}, 0.1, 0.1, 0),
        ({"position_time": NIGHT, "position_alert": "a"}, 0.1, 0.2, 0),
        ({"position_time": NIGHT - timedelta(days=1), "position_alert": "z"}, 0.1, 0.2, 0),
        ({"first_seen": NIGHT - timedelta(days=3)}, 0.1, 0.1, 3),
        ({"first_seen": NIGHT + timedelta(days=3)}, 0.1, 0.1, 0),
    ],
)
def test_a_summary_takes_the_newer_word_the_earlier_place_and_the_earlier_sight(
    both, theirs, star_score: float, ebv: float, first_seen: int
) -> None:
    kept, other = both
    BaseTarget.objects.filter(pk=other.pk).update(ra=77.0, dec=7.0)
    TargetSummary.objects.filter(pk=kept.pk).update(**KNOWN)
    TargetSummary.objects.filter(pk=other.pk).update(
        **{"star_score": 0.2, "ebv": 0.2, "host_name": "NGC 1", "host_distance_mpc": 40.0, **theirs}
    )
    rows = TargetSummary.objects.select_related("target").in_bulk([kept.pk, other.pk])

    take_in(rows[kept.pk], rows[other.pk])

    row = TargetSummary.objects.select_related("target").exclude(target__name="t2").get()
    assert (row.pk, row.star_score, row.ebv) == (kept.pk, star_score, ebv)
    assert row.first_seen == NIGHT - timedelta(days=first_seen)
    assert (row.host_name, row.host_distance_mpc) == ("NGC 1", 40.0)
    assert (row.target.ra, row.target.dec) == ((77.0, 7.0) if ebv == 0.2 else (10.0, 20.0))


@db
def test_a_private_target_s_public_row_tells_nothing_to_a_public_one(both) -> None:
    kept, other = both
    other.permissions = PRIVATE
    BaseTarget.objects.filter(pk=other.pk).update(permissions=PRIVATE)
    TargetSummary.objects.filter(pk=other.pk).update(**KNOWN, host_name="NGC 1")
    private = make_program(2, group=make_group())
    add_point(kept, "p", program=private)
    AudienceSummary.objects.create(
        target=other, programs=[private.pk], healpix29=1, ra=1.0, dec=2.0, **KNOWN
    )
    rows = TargetSummary.objects.select_related("target").in_bulk([kept.pk, other.pk])

    take_in(rows[kept.pk], rows[other.pk])

    row = TargetSummary.objects.exclude(target__name="t2").get()
    assert (row.surroundings_time, row.host_name, row.first_seen) == (None, "", None)
    audience = AudienceSummary.objects.get()
    assert (audience.target, audience.surroundings_alert, audience.star_score) == (kept, "b", 0.1)
    assert (audience.ra, audience.dec, audience.first_seen) == (1.0, 2.0, NIGHT)


@db
def test_an_audience_without_a_point_of_each_of_its_programs_ends(both) -> None:
    kept, other = both
    a, b = (make_program(number, group=make_group()) for number in (2, 3))
    add_point(kept, "a", program=a)
    for target in both:
        for programs in ([a.pk], [b.pk], [a.pk, b.pk]):
            AudienceSummary.objects.create(target=target, programs=programs, healpix29=1)

    drop_audiences(kept.pk)

    assert AudienceSummary.objects.get(target=kept).audience == (a.pk,)
    assert AudienceSummary.objects.filter(target=other).count() == 3


# --- The journal ------------------------------------------------------------------------------
COLUMNS = st.dictionaries(st.sampled_from("abc"), st.integers(0, 2), min_size=3)
SNAPSHOTS = st.dictionaries(
    st.tuples(st.just("targets_surveyobject"), st.sampled_from("123")), COLUMNS
)


@settings(max_examples=30)
@given(SNAPSHOTS, SNAPSHOTS)
def test_the_differences_lead_from_what_was_to_what_is(before, after) -> None:
    now = {key: dict(row) for key, row in before.items()}

    changes = differences(before, after)

    for name, key, was, became in changes:
        if became is None:
            assert now.pop((name, key)) == was
        elif was is None:
            now[name, key] = became
        else:
            assert all(now[name, key][column] == value for column, value in was.items())
            assert all(was[column] != value for column, value in became.items())
            now[name, key] |= became
    assert now == after
    keys = [key for _, key, *_ in changes]
    assert keys == sorted(set(keys))


def test_what_only_counts_changes_is_no_difference_and_summaries_are_kept_whole() -> None:
    table = "targets_targetsummary"
    before = {(table, "1"): {"version": 1, "ebv": 1}, (table, "2"): {"version": 1, "ebv": 1}}
    after = {(table, "1"): {"version": 2, "ebv": 1}, (table, "2"): {"version": 2, "ebv": 3}}

    assert differences(before, after) == [
        [table, "2", {"version": 1, "ebv": 1}, {"version": 2, "ebv": 3}]
    ]


# --- Claims -----------------------------------------------------------------------------------
@db
@pytest.mark.parametrize(("of_kept", "holder"), [(False, "ada"), (True, "bob")])
def test_a_claim_goes_with_its_target_and_comes_back_with_the_undo(both, of_kept, holder) -> None:
    kept, other = both
    now = timezone.now()
    claim = claim_target(other, by=make_observer("ada"), now=now)
    if of_kept:
        claim_target(kept, by=make_observer("bob"), now=now)

    join = join_targets(kept, other, by=make_observer())
    after = timezone.now()
    assert claims_on([kept.pk], now=after)[kept.pk].by.get_username() == holder

    undo(join, by=make_observer())
    assert claims_on([claim.target_id], now=after)[claim.target_id].by.get_username() == "ada"
