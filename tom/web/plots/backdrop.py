"""What stands behind a map of the sky: grids, their labels, the Galactic plane, M dwarfs."""

from functools import cache, lru_cache

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.sky.dwarfs import dwarf_lines
from tom.sky.extinction import GALACTIC_FROM_ICRS
from tom.sky.healpix import radec_of_vectors
from tom.web.plots.paper import CLOSE_SIZE, Project, path_of, texts_of, to_page
from tom.web.plots.projections import zenithal

# So many times as many M dwarfs as towards the Galactic pole stand along each line.
DWARF_TIMES = (2.0, 4.0, 8.0)
GRIDS_KEPT = 100


@cache
def sky_grid() -> SafeString:
    latitude = np.linspace(-90, 90, 61)
    longitude = np.linspace(-180, 180, 91)
    lines = [path_of(*to_page(np.full(61, float(m)), latitude)) for m in range(-120, 180, 60)]
    lines += [path_of(*to_page(longitude, np.full(91, float(p)))) for p in range(-60, 90, 30)]
    return format_html(
        '<path class="grid-line" d="{}"/><path class="edge" d="{}Z"/>', "".join(lines), sky_edge()
    )


def sky_edge() -> str:
    latitude = np.linspace(-90, 90, 61)
    sides = np.repeat([-180.0, 180.0], 61)
    return path_of(*to_page(sides, np.concatenate([latitude, latitude[::-1]])))


@cache
def sky_labels(centre: float) -> SafeString:
    hours = [
        (to_page(np.array([float(m)]), np.array([2.0])), f"{((centre + m) % 360) / 15:.0f}h")
        for m in (-120, -60, 0, 60, 120)
    ]
    degrees = [
        (to_page(np.array([178.0]), np.array([float(p)])), f"{p:+d}°") for p in (-60, -30, 30, 60)
    ]
    return texts_of([(float(xy[0][0]) + 2, float(xy[1][0]), text) for xy, text in hours + degrees])


@cache
def galactic_plane(centre: float) -> SafeString:
    """Draw the Galactic plane on the whole sky."""
    angle = np.linspace(0, 2 * np.pi, 181)
    vectors = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(181)]) @ GALACTIC_FROM_ICRS
    path = _open_line(*radec_of_vectors(vectors), centre)
    return format_html('<path class="plane" d="{}"><title>Galactic plane</title></path>', path)


@cache
def dwarf_density(centre: float) -> SafeString:
    """Draw lines of equal density of M dwarfs on the whole sky."""
    path = "".join(
        _open_line(ra, dec, centre) for times in DWARF_TIMES for ra, dec in dwarf_lines(times)
    )
    return format_html('<path class="dwarfs" d="{}"><title>M dwarfs</title></path>', path)


def _open_line(ra: FloatArray, dec: FloatArray, centre: float) -> str:
    """Project a line on the sky; it is lifted where it leaves the map at one side."""
    longitude = (ra - centre + 180) % 360 - 180
    jumps = np.flatnonzero(np.abs(np.diff(longitude)) > 180) + 1
    parts = zip(np.split(longitude, jumps), np.split(dec, jumps), strict=True)
    return "".join(path_of(*to_page(lon, lat)) for lon, lat in parts)


def close_place(centre: tuple[float, float], half: float) -> Project:
    """Where a place on the sky is on the zoomed map around a centre; all in degrees."""

    def place(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = zenithal(ra, dec, centre=centre)
        return CLOSE_SIZE / 2 * (1 + x / half), CLOSE_SIZE / 2 * (1 - y / half)

    return place


@lru_cache(maxsize=GRIDS_KEPT)
def close_grid(centre: tuple[float, float], half: float) -> tuple[SafeString, SafeString]:
    """Draw the grid of the zoomed map around a centre, and its labels."""
    place = close_place(centre, half)
    step = next((s for s in (0.5, 1, 2, 5, 10, 15, 30) if 2 * half / s <= 7), 30)
    top = min(abs(centre[1]) + half, 85.0)
    step_ra = next((s for s in (1, 2, 5, 10, 15, 30) if s * np.cos(np.radians(top)) >= step), 30)
    span = min(2.2 * half / np.cos(np.radians(top)), 180.0)
    ras = np.arange(np.ceil((centre[0] - span) / step_ra), (centre[0] + span) / step_ra) * step_ra
    decs = np.arange(np.ceil((centre[1] - 1.5 * half) / step), (centre[1] + 1.5 * half) / step)
    decs = decs[np.abs(decs * step) < 90] * step
    along_dec = np.linspace(max(centre[1] - 1.5 * half, -90), min(centre[1] + 1.5 * half, 90), 40)
    along_ra = np.linspace(centre[0] - span, centre[0] + span, 60)
    lines = [path_of(*place(np.full(40, ra), along_dec)) for ra in ras]
    lines += [path_of(*place(along_ra, np.full(60, dec))) for dec in decs]
    grid = format_html('<path class="grid-line" d="{}"/>', "".join(lines))
    labels = [(*_point(place, ra, centre[1] - 0.93 * half), f"{ra % 360:g}°") for ra in ras]
    labels += [(4.0, _point(place, centre[0], dec)[1] - 2, f"{dec:+g}°") for dec in decs]
    shown = [
        item for item in labels if 0 <= item[0] < CLOSE_SIZE - 24 and 10 < item[1] < CLOSE_SIZE
    ]
    return grid, texts_of(shown)


def _point(place: Project, ra: float, dec: float) -> tuple[float, float]:
    x, y = place(np.array([ra]), np.array([dec]))
    return float(np.nan_to_num(x[0], nan=-1)), float(np.nan_to_num(y[0], nan=-1))
