import gzip

import numpy as np
import pytest

from tom.demo.cutouts import Darkroom, dipole, galaxy, point, to_fits


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
