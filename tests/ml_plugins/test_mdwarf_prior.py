"""`mdwarf_prior`: a factor that is 1 in the mean over the sky, and moves a ranking as one."""

from pathlib import Path

import numpy as np
import pytest

from ml_plugins.mdwarf_prior import FLARE_SHARE, MDwarfPrior
from ml_plugins.mdwarf_prior.training import evaluate
from tests.scoring.curves import make_curve
from tom.ranking.opinions import weigh
from tom.scoring.contract import Batch, Reason
from tom.sky.quick_healpy import healpy

NSIDE = 16


def places() -> Batch:
    """A detection in each pixel of the sky, all pixels of one area."""
    sky = zip(*healpy.pix2ang(NSIDE, np.arange(12 * NSIDE**2), lonlat=True), strict=True)
    return Batch.build(
        [make_curve(str(k), [(0.0, "g", 19.0)], ra=ra, dec=dec) for k, (ra, dec) in enumerate(sky)]
    )


@pytest.fixture(scope="module")
def factors() -> np.ndarray:
    return MDwarfPrior().score(places()).probability


def test_it_is_1_in_the_mean_over_the_sky(factors) -> None:
    assert factors[:, 0].mean() == pytest.approx(1, abs=2e-3)
    np.testing.assert_allclose(factors[:, 1], 1 / factors[:, 0])


def test_it_is_large_in_the_plane_and_small_at_the_pole() -> None:
    centre, pole = (266.4, -28.9), (192.86, 27.13)
    curves = [make_curve(str(ra), [(0.0, "g", 19.0)], ra=ra, dec=dec) for ra, dec in (centre, pole)]

    (in_plane, _), (at_pole, _) = MDwarfPrior().score(Batch.build(curves)).probability

    assert in_plane > 2
    assert 0.3 < at_pole < 0.4


@pytest.mark.parametrize("sought", ["kilonova", "supernova Ia"])
def test_a_transient_is_weighed_against_a_mix_with_flares(factors, sought) -> None:
    term = weigh(
        MDwarfPrior.spec, factors[:, 1], np.full(len(factors), 0.7), [""] * len(factors),
        sought=[sought],
    )  # fmt: skip

    ratio = np.exp(term.log_lr)
    unrelated = 1 - FLARE_SHARE + FLARE_SHARE * factors[:, 0]
    np.testing.assert_allclose(ratio, 1 / unrelated)
    assert np.average(ratio, weights=unrelated) == pytest.approx(1, abs=1e-3)


def test_it_says_nothing_where_nothing_was_seen_or_no_place_is_known() -> None:
    batch = Batch.build(
        [
            make_curve("dark", [(0.0, "g", 20.0)], kinds=["limit"]),
            make_curve("lost", ra=float("nan"), dec=float("nan")),
            make_curve("seen"),
        ]
    )

    reasons = MDwarfPrior().eligible(batch).tolist()

    assert reasons == [Reason.TOO_FEW_POINTS, Reason.MISSING_INPUT, Reason.OK]


def test_it_says_how_many_times_as_many_dwarfs_there_are() -> None:
    (told,) = MDwarfPrior().explain(Batch.build([make_curve("one", ra=266.4, dec=-28.9)]))

    assert told.log_lr == pytest.approx(np.log(told.value or 0))
    assert told.text.startswith(f"{told.value:.2g} times as many M dwarfs as in the mean")


def test_published_flares_are_where_it_is_large(real_data: Path, capsys) -> None:
    evaluate.main([str(real_data)])

    told = capsys.readouterr().out
    assert "integral over the sky                  1.0000" in told
    assert "mean log factor of flares              0.447" in told
