import gzip
from dataclasses import replace

import numpy as np
import pytest

from tom.demo import stamps
from tom.demo.cutouts import Darkroom, dipole, galaxy, point, to_fits
from tom.demo.light import to_flux
from tom.demo.observing import Epochs, observe
from tom.demo.sources import Neighbour, Source
from tom.demo.spots import Spot
from tom.demo.stamps import make_scene, make_stamps


def test_a_star_holds_its_counts_at_its_place():
    frame = point(1000.0, fwhm=2.5, at=(3.0, -4.0))

    assert frame.sum() == pytest.approx(1000, rel=1e-3)
    assert np.unravel_index(np.argmax(frame), frame.shape) == (31 - 4, 31 + 3)


def test_a_galaxy_holds_its_counts_and_is_wider_than_a_star():
    frame = galaxy(1000.0, scale=3.0, flattening=0.6, angle=0.4, at=(0.0, 0.0))

    assert frame.sum() == pytest.approx(1000, rel=0.05)
    assert frame.max() < point(1000.0, fwhm=2.5).max()


def test_a_dipole_has_two_signs():
    frame = dipole(1000.0, fwhm=2.5, angle=0.3)

    assert frame.min() < -10
    assert frame.max() > 10


def test_stamps_read_back_as_standard_fits():
    from io import BytesIO

    from astropy.io import fits

    frame = Darkroom(np.random.default_rng(1)).sky(8.0, np.random.default_rng(2))

    with fits.open(BytesIO(gzip.decompress(to_fits(frame, step=2.0)))) as hdus:
        np.testing.assert_allclose(hdus[0].data, frame, atol=1.01)


def test_equal_stamps_are_equal_bytes():
    frame = point(500.0, fwhm=2.0)

    assert to_fits(frame, step=1.0) == to_fits(frame, step=1.0)


# --- The three stamps of an alert ---------------------------------------------------------------
def unpacked(stamp: bytes) -> np.ndarray:
    pixels = np.frombuffer(gzip.decompress(stamp), ">f4", 63 * 63, 2880)
    return pixels.reshape(63, 63).astype(float)


def alert_of(spot: Spot, source: Source) -> tuple[Epochs, int, dict[str, np.ndarray]]:
    """The epochs of a source, the brightest of them, and the stamps of that one."""
    rng = np.random.default_rng(1)
    darkroom = Darkroom(np.random.default_rng(0), stock=4)
    epochs = observe(source, spot.exposures, rng)
    row = int(np.argmax(np.abs(epochs.flux)))
    scene = make_scene(source, darkroom=darkroom, rng=rng)
    made = make_stamps(source, epochs, row, scene=scene, darkroom=darkroom, rng=rng)
    return epochs, row, {name: unpacked(stamp) for name, stamp in made.items()}


def make_source(spot: Spot, *, separation: float, artefact: bool = False, sign: int = 1) -> Source:
    bright = float(to_flux(np.array(16.0)))
    return Source(
        "test",
        spot.ra,
        spot.dec,
        lambda jd, _: np.full(len(jd), sign * bright),
        Neighbour(separation, 1.0, np.full(4, 15.0), separation, 15.0),
        is_artefact=artefact,
    )


@pytest.mark.parametrize("sign", [1, -1])
def test_a_source_is_what_differs_in_the_middle(spot: Spot, sign: int) -> None:
    epochs, row, shown = alert_of(spot, make_source(spot, separation=20.0, sign=sign))

    difference = shown["difference"]

    peak = np.unravel_index(np.argmax(np.abs(difference)), difference.shape)
    assert max(abs(peak[0] - 31), abs(peak[1] - 31)) <= 1
    assert np.sign(difference[peak]) == sign
    # As many counts as its flux is on the exposure's zero-point.
    counts = epochs.flux[row] / to_flux(epochs.exposures.zero_point[row])
    assert difference[21:42, 21:42].sum() == pytest.approx(counts, rel=0.1)


def test_the_reference_shows_what_always_stands_there_and_the_night_both(spot: Spot) -> None:
    *_, shown = alert_of(spot, make_source(spot, separation=20.0))

    template, science = shown["template"], shown["science"]

    # A star of 15 mag, 20 arcsec off: within two pixels of a ring of 20.
    y, x = np.unravel_index(np.argmax(template), template.shape)
    assert np.hypot(x - 31, y - 31) == pytest.approx(20 / 1.01, abs=1.5)
    assert science[y, x] > 0.3 * science.max()
    assert science[31, 31] > template[31, 31] + 50


def test_an_artefact_on_a_star_has_two_signs_and_one_beside_it_has_one(spot: Spot) -> None:
    *_, upon = alert_of(spot, make_source(spot, separation=0.3, artefact=True))
    *_, beside = alert_of(spot, make_source(spot, separation=20.0, artefact=True))

    middles = [shown["difference"][24:39, 24:39] for shown in (upon, beside)]
    dark = [-middle[middle < 0].sum() / middle[middle > 0].sum() for middle in middles]

    assert dark[0] > 0.5
    assert dark[1] < 0.3


def test_a_galaxy_is_wider_than_a_star_of_its_brightness(spot: Spot) -> None:
    source = make_source(spot, separation=0.0)
    galaxy = replace(source.neighbour, star_score=0.2)

    peaks = [
        alert_of(spot, replace(source, neighbour=neighbour))[2]["template"].max()
        for neighbour in (source.neighbour, galaxy)
    ]

    assert peaks[1] < 0.5 * peaks[0]


def test_the_noise_of_a_pixel_adds_up_to_that_of_a_point() -> None:
    fwhm, sigma = 2.355 * 1.5, 1.5

    # A point's flux is fitted over about 4 pi sigma^2 pixels.
    assert stamps._pixel_noise(100.0, fwhm=fwhm) * np.sqrt(4 * np.pi) * sigma == pytest.approx(100)


def test_the_sky_is_made_of_a_stock_and_is_never_twice_the_same() -> None:
    darkroom = Darkroom(np.random.default_rng(0), stock=2)
    rng = np.random.default_rng(1)

    first, second = darkroom.sky(5.0, rng), darkroom.sky(5.0, rng)

    assert first.shape == (63, 63)
    assert first.std() == pytest.approx(5.0, rel=0.1)
    assert not np.array_equal(first, second)


def test_a_star_brighter_than_the_detector_holds_is_cut_off() -> None:
    frame = point(1e9, fwhm=2.0)

    assert unpacked(to_fits(frame, step=10.0)).max() == 60_000
    assert unpacked(to_fits(-frame, step=10.0)).min() == -60_000
