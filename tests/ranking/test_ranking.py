"""Scores are added once for each state of the data; a ranking keeps every term of every place."""

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from pytest_django import Settings

from tests.connections import WAIT_SECONDS, begin
from tests.factories import MERGER, make_event, make_group, make_program, make_target
from tom import moments
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event, match_targets
from tom.events.locks import change_events, hold_events
from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes, pin_localization
from tom.ranking.basis import Basis
from tom.ranking.case import NOT_SCORED, read_case
from tom.ranking.forgetting import forget_scores
from tom.ranking.history import Moves, keep
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import (
    newest_ranking,
    note_new_scorers,
    present_scorers,
    rank_event,
    rank_if_due,
    weigh,
)
from tom.scoring.curves import curves_of
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.scoring.services import note_outdated, scorers, window_start
from tom.strategies.models import Strategy
from tom.strategies.services import strategy_of
from tom.targets.models import LightCurvePoint, TargetSummary

pytestmark = pytest.mark.django_db


def ranked_event(*names: str) -> NonLocalizedEvent:
    """An event whose candidates are scored and ranked."""
    event = make_event()
    for i, name in enumerate(names):
        make_target(name, ra=197.45 + 3.0 * i)
    match_event(event)
    score_due(most=100)
    rank_event(event)
    return event


def test_each_scorer_says_something_of_each_target_or_why_it_does_not() -> None:
    ranked_event("a", "b")

    rows = list(Score.objects.all())

    assert len(rows) == 2 * len(scorers())
    assert all((row.probability is None) == bool(row.reason) for row in rows)
    assert {row.since for row in rows} == {MERGER}


def test_a_score_tells_the_time_of_the_newest_point_it_saw_be_it_a_limit() -> None:
    target = make_target("a")
    point = LightCurvePoint.objects.get(target=target, kind="limit")
    point.pk, point.key, point.time = None, "later", MERGER + timedelta(days=4)
    point.save()

    score_due(most=100)

    told = Score.objects.values_list("data_until", flat=True)
    assert len(told) == len(scorers())
    assert all(abs(time - point.time) < timedelta(milliseconds=1) for time in told)


def test_scoring_twice_adds_nothing_and_new_data_adds_rows() -> None:
    ranked_event("a")
    before = Score.objects.count()

    assert score_due(most=100) == 0
    TargetSummary.objects.update(scored_version=0)
    score_due(most=100)
    assert Score.objects.count() == before

    TargetSummary.objects.update(version=3)
    score_due(most=100)
    assert Score.objects.count() == 2 * before


@pytest.mark.django_db(transaction=True)
def test_what_became_a_candidate_while_it_was_scored_is_scored_in_the_window_too() -> None:
    event = make_event()
    target = make_target("a")

    with transaction.atomic():
        change_events()
        outside = begin(lambda: score_due(most=100))
        match_event(event)

    outside.result(WAIT_SECONDS)
    while score_due(most=100):
        pass
    assert Score.objects.filter(target=target, since=MERGER).exists()


def test_the_place_on_the_map_orders_equal_candidates_and_every_term_is_kept() -> None:
    event = ranked_event("centre", "edge", "outskirts")

    ranking = newest_ranking(event)

    assert ranking is not None
    places = ranking.places.in_order().select_related("candidate__target")
    assert [place.candidate.target.name for place in places] == ["centre", "edge", "outskirts"]
    terms = {term["name"]: term for term in places[0].read_terms()}
    assert {"sky map", "star", "earlier activity", "minor planet", "distance"} <= set(terms)
    assert terms["distance"]["missing"]
    assert terms["sky map"]["log_lr"] > 0
    assert event.candidates.get(rank=1).log_weight == places[0].log_weight


def test_a_ranking_names_the_map_that_its_candidates_were_matched_with() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    matched = event.candidates.get().localization
    pin_localization(event, event.localizations.first())
    event.refresh_from_db()

    rank_event(event)

    ranking = newest_ranking(event)
    assert ranking is not None
    assert event.pinned != matched
    assert ranking.localization == matched


def test_a_ranking_is_added_only_where_something_moved() -> None:
    event = ranked_event("a")

    assert rank_event(event) is None
    assert Ranking.objects.count() == 1

    TargetSummary.objects.update(
        surroundings_time=MERGER, star_separation_arcsec=0.2, star_score=1.0
    )
    second_ranking = rank_event(event)
    assert second_ranking is not None
    second_ranking.refresh_from_db()
    assert second_ranking.published is not None
    assert second_ranking.created < second_ranking.published <= timezone.now()
    first, second = RankedCandidate.objects.order_by("ranking_id")
    assert second.log_weight < first.log_weight


