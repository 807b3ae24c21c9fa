"""A specification is checked when it is made."""

import pytest

from tests.scoring.scorers import make_spec
from tom.scoring.contract import InvalidSpecError, Reason


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"name": "Has Space"}, "name"),
        ({"version": "1.0"}, "version"),
        ({"kind": "guess"}, "kind"),
        ({"inputs": ()}, "inputs"),
        ({"inputs": ("lightcurve:g", "lightcurve:r")}, "an input is named twice"),
        ({"inputs": ("horoscope",)}, "inputs must be of lightcurve, alert"),
        ({"classes": ("a", "a")}, "a class is named twice"),
        ({"classes": ("a",), "prior": (1.0,)}, "two classes"),
        ({"prior": (1.0,)}, "prior"),
        ({"prior": (1.0, 1e-9)}, "prior"),
        ({"prior": (0.5, 0.6)}, "prior"),
        ({"prior": (0.0, 1.0)}, "prior"),
        ({"prior": (float("nan"), 0.5)}, "prior"),
        ({"batch_size": 0}, "batch_size"),
        ({"seconds_per_object": 0.0}, "seconds_per_object"),
        ({"licence": ""}, "licence"),
        ({"card": "../card.md"}, "card"),
        ({"artefact": "model.json"}, "artefact"),
        ({"artefact": "model.json", "artefact_sha256": "abc"}, "artefact"),
        ({"artefact": "../model.json", "artefact_sha256": "0" * 64}, "artefact"),
    ],
)
def test_a_specification_that_breaks_a_rule_is_refused(change, rule):
    with pytest.raises(InvalidSpecError, match=rule):
        make_spec(**change)


def test_a_class_has_its_prior():
    assert make_spec().prior_of("faint") == 0.75


def test_conditions_are_no_part_of_an_input_name():
    assert make_spec(inputs=("lightcurve:g,r>=2", "place")).input_names == ("lightcurve", "place")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_read_by_a_person(reason):
    assert reason.text
