"""Points of Rubin as brokers tell them."""

from typing import Any

import pytest

from tom.forms.njy_points import read_detections, read_forced

SOURCE = {"mjd": 61000.25, "band": "r", "psfFlux": -500.0, "psfFluxErr": 50.0, "candid": 7}


def bands(**values: Any) -> list[str]:
    return [point.band for point in read_detections([SOURCE | values])]


def test_a_number_of_alerce_s_is_a_band_with_and_without_its_map() -> None:
    assert [bands(band=number) for number in range(1, 8)] == [[each] for each in "grizyu"] + [[]]
    assert bands(band=1, band_map={"1": "u"}) == ["u"]


@pytest.mark.parametrize(
    "flag", ["psfFlux_flag", "pixelFlags_saturatedCenter", "pixelFlags_injected"]
)
def test_what_a_flag_says_to_be_none_is_no_point(flag: str) -> None:
    for source in (SOURCE | {flag: True}, SOURCE | {flag: 1}):
        assert list(read_detections([source])) == []
        assert list(read_forced([source])) == []
    assert bands(**{flag: 0}) == bands(**{flag: False}) == ["r"]


def test_a_source_without_a_centre_is_measured_at_its_peak() -> None:
    (point,) = read_detections([SOURCE | {"psfFlux_flag": 1, "centroid_flag": True}])

    assert point.is_at_peak
    assert not next(read_detections([SOURCE])).is_at_peak
