"""`gaia_context`: streams are found where they are, and the star that is at the place."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from astropy.io import fits

from ml_plugins.gaia_context import GaiaContext, build
from ml_plugins.gaia_context.density import draw_background
from ml_plugins.gaia_context.known import FILE, Known, make_rows
from ml_plugins.gaia_context.patches import flatten, patches_of, ratios_of
from ml_plugins.gaia_context.table import BadTableError, Stars, read_stars
from ml_plugins.gaia_context.training.simulate import Sky, simulate
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, Reason
from tom.scoring.registry import load_scorer

PATH = "ml_plugins.gaia_context.GaiaContext"
TRIGGER_YEAR = 2000 + (61000 - 51544.5) / 365.25


def frame_of(stars: Stars) -> pl.DataFrame:
    """The stars as a table with Gaia's names."""
    names = {"ra": "ra", "dec": "dec", "pmra": "pmra", "pmdec": "pmdec", "bp_rp": "bp_rp"}
    columns = {name: getattr(stars, own) for name, own in names.items()}
    return pl.DataFrame(columns | {"phot_g_mean_mag": stars.g, "parallax": stars.g * 0 + 0.1})


@pytest.fixture(scope="module")
def sky() -> Sky:
    return simulate(np.random.default_rng(11), smooth=8000, stream=200)


@pytest.fixture(scope="module")
def given(sky: Sky, tmp_path_factory) -> Path:
    """The folder that the command made of a table with a stream."""
    folder = tmp_path_factory.mktemp("gaia")
    frame_of(sky.stars).write_csv(folder / "stars.csv")
    build.main([str(folder / "stars.csv"), str(folder / "made")])
    return folder / "made"


def at(name: str, ra: float, dec: float, **known: object):
    return make_curve(name, [(0.0, "g", 19.0)], ra=ra, dec=dec, **known)


def test_a_stream_stands_in_the_top_and_few_smooth_stars_do(sky: Sky, given: Path) -> None:
    share = np.load(given / FILE)["share"]
    with np.errstate(invalid="ignore"):
        top = share > 0.95

    assert top[sky.is_stream].mean() > 0.5
    assert top[~sky.is_stream].mean() < 0.02


def test_a_smooth_sky_has_a_mean_ratio_of_1() -> None:
    log_ratio, spread, share = ratios_of(
        simulate(np.random.default_rng(12), smooth=6000, stream=0).stars
    )
    known = np.isfinite(log_ratio)

    assert known.mean() > 0.3
    assert np.exp(log_ratio[known]).mean() == pytest.approx(1, abs=0.08)
    assert np.exp(log_ratio[known]).max() < 4
    assert share[known].mean() == pytest.approx(0.5, abs=0.01)
    assert np.isfinite(spread[known]).all()


def test_what_changes_linearly_with_the_motion_is_foretold() -> None:
    rng = np.random.default_rng(1)
    motion = rng.uniform(-3, 3, 60_000)
    place = 2 * motion + rng.normal(size=len(motion))
    left, right = np.flatnonzero(motion < -1), np.flatnonzero(motion > 1)
    within = rng.uniform(0.4, 0.6, 10_000)

    drawn = draw_background(motion, left, right, within, rng)

    assert place[drawn].mean() == pytest.approx(1.0, abs=0.1)


def test_neighbours_beside_the_pole_move_alike() -> None:
    """Two stars on either side of the pole that move one way have opposite signs in pmdec."""
    values = {"ra": [0.0, 180.0], "dec": [89.0, 89.0], "pmra": [0.0, 0.0], "pmdec": [5.0, -5.0]}
    zero = np.zeros(2)
    columns = {name: np.array(each) for name, each in values.items()}
    stars = Stars(**columns, g=zero, bp_rp=zero, epoch=zero, is_judged=np.ones(2, bool))

    ((rows, centre),) = patches_of(stars)
    place, motion = flatten(stars, rows, centre)

    np.testing.assert_allclose(motion[0], motion[1], atol=0.01)
    assert np.linalg.norm(place[0] - place[1]) == pytest.approx(2, abs=0.01)


