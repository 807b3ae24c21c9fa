"""Scorers that people add, at work: they judge at once, read what their group may, weigh later."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from tests.factories import make_admin, make_group, make_program, make_target
from tests.scoring.onnx_models import make_model
from tests.scoring.own_scorers import (
    POINTS,
    WEIGHTS,
    filter_parts,
    keep_next,
    keep_onnx,
    onnx_parts,
    row_of,
)
from tom.ranking.basis import Basis
from tom.ranking.services import present_scorers
from tom.scoring import hosts
from tom.scoring.judging import BARRED, hand_out, judge_due, score_due
from tom.scoring.models import DueScore, OwnScorer, Score, ScorerState
from tom.scoring.own_services import add_scorer, change_scorer, let_weigh
from tom.scoring.services import scorers
from tom.strategies.models import Strategy
from tom.targets.models import AudienceSummary

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def none_installed(settings: Settings) -> Iterator[None]:
    """No scorer but those that the tests add; their processes end with the test."""
    settings.SCORERS = []
    scorers.cache_clear()
    yield
    for _, host in hosts._own.values():
        host.stop()
    hosts._own.clear()
    scorers.cache_clear()


@pytest.fixture
def admin() -> User:
    return make_admin()


def specs_in(strategy: Strategy) -> set[str]:
    return {fields["name"] for fields in Basis.present(strategy, None).specs}


def test_it_judges_without_a_restart_each_version_as_it_comes(admin: User) -> None:
    scorer = keep_onnx(by=admin)
    make_target()

    score_due(most=10)
    keep_next(
        scorer, onnx_parts(version="2.0.0", model=make_model(["n", *POINTS], -WEIGHTS)), by=admin
    )
    make_target()
    score_due(most=10)
    change_scorer(scorer, by=admin, active=False)
    make_target()
    score_due(most=10)

    first, second = Score.objects.order_by("pk")
    assert (first.scorer, first.version, second.version) == ("own_made", "1.0.0", "2.0.0")
    assert first.probability["kilonova"] == pytest.approx(second.probability["other"], rel=1e-4)
    assert not DueScore.objects.exists()


def test_it_reads_what_its_group_may_read_and_nothing_else(admin: User) -> None:
    ours, theirs = make_group(), make_group()
    keep_onnx(group=ours, by=admin)
    keep_onnx("own_of_all", by=admin)
    make_target("public")
    for number, group in ((2, ours), (3, theirs)):
        make_target(f"target {group}", private=True, owners=[group])
        program = make_program(number, group=group)
        taken = make_target(f"program {group}", program=program)
        AudienceSummary.objects.create(
            target=taken, programs=[program.pk], healpix29=1, n_detections=6, n_limits=1
        )

    score_due(most=50)

    def said(name: str, **fields: object) -> set[str]:
        rows = Score.objects.filter(scorer=name, **fields)
        return set(rows.values_list("target__name", flat=True))

    assert said("own_made", probability__isnull=False) == {
        "public", f"target {ours}", f"program {ours}"
    }  # fmt: skip
    assert said("own_made", reason=BARRED) == {f"target {theirs}", f"program {theirs}"}
    assert said("own_of_all", probability__isnull=False) == {"public"}
    assert len(said("own_of_all", reason=BARRED)) == 4


def test_it_weighs_after_its_shadow_period_in_the_lists_of_its_group(admin: User) -> None:
    ours = make_group()
    own = Strategy.objects.create(name="own", group=ours)
    everybodys = Strategy.objects.create(name="everybody's")
    scorer = keep_onnx(group=ours, by=admin)
    later = timezone.now() + timedelta(days=1)
    keep_onnx("own_of_all", by=admin, weighs_from=later)

    assert (specs_in(own), specs_in(everybodys)) == (set(), set())

    let_weigh(scorer, timezone.now(), by=admin)
    assert (specs_in(own), specs_in(everybodys)) == ({"own_made"}, set())
    assert present_scorers() == {}

    let_weigh(OwnScorer.objects.get(name="own_of_all"), timezone.now(), by=admin)
    assert (specs_in(own), specs_in(everybodys)) == ({"own_made", "own_of_all"}, {"own_of_all"})
    assert present_scorers() == {"own_of_all": "1.0.0"}

    change_scorer(scorer, by=admin, active=False)
    assert specs_in(own) == {"own_of_all"}


def test_a_version_that_comes_later_begins_in_its_shadow_period(admin: User) -> None:
    strategy = Strategy.objects.create(name="list")
    scorer = keep_onnx(by=admin, weighs_from=timezone.now())
    assert specs_in(strategy) == {"own_made"}

    keep_next(scorer, onnx_parts(version="1.1.0"), by=admin)

    assert specs_in(strategy) == set()


def test_the_target_on_which_it_ended_its_process_is_told_on_its_page(admin: User) -> None:
    source = """
from antares_devkit.models import BaseFilter
import os


class Ends(BaseFilter):
    OUTPUT_LOCUS_TAGS = [{"name": "bright", "description": "bright"}]

    def _run(self, locus):
        os._exit(3)
"""
    version = row_of(filter_parts(source))
    add_scorer("own_made", "filter", group=None, version=version, by=admin)
    targets = [make_target(), make_target()]

    told = set()
    for _ in range(4):
        hand_out(most=10)
        while judge_due("own_made", most=10):
            ScorerState.objects.update(rests_until=None)
            told.add(ScorerState.objects.get().detail)

    assert told == {
        "it ended its own process, with 3: it may not",
        *(f"on target {each.pk}: it ended its own process, with 3: it may not" for each in targets),
    }
