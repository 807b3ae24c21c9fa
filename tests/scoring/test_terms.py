"""Every term on a candidate, the missing ones too; a datum that is known is not missing."""

import math

import pytest

from tests.scoring.scorers import make_spec
from tom.candidates.models import EventCandidate
from tom.scoring.context import MAP_FAILS
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.fusion import Term, fuse
from tom.scoring.runner import Opinion
from tom.scoring.terms import EarlierActivity, terms_of
from tom.targets.models import TargetSummary

KILONOVA = make_spec(classes=("kilonova", "other"))


def terms(
    candidate: EventCandidate | None = None,
    opinions: dict[ScorerSpec, Opinion] | None = None,
    weights: dict[str, float] | None = None,
) -> dict[str, Term]:
    made = terms_of(
        candidate or EventCandidate(),
        TargetSummary(),
        earlier=EarlierActivity(None, None),
        distance_overlap=None,
        opinions=opinions or {},
        weights=weights or {},
    )
    assert fuse(0.01, made)
    return {term.name: term for term in made}


def test_without_a_map_the_place_is_not_known() -> None:
    assert terms()["sky map"].missing


def test_a_place_that_the_map_does_not_reach_lies_where_only_a_failing_map_puts_it() -> None:
    term = terms(EventCandidate(localization_id=1, probdensity=None))["sky map"]

    assert not term.missing
    assert math.exp(term.log_lr) == pytest.approx(MAP_FAILS.value)


def test_an_opinion_of_the_sought_class_is_a_term() -> None:
    found = terms(opinions={KILONOVA: Opinion("one", (0.9, 0.1), 1.0)})

    assert found["brightness 1.0.0"].log_lr > 0


@pytest.mark.parametrize("spec", [make_spec(), make_spec(kind=ScorerKind.ANOMALY)])
def test_who_speaks_of_no_class_that_holds_the_sought_one_makes_no_term(spec: ScorerSpec) -> None:
    assert len(terms(opinions={spec: Opinion("one", (0.9, 0.1), 1.0)})) == 5


def test_a_scorer_of_weight_zero_makes_no_term() -> None:
    twin = make_spec(name="twin", classes=("kilonova", "other"))
    opinion = Opinion("one", (0.9, 0.1), 1.0)

    found = terms(opinions={KILONOVA: opinion, twin: opinion}, weights={"twin": 0.0})

    assert "brightness 1.0.0" in found
    assert "twin 1.0.0" not in found