def test_it_finds_the_star_where_it_is_now_and_says_what_stands_around_it(
    sky: Sky, given: Path
) -> None:
    rows = np.load(given / FILE)
    star = rows[np.flatnonzero(sky.is_stream & (rows["share"] > 0.99))[0]]
    uncompared = rows[np.isnan(rows["share"])][0]
    scorer = load_scorer(PATH, given)
    batch = Batch.build(
        [
            at("stream", star["ra"], star["dec"] + 0.5 / 3600),
            at("beside", star["ra"], star["dec"] + 20 / 3600),
            at("outside", star["ra"], star["dec"] - 40),
            at("uncompared", uncompared["ra"], uncompared["dec"]),
            at("dark", star["ra"], star["dec"], kinds=["limit"]),
            at("lost", float("nan"), 0.0),
        ]
    )

    assert scorer.eligible(batch).tolist() == [
        *(Reason.OK, Reason.NOTHING_HERE, Reason.OUT_OF_SCOPE, Reason.OUT_OF_SCOPE),
        *(Reason.TOO_FEW_POINTS, Reason.MISSING_INPUT),
    ]
    one = batch.take([0])
    assert scorer.score(one).probability[0, 0] == pytest.approx(star["share"])
    (told,) = scorer.explain(one)
    assert told.log_lr == pytest.approx(star["log_ratio"])
    assert "times as many stars like the one here as foretold" in told.text


def test_a_fast_star_is_found_at_the_date_of_the_detection() -> None:
    moved = 1.5 * (TRIGGER_YEAR - 2016) / 3600
    columns = {"ra": [150.0, 150.0], "dec": [60.0, 20.0], "pmra": [1500.0, np.nan]}
    said = dict.fromkeys(("pmdec", "log_ratio", "spread", "share"), np.array([0.0, 0.0]))
    rows = make_rows(
        **{name: np.array(each) for name, each in columns.items()},
        **said,
        epoch=np.array([2016.0, np.nan]),
    )
    places = [(150 + moved / np.cos(np.radians(60)), 60.0), (150.0, 60.0), (150.0, 20.0)]

    found = Known.of(rows).nearest(*np.array(places).T, np.full(3, TRIGGER_YEAR))

    assert found.tolist() == [0, -1, 1]


def test_without_a_table_it_says_so_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    batch = Batch.build([at("one", 150.0, 20.0)])

    assert load_scorer(PATH).eligible(batch).tolist() == [Reason.NOT_GIVEN]
    (tmp_path / FILE).write_bytes(b"stars")
    with pytest.raises(ValueError, match="cannot be read: make it again"):
        load_scorer(PATH, tmp_path)
    np.save(tmp_path / FILE, np.zeros(3))
    with pytest.raises(ValueError, match="no table of stars"):
        load_scorer(PATH, tmp_path)


def test_a_table_is_read_in_each_form_and_refused_in_words(sky: Sky, tmp_path: Path) -> None:
    frame = frame_of(sky.stars).head(50)
    near = frame.with_columns(parallax=pl.lit(8.0))
    frame.write_parquet(tmp_path / "a.parquet")
    pl.concat([frame, near]).write_csv(tmp_path / "a.csv")
    fits.BinTableHDU.from_columns(
        [fits.Column(name.upper(), "D", array=frame[name].to_numpy()) for name in frame.columns]
    ).writeto(tmp_path / "a.fits")

    for form, judged, stars in (("parquet", 50, 50), ("csv", 50, 100), ("fits", 50, 50)):
        read = read_stars(tmp_path / f"a.{form}")
        assert (int(read.is_judged.sum()), len(read)) == (judged, stars)
        np.testing.assert_allclose(read.ra[:50], frame["ra"])

    frame.drop("bp_rp").write_csv(tmp_path / "lacks.csv")
    near.write_csv(tmp_path / "near.csv")
    (tmp_path / "b.parquet").write_bytes(b"nothing")
    (tmp_path / "b.fits").write_bytes(b"nothing")
    (tmp_path / "b.csv").write_bytes(b"")
    for name, reason in (
        ("lacks.csv", "no column bp_rp, only ra, dec"),
        ("near.csv", "none of its 50 rows"),
        ("b.parquet", "cannot be read as .parquet"),
        ("b.fits", "cannot be read as .fits"),
        ("b.csv", "cannot be read as .csv"),
    ):
        with pytest.raises(BadTableError, match=reason):
            read_stars(tmp_path / name)
    (tmp_path / "b.txt").write_text("ra")
    with pytest.raises(SystemExit, match=r"its name must end in \.parquet"):
        build.main([str(tmp_path / "b.txt"), str(tmp_path)])


def test_too_few_stars_are_no_table(tmp_path: Path, sky: Sky) -> None:
    frame_of(sky.stars).head(300).write_parquet(tmp_path / "few.parquet")

    with pytest.raises(SystemExit, match="too few stars to be compared with each other: 300"):
        build.main([str(tmp_path / "few.parquet"), str(tmp_path / "made")])
    assert not (tmp_path / "made").exists()


def test_its_number_is_not_ranked_by() -> None:
    assert GaiaContext.spec.kind == "anomaly"
