"""A specification is checked when it is made."""

import pytest

from tests.scoring.scorers import make_spec
from tom.scoring.contract import InvalidSpecError, Reason, check_names


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
        ({"prior": (1.0,)}, "prior must be one share per class"),
        ({"prior": (1.0, 1e-9)}, "prior: the shares add up to 1, and one of several is below 1"),
        ({"prior": (0.5, 0.6)}, "prior: the shares add up to 1"),
        ({"prior": (0.0, 1.0)}, "prior: a share is more than 0"),
        ({"prior": (-0.5, 1.5)}, "prior: a share is more than 0"),
        ({"prior": (float("nan"), 0.5)}, "prior: a share is more than 0"),
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


@pytest.mark.parametrize(
    ("name", "ours"),
    [
        ("SN Ia", "supernova Ia"),
        ("Supernova Ia", "supernova Ia"),
        ("AGN", "agn"),
        ("KN", "kilonova"),
    ],
)
def test_a_class_of_ours_has_our_name(name: str, ours: str) -> None:
    spec = make_spec(classes=(name, "other"))

    with pytest.raises(InvalidSpecError, match=f"for the class '{name}' write '{ours}'"):
        check_names(spec)


def test_a_class_that_we_do_not_have_has_any_name() -> None:
    check_names(make_spec(classes=("supernova Ia", "other")))
    check_names(make_spec(classes=("star of an overdensity", "other star")))


def test_a_class_has_its_prior():
    assert make_spec().prior_of("faint") == 0.75


def test_conditions_are_no_part_of_an_input_name():
    assert make_spec(inputs=("lightcurve:g,r>=2", "place")).input_names == ("lightcurve", "place")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_can_be_read_by_a_person(reason):
    assert reason.text
