"""Fluxes as AB magnitudes."""

import math

import pytest
from django.db import connection

from tom.photometry import Magnitude, is_told, magnitude_of, shines
from tom.scoring.batch import Batch, Curve


def test_a_flux_of_3631_jansky_has_magnitude_0():
    found = magnitude_of(flux=3631e9, flux_error=36.31e9)

    assert found.magnitude == pytest.approx(0, abs=1e-3)
    assert found.error == pytest.approx(0.010857, abs=1e-6)
    assert found.limit is None


@pytest.mark.parametrize("flux", [None, -1000.0, 0.0, 299.0, math.nan])
def test_what_is_below_three_sigma_is_a_five_sigma_limit(flux):
    assert magnitude_of(flux=flux, flux_error=100.0) == Magnitude(
        limit=pytest.approx(31.4 - 2.5 * math.log10(500))
    )


@pytest.mark.parametrize("flux_error", [None, 0.0, -1.0, math.nan, math.inf])
def test_without_an_error_nothing_is_said(flux_error):
    assert magnitude_of(flux=500.0, flux_error=flux_error) == Magnitude()


POINTS = [
    (kind, flux, 100.0)
    for kind in ("alert", "limit", "forced")
    for flux in (None, -900.0, 0.0, 50.0, 299.0, 301.0, 499.0, 500.0, 501.0)
]


@pytest.mark.django_db
def test_scorers_and_the_database_mean_the_same_by_a_detection():
    fluxes = [math.nan if flux is None else flux for _, flux, _ in POINTS]
    curve = Curve(
        object_id="a",
        mjd=[float(day) for day in range(len(POINTS))],
        flux=fluxes,
        flux_error=[error for *_, error in POINTS],
        band=["g"] * len(POINTS),
        kind=[kind for kind, *_ in POINTS],
        as_of_mjd=100.0,
    )

    by_scorers = Batch.build([curve]).is_detection.tolist()

    assert [bool(seen) for seen in ask(shines("p"))] == by_scorers
    assert sum(by_scorers) == 8


@pytest.mark.django_db
def test_pages_and_the_mirror_tell_the_same_points_with_a_magnitude():
    by_pages = [
        magnitude_of(flux=flux, flux_error=error).magnitude is not None for _, flux, error in POINTS
    ]

    assert ask(is_told("p")) == by_pages


def ask(condition: str) -> list[bool | None]:
    """What the database says of each of the points."""
    rows = ", ".join(["(%s, %s::float8, %s::float8)"] * len(POINTS))
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {condition} FROM (VALUES {rows}) AS p (kind, flux, flux_error)",  # noqa: S608
            [value for point in POINTS for value in point],
        )
        return [found for (found,) in cursor.fetchall()]
