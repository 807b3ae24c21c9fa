"""Made light curves: dark before they begin, dimmed by dust and distance, seen as ZTF sees."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_plugins.injections import samples
from ml_plugins.injections.samples import Sky, cut, injected, published, real
from ml_plugins.injections.sources import Flare, Source
from ml_plugins.injections.split import Data, draw_samples, part_of

NOW = 58_100.0
DEPTHS = {"g": np.array([20.4]), "r": np.array([20.4])}
seeds = st.integers(0, 10_000)


def make_source(
    flux: list[float], *, name: str = "star", days: list[float] | None = None, error: float = 10.0
) -> Source:
    times = np.array(days if days is not None else range(len(flux)), float)
    bands = np.array(["g", "r"] * len(flux))[: len(flux)]
    return Source(
        name, "supernova", NOW + times, bands, np.array(flux, float), np.full(len(flux), error), 0.1
    )


CADENCE = make_source([1.0] * 12)


def rng_of(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def steady(flux: float):
    return lambda rng, now: lambda mjd, band: np.full(len(mjd), flux)


# --- Real ones ----------------------------------------------------------------------------------
@given(seeds)
def test_a_real_object_is_cut_at_one_of_its_own_epochs_and_shows_no_more(seed: int) -> None:
    star = make_source([100.0] * 20)

    curve = cut(star, np.random.default_rng(seed))

    assert curve is not None
    assert curve.as_of_mjd in star.mjd[1:]
    assert max(curve.mjd) == curve.as_of_mjd
    assert min(curve.mjd) > curve.as_of_mjd - 10
    assert set(curve.kind) == {"alert"}
    assert curve.ebv == 0.1
    assert curve.ebv_sigma == pytest.approx(0.016)


@pytest.mark.parametrize(
    ("flux", "days"),
    [
        ([], None),
        ([100.0], None),
        ([100.0, 50.0, -100.0, 49.0], None),  # at 10 nJy, 5 sigma is 50, and no more than that
        ([100.0, 100.0], [0.0, 10.0]),  # of another window
    ],
)
def test_an_object_that_shows_less_than_two_detections_at_once_is_no_sample(
    flux: list[float], days: list[float] | None
) -> None:
    star = make_source(flux, days=days)

    assert all(cut(star, np.random.default_rng(seed)) is None for seed in range(10))


def test_a_negative_or_faint_point_is_no_alert() -> None:
    star = make_source([100.0, -100.0, 40.0, 200.0])

    curve = cut(star, np.random.default_rng(0))

    assert curve is not None
    assert curve.flux == [100.0, 200.0]
    assert curve.band == ["g", "r"]


def test_samples_of_one_object_are_of_one_group() -> None:
    stars = [make_source([100.0] * 5, name="a"), make_source([1.0], name="dark")]

    made = list(real(stars, 3, np.random.default_rng(0)))

    assert [sample.group for sample in made] == ["a"] * 3
    assert {sample.label for sample in made} == {"supernova"}


# --- Injected ones ------------------------------------------------------------------------------
def test_what_is_bright_is_an_alert_and_what_is_dark_a_limit_of_the_survey_s_depth() -> None:
    sky = Sky([CADENCE], DEPTHS)
    # Bright on the last two visits alone.
    light = lambda rng, now: lambda mjd, band: np.where(mjd > now - 1.5, 1e6, 0.0)  # noqa: E731

    curve = sky.inject(light, np.random.default_rng(1))

    assert curve is not None
    assert curve.kind[-2:] == ["alert", "alert"]
    assert set(curve.kind[:-2]) == {"limit"}
    assert np.isnan(curve.flux[:-2]).all()
    # 20.4 mag is 25,119 nJy: five sigma.
    np.testing.assert_allclose(curve.flux_error[:-2], 25_119 / 5, rtol=1e-3)
    # Two hundredths of a bright flux are added, and dust takes some of it.
    assert all(1e6 > flux > 5e5 for flux in curve.flux[-2:])
    assert curve.flux_error[-1] > 25_119 / 5


def test_what_never_shines_gives_no_curve(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(samples, "MOST_TRIES", 20)
    sky = Sky([CADENCE], DEPTHS)

    assert sky.inject(steady(0.0), np.random.default_rng(1)) is None
    assert list(injected(sky, steady(0.0), "dark", 3, np.random.default_rng(1))) == []


def test_an_object_of_few_visits_lends_no_epochs() -> None:
    assert Sky([make_source([1.0] * 7), CADENCE], DEPTHS).cadences == [CADENCE]


@given(seeds)
@settings(max_examples=30)
def test_an_injected_source_is_seen_within_one_window_of_its_cadence(seed: int) -> None:
    curve = Sky([CADENCE], DEPTHS).inject(steady(1e6), np.random.default_rng(seed))

    assert curve is not None
    assert set(curve.mjd) <= set(CADENCE.mjd)
    assert curve.as_of_mjd == max(curve.mjd) >= CADENCE.mjd[4]
    assert min(curve.mjd) > curve.as_of_mjd - 10
    assert curve.ebv >= 0
    assert curve.ebv_sigma >= 0.005


def test_what_is_seen_scatters_by_its_error_about_what_shines(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(samples, "MEAN_EBV", 0.0)
    sky, rng = Sky([CADENCE], DEPTHS), np.random.default_rng(2)
    curves = [sky.inject(steady(1e5), rng) for _ in range(150)]

    pulls = np.concatenate([(np.array(c.flux) - 1e5) / np.array(c.flux_error) for c in curves])

    assert pulls.mean() == pytest.approx(0, abs=0.1)
    assert pulls.std() == pytest.approx(1, abs=0.06)
    assert {c.ebv for c in curves} == {0.0}
    assert {c.ebv_sigma for c in curves} == {0.005}


def test_dust_dims_each_band_by_its_share_and_is_told_to_a_fifth() -> None:
    sky, rng = Sky([CADENCE], {"g": np.array([30.0]), "r": np.array([30.0])}), rng_of(3)
    curves = [sky.inject(steady(1e6), rng) for _ in range(500)]

    lost = {
        band: np.mean(
            [-2.5 * np.log10(f / 1e6) for c in curves for f, b in zip(c.flux, c.band, strict=True)
             if b == band]
        )
        for band in "gr"
    }  # fmt: skip

    assert lost["g"] == pytest.approx(3.17 * 0.05, abs=0.02)
    assert lost["r"] == pytest.approx(2.27 * 0.05, abs=0.02)
    assert np.mean([c.ebv for c in curves]) == pytest.approx(0.05, abs=0.006)
    assert np.mean([c.ebv_sigma for c in curves]) == pytest.approx(0.015, abs=0.002)


def test_each_injected_source_is_a_group_of_its_own() -> None:
    made = list(injected(Sky([CADENCE], DEPTHS), steady(1e6), "lamp", 4, np.random.default_rng(3)))

    assert [sample.group for sample in made] == [f"lamp {n}" for n in range(4)]
    assert {sample.label for sample in made} == {"lamp"}


# --- What shines --------------------------------------------------------------------------------
def test_a_published_curve_is_dark_before_its_merger_and_before_it_was_first_seen() -> None:
    days = np.array([1.0, 8.0])
    place = published({"g": (days, np.array([-16.0, -16.0])), "r": (days, np.array([-15.0] * 2))})

    light = place(np.random.default_rng(4), NOW)
    times = np.linspace(NOW - 10, NOW + 8, 2000)
    flux = {band: light(times, band) for band in "gr"}

    shines = flux["g"] > 1.0
    first = times[shines][0]
    assert NOW - 6 + 1 - 0.02 < first < NOW + 1
    assert np.all(flux["g"][times < first - 1.0] == 0)
    assert np.all(np.diff(shines.astype(int)) >= 0)
    # A magnitude apart in both bands, at one distance.
    np.testing.assert_allclose(flux["g"][shines] / flux["r"][shines], 10**0.4)


def test_a_published_curve_is_drawn_uniform_in_volume_to_200_megaparsec() -> None:
    place = published({"g": (np.array([0.0, 20.0]), np.array([-16.0, -16.0]))})
    flux = [
        float(place(np.random.default_rng(seed), NOW)(np.array([NOW]), "g")[0])
        for seed in range(800)
    ]

    # -16 at 200 Mpc (modulus 36.505) is 20.505 mag: 22,800 nJy.
    distance = 200 * np.sqrt(22_800 / np.array(flux))
    assert distance.max() < 200.2
    assert np.mean((distance / 200) ** 3) == pytest.approx(0.5, abs=0.04)


FLARE = Flare(
    "f", np.array([0.0, 0.05, 0.1]), {"g": np.array([0.0, 8.0, 2.0]), "r": np.array([0.0, 2.0, 1])}
)


@given(seeds)
@settings(max_examples=30)
def test_a_flare_keeps_its_shape_and_its_colour_and_ends(seed: int) -> None:
    light = samples.flare_light([FLARE])(np.random.default_rng(seed), NOW)

    times = np.linspace(NOW - 0.5, NOW + 0.5, 4001)
    g, r = light(times, "g"), light(times, "r")

    # 16 and 20.5 mag are 1.445e6 and 22,900 nJy.
    assert 22_900 * 0.99 < g.max() < 1.446e6
    assert r.max() == pytest.approx(g.max() / 4, rel=0.01)
    lit = times[g > 0]
    assert NOW - 0.25 <= lit[0] <= NOW + 1e-3
    assert lit[-1] - lit[0] == pytest.approx(0.1, abs=1e-3)


@given(seeds)
@settings(max_examples=60)
def test_a_dwarf_nova_rises_holds_and_falls_at_the_rates_of_its_kind(seed: int) -> None:
    light = samples.draw_dwarf_nova(np.random.default_rng(seed), NOW)

    times = np.arange(NOW - 30, NOW + 40, 0.02)
    magnitude = 31.4 - 2.5 * np.log10(light(times, "r"))
    rate = np.diff(magnitude) / 0.02
    top = int(np.argmin(magnitude))

    assert 14.99 < magnitude.min() < 19.51
    assert np.all((rate[: top - 1] > -4.01) & (rate[: top - 1] < -0.99))
    assert np.all(rate[top + 1 :] > -1e-6)
    assert 0.29 < rate[-1] < 1.21
    # It reddens as it falls: g gets fainter faster than r.
    g = 31.4 - 2.5 * np.log10(light(times[-2:], "g"))
    assert (g[1] - g[0]) / 0.02 == pytest.approx(rate[-1] + 0.1, abs=1e-6)


def test_an_active_nucleus_wanders_about_its_reference_bluer_when_brighter() -> None:
    rng = np.random.default_rng(11)
    lights = [samples.draw_active_nucleus(rng, NOW) for _ in range(200)]
    excess = np.array([[light(np.array([NOW]), band)[0] for band in "gr"] for light in lights])

    # It is drawn brighter than its reference as a rule, for an alert is wanted, but not always.
    assert 0.8 < np.mean(excess[:, 1] > 0) < 0.99
    assert np.array_equal(np.sign(excess[:, 0]), np.sign(excess[:, 1]))
    # The reference is not fainter than 19.5 mag (57,500 nJy) nor brighter than 16.
    assert np.all(excess[:, 1] > -1.45e6)
    close = lights[0](np.array([NOW - 0.001, NOW]), "r")
    assert close[0] == pytest.approx(close[1], rel=0.01)


def test_a_grid_of_kilonovae_gives_each_of_its_models() -> None:
    draw = samples.grid_kilonova(np.random.default_rng(0), 2)

    colours = set()
    for seed in range(12):
        light = draw(np.random.default_rng(seed), NOW)
        times = np.array([NOW + 1.0])
        g, r = light(times, "g")[0], light(times, "r")[0]
        assert g > 0
        assert r > 0
        colours.add(round(float(g / r), 6))
    assert len(colours) > 2  # by model and by age


# --- The parts ----------------------------------------------------------------------------------
@pytest.mark.parametrize("part", ["fit", "tune", "test"])
def test_samples_are_made_of_the_objects_of_their_part_alone(
    part: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole_grid = samples.grid_kilonova
    monkeypatch.setattr(samples, "grid_kilonova", lambda rng, number: whole_grid(rng, 2))
    names = [f"star {n}" for n in range(60)]
    stars = [make_source([100.0] * 12, name=name) for name in names]
    nova = Source("nova", "nova", *(getattr(stars[0], n) for n in ("mjd", "band", "flux")),
                  stars[0].error, 0.0)  # fmt: skip
    flares = [Flare(f"flare {n}", FLARE.days, FLARE.flux) for n in range(30)]
    data = Data([*stars, nova], stars, flares, {}, DEPTHS)

    made = draw_samples(data, part, number=2, deeper=1.0, rng=np.random.default_rng(5))

    mine = {star.name for star in part_of(stars, part)}
    assert made.keys() == {
        *("kilonova", "flare", "dwarf nova", "active nucleus", "supernova", "variable")
    }
    assert {sample.group for sample in made["supernova"]} == mine
    assert {sample.group for sample in made["variable"]} == mine
    assert len(made["supernova"]) == 2 * len(mine)
    assert len(made["variable"]) == 8 * len(mine)
    # A magnitude deeper: 20.4 becomes 21.4, 10,000 nJy at five sigma.
    errors = [e for sample in made["dwarf nova"] for e in sample.curve.flux_error]
    assert min(errors) >= 10_000 / 5 * 0.999
    assert min(errors) < 25_119 / 5
