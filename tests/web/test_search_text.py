"""What people type to find a target."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.web.search_text import DEFAULT_RADIUS_ARCSEC, Cone, read_cone


@pytest.mark.parametrize(
    "text",
    [
        "197.450354 -23.381484",
        "197.450354, -23.381484",
        "13:09:48.085 -23:22:53.34",
        "13h09m48.085s -23d22m53.34s",
    ],
)
def test_a_position_is_read_in_each_usual_form(text: str) -> None:
    cone = read_cone(text)

    assert cone is not None
    assert cone.ra == pytest.approx(197.450354, abs=1e-5)
    assert cone.dec == pytest.approx(-23.381484, abs=1e-5)
    assert cone.radius_arcsec == DEFAULT_RADIUS_ARCSEC


def test_the_third_number_is_the_radius() -> None:
    assert read_cone('10 20 30"') == Cone(10.0, 20.0, 30.0)


def test_a_declination_just_south_of_the_equator_stays_south() -> None:
    cone = read_cone("00:00:00 -00:30:00")

    assert cone is not None
    assert cone.dec == -0.5


@pytest.mark.parametrize(
    "text",
    [
        *("ZTF26abc", "SN 2026abc", "1 2 3 4", "400 10", "10 95", "10 20 -5", "10 20 1e9"),
        *("nan nan", "inf 3", "13:99:00 10", ""),
    ],
)
def test_anything_else_is_a_name(text: str) -> None:
    assert read_cone(text) is None


@given(st.text(max_size=60))
def test_no_text_breaks_the_search(text: str) -> None:
    read_cone(text)
