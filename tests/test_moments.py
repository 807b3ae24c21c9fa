"""A moment tells what the database knew: what overlapping transactions stored, and when."""

import pytest
from django.db import connection, transaction

from tests.connections import WAIT_SECONDS, begin
from tests.factories import MERGER, make_event, make_target
from tom import moments
from tom.candidates.models import CandidateFact, EventCandidate
from tom.candidates.services import doubt_candidates, match_event
from tom.targets.models import (
    LightCurvePoint,
    ReplacedPoint,
    SummaryFact,
    TargetSummary,
)

pytestmark = pytest.mark.django_db


def known_facts(moment: moments.Moment) -> list[int | None]:
    """How often the survey saw something, of each fact that was known at a moment."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT n_survey_detections FROM targets_summaryfact"  # noqa: S608  our own text
            f" WHERE {moments.known()} ORDER BY id",
            moment.parameters(),
        )
        return [n for (n,) in cursor.fetchall()]


def test_each_change_of_the_surroundings_is_kept_beside_those_before() -> None:
    target = make_target("a")
    SummaryFact.objects.all().delete()

    TargetSummary.objects.update(n_survey_detections=3)
    TargetSummary.objects.update(n_survey_detections=3, version=9)
    TargetSummary.objects.update(host_distance_mpc=41.0)

    first, second = SummaryFact.objects.order_by("pk")
    assert (first.target_id, first.programs, first.n_survey_detections) == (target.pk, [], 3)
    assert (second.n_survey_detections, second.host_distance_mpc) == (3, 41.0)
    assert first.stored is not None
    assert second.stored is not None
    assert first.stored < second.stored


def test_each_change_of_a_candidates_level_is_kept_beside_those_before() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    candidate = EventCandidate.objects.get()
    CandidateFact.objects.all().delete()

    EventCandidate.objects.update(probdensity=0.5)
    EventCandidate.objects.update(rank=3)
    EventCandidate.objects.update(probdensity=0.7)

    first, second = CandidateFact.objects.order_by("pk")
    assert (first.is_known, first.probdensity) == (True, 0.5)
    assert (second.probdensity, second.localization_id) == (0.7, candidate.localization_id)


def test_of_a_candidate_that_is_public_no_more_the_present_alone_is_kept() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    candidate = EventCandidate.objects.get()

    doubt_candidates([candidate.target_id])

    fact = CandidateFact.objects.get()
    assert (fact.is_known, fact.probdensity) == (False, None)
    assert fact.localization_id == candidate.localization_id


def test_a_point_keeps_what_a_better_copy_replaced() -> None:
    point = LightCurvePoint.objects.filter(target=make_target("a"), kind="alert").first()
    assert point is not None
    before = moments.now()

    LightCurvePoint.objects.filter(pk=point.pk).update(flux=77.0)
    LightCurvePoint.objects.filter(pk=point.pk).update(target=make_target("b"))

    kept = ReplacedPoint.objects.get()
    now = LightCurvePoint.objects.get(pk=point.pk)
    assert (kept.flux, kept.stored, kept.key) == (point.flux, point.stored, point.key)
    assert now.flux == 77.0
    assert kept.stored is not None
    assert kept.stored <= before.time < kept.replaced == now.stored


@pytest.mark.django_db(transaction=True)
def test_what_was_stored_first_and_committed_last_was_not_known_between() -> None:
    make_target("a")
    SummaryFact.objects.all().delete()
    with transaction.atomic():
        TargetSummary.objects.update(n_survey_detections=1)
        between = begin(moments.now).result(WAIT_SECONDS)
    after = moments.now()

    assert SummaryFact.objects.get().stored < between.time
    assert known_facts(between) == []
    assert known_facts(after) == [1]
    assert known_facts(moments.Moment(between.time)) == [1]


def test_a_transaction_knows_what_it_wrote_itself_but_not_what_it_writes_later() -> None:
    make_target("a")
    SummaryFact.objects.all().delete()

    TargetSummary.objects.update(n_survey_detections=1)
    moment = moments.now()
    TargetSummary.objects.update(n_survey_detections=2)

    assert known_facts(moment) == [1]


def test_what_has_no_moment_was_always_known() -> None:
    make_target("a")
    SummaryFact.objects.update(stored=None, xact=None)

    assert known_facts(moments.Moment(MERGER)) == [None]


def test_nothing_that_notes_changes_compares_each_row_with_each_other_row() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT proname, coalesce('enable_nestloop=off' = ANY(proconfig), false) FROM pg_proc"
            " WHERE prosrc LIKE '%JOIN before%' ORDER BY proname"
        )
        planned = cursor.fetchall()

    assert len(planned) >= 4  # public and narrower, of targets and of candidates
    assert [name for name, is_safe in planned if not is_safe] == []
