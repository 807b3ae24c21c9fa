"""Real light curves in one form: units, signs, references, and what is left out."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from ml_plugins.injections import sources

# 23.9 mag is 1000 nJy, for 31.4 is 1 nJy.
MICROJANSKY = 23.9


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "ml" / "kn").mkdir(parents=True)
    (tmp_path / "labels" / "alerce").mkdir(parents=True)
    return tmp_path


def write_bts(folder: Path, meta: list[dict[str, object]], curves: list[dict[str, object]]) -> None:
    pl.DataFrame(meta).write_parquet(folder / "ml" / "ztf_bts_meta.parquet")
    pl.DataFrame(curves).write_parquet(folder / "ml" / "ztf_bts_lc.parquet")


def visit(oid: str, mjd: float, mag: float = MICROJANSKY, **other: object) -> dict[str, object]:
    return {"oid": oid, "mjd": mjd, "band": "g", "mag": mag, "magerr": 0.1} | other


# --- Transients ---------------------------------------------------------------------------------
def test_a_magnitude_and_its_error_become_nanojanskys(folder: Path) -> None:
    write_bts(folder, [{"oid": "a", "type": "SN Ia", "cls": "supernova", "A_V": 0.31}], [
        visit("a", 2.0, MICROJANSKY - 2.5), visit("a", 1.0, band="r"),
    ])  # fmt: skip

    (star,) = sources.read_bts(folder)

    assert star.mjd.tolist() == [1.0, 2.0]
    assert star.band.tolist() == ["r", "g"]
    np.testing.assert_allclose(star.flux, [1e3, 1e4])
    # An error of 0.1 mag is one of 9.21%.
    np.testing.assert_allclose(star.error, [92.1, 921.0], rtol=1e-3)
    assert star.ebv == pytest.approx(0.1)


def test_each_transient_has_its_own_class_curve_and_dust(folder: Path) -> None:
    meta = [
        {"oid": "b", "type": "nova", "cls": "cataclysmic", "A_V": None},
        {"oid": "a", "type": "SN II", "cls": "supernova", "A_V": 3.1},
    ]
    write_bts(folder, meta, [visit("b", 1.0), visit("a", 5.0), visit("b", 0.5), visit("a", 4.0)])

    read = {star.name: star for star in sources.read_bts(folder)}

    assert {name: star.label for name, star in read.items()} == {"a": "supernova", "b": "nova"}
    assert {name: star.ebv for name, star in read.items()} == {"a": pytest.approx(1.0), "b": 0.0}
    assert read["a"].mjd.tolist() == [4.0, 5.0]
    assert read["b"].mjd.tolist() == [0.5, 1.0]


# --- Variables ----------------------------------------------------------------------------------
def test_a_variable_is_seen_above_and_below_its_own_median_in_each_band(folder: Path) -> None:
    curve = [visit("v", day, mag) for day, mag in enumerate((21.4, 23.9, 26.4))]
    curve += [visit("v", day + 0.1, mag, band="r") for day, mag in enumerate((23.9, 23.9, 21.4))]
    curve += [visit("v", 9.0, 10.0, band="i")]
    write_variables(folder, curve)

    (star,) = sources.read_variables(folder)

    assert star.label == "variable"
    assert star.period == 0.5
    assert np.isnan(star.ebv)
    assert set(star.band) == {"g", "r"}
    np.testing.assert_allclose(star.flux[star.band == "g"], [9000, 0, -900], atol=1e-6)
    np.testing.assert_allclose(star.flux[star.band == "r"], [0, 0, 9000], atol=1e-6)
    # The error is that of the whole light, which the reference takes no part of away.
    np.testing.assert_allclose(star.error[star.band == "g"], [921, 92.1, 9.21], rtol=1e-3)


def test_a_variable_of_one_band_is_read(folder: Path) -> None:
    write_variables(folder, [visit("v", 1.0), visit("v", 2.0)])

    (star,) = sources.read_variables(folder)

    assert star.flux.tolist() == [0.0, 0.0]


def write_variables(folder: Path, curve: list[dict[str, object]]) -> None:
    """Write a light curve of a variable with a period of half a day."""
    frame = pl.DataFrame(curve).with_columns(period=pl.lit(0.5))
    frame.write_parquet(folder / "ml" / "ztf_dr3_variables_lc.parquet")


# --- Flares -------------------------------------------------------------------------------------
def row(oid: str, kind: str, time: float, g: float, r: float) -> dict[str, object]:
    return {"oid": oid, "row": kind, "t_bkjd": time, "g": g, "r": r}


def read_flares(folder: Path, *rows: dict[str, object]) -> list[sources.Flare]:
    pl.DataFrame(rows).write_parquet(folder / "ml" / "mdwarf_flare_lc.parquet")
    return sources.read_flares(folder)


def test_a_flare_is_what_shines_above_its_quiet_star_from_its_start(folder: Path) -> None:
    (flare,) = read_flares(
        folder,
        row("f", "S", 100.5, 23.9, 21.4),
        row("f", "T", 100.0, 23.9, 23.9),
        row("f", "S", 100.25, 21.4, 23.9),
        row("f", "S", 100.75, 26.4, 23.9),
    )

    assert flare.name == "f"
    assert flare.days.tolist() == [0.25, 0.5, 0.75]
    np.testing.assert_allclose(flare.flux["g"], [9000, 0, 0], atol=1e-6)
    np.testing.assert_allclose(flare.flux["r"], [0, 9000, 0], atol=1e-6)


def test_a_flare_of_one_point_or_of_one_band_is_left_out(folder: Path) -> None:
    flares = read_flares(
        folder,
        *(row("short", "T", 0.0, 24.0, 24.0), row("short", "S", 0.1, 20.0, 20.0)),
        *(row("blue", "T", 0.0, 24.0, 24.0), row("blue", "S", 0.1, 20.0, 24.0)),
        *(row("blue", "S", 0.2, 21.0, 24.5), row("both", "T", 0.0, 24.0, 24.0)),
        *(row("both", "S", 0.1, 20.0, 20.0), row("both", "S", 0.2, 21.0, 21.0)),
    )

    assert [flare.name for flare in flares] == ["both"]


# --- AT2017gfo and depths -----------------------------------------------------------------------
def test_at2017gfo_is_read_as_days_after_the_merger_and_absolute_magnitudes(folder: Path) -> None:
    (folder / "ml" / "kn" / "AT2017gfo.dat").write_text(
        "2017-08-18T12:41:04 ps1::g 17.41 0.02\n"
        "2017-08-19T00:41:04 ps1::r 17.00 0.03\n"
        "2017-08-19T12:41:04 ps1::g 18.41 inf\n"  # an upper limit
        "2017-08-19T12:41:04 ps1::i 18.00 0.02\n"
        "2017-08-20T12:41:04 g 19.41 0.1\n"
    )

    read = sources.read_at2017gfo(folder)

    assert read.keys() == {"g", "r"}
    np.testing.assert_allclose(read["g"][0], [1.0, 3.0])
    np.testing.assert_allclose(read["r"][0], [1.5])
    # 40.7 Mpc is a distance modulus of 33.048.
    np.testing.assert_allclose(read["g"][1], [17.41 - 33.048, 19.41 - 33.048], atol=1e-3)


def test_depths_are_kept_by_band(folder: Path) -> None:
    (folder / "labels" / "alerce" / "30_sne_non_detections.csv").write_text(
        "oid,fid,diffmaglim\na,1,20.5\na,2,20.1\nb,1,19.5\nb,3,18.0\n"
    )

    depths = sources.read_depths(folder)

    assert {band: list(values) for band, values in depths.items()} == {
        "g": [20.5, 19.5],
        "r": [20.1],
    }


def test_the_real_tables_are_read(real_data: Path) -> None:
    at2017gfo, depths = sources.read_at2017gfo(real_data), sources.read_depths(real_data)

    # Its peak in r was near -16, and ZTF sees to about 20.5.
    assert -16.5 < at2017gfo["r"][1].min() < -15.5
    assert all(np.all(np.diff(days) >= 0) for days, _ in at2017gfo.values())
    assert all(19.5 < np.median(values) < 21 for values in depths.values())
