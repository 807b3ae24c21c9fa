"""`slsn`: what it says of slow and of fast outbursts, and the files that it is fitted to."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_plugins.outbursts.wide import wide_of
from ml_plugins.slsn import Slsn
from ml_plugins.slsn.training import files
from ml_plugins.slsn.training.files import LISTED, write_files
from tests.ml_plugins.test_tde import only, outburst
from tom.scoring.contract import Batch, Curve, Listed, Redshift, RedshiftSource
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


def at(share: float, *catalogues: str) -> Curve:
    """Return a slow outburst where the catalogues list a galaxy with this chance."""
    curve = in_g_and_r(outburst("slow", rise=30.0, fall=60.0, kelvin=10000.0))
    return replace(curve, given={"galaxies": Listed(share, catalogues)})


def test_where_no_galaxy_is_listed_a_superluminous_supernova_is_likelier(scorer: Slsn) -> None:
    batch = Batch.build([at(0.0, "GLADE+"), replace(at(0.0), given={}), at(0.99, "GLADE+")])

    chance = scorer.score(batch).probability[:, 0]

    assert chance[0] > chance[2]
    assert chance[1] > chance[2]


def test_other_catalogues_than_those_of_the_fit_tell_nothing(scorer: Slsn) -> None:
    curves = [at(0.3, "GLADE+"), at(0.3, "made"), at(0.3, "GLADE+", "made"), at(0.3)]
    batch = Batch.build(curves)

    listed = [scorer.measure(wide_of(batch, row))[-1] for row in range(4)]

    np.testing.assert_array_equal(listed, [0.3, np.nan, np.nan, np.nan])


def test_it_says_what_its_opinion_rests_on(scorer: Slsn) -> None:
    told = scorer.explain(Batch.build([outburst()]))

    assert [piece.name for piece in told] == list(Slsn.groups)
    assert told[0].text.endswith("a superluminous supernova")


def test_it_names_what_it_was_fitted_to(scorer: Slsn) -> None:
    assert len(trained_on(scorer)) > 4000


def test_the_files_tell_what_is_listed_where_an_object_has_a_place() -> None:
    listed = pl.read_csv(LISTED)
    assert listed["oid"].is_unique().all()
    assert listed["galaxy_share"].is_between(0, 1).all()


def test_the_files_hold_each_object_once_in_one_unit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    listed = tmp_path / "listed.csv"
    listed.write_text("oid,galaxy_share\n2020xyz,0.25\nZTF1,0\nZTF9,1\n")
    monkeypatch.setattr(files, "LISTED", listed)
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
    assert meta.select("oid", "label", "ebv", "redshift", "galaxy_share").rows() == [
        ("ZTF1", "SLSN", pytest.approx(0.1), None, 0.0),
        ("2020xyz", "SLSN", 0.0, None, 0.25),
        ("far", "AGN", 0.1, 0.5, None),
    ]
    assert set(meta["galaxy_catalogues"]) == {"GLADE+"}
    real = pl.read_parquet(tmp_path / "real_meta.parquet")
    assert real["oid"].to_list() == ["ZTF1", "2020xyz"]
