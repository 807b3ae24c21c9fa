"""The files of an evaluation: their forms, and what is refused with what to do."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.scoring.evaluation.files import write_labels, write_light
from tom.records.redshift import RedshiftSource
from tom.scoring.evaluation.classes import class_of, classes_of
from tom.scoring.evaluation.columns import Labelled, WrongFileError, bare_name, read_labels
from tom.scoring.evaluation.evaluating import read_objects
from tom.scoring.evaluation.groups import folds_of, groups_of, hash_of, trained_on
from tom.scoring.evaluation.judging import cut
from tom.scoring.evaluation.light import open_light

TYPES = ("supernova Ia", "supernova II", "supernova Ib/c", "supernova IIn")


# --- Labels -------------------------------------------------------------------------------------
def test_labels_with_place_dust_and_other_names_are_read(tmp_path: Path) -> None:
    path = write_labels(
        tmp_path / "meta.parquet",
        {"b": "SN II", "a": "SN Ia", "c": "NA", "d": None},
        IAUID=["SN2020buc", "AT2018cow", "", ""],
        RA=["10:00:00", "0:30:00", "1:0:0", "1:0:0"],
        Dec=["-00:30:00", "+45:15:00", "1:0:0", "1:0:0"],
        A_V=[0.31, None, 0.1, 0.1],
    )

    first, second = read_labels(path)

    assert (first.name, first.label, first.alias) == ("a", "SN Ia", "2018cow")
    assert (first.ra, first.dec) == (pytest.approx(7.5), pytest.approx(45.25))
    assert np.isnan(first.ebv)
    assert (second.ra, second.dec) == (pytest.approx(150.0), pytest.approx(-0.5))
    assert second.ebv == pytest.approx(0.1)


def test_a_redshift_is_read_only_if_its_source_is_declared(tmp_path: Path) -> None:
    light = open_light(write_light(tmp_path / "lc.parquet", {"a": [18, 18], "b": [18, 18]}))
    path = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia", "b": "SN II"}, z=[0.1, None])

    for source in (RedshiftSource.HOST, RedshiftSource.TRANSIENT):
        (curves,) = light.curves(read_labels(path, source=source), most=9)
        assert [curve.given for curve in curves] == [{"redshift": (0.1, source)}, {}]
    (curves,) = light.curves(read_labels(path), most=9)
    assert [curve.given for curve in curves] == [{}, {}]


def test_what_catalogues_list_is_read_with_their_names(tmp_path: Path) -> None:
    shares = {"a": 0.0, "b": 1.0, "c": None, "d": 1.5, "e": 0.5}
    light = open_light(write_light(tmp_path / "lc.parquet", {key: [18, 18] for key in shares}))
    path = write_labels(
        tmp_path / "meta.parquet",
        dict.fromkeys(shares, "SN Ia"),
        galaxy_share=list(shares.values()),
        galaxy_catalogues=["x", "x,y", "x", "x", None],
    )

    (curves,) = light.curves(read_labels(path), most=9)

    told = [{"galaxies": (0.0, ("x",))}, {"galaxies": (1.0, ("x", "y"))}, {}, {}, {}]
    assert [curve.given for curve in curves] == told


@pytest.mark.parametrize(
    ("name", "bare"), [("SN2020buc", "2020buc"), ("AT 2018cow", "2018cow"), ("SNova", "SNova")]
)
def test_a_name_loses_its_prefix_if_a_year_follows(name: str, bare: str) -> None:
    assert bare_name(name) == bare


def test_one_object_with_two_labels_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "meta.parquet"
    pl.DataFrame({"oid": ["a", "a"], "cls": ["SN Ia", "SN II"]}).write_parquet(path)

    with pytest.raises(WrongFileError, match="a has rows in two labels"):
        read_labels(path)


def test_rows_of_one_object_in_two_folds_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "meta.parquet"
    pl.DataFrame({"oid": ["a", "a"], "cls": ["SN Ia"] * 2, "fold": [0, 1]}).write_parquet(path)

    with pytest.raises(WrongFileError, match=r"two folds.*of objects and not of rows"):
        read_labels(path)


def test_points_of_one_object_in_two_folds_are_refused(tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 18], "b": [19, 19]})
    frame = pl.read_parquet(light)
    frame.with_columns(pl.Series("fold", [0, 1, 1, 1])).write_parquet(light)
    labels = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia", "b": "SN Ia"})

    with pytest.raises(WrongFileError, match="1 objects are in two folds or more, such as a"):
        read_objects(light, labels)


@pytest.mark.parametrize(
    "same",
    [
        {"IAUID": ["SN2020abc", "SN2020abc"]},
        {"ra": [10.0, 10.0002], "dec": [60.0, 60.0002]},
        {},
    ],
    ids=["alias", "place", "points"],
)
def test_one_object_of_two_names_in_two_folds_is_refused(tmp_path: Path, same: dict) -> None:
    second = [18, 18, 18] if not same else [19, 19]
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 18, 18], "b": second})
    labels = {"a": "SN Ia", "b": "SN Ia"}
    apart = write_labels(tmp_path / "apart.parquet", labels, fold=[0, 1], **same)
    together = write_labels(tmp_path / "together.parquet", labels, fold=[1, 1], **same)

    with pytest.raises(WrongFileError, match="a and b are one object in two folds"):
        read_objects(light, apart)
    assert len(set(read_objects(light, together).group.tolist())) == 1


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"cls": ["SN Ia"]}, "no column of name: name it oid"),
        ({"oid": ["a"]}, "no column of label: name it cls"),
        ({"oid": ["a"], "cls": ["NA"]}, "no labelled object"),
    ],
)
def test_labels_that_lack_something_are_refused(tmp_path: Path, columns: dict, told: str) -> None:
    path = tmp_path / "meta.parquet"
    pl.DataFrame(columns).write_parquet(path)

    with pytest.raises(WrongFileError, match=told):
        read_labels(path)


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "meta.parquet"
    path.write_text("oid,cls\na,SN Ia\n")

    with pytest.raises(WrongFileError, match="is no parquet file"):
        read_labels(path)
    with pytest.raises(WrongFileError, match="there is no file"):
        read_labels(tmp_path / "none.parquet")


# --- Light curves -------------------------------------------------------------------------------
def one_curve(path: Path, zero_point: float | None = None):
    light = open_light(path, zero_point=zero_point)
    ((curve,),) = light.curves([Labelled("a", "SN Ia", ebv=0.1)], most=5)
    return curve


def test_magnitudes_fluxcal_and_fluxes_are_one_light_curve(tmp_path: Path) -> None:
    # 23.9 mag is 1000 nJy; an error of 0.1 mag is one of 9.21%.
    common = {"oid": ["a"], "mjd": [61000.0], "band": ["r"]}
    forms = [
        ({"mag": [23.9], "magerr": [0.1]}, None),
        ({"flux": [1.0], "fluxerr": [0.09210340]}, 23.9),
        ({"fluxcal": [10 ** (3.6 / 2.5)], "fluxcalerr": [0.0921034 * 10 ** (3.6 / 2.5)]}, None),
    ]
    for columns, zero_point in forms:
        path = tmp_path / "lc.parquet"
        pl.DataFrame(common | columns).write_parquet(path)

        curve = one_curve(path, zero_point)

        assert curve.flux == [pytest.approx(1000)]
        assert curve.flux_error == [pytest.approx(92.1, rel=1e-3)]
        assert (curve.kind, curve.as_of_mjd, curve.ebv) == (["alert"], 61000.0, 0.1)


def test_points_are_sorted_and_a_band_may_name_its_survey(tmp_path: Path) -> None:
    path = tmp_path / "lc.parquet"
    pl.DataFrame(
        {
            "oid": ["a"] * 4,
            "mjd": [2.0, 1.0, 3.0, float("nan")],
            "band": ["xyzg", "r", "xyz_i", "g"],
            "flux": [100.0, 3.0, float("nan"), 5.0],
            "fluxerr": [1.0, 1.0, 1.0, 1.0],
        }
    ).write_parquet(path)

    curve = one_curve(path, 31.4)

    assert curve.mjd == [1.0, 2.0, 3.0]
    assert curve.band == ["r", "g", "i"]
    assert curve.survey == ["", "xyz", "xyz"]
    assert curve.kind == ["forced", "alert", "limit"]


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        ({"mjd": [1.0], "band": ["g"], "flux": [1.0], "fluxerr": [1.0]}, "give --zero-point"),
        ({"mjd": [1.0], "band": ["g"], "mag": [1.0]}, "needs mag and magerr"),
        ({"band": ["g"], "mag": [1.0], "magerr": [1.0]}, "no column mjd"),
    ],
)
def test_light_curves_that_lack_something_are_refused(
    tmp_path: Path, columns: dict, told: str
) -> None:
    path = tmp_path / "lc.parquet"
    pl.DataFrame({"oid": ["a"]} | columns).write_parquet(path)

    with pytest.raises(WrongFileError, match=told):
        open_light(path)


def changed(path: Path, **columns: pl.Expr) -> Path:
    """Write two light curves, one of them with these columns otherwise."""
    light = write_light(path, {"a": [18, 18], "b": [19, 19]})
    pl.read_parquet(light).with_columns(**columns).write_parquet(light)
    return light


@pytest.mark.parametrize(
    ("column", "values", "told"),
    [
        ("mjd", pl.lit("2020-01-01"), "4 rows whose mjd is no number, such as '2020-01-01'"),
        ("mjd", pl.col("mjd") + 2_400_000.5, "give modified Julian dates"),
        ("mjd", pl.concat_list("mjd"), "lists in its column mjd: give each point a row"),
        ("mjd", pl.lit(None, pl.Float64), "no row with an mjd, a mag and a magerr above 0"),
        ("mag", pl.lit(-999.0), "no row with an mjd, a mag and a magerr above 0"),
        ("magerr", pl.lit(0.0), "no row with an mjd, a mag and a magerr above 0"),
        ("band", pl.lit("1"), "no band whose last letter is one of ugrizyJHK; it has '1'"),
    ],
)
def test_points_that_mean_nothing_are_refused(
    tmp_path: Path, column: str, values: pl.Expr, told: str
) -> None:
    light = changed(tmp_path / "lc.parquet", **{column: values})
    labels = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia", "b": "SN II"})

    with pytest.raises(WrongFileError, match=told):
        read_objects(light, labels)


def test_a_damaged_file_is_refused(tmp_path: Path) -> None:
    labels = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia"})
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 18]})
    good = light.read_bytes()
    light.write_bytes(good[:4] + bytes(200) + good[204:])

    with pytest.raises(WrongFileError, match="cannot be read, it may be damaged"):
        read_objects(light, labels)


MOMENT = pl.lit("2025-11-20 12:00:00").str.to_datetime(time_unit="ms")
EAST = MOMENT.dt.replace_time_zone("UTC").dt.convert_time_zone("Asia/Tokyo")


@pytest.mark.parametrize("moment", [MOMENT, EAST, pl.lit("60999.5"), pl.lit(60999.5)])
def test_times_are_days_in_whatever_type_they_came(tmp_path: Path, moment: pl.Expr) -> None:
    curve = one_curve(changed(tmp_path / "lc.parquet", mjd=moment))

    assert curve.mjd == [60999.5, 60999.5]


@pytest.mark.parametrize("kind", [pl.Int32, pl.Float32, pl.Categorical, pl.Binary])
def test_names_are_found_in_whatever_type_they_came(tmp_path: Path, kind: type) -> None:
    named = pl.lit("7").cast(pl.Float64).cast(kind) if kind in {pl.Int32, pl.Float32} else (
        pl.lit("7").cast(kind)
    )  # fmt: skip
    light = changed(tmp_path / "lc.parquet", oid=named)
    text = write_labels(tmp_path / "text.parquet", {" 7": "SN Ia"})
    typed = tmp_path / "typed.parquet"
    pl.read_parquet(text).with_columns(oid=named).write_parquet(typed)

    for labels in (text, typed):
        assert read_objects(light, labels).names == ["7"]


def test_what_tables_write_for_nothing_makes_no_object_one_with_another(tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 18], "b": [19, 19]})
    labels = {"a": "SN Ia", "b": "SN II"}
    for more in ({"IAUID": ["-", "-"]}, {"ra": [-999.0] * 2, "dec": [-999.0] * 2},
                 {"ra": [0.0, 0.0], "dec": [0.0, 0.0]}):  # fmt: skip
        meta = write_labels(tmp_path / "meta.parquet", labels, **more)

        assert len(set(read_objects(light, meta).group.tolist())) == 2


def test_a_row_that_is_there_twice_is_one_datum(tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 18.5]})
    once = one_curve(light)
    frame = pl.read_parquet(light)
    pl.concat([frame, frame]).write_parquet(light)

    assert one_curve(light) == once


def test_a_magnitude_that_stands_for_none_and_an_unknown_band_are_no_trouble(
    tmp_path: Path,
) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [18, 99, -999, 18.5, 19]})
    frame = pl.read_parquet(light)
    frame.with_columns(band=pl.Series(["g ", "g", "g", None, "Clear"])).write_parquet(light)

    assert one_curve(light).band == ["g", "", "Clear"]


def test_files_of_different_objects_are_refused(tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [18]})
    labels = write_labels(tmp_path / "meta.parquet", {"b": "SN Ia"})

    with pytest.raises(WrongFileError, match="their names must be the same"):
        read_objects(light, labels)


def test_a_curve_that_is_cut_holds_no_later_point(tmp_path: Path) -> None:
    curve = one_curve(write_light(tmp_path / "lc.parquet", {"a": [18, 18, 18, 18, 18]}))

    early = cut(curve, 2.0)

    assert early.mjd == [61000.0, 61001.0, 61002.0]
    assert early.as_of_mjd == 61002.0
    assert len(early.flux) == len(early.flux_error) == len(early.band) == len(early.survey) == 3
    assert cut(curve, np.inf) is curve


# --- Classes and groups -------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("label", "found"),
    [
        ("SN Ia", "supernova Ia"),
        ("SN Ia-91T", "supernova Ia"),
        ("SN IIn", "supernova IIn"),
        ("SN IIP", "supernova II"),
        ("SN Ic-BL", "supernova Ib/c"),
        ("SN", None),
        ("TDE", None),
        ("???", None),
    ],
)
def test_a_label_is_of_the_nearest_class(label: str, found: str | None) -> None:
    assert class_of(label, TYPES) == found


def test_all_else_is_of_the_class_other() -> None:
    assert class_of("SN Ia", ("kilonova", "other")) == "other"
    assert class_of("???", ("kilonova", "other")) == "other"
    assert class_of("transient", ("kilonova", "other")) is None  # it may be a kilonova


def test_a_class_without_a_label_counts_to_the_wider_one() -> None:
    coarse = classes_of(["SN Ia", "SN II", "SN Ibc", "TDE"], TYPES)
    fine = classes_of(["SN Ia", "SN II", "SN IIn"], TYPES)

    assert coarse.names == TYPES[:3]
    assert coarse.truth.tolist() == [0, 1, 2, -1]
    merged = coarse.merge(np.array([[0.1, 0.2, 0.3, 0.4]]))
    np.testing.assert_allclose(merged, [[0.1, 0.6, 0.3]])
    assert fine.names == TYPES


def test_names_are_of_one_object_through_a_third() -> None:
    objects = [
        Labelled("a", "x", alias="2020q"),
        Labelled("b", "x", alias="2020q", ra=5.0, dec=5.0),
        Labelled("c", "x", ra=5.0, dec=5.0001),
        Labelled("2020q", "x"),
        Labelled("e", "x", ra=5.0, dec=5.01),
    ]

    group = groups_of(objects, {})

    assert len(set(group[:4].tolist())) == 1
    assert group[4] != group[0]


def test_the_names_of_one_object_are_in_one_fold() -> None:
    objects = [Labelled(f"n{k}", "x") for k in range(300)]
    group = np.arange(300) // 3

    fold = folds_of(objects, group, n_folds=5)

    assert all(len(set(fold[3 * k : 3 * k + 3].tolist())) == 1 for k in range(100))
    assert min(np.bincount(fold, minlength=5)) > 20


def test_the_folds_of_the_file_are_kept() -> None:
    objects = [
        Labelled("a", "x", fold="2"),
        Labelled("b", "x", fold="7"),
        Labelled("c", "x", fold="2"),
    ]

    assert folds_of(objects, np.arange(3), n_folds=5).tolist() == [0, 1, 0]


def test_an_object_is_known_by_either_of_its_names() -> None:
    objects = [Labelled("a", "x", alias="2020q"), Labelled("b", "x"), Labelled("c", "x")]

    assert trained_on(objects, [hash_of("2020q"), hash_of("c")]) == [True, False, True]
