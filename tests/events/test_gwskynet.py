"""GWSkyNet on real maps: its answers by our own pictures, what it refuses, where it is absent."""

import base64
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.factories import make_skymap
from tom.events import gwskynet
from tom.sky import SkyMap, read_skymap, write_skymap

HLV = "maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
# The score that the package computes with its own code, in 60 to 240 s of processor time for a map.
SCORES = {
    "maps/MS220722v_bayestar.multiorder.fits": 0.81146753,
    "lvk/S230518h-Preliminary_alert.json": 0.96295553,
    HLV: 0.9966262,
}


@pytest.fixture(autouse=True)
def nothing_known() -> Iterator[None]:
    gwskynet._installed.cache_clear()
    yield
    gwskynet._installed.cache_clear()


def read(path: Path) -> tuple[SkyMap, bytes]:
    fits = path.read_bytes()
    if path.suffix == ".json":
        fits = base64.b64decode(json.loads(fits)["event"]["skymap"])
    return read_skymap(fits), fits


def made(**header: str | float) -> tuple[SkyMap, bytes]:
    """A map of ours, whose header says that it is one that can be judged, but for some values."""
    usual = {"CREATOR": "BAYESTAR", "INSTRUME": "H1,L1", "LOGBCI": 3.0, "LOGBSN": 30.0}
    skymap = make_skymap()
    fits = write_skymap(skymap, header=usual | {"DISTMEAN": 40.0, "DISTSTD": 8.0} | header)
    return read_skymap(fits), fits


@pytest.mark.parametrize(
    "name", [HLV, *(pytest.param(name, marks=pytest.mark.soak) for name in SCORES if name != HLV)]
)
def test_a_score_is_that_of_the_packages_own_code(real_data, name: str) -> None:
    skymap, fits = read(real_data / "gw" / name)

    assert gwskynet.refusal_of(skymap, fits, is_burst=False) == ""
    assert gwskynet.rate(skymap, fits).score == pytest.approx(SCORES[name], abs=1e-4)


def test_a_score_comes_with_the_rates_of_its_threshold(real_data) -> None:
    rated = gwskynet.rate(*read(real_data / "gw/maps/MS220722v_bayestar.multiorder.fits"))

    assert rated.false_alarms == pytest.approx(0.04878049)
    assert rated.misses == pytest.approx(0.07741421)


def test_a_map_that_can_be_judged_is_not_refused() -> None:
    assert gwskynet.refusal_of(*made(), is_burst=False) == ""


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"CREATOR": "CWB"}, "made by CWB"),
        ({"CREATOR": "ligo-skymap-from-samples"}, "made by ligo-skymap-from-samples"),
        ({"LOGBCI": "none"}, "exceeds the noise"),
        ({"DISTSTD": "none"}, "no distance"),
        ({"INSTRUME": "H1,K1"}, "not on K1"),
        ({"INSTRUME": "L1"}, "fewer than two"),
        ({"INSTRUME": ""}, "fewer than two"),
    ],
)
def test_what_it_was_not_trained_on_is_refused(header, reason: str) -> None:
    assert reason in gwskynet.refusal_of(*made(**header), is_burst=False)


def test_a_burst_is_refused() -> None:
    assert "burst" in gwskynet.refusal_of(*made(), is_burst=True)


def test_a_map_without_distances_is_refused() -> None:
    skymap, fits = made()
    without = SkyMap(skymap.level, skymap.ipix, skymap.probdensity)

    assert "no distance" in gwskynet.refusal_of(without, fits, is_burst=False)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("maps/GW150914_bayestar_gstlal_C01.fits.gz", "bayestar_localize_lvalert"),
        ("maps/S190814bv_LALInference.v1_nside1024_nested.fits.gz", "ligo-skymap-from-samples"),
        ("lvk/S230522a-Preliminary_alert.json", "fewer than two"),
        ("lvk/S2468-1-initial.json", "made by CWB"),
        ("lvk/S2376-1-preliminary.json", "not named"),
    ],
)
def test_real_maps_that_are_refused(real_data, name: str, reason: str) -> None:
    assert reason in gwskynet.refusal_of(*read(real_data / "gw" / name), is_burst=False)


def test_without_its_package_it_has_no_version_and_no_answer(monkeypatch) -> None:
    monkeypatch.setattr(gwskynet, "_PACKAGE", "no-such-package")

    assert gwskynet.model_version() == ""
    with pytest.raises(ValueError, match="not installed"):
        gwskynet.rate(*made())


def test_its_version_is_named() -> None:
    assert gwskynet.model_version() == "GWSkyNet 2.6.0"
