"""Scorers measured by what objects turned out to be: which answers count, and for how many."""

from datetime import timedelta

import numpy as np
import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests import factories
from tom.candidates.models import VerdictReason, Vetting
from tom.candidates.verdicts import give_verdict
from tom.forms.registry import surveys
from tom.scoring.feedback import (
    EDGES,
    said_before,
    selection_weights,
    typed_by_people,
    typed_by_spectra,
)
from tom.scoring.models import Score
from tom.targets.classified import Classification
from tom.targets.models import TargetSummary
from tom.targets.objects import SurveyObject
from tom.web.feedback import measure, read_feedback

pytestmark = pytest.mark.django_db
NOW = timezone.now()
AUTHOR = next(survey.name for survey in surveys().values() if survey.types_objects)


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def type_target(target: BaseTarget, label: str, *, ago: float = 0.0, **fields: object) -> None:
    """Have a survey that takes spectra give a target a class, so many days ago."""
    name = f"2026{target.pk}"
    SurveyObject.objects.get_or_create(survey=AUTHOR, object_id=name, target=target)
    row = Classification.objects.create(
        survey=AUTHOR, object_id=name, author=AUTHOR, classifier="type", taxonomy="1",
        time=NOW - timedelta(days=ago), probabilities={label: 1.0}, classes={label: label},
        says=label, digest=f"{label} {ago}", **fields,
    )  # fmt: skip
    Classification.objects.filter(pk=row.pk).update(stored=NOW - timedelta(days=ago))


def say(target: BaseTarget, p: float, *, ago: float, **fields: object) -> None:
    """Have a scorer say how likely a target is a supernova, so many days ago."""
    values = {"scorer": "types", "version": "1.0", "data_version": int(1e6 - 10 * ago)}
    values["probability"] = {"supernova": p, "agn": 1 - p}
    row = Score.objects.create(target=target, **values | fields)
    Score.objects.filter(pk=row.pk).update(created=NOW - timedelta(days=ago))


def peak(target: BaseTarget, magnitude: float) -> None:
    TargetSummary.objects.filter(target=target).update(peak_magnitude=magnitude)


def test_the_last_answer_before_the_class_was_known_counts() -> None:
    target = factories.make_target()
    for p, ago in ((0.2, 9), (0.6, 5), (0.99, 1)):
        say(target, p, ago=ago)
    type_target(target, "supernova", ago=3)
    type_target(target, "supernova Ia", ago=2)

    (said,) = said_before(typed_by_spectra())

    assert said.labels == ["supernova Ia"]
    assert said.classes == ("agn", "supernova")
    assert said.chance.tolist() == [[pytest.approx(0.4), pytest.approx(0.6)]]


def test_what_is_private_a_test_or_a_ratio_does_not_count() -> None:
    hidden, test, told, ratio = (
        factories.make_target(private=private) for private in (True, False, False, False)
    )
    program = factories.make_program(2, group=factories.make_group())
    for target in (hidden, test, told):
        say(target, 0.9, ago=5)
    say(ratio, 0.9, ago=5, scorer="ratios", probability={"kilonova": 7.0})
    say(ratio, 0.9, ago=5, programs=[program.pk])
    type_target(hidden, "supernova")
    type_target(test, "supernova", is_test=True)
    type_target(told, "supernova", program=program)
    type_target(ratio, "supernova")

    assert said_before(typed_by_spectra()) == []


def test_an_abstention_is_counted_apart() -> None:
    for p in (0.9, None):
        target = factories.make_target()
        chances = None if p is None else {"supernova": p, "agn": 1 - p}
        say(target, 0.9, ago=5, probability=chances)
        type_target(target, "supernova")

    (said,) = said_before(typed_by_spectra())

    assert (len(said.labels), said.n_silent) == (1, 1)


def test_people_type_a_target_by_the_reason_of_a_rejection() -> None:
    event, vera = factories.make_event(), factories.make_observer("vera")
    reasons = (VerdictReason.NUCLEUS, VerdictReason.DISTANCE)
    rows = [factories.make_candidate(event, rank=rank) for rank in (1, 2)]
    for row, reason in zip(rows, reasons, strict=True):
        give_verdict(row, Vetting.REJECTED, by=vera, reason=reason)

    assert {pk: truth.label for pk, truth in typed_by_people().items()} == {
        rows[0].target_id: "agn"
    }


def test_an_object_stands_for_the_targets_of_its_magnitude() -> None:
    bright, faint = factories.make_target(), factories.make_target()
    others = [factories.make_target() for _ in range(6)]
    for target, magnitude in zip(
        [bright, faint, *others], [16.5, 19.7, 16.6, 19.6, 19.6, 19.9, 24.0, 12.0], strict=True
    ):
        peak(target, magnitude)

    weights, covered = selection_weights([bright.pk, faint.pk])

    assert weights.tolist() == [2.0, 4.0]
    assert covered == pytest.approx(6 / 8)
    assert list(EDGES) == sorted(EDGES)


def test_purity_and_completeness_are_corrected_for_who_was_typed() -> None:
    """Bright ones are right, faint ones wrong; most targets are faint."""
    for magnitude, label, p in ((16.5, "supernova", 0.9), (19.7, "agn", 0.9)):
        target = factories.make_target()
        peak(target, magnitude)
        say(target, p, ago=40)
        type_target(target, label, ago=1)
    for _ in range(8):
        peak(factories.make_target(), 19.7)

    (found,) = read_feedback("spectra")

    of = {row.name: row for row in found.classes}
    assert (of["supernova"].purity, of["supernova"].completeness) == (0.5, 1.0)
    assert of["supernova"].purity_corrected == pytest.approx(0.1)
    assert (of["agn"].purity, of["agn"].completeness) == (None, 0.0)
    assert found.calibration_error == pytest.approx(0.4)
    assert found.calibration_error_corrected == pytest.approx(0.8)
    assert found.bins == [(pytest.approx(0.9), 0.5, 2)]
    assert [(row.n, row.accuracy) for row in found.months] == [(2, 0.5)]
    assert found.is_few


def test_an_object_of_no_class_of_the_scorer_is_left_out_and_counted() -> None:
    for label in ("supernova", "asteroid"):
        target = factories.make_target()
        say(target, 0.9, ago=5)
        type_target(target, label)
    (said,) = said_before(typed_by_spectra())

    found = measure(said)

    assert found is not None
    assert (found.n, found.n_other) == (1, 1)
    assert np.isclose(found.months[0].log_loss, -np.log(0.9))


def test_the_page_tells_the_figures_and_what_is_corrected(client: Client) -> None:
    client.force_login(factories.make_user("plain"))
    empty = client.get("/scorers/feedback/").text
    cache.clear()
    target = factories.make_target()
    say(target, 0.9, ago=5)
    type_target(target, "supernova")

    page = client.get("/scorers/feedback/").text
    people = client.get("/scorers/feedback/?truth=people").text

    assert "No object with a class yet" in empty
    assert "types 1.0" in page
    assert "That corrects for brightness alone" in page
    assert "So few objects tell nothing" in page
    assert "Nobody has rejected a public target" in people
    assert "truth follows the scorers" in people
