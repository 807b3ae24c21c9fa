"""At most one candidate is the counterpart: the chances of what a reader sees add up."""

import math
from typing import Any

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget

from tests.factories import MERGER, make_event, make_group, make_observer, make_program, make_target
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_event
from tom.events.models import EventKind, NonLocalizedEvent
from tom.ranking.chances import LEAST_LOG, Scale, public_scale
from tom.ranking.expected import chance_of, expect, log_none_of, pieces_of
from tom.ranking.information import moderated
from tom.ranking.services import newest_ranking, rank_event
from tom.scoring.judging import score_due
from tom.web.chances import openness_of, scale_of
from tom.web.known import rank_visible, seen_by

weights = st.lists(st.floats(-80, 80), min_size=1, max_size=30)


def scale_with(log_none: float, logs: list[float]) -> Scale:
    return Scale(log_none, float(np.logaddexp.reduce(logs)))


@given(weights, st.floats(-40, 40))
def test_the_chances_and_none_of_these_add_up_to_one_in_the_weights_order(logs, log_none):
    scale = scale_with(log_none, logs)
    chances = [scale.chance(each) for each in logs]

    assert sum(chances) + scale.none == pytest.approx(1, abs=1e-9)
    by_weight = [chance for _, chance in sorted(zip(logs, chances, strict=True))]
    assert by_weight == sorted(chances)


@given(weights, st.floats(-40, 40), st.floats(0, 9), st.floats(0, 9))
def test_an_interval_holds_its_chance(logs, log_none, below, above):
    scale = scale_with(log_none, logs)
    low, high = scale.end(logs[0], logs[0] - below), scale.end(logs[0], logs[0] + above)

    assert 0 <= low <= scale.chance(logs[0]) + 1e-6
    assert scale.chance(logs[0]) - 1e-6 <= high <= 1


@given(weights, st.floats(-40, 40), st.floats(0, 9))
def test_what_speaks_for_one_raises_it_and_lowers_every_other(logs, log_none, more):
    before = scale_with(log_none, logs)
    raised = [logs[0] + more, *logs[1:]]
    after = scale_with(log_none, raised)

    assert after.chance(raised[0]) >= before.chance(logs[0]) - 1e-12
    for each in logs[1:]:
        assert after.chance(each) <= before.chance(each) + 1e-12


@given(st.floats(-80, 80))
def test_a_list_without_an_event_has_independent_chances_and_no_none(weight):
    assert Scale().none is None
    assert Scale().chance(weight) == pytest.approx(1 / (1 + math.exp(-weight)))


# --- What is expected of an event -----------------------------------------------------------------
def told(event: NonLocalizedEvent) -> dict[str, float]:
    return {piece.name: piece.chance for piece in pieces_of(expect(event, level=0.99))}


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("fields", "name", "least", "most"),
    [
        ({"classification": {"Terrestrial": 0.97, "BNS": 0.03}}, "it is real", 0.02, 0.04),
        ({"classification": {}, "far": 1e-5}, "it is real", 0.0, 0.05),
        ({"classification": {}, "far": 1e-12}, "it is real", 0.99, 1.0),
        ({"retracted": True}, "it is real", 0.0, 0.0),
        ({"properties": {"HasRemnant": 1.0}}, "it shines", 0.9, 1.0),
        ({"properties": {"HasRemnant": 0.0}}, "it shines", 0.0, 0.05),
        ({"properties": {"HasRemnant": 0.0, "HasSSM": 1.0}}, "it shines", 0.2, 0.5),
        ({"properties": {}, "classification": {"BBH": 1.0}}, "it shines", 0.0, 0.05),
        ({"properties": {"HasNS": 1.0}, "classification": {}}, "it shines", 0.1, 0.5),
        ({"properties": {"HasRemnant": "much"}}, "it shines", 0.5, 1.0),
        ({"kind": EventKind.NEUTRINO}, "it shines", 0.05, 0.2),
    ],
)
def test_each_thing_that_an_event_tells_moves_its_piece(
    fields: dict[str, Any], name: str, least: float, most: float
) -> None:
    event = make_event(alert_types=(), localized=False, **fields)

    assert least <= told(event)[name] <= most


@pytest.mark.django_db
def test_more_unrelated_sources_make_none_of_these_likelier() -> None:
    event = make_event()
    expected = []
    for name in ("a", "b", "c", "d"):
        make_target(name)
        match_event(event)
        expected.append(expect(event, level=0.99))

    assert [kept["sources"] for kept in expected] == sorted(kept["sources"] for kept in expected)
    assert log_none_of(expected[0]) < log_none_of(expected[-1])
    assert 0 < chance_of(expected[0]) < 1


# --- For each reader ------------------------------------------------------------------------------
def chances_for(event: NonLocalizedEvent, user: User) -> dict[str, float]:
    rows = seen_by(user).filter(event=event).select_related("target")
    return {row.target.name: row.posterior for row in rank_visible(rows, user)}


def ranked_event(*names: str) -> NonLocalizedEvent:
    event = make_event()
    for name in names:
        make_target(name)
    match_event(event)
    score_due(most=100)
    rank_event(event)
    return event


