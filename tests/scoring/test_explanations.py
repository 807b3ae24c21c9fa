"""The first candidates' scores get their reasons; no other score does."""

import pytest
from django.db.models import F

from tests.factories import make_event, make_group, make_program, make_target
from tom.candidates.services import match_event
from tom.events.models import NonLocalizedEvent
from tom.ranking.services import rank_event
from tom.scoring import explanations
from tom.scoring.explanations import explain_top
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.scoring.services import scorers
from tom.targets.models import AudienceSummary, TargetSummary

pytestmark = pytest.mark.django_db


def explain_all(event: NonLocalizedEvent) -> int:
    return sum(explain_top(event, scorer) for scorer in scorers())


def ranked_event() -> NonLocalizedEvent:
    event = make_event()
    for name, ra in (("centre", 197.45), ("edge", 200.45)):
        make_target(name, ra=ra)
    match_event(event)
    score_due(most=100)
    rank_event(event)
    return event


def test_opinions_at_the_top_are_explained_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explanations, "TOP", 1)
    event = ranked_event()

    assert explain_all(event) > 0
    assert explain_all(event) == 0

    told = Score.objects.exclude(explanation=[])
    assert {score.target.name for score in told} == {"centre"}
    assert all(score.probability is not None for score in told)
    fast = told.get(scorer="fast_transient")
    assert all(item["text"] and item["name"] for item in fast.explanation)


def test_a_score_of_older_data_is_not_explained_by_newer() -> None:
    event = ranked_event()
    TargetSummary.objects.update(version=F("version") + 1)

    assert explain_all(event) == 0


def test_the_first_candidates_of_those_who_read_a_private_program_are_explained() -> None:
    event, target = make_event(), make_target("seen twice")
    program = make_program(2, group=make_group())
    summary = TargetSummary.objects.get(target=target)
    AudienceSummary.objects.create(
        target=target,
        programs=[program.pk],
        healpix29=summary.healpix29,
        first_detection=summary.first_detection,
        last_detection=summary.last_detection,
    )
    match_event(event)
    score_due(most=100)
    rank_event(event)
    event.candidates.update(rank=None)  # for the public it is none of the first

    explain_all(event)

    told = Score.objects.filter(programs=[program.pk]).exclude(explanation=[])
    assert {score.target for score in told} == {target}
