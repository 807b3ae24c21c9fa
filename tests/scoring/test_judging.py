"""What changed is handed out to the scorers; one that fails holds up no other."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone
from pytest_django import Settings

from tests.connections import WAIT_SECONDS, begin
from tests.factories import make_event, make_target
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.services import rank_if_due
from tom.scoring import judging, rests
from tom.scoring.explanations import explain_top
from tom.scoring.hosts import host_of
from tom.scoring.judging import hand_out, judge_due, score_due, work_due
from tom.scoring.models import DueScore, Score, ScorerState
from tom.scoring.services import any_due, note_outdated, scorers
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db

GOOD = "ml_plugins.fast_transient.FastTransient"
Use = Callable[..., None]


@pytest.fixture
def use(bad_plugins: list[str], settings: Settings) -> Iterator[Use]:
    """Use some of the scorers that fail, by name, beside a good one."""

    def choose(*names: str) -> None:
        paths = {path.rpartition(".")[2].lower(): path for path in bad_plugins}
        settings.SCORERS = [GOOD, *(paths[name] for name in names)]
        settings.SCORER_PATIENCE_SECONDS = 1.0
        scorers.cache_clear()

    yield choose
    for scorer in scorers():
        if scorer.spec.name != "fast_transient":  # whose process may go on
            host_of(scorer.spec.name).stop()
    scorers.cache_clear()


def end_the_rest() -> None:
    ScorerState.objects.update(rests_until=timezone.now())


def test_what_changed_is_due_once_for_each_scorer_until_it_is_judged(use: Use) -> None:
    use()
    make_target()

    assert hand_out(most=10) == 1
    assert hand_out(most=10) == 0
    assert not any_due()
    assert work_due().count() == 1
    assert judge_due("fast_transient", most=10) == 1
    assert judge_due("fast_transient", most=10) == 0
    assert not DueScore.objects.exists()
    assert Score.objects.get().data_version == TargetSummary.objects.get().version


def test_what_changes_before_it_is_judged_is_judged_as_it_is_then_once(use: Use) -> None:
    use()
    make_target()
    hand_out(most=10)
    TargetSummary.objects.update(version=F("version") + 1)

    assert judge_due("fast_transient", most=10) == 1
    assert not Score.objects.exists()
    assert score_due(most=10) == 1

    assert Score.objects.get().data_version == TargetSummary.objects.get().version


def test_what_changes_while_it_is_judged_gets_no_score_of_what_it_was(
    use: Use, monkeypatch: pytest.MonkeyPatch
) -> None:
    use()
    make_target()
    hand_out(most=10)
    judge = judging._judge

    def judge_slowly(*args):
        scores = judge(*args)
        TargetSummary.objects.update(version=F("version") + 1)
        hand_out(most=10)
        return scores

    monkeypatch.setattr(judging, "_judge", judge_slowly)
    judge_due("fast_transient", most=10)

    assert not Score.objects.exists()
    assert DueScore.objects.get().version == TargetSummary.objects.get().version


def test_a_scorer_that_ends_its_process_rests_and_the_others_answer(use: Use) -> None:
    use("crashing")
    for _ in range(3):
        make_target()

    score_due(most=10)

    state = ScorerState.objects.get(scorer="crashing")
    assert Score.objects.filter(scorer="fast_transient").count() == 3
    assert not Score.objects.filter(scorer="crashing").exists()
    assert (state.failures, state.detail) == (1, "its process was ended by SIGSEGV")
    assert state.rests_until is not None
    assert state.rests_until > timezone.now()
    assert DueScore.objects.filter(scorer="crashing", attempts=1).count() == 3
    assert not work_due().exists()


def test_a_scorer_that_rested_is_tried_again_and_gives_up_what_it_never_judged(use: Use) -> None:
    use("eternal")
    make_target()
    hand_out(most=10)

    for _ in range(judging.ATTEMPTS):
        assert judge_due("eternal", most=10) == 1
        assert judge_due("eternal", most=10) == 0  # it rests
        end_the_rest()

    score = Score.objects.get(scorer="eternal")
    assert score.probability is None
    assert "it took longer than" in score.reason
    assert not DueScore.objects.filter(scorer="eternal").exists()
    assert ScorerState.objects.get(scorer="eternal").failures == judging.ATTEMPTS


def test_the_one_object_that_ends_the_process_is_found_and_the_others_are_judged(
    use: Use,
) -> None:
    use("poisoned")
    for number in range(45):
        make_target(ra=7.0 if number == 30 else 8.0)
    hand_out(most=100)

    while DueScore.objects.filter(scorer="poisoned").exists():
        judge_due("poisoned", most=100)
        end_the_rest()

    scores = Score.objects.filter(scorer="poisoned")
    given_up = scores.get(probability__isnull=True)
    assert scores.count() == 45
    assert given_up.target.ra == 7.0
    assert "SIGABRT" in given_up.reason


def test_a_scorer_that_fails_on_every_object_rests_and_is_asked_again_for_each(use: Use) -> None:
    use("wrong")
    for _ in range(45):
        make_target()
    hand_out(most=100)

    judge_due("wrong", most=100)

    state = ScorerState.objects.get(scorer="wrong")
    assert state.detail == "it failed on 20 light curves: ValueError: it has no idea"
    assert state.failures == 1
    assert state.answered_at is None
    assert Score.objects.filter(scorer="wrong").count() == 20
    assert DueScore.objects.filter(scorer="wrong", attempts=1).count() == 25
    assert not work_due().filter(scorer="wrong").exists()

    while DueScore.objects.filter(scorer="wrong").exists():
        end_the_rest()
        judge_due("wrong", most=100)

    reasons = Score.objects.filter(scorer="wrong").values_list("reason", flat=True)
    assert list(reasons) == ["ValueError: it has no idea"] * 45


def test_rests_grow_with_each_failure_in_a_row_up_to_a_limit() -> None:
    lengths = []
    for _ in range(12):
        rests.note_death("x", "gone")
        state = ScorerState.objects.get(scorer="x")
        assert state.rests_until is not None
        assert state.failed_at is not None
        lengths.append(state.rests_until - state.failed_at)

    assert lengths[:3] == [timedelta(seconds=seconds) for seconds in (10, 20, 40)]
    assert lengths[-1] == rests.LONGEST_REST


def test_an_answer_ends_the_count_of_failures(use: Use) -> None:
    use()
    ScorerState.objects.create(scorer="fast_transient", failures=5)
    make_target()

    score_due(most=10)

    state = ScorerState.objects.get(scorer="fast_transient")
    assert state.failures == 0
    assert state.answered_at is not None


@pytest.mark.django_db(transaction=True)
def test_one_worker_at_a_time_has_a_scorer_judge(use: Use) -> None:
    use()
    make_target()
    hand_out(most=10)

    with rests.alone("fast_transient") as state:
        assert state is not None
        other = begin(lambda: judge_due("fast_transient", most=10)).result(WAIT_SECONDS)

    assert other == 0
    assert judge_due("fast_transient", most=10) == 1


def test_what_waits_for_a_scorer_that_is_gone_counts_no_more(use: Use) -> None:
    use("crashing")
    make_target()
    hand_out(most=10)
    use()

    assert [row.scorer for row in work_due()] == ["fast_transient"]


def ranked_event() -> NonLocalizedEvent:
    event = make_event()
    make_target()
    match_event(event)
    score_due(most=100)
    rank_if_due(event)
    return event


def test_candidates_that_wait_for_a_scorer_at_rest_are_not_made_due_again(use: Use) -> None:
    use("crashing")
    event = ranked_event()

    assert note_outdated(event) == 0


def test_a_scorer_that_never_explains_rests(use: Use) -> None:
    use("silent")
    event = ranked_event()

    told = {scorer.spec.name: explain_top(event, scorer) for scorer in scorers()}

    assert told == {"fast_transient": 1, "silent": 0}
    assert "explaining: it took longer" in ScorerState.objects.get(scorer="silent").detail
    assert not Score.objects.filter(scorer="silent").exclude(explanation=[]).exists()
