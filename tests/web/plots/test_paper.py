"""Rings on the maps' paper: many at once as one by one."""

import re

import numpy as np
import pytest

from tom.web.plots.paper import CLOSE_SIZE, close_path, path_of, sky_path, to_page
from tom.web.plots.projections import cut_ring, zenithal

CENTRE = (180.0, 0.0)


def square(ra: float, dec: float, half: float) -> list[tuple[float, float]]:
    wide = half / max(np.cos(np.radians(dec)), 0.02)
    return [(ra - wide, dec - half), (ra + wide, dec - half), (ra + wide, dec + half),
            (ra - wide, dec + half)]  # fmt: skip


def place(ra, dec):
    x, y = zenithal(ra, dec, centre=CENTRE)
    return CLOSE_SIZE / 2 * (1 + x / 10), CLOSE_SIZE / 2 * (1 - y / 10)


@pytest.mark.parametrize("centre", [0.0, 180.0])
def test_many_rings_are_drawn_as_each_by_itself(centre: float) -> None:
    random = np.random.default_rng(3)
    rings = [
        square(ra % 360, dec, half)
        for ra, dec, half in zip(
            random.uniform(0, 360, 200), random.uniform(-88, 88, 200), random.uniform(0.1, 9, 200),
            strict=True,
        )
    ]  # fmt: skip
    rings += [square(0.0, 10.0, 2.0), square(180.0, -10.0, 2.0), []]

    found = sky_path(rings, centre)

    alone = [
        path_of(*to_page(piece[:, 0], piece[:, 1]), close=True)
        for ring in rings
        for piece in cut_ring(*np.reshape(ring, (-1, 2)).T, centre_ra=centre)
    ]
    assert sorted(re.findall(r"M[^M]+", found)) == sorted(re.findall(r"M[^M]+", "".join(alone)))


def test_a_close_map_leaves_out_what_lies_beside_its_paper() -> None:
    inside, beside, around = square(180, 0, 1), square(250, 0, 1), square(180, 0, 40)

    assert close_path([inside, beside], place).count("M") == 1
    assert close_path([around], place).count("M") == 1
    assert close_path([square(0, 0, 1), []], place) == ""
