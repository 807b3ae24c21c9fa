"""`slsn`: what it says of slow and of fast outbursts, and the files that it is fitted to."""

from pathlib import Path

import polars as pl
import pytest

from ml_plugins.outbursts.wide import GROUPS
from ml_plugins.slsn import Slsn
from ml_plugins.slsn.training.files import write_files
from tests.ml_plugins.test_tde import only, outburst
from tom.scoring.contract import Batch, Curve, Redshift, RedshiftSource
from tom.scoring.registry import load_scorers, trained_on


@pytest.fixture(scope="module")
def scorer() -> Slsn:
    (loaded,) = load_scorers(["ml_plugins.slsn.Slsn"])
    assert isinstance(loaded, Slsn)
    return loaded


def in_g_and_r(curve: Curve) -> Curve:
    """Return the detections that a survey in two bands sends alerts of."""
    points = zip(curve.flux, curve.flux_error, curve.band, strict=True)
    rows = [k for k, (flux, error, band) in enumerate(points) if band in "gr" and flux > 5 * error]
    return only(curve, rows, curve.object_id)


def test_a_slow_outburst_is_told_from_a_fast_one_a_faint_one_and_flicker(scorer: Slsn) -> None:
    slow = {"rise": 30.0, "fall": 60.0, "kelvin": 10000.0}
    near = Redshift(0.05, RedshiftSource.HOST)
    batch = Batch.build(
        [
            in_g_and_r(outburst("slow", **slow)),
            in_g_and_r(outburst("fast", rise=8.0, fall=20.0, kelvin=7000.0)),
            outburst("near", **slow, redshift=near),
            outburst("flicker", flicker=0.5, **slow),
        ]
    )

    chance = scorer.score(batch).probability[:, 0]

    assert chance[0] > 0.5
    assert chance[1] < 0.2
    assert chance[2:].max() < scorer.spec.prior[0]


def test_it_says_what_its_opinion_rests_on(scorer: Slsn) -> None:
    told = scorer.explain(Batch.build([outburst()]))

    assert [piece.name for piece in told] == list(GROUPS)
    assert told[0].text.endswith("a superluminous supernova")


def test_it_names_what_it_was_fitted_to(scorer: Slsn) -> None:
    assert len(trained_on(scorer)) > 4000


def test_the_files_hold_each_object_once_in_one_unit(tmp_path: Path) -> None:
    data = tmp_path / "ml"
    data.mkdir()
    pl.DataFrame(
        {"oid": ["ZTF1", "ZTF1"], "mjd": [1.0, 2.0], "band": ["g", "r"],
         "mag": [20.0, 20.0], "magerr": [0.1, 0.3]}
    ).write_parquet(data / "ztf_bts_lc.parquet")  # fmt: skip
    pl.DataFrame(
        {"oid": ["ZTF1"], "cls": ["SLSN"], "IAUID": ["SN2020abc"], "A_V": [0.31]}
    ).write_parquet(data / "ztf_bts_meta.parquet")
    rows = [
        ("2020abc", "P48", "g", False, False, 0.1),
        ("2020xyz", "P48", "g", False, False, 0.1),
        ("2020xyz", "P48", "g", True, False, 0.1),
        ("2020xyz", "P48", "r", False, True, 0.1),
        ("2020xyz", "P48", "i", False, False, 0.1),
        ("2020xyz", "LCO", "r", False, False, 0.1),
        ("2020xyz", "P48", "r", False, False, -1.0),
    ]
    pl.DataFrame(
        rows, orient="row", schema=["oid", "Telescope", "Filter", "UL", "Ignore", "MagErr"]
    ).with_columns(MJD=pl.lit(3.0), Mag=pl.lit(20.0)).write_parquet(data / "slsne_lc.parquet")
    pl.DataFrame(
        {"oid": ["far"], "mjd": [4.0], "band": ["y"], "flux": [36.3078], "fluxerr": [1.0]}
    ).write_parquet(data / "mallorn_lc.parquet")
    pl.DataFrame(
        {"object_id": ["far"], "SpecType": ["AGN"], "EBV": [0.1], "Z": [0.5]}
    ).write_parquet(data / "mallorn_meta.parquet")

    write_files(tmp_path, tmp_path)

    light, meta = (pl.read_parquet(tmp_path / f"all_{part}.parquet") for part in ("lc", "meta"))
    assert light.select("oid", "band").rows() == [("ZTF1", "g"), ("2020xyz", "g"), ("far", "y")]
    assert light["flux"].to_list() == pytest.approx([36307.8] * 3, rel=1e-4)
    assert meta.select("oid", "label", "ebv", "redshift").rows() == [
        ("ZTF1", "SLSN", pytest.approx(0.1), None),
        ("2020xyz", "SLSN", 0.0, None),
        ("far", "AGN", 0.1, 0.5),
    ]
    real = pl.read_parquet(tmp_path / "real_meta.parquet")
    assert real["oid"].to_list() == ["ZTF1", "2020xyz"]
