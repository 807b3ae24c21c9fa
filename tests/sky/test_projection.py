"""Pictures of a map's volume: by quadrature along lines of sight, by mass, and by ligo.skymap's."""

import numpy as np
import pytest

from tom.sky import build_skymap, healpix29, read_skymap
from tom.sky.healpix import pixel_centre, unit_vectors
from tom.sky.projection import PLANES, principal_axes, project_volume
from tom.sky.skymap import row_at

LEVEL = 4
# What ligo.skymap 2.5.4 gives for MS220722v, as GWSkyNet 2.6.0 asks it: of each of its three
# pictures of 262 x 262 pixels the brightest one, and the sums over squares of 65 x 65; 1/Mpc2.
BRIGHTEST = (0.0011996731, 0.0012908885, 0.00012491782)
SQUARES = [
    [
        [1.933e-06, 3.785e-11, 1.416e-05, 0.0001859],
        [0.02643, 0.05156, 0.1171, 0.02241],
        [0.0007778, 0.0457, 0.0374, 1.702e-05],
        [1.411e-12, 1.536e-12, 3.501e-11, 7.726e-12],
    ],
    [
        [0.000191, 0.001519, 8.572e-12, 1.274e-11],
        [1.414e-05, 0.03363, 6.08e-10, 3.105e-11],
        [3.798e-12, 0.1394, 0.05602, 6.42e-13],
        [6.639e-13, 0.04301, 0.0279, 1.206e-12],
    ],
    [
        [2.585e-07, 1.689e-09, 0.0007588, 0.0009465],
        [0.01113, 0.01048, 0.006671, 0.005324],
        [0.009415, 0.04279, 0.1285, 0.01467],
        [0.006658, 0.04399, 0.01861, 0.001675],
    ],
]


def make_map(*, width_deg: float = 15.0, mean: float = 60.0, sigma: float = 12.0):
    """A lobe around (40, 20) that is stretched along RA, all of it at about one distance."""
    ipix = np.arange(12 << 2 * LEVEL)
    ra, dec = pixel_centre(level=LEVEL, ipix=ipix)
    across = ((ra - 40 + 180) % 360 - 180) / (2 * width_deg)
    density = np.exp(-0.5 * (across**2 + ((dec - 20) / width_deg) ** 2))
    ones = np.ones(len(ipix))
    norm = ones / (mean**2 + sigma**2)
    return build_skymap(
        level=np.full(len(ipix), LEVEL), ipix=ipix, probdensity=density,
        distance=(mean * ones, sigma * ones, norm),
    )  # fmt: skip


def density_at(skymap, places: np.ndarray) -> np.ndarray:
    """The probability per Mpc3 at places of shape `(m, 3)`, from how a row is defined."""
    r = np.linalg.norm(places, axis=1)
    ra = np.degrees(np.arctan2(places[:, 1], places[:, 0]))
    row = row_at(skymap, healpix29(ra, np.degrees(np.arcsin(places[:, 2] / r))))
    mu, sigma, norm = (column[row] for column in (skymap.distmu, skymap.distsigma, skymap.distnorm))
    gauss = np.exp(-0.5 * ((r - mu) / sigma) ** 2) / (sigma * np.sqrt(2 * np.pi))
    return skymap.probdensity[row] * norm * gauss


@pytest.mark.parametrize("plane", range(3))
def test_a_pixel_is_the_integral_along_its_line_of_sight(plane: int) -> None:
    skymap, n, half = make_map(), 100, 110.0
    axes = principal_axes(skymap)
    down, right = PLANES[plane]
    (along,) = {0, 1, 2} - {down, right}
    edge, fine = np.linspace(-half, half, n), np.linspace(-half, half, 20_001)

    picture = project_volume(skymap, axes, half_width_mpc=half, n=n)[plane]

    bright = np.argwhere(picture > 0.3 * picture.max())
    for i, j in bright[:: len(bright) // 20]:
        foot = edge[i] * axes[:, down] + edge[j] * axes[:, right]
        line = density_at(skymap, foot + fine[:, None] * axes[:, along]).sum() * (fine[1] - fine[0])
        assert picture[i, j] == pytest.approx(line, rel=0.05, abs=0.01 * picture.max())


def test_a_picture_holds_all_of_the_probability() -> None:
    skymap = make_map()

    pictures = project_volume(skymap, principal_axes(skymap), half_width_mpc=130, n=120)

    pixel = (260 / 119) ** 2
    assert pictures.sum(axis=(1, 2)) * pixel == pytest.approx(1, abs=0.01)


def test_the_axes_follow_the_lobe() -> None:
    axes = principal_axes(make_map(width_deg=5.0))

    to_lobe = unit_vectors(40.0, 20.0)
    assert abs(to_lobe @ axes[:, 2]) > 0.98
    assert abs(unit_vectors(130.0, 0.0) @ axes[:, 1]) > 0.98
    assert np.linalg.det(axes) == pytest.approx(1)


def test_a_map_without_distances_has_no_axes() -> None:
    flat = build_skymap(level=np.zeros(12), ipix=np.arange(12), probdensity=np.ones(12))

    with pytest.raises(ValueError, match="no distance"):
        principal_axes(flat)


def test_a_real_map_looks_as_in_ligo_skymap(real_data) -> None:
    path = real_data / "gw/maps/MS220722v_bayestar.multiorder.fits"
    skymap = read_skymap(path.read_bytes())
    half = skymap.distance_mean + 2.5 * skymap.distance_std

    pictures = project_volume(skymap, principal_axes(skymap), half_width_mpc=half, n=262)

    # In the third one ligo.skymap's own steps are too wide behind the middle pixels.
    assert pictures.max(axis=(1, 2))[:2] == pytest.approx(BRIGHTEST[:2], rel=0.005)
    assert pictures.max(axis=(1, 2))[2] == pytest.approx(BRIGHTEST[2], rel=0.04)
    squares = pictures[:, :260, :260].reshape(3, 4, 65, 4, 65).sum(axis=(2, 4))
    for ours, theirs in zip(squares, SQUARES, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=0.01 * np.max(theirs))