def test_an_event_is_ranked_once_for_its_changes_and_again_for_the_next() -> None:
    event = make_event()
    make_target("a")
    match_event(event)

    assert rank_if_due(event)
    assert not rank_if_due(event)
    score_due(most=100)
    assert rank_if_due(event)
    assert not NonLocalizedEvent.objects.due_for_ranking().exists()


def test_a_ranking_that_fails_stays_due(settings: Settings) -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    settings.SCORER_WEIGHTS = None

    with pytest.raises(TypeError):
        rank_if_due(event)

    assert NonLocalizedEvent.objects.due_for_ranking().get() == event


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_at_once_one_ranks_and_a_change_meanwhile_stays_due() -> None:
    event = make_event()
    make_target("a")
    with transaction.atomic():
        match_event(event)

    with transaction.atomic():
        assert rank_if_due(event)
        second = begin(lambda: rank_if_due(event))
        change = begin(transaction.atomic(lambda: note_changes([event.pk])))

    assert not second.result(WAIT_SECONDS)
    change.result(WAIT_SECONDS)
    assert Ranking.objects.count() == 1
    assert NonLocalizedEvent.objects.due_for_ranking().get() == event


@pytest.mark.django_db(transaction=True)
def test_a_ranking_and_the_alert_that_opens_a_candidate_do_not_wait_for_each_other() -> None:
    event = make_event()
    first, opened = make_target("first"), make_target("opened")
    with transaction.atomic():
        match_event(event)

    with transaction.atomic():
        hold_events()
        forget_scores([opened.pk])
        ranking = begin(lambda: rank_if_due(event))
        match_targets([first.pk, opened.pk])

    ranking.result(WAIT_SECONDS)
    assert NonLocalizedEvent.objects.due_for_ranking().get() == event


def test_what_shone_before_the_window_ranks_below_its_new_twin() -> None:
    event = make_event()
    new, old = make_target("new"), make_target("old")
    point = LightCurvePoint.objects.filter(target=old, kind="alert").first()
    assert point is not None
    for days in (40, 60, 80):
        point.pk, point.key = None, f"earlier {days}"
        point.time = MERGER - timedelta(days=days)
        point.save()
    match_event(event)
    score_due(most=100)
    rank_event(event)

    ranks = dict(event.candidates.values_list("target_id", "rank"))

    assert ranks[new.pk] < ranks[old.pk]


def test_private_points_move_the_place_of_no_public_candidate() -> None:
    event = make_event()
    bare, watched = make_target("bare"), make_target("watched")
    point = LightCurvePoint.objects.filter(target=watched, kind="alert").first()
    assert point is not None
    point.pk, point.key, point.time = None, "private", MERGER - timedelta(days=40)
    point.program = make_program(2, group=make_group())
    point.save()
    match_event(event)
    score_due(most=100)
    rank_event(event)

    posteriors = dict(event.candidates.values_list("target_id", "log_weight"))

    assert posteriors[bare.pk] == posteriors[watched.pk]


def test_the_surveys_first_sight_before_the_window_weighs_against_but_its_count_never() -> None:
    event = make_event()
    seen = {"dark": (None, 900), "few": (901, 7), "many": (901, 900)}
    for name, (days, count) in seen.items():
        rows = TargetSummary.objects.filter(target=make_target(name))
        rows.update(n_survey_detections=count)
        if days:
            rows.update(first_seen=MERGER - timedelta(days=days))
    match_event(event)
    score_due(most=100)
    rank_event(event)

    chances = dict(event.candidates.values_list("target__name", "log_weight"))

    assert chances["few"] == chances["many"] < chances["dark"]


def test_an_epoch_of_ours_is_told_with_its_own_age_whatever_the_surveys_first_sight() -> None:
    event = make_event()
    target = make_target("old")
    point = LightCurvePoint.objects.filter(target=target, kind="alert").first()
    assert point is not None
    point.pk, point.key, point.time = None, "earlier", MERGER - timedelta(days=41)
    point.save()
    TargetSummary.objects.filter(target=target).update(
        first_seen=MERGER - timedelta(days=901), n_survey_detections=306
    )
    match_event(event)

    rank_event(event)

    ranking = newest_ranking(event)
    assert ranking is not None
    terms = {term["name"]: term for term in ranking.places.get().read_terms()}
    reason = "1 earlier epoch, the newest about 41 d before"
    assert terms["earlier activity"]["reason"] == reason


@pytest.mark.parametrize(("snr", "epochs"), [(4.9, 0), (5.1, 1)])
def test_earlier_activity_is_what_shone_by_5_sigma(snr: float, epochs: int) -> None:
    event = make_event()
    point = LightCurvePoint.objects.filter(target=make_target("old"), kind="alert").first()
    assert point is not None
    point.pk, point.key, point.time = None, "earlier", MERGER - timedelta(days=41)
    point.flux_error = point.flux / snr
    point.save()
    match_event(event)

    rank_event(event)

    terms = {term["name"]: term for term in RankedCandidate.objects.get().read_terms()}
    assert ("1 earlier epoch" in terms["earlier activity"]["reason"]) == bool(epochs)