@pytest.mark.django_db
def test_what_each_reader_sees_adds_up_to_one_and_a_private_candidate_moves_no_other_reader() -> (
    None
):
    event = ranked_event("a", "b")
    before = chances_for(event, make_observer("early"))
    group = make_group()
    private = make_program(2, group=group)
    member, owner = make_observer("member", groups=[group]), make_observer("owner")
    make_target("theirs", program=private, private=True, owners=[group])
    make_target("own", private=True, owners=[owner])
    match_event(event)
    score_due(most=100)
    rank_event(event)

    outside = chances_for(event, make_observer("outside"))
    assert outside == before
    for user, names in ((member, {"a", "b", "theirs"}), (owner, {"a", "b", "own"})):
        chances, none = chances_for(event, user), scale_of(event, user).none
        assert chances.keys() == names
        assert none is not None
        assert sum(chances.values()) + none == pytest.approx(1)
        assert all(chances[name] < outside[name] for name in ("a", "b"))


@pytest.mark.django_db
def test_readers_of_programs_that_nobody_read_together_get_a_sum_of_their_own() -> None:
    event, one, other = make_event(), make_group(), make_group()
    for number, group in ((2, one), (3, other)):
        program = make_program(number, group=group)
        make_target(f"of {number}", program=program, private=True, owners=[group])
    make_target("a")
    match_event(event)
    score_due(most=100)
    rank_event(event)
    both = make_observer("both", groups=[one, other])

    chances, none = chances_for(event, both), scale_of(event, both).none

    assert chances.keys() == {"a", "of 2", "of 3"}
    assert none is not None
    assert sum(chances.values()) + none == pytest.approx(1)


@pytest.mark.django_db
def test_a_retracted_events_list_says_zero_everywhere_and_why() -> None:
    event = ranked_event("a", "b")
    reader = make_observer("before")
    assert min(chances_for(event, reader).values()) > 0

    NonLocalizedEvent.objects.filter(pk=event.pk).update(retracted=True)
    event.refresh_from_db()
    ranking = rank_event(event)

    assert ranking is not None
    later = make_observer("after")
    assert set(chances_for(event, later).values()) == {0.0}
    assert scale_of(event, later).none == public_scale(newest_ranking(event)).none == 1.0
    texts = [piece.text for piece in pieces_of(ranking.basis["expected"]) if piece.chance == 0]
    assert any("retracted" in text for text in texts)


@pytest.mark.django_db
@pytest.mark.parametrize("log_none", [None, -900.0, -3.0, 4.0, math.inf])
def test_the_database_sorts_by_the_chances_that_are_shown(log_none: float | None) -> None:
    event = make_event(alert_types=(), time=MERGER)
    logs = [-700.0, -5.0, 0.0, 3.0, 8.0]
    for number, weight in enumerate(logs):
        EventCandidate.objects.create(
            event=event,
            target=make_target(f"t{number}"),
            log_weight=weight,
            log_weight_low=weight - 1,
            log_weight_high=weight + 2,
        )
    scale = Scale(log_none, float(np.logaddexp.reduce(logs)))
    ends = [F(f"log_weight{end}") for end in ("", "_low", "_high")]
    rows = EventCandidate.objects.annotate(openness=openness_of(ends, scale))

    for row in rows:
        weight = row.log_weight
        odds = weight - scale.log_rest(weight)
        ends_of = (row.log_weight_low, row.log_weight_high)
        known = 0.0 if math.isinf(odds) else -abs(moderated(odds, *ends_of))
        assert row.openness == pytest.approx(known, abs=1e-9)
        if log_none != math.inf and weight > LEAST_LOG:
            assert math.exp(scale.log_chance(weight)) == pytest.approx(scale.chance(weight))


@pytest.mark.django_db
@pytest.mark.parametrize("later", ["PUBLIC", "PRIVATE"])
def test_chances_add_up_to_one_when_a_target_changes_hands_after_the_ranking(later: str) -> None:
    owner, outside = make_observer("owner"), make_observer("outside")
    make_target("own", private=later == "PUBLIC", owners=[owner])
    event = ranked_event("a", "b")
    BaseTarget.objects.filter(name="own").update(permissions=later)

    for user in (owner, outside):
        sum_of_all = sum(chances_for(event, user).values()) + (scale_of(event, user).none or 0)
        if user == owner or later == "PUBLIC":
            assert sum_of_all == pytest.approx(1)
        else:
            assert sum_of_all < 1


@pytest.mark.django_db
@pytest.mark.parametrize(("private", "queries"), [(False, 0), (True, 1)])
def test_the_weights_of_owned_targets_are_summed_where_a_ranking_names_some(
    private: bool, queries: int
) -> None:
    owner = make_observer("owner")
    make_target("own", private=private, owners=[owner])
    event = ranked_event("a")
    with CaptureQueriesContext(connection) as asked:
        scale_of(event, owner)

    assert sum("SUM(EXP" in query["sql"] for query in asked) == queries
