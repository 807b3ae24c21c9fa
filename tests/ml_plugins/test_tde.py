"""`tde`: the outburst that it reads, and what it says of what it was not fitted to."""

import numpy as np
import pytest

from ml_plugins.outbursts.wide import BANDS, GROUPS, NAMES, measure, wide_of
from ml_plugins.tde import Tde
from tests.scoring.curves import TRIGGER
from tom.scoring.contract import Batch, Curve, Reason, Redshift, RedshiftSource
from tom.scoring.registry import load_scorers

HC_OVER_K = 1.438777e7  # nm K
WAVELENGTH_NM = {"u": 368.0, "g": 480.0, "r": 623.0, "i": 754.0, "z": 869.0, "y": 971.0}


@pytest.fixture(scope="module")
def scorer() -> Tde:
    (loaded,) = load_scorers(["ml_plugins.tde.Tde"])
    assert isinstance(loaded, Tde)
    return loaded


def outburst(
    name: str = "one",
    *,
    rise: float = 20.0,
    fall: float = 60.0,
    kelvin: float = 20000.0,
    redshift: Redshift | None = None,
    flicker: float = 0.0,
    seed: int = 1,
) -> Curve:
    """A black body whose size rises as a Gaussian and falls exponentially, seen for 500 days.

    `flicker` is the scatter from night to night, as a share of the peak.
    """
    rng = np.random.default_rng(seed)
    day = np.repeat(np.arange(-200, 300, 4.0), 2)
    band = np.array([BANDS[k % 6] for k in range(len(day))])
    wave = np.array([WAVELENGTH_NM[each] for each in band])
    colour = wave**-3 / np.expm1(HC_OVER_K / (wave * kelvin))
    colour *= 20000 / (480.0**-3 / np.expm1(HC_OVER_K / (480.0 * kelvin)))
    shape = np.where(day < 0, np.exp(-0.5 * (day / rise) ** 2), np.exp(-day / fall))
    flux = colour * (shape + flicker * rng.normal(size=len(day))) + 200 * rng.normal(size=len(day))
    return Curve(
        object_id=name,
        mjd=(TRIGGER + day).tolist(),
        flux=flux.tolist(),
        flux_error=[200.0] * len(day),
        band=band.tolist(),
        kind=["forced"] * len(day),
        as_of_mjd=TRIGGER + 400,
        ebv=0.0,
        given={"redshift": redshift},
    )


def features(curve: Curve) -> dict[str, float]:
    return dict(zip(NAMES, measure(wide_of(Batch.build([curve]), 0)).tolist(), strict=True))


def test_features_are_those_of_the_outburst() -> None:
    found = features(outburst(redshift=Redshift(0.1, RedshiftSource.HOST)))

    assert found["rise"] == pytest.approx(20, rel=0.4)
    assert found["fall"] == pytest.approx(60, rel=0.3)
    assert found["temperature"] == pytest.approx(20000, rel=0.15)
    assert found["temperature at rest"] == pytest.approx(1.1 * found["temperature"])
    assert found["g-r"] == pytest.approx(-0.35, abs=0.1)
    assert found["change of g-r"] == pytest.approx(0, abs=0.1)
    assert found["explained"] > 0.95
    # 20000 nJy are 20.65 mag; the modulus of z 0.1 is 38.45.
    assert found["absolute magnitude, g"] == pytest.approx(20.65 - 38.45 + 0.1, abs=0.15)
    assert found["positive outside"] < 0.05


def test_flicker_is_no_outburst() -> None:
    found = features(outburst(flicker=0.5))

    assert found["explained"] < 0.7
    assert found["negative outside"] > 0.1


@pytest.mark.parametrize(
    ("source", "is_used"),
    [
        (RedshiftSource.HOST, True),
        (RedshiftSource.PHOTOMETRIC, True),
        (RedshiftSource.TRANSIENT, False),
        (RedshiftSource.UNKNOWN, False),
    ],
)
def test_a_redshift_of_a_spectrum_that_gives_the_type_is_not_used(
    source: RedshiftSource, is_used: bool
) -> None:
    found = features(outburst(redshift=Redshift(0.1, source)))

    assert np.isfinite(found["redshift"]) == is_used
    assert np.isfinite(found["absolute magnitude, g"]) == is_used


def test_it_needs_four_detections_over_five_days_in_two_bands(scorer: Tde) -> None:
    curve = outburst()
    one_band = [k for k, band in enumerate(curve.band) if band == "g"]
    young = [k for k, mjd in enumerate(curve.mjd) if abs(mjd - TRIGGER) < 2]
    batch = Batch.build([curve, only(curve, one_band, "two"), only(curve, young, "three")])

    assert scorer.eligible(batch).tolist() == [
        *(Reason.OK, Reason.NO_COLOUR, Reason.TOO_FEW_POINTS)
    ]


def only(curve: Curve, rows: list[int], name: str) -> Curve:
    """Return a curve with some of its points."""
    return Curve(
        name,
        *([values[k] for k in rows] for values in (curve.mjd, curve.flux, curve.flux_error)),
        *([values[k] for k in rows] for values in (curve.band, curve.kind)),
        as_of_mjd=curve.as_of_mjd,
        ebv=0.0,
    )


def test_a_hot_slow_outburst_is_told_from_a_cool_one_and_from_flicker(scorer: Tde) -> None:
    near = Redshift(0.15, RedshiftSource.HOST)
    batch = Batch.build(
        [
            outburst("hot", redshift=near),
            outburst("cool", rise=8.0, fall=25.0, kelvin=6000.0, redshift=near),
            outburst("flicker", flicker=0.5, kelvin=12000.0, redshift=near),
        ]
    )

    chance = scorer.score(batch).probability

    assert chance[0, 0] > 0.5
    assert chance[1:, 0].max() < 0.3
    assert chance[2, 1] > 0.5


def test_it_says_what_its_opinion_rests_on(scorer: Tde) -> None:
    told = scorer.explain(Batch.build([outburst()]))

    assert [piece.name for piece in told] == list(GROUPS)
    assert sorted(k for group in GROUPS.values() for k in group) == list(range(len(NAMES)))