def test_a_weight_of_the_settings_scales_what_its_scorer_says(settings: Settings) -> None:
    event = ranked_event("a")
    Strategy.objects.update(terms=["star"])  # not the term that weighs the same points
    ratios = []
    for weight in (1.0, 0.5):
        settings.SCORER_WEIGHTS = {"fast_transient": weight}
        rank_event(event)
        place = RankedCandidate.objects.order_by("pk").last()
        assert place is not None
        ratios += [t["log_lr"] for t in place.read_terms() if t["name"].startswith("fast")]

    assert ratios[0] != 0
    assert ratios[1] == pytest.approx(ratios[0] / 2)


def test_a_scorer_of_light_curves_is_left_to_the_term_that_weighs_the_same_points() -> None:
    event = ranked_event("a")

    rank_event(event)

    terms = {term["name"].split()[0]: term for term in RankedCandidate.objects.last().read_terms()}  # type: ignore[union-attr]
    assert terms["later"]["log_lr"] != 0
    assert (terms["fast_transient"]["log_lr"], terms["fast_transient"]["missing"]) == (0, True)
    assert "“later light” weighs the same points" in terms["fast_transient"]["reason"]


def test_candidates_are_scored_anew_where_their_window_moved() -> None:
    event = ranked_event("a", "b")
    assert note_outdated(event) == 0

    event.time = MERGER + timedelta(milliseconds=2)
    event.save()
    assert note_outdated(event) == 2
    assert note_outdated(event) == 0  # they are due already
    score_due(most=100)
    assert note_outdated(event) == 0
    rank_event(event)

    place = RankedCandidate.objects.order_by("pk").last()
    assert place is not None
    assert NOT_SCORED not in str(place.read_terms())


def test_candidates_are_scored_anew_by_a_new_version() -> None:
    event = ranked_event("a")
    Score.objects.filter(scorer="fast_transient").update(version="0.0.1")

    assert note_outdated(event) == 1
    score_due(most=100)

    assert note_outdated(event) == 0
    assert {row.version for row in Score.objects.filter(scorer="fast_transient")} > {"0.0.1"}


def test_events_are_ranked_anew_once_where_other_scorers_ranked_them() -> None:
    event = make_event()
    make_target("a")
    match_event(event)
    score_due(most=100)
    rank_if_due(event)
    Ranking.objects.update(scorers={"fast_transient": "0.0.1"})

    note_new_scorers(MERGER + timedelta(days=1))
    assert not NonLocalizedEvent.objects.due_for_ranking().exists()
    note_new_scorers(MERGER - timedelta(days=1))
    assert rank_if_due(event)

    note_new_scorers(MERGER - timedelta(days=1))
    assert not NonLocalizedEvent.objects.due_for_ranking().exists()
    newest = newest_ranking(event)
    assert newest is not None
    assert newest.scorers == present_scorers()


def test_scorers_are_told_where_a_target_is() -> None:
    target = make_target("a", ra=10.5, dec=-70.25)

    curve = curves_of(TargetSummary.objects.all())[target.pk, ()]

    assert (curve.ra, curve.dec) == (10.5, -70.25)


def test_a_stored_probability_is_read_by_its_class_whatever_order_the_database_keeps() -> None:
    event = ranked_event("a")
    Score.objects.filter(scorer="fast_transient").update(
        probability={"kilonova": 0.9, "other": 0.1}, sigma=1.0, reason=""
    )

    rank_event(event)

    ranking = newest_ranking(event)
    assert ranking is not None
    (term,) = (
        t for t in ranking.places.get().read_terms() if t["name"].startswith("fast_transient")
    )
    assert term["value"] == 0.9


def test_what_was_ranked_is_not_kept_where_a_candidate_was_joined_to_another_meanwhile() -> None:
    event = make_event()
    make_target("a")
    make_target("b")
    match_event(event)
    strategy = strategy_of(event)
    basis = Basis.present(strategy, window_start(event, strategy))
    listing = Listing(event, strategy)
    case = read_case(listing, moments.now(), basis.window_start, basis.rule)
    _, posterior = weigh(case, basis)
    EventCandidate.objects.filter(target__name="b").delete()

    assert not keep(Ranking(event=event, prior=0.1), case, posterior, Moves(range(len(case)), ()))

    assert not RankedCandidate.objects.exists()
    assert not Ranking.objects.exists()
    assert rank_event(event) is not None
    assert RankedCandidate.objects.get().candidate.target.name == "a"
