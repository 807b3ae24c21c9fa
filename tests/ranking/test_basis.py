"""A ranking keeps what it was made with, down to every constant."""

import ast
import inspect
import json
from dataclasses import asdict

import pytest
from pytest_django import Settings

from tests.factories import make_event, make_target
from tom.candidates.services import match_event
from tom.ranking import (
    beside,
    case,
    columns,
    curves,
    fields,
    lights,
    means,
    members,
    opinions,
    pooling,
    reach,
    weighing,
)
from tom.ranking.basis import Basis, constants
from tom.ranking.services import newest_ranking, rank_event
from tom.ranking.terms import TERMS
from tom.scoring.services import window_start
from tom.strategies.models import Strategy


def assigned(module: object) -> set[str]:
    """The names in capitals that a module binds to a value."""
    tree = ast.parse(inspect.getsource(module))
    names = (
        target.id for node in tree.body if isinstance(node, ast.Assign) for target in node.targets
    )
    annotated = (node.target.id for node in tree.body if isinstance(node, ast.AnnAssign))
    return {name for name in (*names, *annotated) if name.isupper()}


def test_every_constant_of_the_weighing_is_kept_as_json_gives_it_back() -> None:
    kept = constants()

    for module in (*TERMS, opinions, lights, curves, reach, beside, fields, means):
        short = module.__name__.rpartition(".")[2]
        named = {name.partition(".")[2] for name in kept if name.startswith(f"{short}.")}
        assert assigned(module) <= named
    assert kept["minor_planet.SOURCE_IS_PLANET"] == [0.2, 0.1, 0.4]
    assert kept["star.SOURCE"] == [[0.4, 0.15], [0.25, 0.1], [0.6, 0.25]]
    assert kept["star.OF_KIND"]["flare"] == [0.9, 0.01]
    assert json.loads(json.dumps(kept)) == kept


def test_what_reads_the_rows_has_no_constant_of_its_own() -> None:
    texts = {
        "NOT_SCORED",
        "EPOCHS",
        "OPINIONS",
        "OPINIONS_WITHOUT_EVENT",
        "VALUES",
        "_SAID",
        "PRIVATE",
    }
    assert assigned(case) <= texts | {"HIDDEN_TARGETS"}
    texts = {"FACTS", "PLACE", "OF_EVENT", "WITHOUT_EVENT"}
    parts = {"_ABOUT", "_EVERYBODYS", "_HOST", "_MAP", "_NARROWER", "_OWN", "_SUMMARY"}
    assert assigned(members) <= texts | parts
    assert (
        not assigned(columns)
        | assigned(pooling)
        | assigned(weighing) - {"_BOOLS", "KEPT", "NO_DISTANCE_IN_MAP", "TEXT"}
    )


@pytest.mark.django_db
def test_a_ranking_keeps_weights_and_rule_and_is_made_anew_where_they_change(
    settings: Settings,
) -> None:
    settings.SCORER_WEIGHTS = {"fast_transient": 0.5}
    event = make_event()
    make_target()
    match_event(event)

    first = rank_event(event)
    again = rank_event(event)
    settings.HOST_HORIZON_MPC = 500.0
    changed = rank_event(event)

    assert first is not None
    first.refresh_from_db()
    assert first.basis["weights"] == {"fast_transient": 0.5}
    without_event = ("brighter_than", "first_seen_days", "ra", "dec", "radius_deg", "watched")
    assert first.basis["rule"] == dict.fromkeys(without_event) | {
        "level_stored": 0.99,
        "level_shown": 0.9,
        "days_before": 1.0,
        "days_after": 14.0,
        "with_tests": False,
    }
    assert again is None
    assert changed is not None
    assert newest_ranking(event) == changed
    strategy = Strategy.objects.get(kind="gw")
    present = Basis.present(strategy, window_start(event, strategy))
    learnt = present.about(event, first.basis["brightness"])
    assert changed.basis == asdict(learnt) | {"means": first.basis["means"]}
    assert changed.basis["horizon_mpc"] == 500.0
