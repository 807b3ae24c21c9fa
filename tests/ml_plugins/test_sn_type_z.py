"""`sn_type_z`: the redshifts that it takes, and what it makes of them."""

import numpy as np
import pytest
from astropy.cosmology import Planck18

from ml_plugins.outbursts.cosmology import distance_modulus
from ml_plugins.sn_type_z import SnTypeZ
from ml_plugins.sn_type_z.look import GROUPS, NAMES, look_of, measure
from tests.ml_plugins.outbursts import supernova
from tom.scoring.contract import Batch, Curve, Reason, Redshift, RedshiftSource
from tom.scoring.registry import load_scorers
from tom.scoring.runner import Abstention, Breaker, Opinion, run_scorer


@pytest.fixture(scope="module")
def scorer() -> SnTypeZ:
    (loaded,) = load_scorers(["ml_plugins.sn_type_z.SnTypeZ"])
    assert isinstance(loaded, SnTypeZ)
    return loaded


def at(redshift: float, source: RedshiftSource = RedshiftSource.HOST, **shape: float) -> Curve:
    """A supernova that is 18 mag in r at its brightest, at a redshift."""
    return supernova(ebv=0.0, given={"redshift": Redshift(redshift, source)}, **shape)


@pytest.mark.parametrize("redshift", [0.001, 0.05, 0.3, 1.5])
def test_the_distance_is_that_of_planck(redshift: float) -> None:
    expected = Planck18.distmod(redshift).value

    assert distance_modulus(redshift) == pytest.approx(expected, abs=5e-3)


def test_absolute_magnitudes_follow_from_the_redshift() -> None:
    found = dict(zip(NAMES, measure(look_of(Batch.build([at(0.1)]), 0)), strict=True))

    peak = 18 - Planck18.distmod(0.1).value + 2.5 * np.log10(1.1)
    assert found["redshift"] == 0.1
    assert found["absolute magnitude at the brightest, r"] == pytest.approx(peak, abs=0.02)
    newest = peak + (40.02 / 15) ** 2
    assert found["absolute magnitude at the newest"] == pytest.approx(newest, abs=0.05)


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (RedshiftSource.HOST, Reason.OK),
        (RedshiftSource.PHOTOMETRIC, Reason.OUT_OF_SCOPE),
        (RedshiftSource.TRANSIENT, Reason.CIRCULAR),
        (RedshiftSource.UNKNOWN, Reason.CIRCULAR),
    ],
)
def test_it_takes_the_redshift_of_a_host_alone(
    scorer: SnTypeZ, source: RedshiftSource, reason: Reason
) -> None:
    assert scorer.eligible(Batch.build([at(0.1, source)])).tolist() == [reason]


def test_without_a_redshift_it_says_what_is_missing(scorer: SnTypeZ) -> None:
    bare, far = supernova(), at(3.0)

    first, second = run_scorer(scorer, Batch.build([bare, far]), breaker=Breaker())

    assert isinstance(first, Abstention)
    assert first.reason == Reason.MISSING_INPUT
    assert isinstance(second, Abstention)
    assert second.reason == Reason.OUT_OF_SCOPE


def test_a_slow_blue_one_is_superluminous_if_it_is_far(scorer: SnTypeZ) -> None:
    shape = {"width": 35.0, "colour": -0.1, "reddens": 0.005, "first": -40.0, "last": 60.0}
    near, far = at(0.01, **shape), at(0.3, **shape)

    first, second = run_scorer(scorer, Batch.build([near, far]), breaker=Breaker())

    assert isinstance(first, Opinion)
    assert isinstance(second, Opinion)
    assert second.probability[4] > 0.5 > 10 * first.probability[4]


def test_it_says_what_the_redshift_did(scorer: SnTypeZ) -> None:
    told = scorer.explain(Batch.build([at(0.3)]))

    assert [piece.name for piece in told] == list(GROUPS)
    assert sorted(k for group in GROUPS.values() for k in group) == list(range(len(NAMES)))
