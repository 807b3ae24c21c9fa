"""The numbers people quote of a map, ready for JSON."""

import base64
import json

import pytest

from tom.sky import build_skymap, describe, read_skymap, summarize


def test_a_position_in_gw170817_is_described(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap(path.read_bytes())

    described = describe(skymap, ra=197.450354, dec=-23.381484, distance=40.7)

    assert described["area_50"] == pytest.approx(8.90, abs=0.005)
    assert described["area_90"] == pytest.approx(30.98, abs=0.005)
    assert described["distance_mean"] == pytest.approx(39.770, abs=1e-3)
    assert described["distance_std"] == pytest.approx(8.308, abs=1e-3)
    assert described["max_ra"] == pytest.approx(194.304199, abs=1e-6)
    assert described["max_dec"] == pytest.approx(-17.856895, abs=1e-6)
    assert described["credible_level_2d"] == pytest.approx(0.55593, abs=1e-5)
    assert described["credible_level_3d"] == pytest.approx(0.39205, abs=2e-3)
    assert described["probdensity"] == pytest.approx(113.845, abs=1e-3)
    assert described["searched_area"] == pytest.approx(10.41577, abs=1e-5)
    assert described["distance_pdf_here"] == pytest.approx(0.050127, rel=1e-4)
    assert described["distance_pdf"] == pytest.approx(0.0477662, rel=1e-4)


def test_what_is_not_known_is_none_and_the_rest_is_json():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    described = describe(skymap, ra=45.0, dec=-80.0)

    assert described["distance_mean"] is None
    assert described["credible_level_2d"] is None
    assert described["credible_level_3d"] is None
    json.dumps(described, allow_nan=False)


def test_half_a_position_is_refused():
    skymap = build_skymap(level=[0], ipix=[0], probdensity=[1.0])

    with pytest.raises(ValueError, match="both"):
        describe(skymap, ra=45.0)


def test_a_map_that_states_no_distance_is_summarized_by_its_rows(real_data):
    alert = json.loads((real_data / "gw/lvk/S2376-1-preliminary.json").read_bytes())
    skymap = read_skymap(base64.b64decode(alert["event"]["skymap"]))

    summary = summarize(skymap)

    assert skymap.distance_mean != skymap.distance_mean
    assert 0 < summary.distance_std < summary.distance_mean
