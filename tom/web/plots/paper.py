"""The paper of the maps of the sky: its size, and how places become lines and words on it."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.web.plots.projections import cut_ring, mollweide

Ring = Sequence[Sequence[float]]
Project = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
WIDTH, HEIGHT, MARGIN = 720.0, 372.0, 6.0
SCALE = (WIDTH - 2 * MARGIN) / 4
CLOSE_SIZE = 360.0
# A ring smaller than this bends so little that its own points are enough.
SMALL_DEG = 10.0


def join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def columns_of(ring: Ring) -> tuple[FloatArray, FloatArray]:
    points = np.array(ring, dtype=float).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def to_page(longitude: FloatArray, latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = mollweide(longitude, latitude)
    return WIDTH / 2 + SCALE * x, HEIGHT / 2 - SCALE * y


def path_of(x: FloatArray, y: FloatArray, *, close: bool = False) -> str:
    """An SVG path; it is lifted where a point is not on the map."""
    parts, pen = [], "M"
    for px, py, known in zip(x.tolist(), y.tolist(), np.isfinite(x).tolist(), strict=True):
        if known:
            parts.append(f"{pen}{px:.1f} {py:.1f}")
        pen = "L" if known else "M"
    return "".join(parts) + ("Z" if close and parts else "")


def sky_path(rings: Sequence[Ring], centre: float) -> str:
    """Rings as one SVG path on the whole sky, cut at the seam opposite the RA `centre`."""
    pieces = _pieces(rings, centre)
    if not pieces:
        return ""
    points = np.concatenate(pieces)
    x, y = to_page(points[:, 0], points[:, 1])
    ends = np.cumsum([len(piece) for piece in pieces])[:-1]
    parts = zip(np.split(x, ends), np.split(y, ends), strict=True)
    return "".join(path_of(px, py, close=True) for px, py in parts)


def _pieces(rings: Sequence[Ring], centre: float) -> list[FloatArray]:
    """Longitudes from the centre and latitudes, for each ring or part of one; small ones at once.

    Fields of view are many and small. To cut each by itself takes most of a page's time.
    """
    known = [ring for ring in rings if len(ring) >= 3]
    if not known:
        return []
    flat = np.array([point for ring in known for point in ring], dtype=np.float64)
    places = np.column_stack([(flat[:, 0] - centre + 180) % 360 - 180, flat[:, 1]])
    first = np.cumsum([0, *(len(ring) for ring in known)])
    size = np.maximum.reduceat(places, first[:-1]) - np.minimum.reduceat(places, first[:-1])
    is_small = (size < SMALL_DEG).all(axis=1)
    whole = np.split(places, first[1:-1])
    small = [piece for piece, fits in zip(whole, is_small.tolist(), strict=True) if fits]
    large = [ring for ring, fits in zip(known, is_small.tolist(), strict=True) if not fits]
    cut = [piece for ring in large for piece in cut_ring(*columns_of(ring), centre_ra=centre)]
    return [*small, *cut]


def close_path(rings: Sequence[Ring], place: Project) -> str:
    """Rings as one SVG path on a close map, without those that lie beside the paper."""
    known = [ring for ring in rings if len(ring)]
    if not known:
        return ""
    flat = np.array([point for ring in known for point in ring], dtype=np.float64)
    page = np.column_stack(place(flat[:, 0], flat[:, 1]))
    first = np.cumsum([0, *(len(ring) for ring in known)])
    least, most = (each.reduceat(page, first[:-1]) for each in (np.minimum, np.maximum))
    is_beside = ((least > CLOSE_SIZE) | (most < 0)).any(axis=1)  # NaN: partly on the far half
    pieces = zip(np.split(page, first[1:-1]), is_beside.tolist(), strict=True)
    return "".join(path_of(*piece.T, close=True) for piece, beside in pieces if not beside)


def texts_of(items: Iterable[tuple[float, float, str]]) -> SafeString:
    return format_html_join(
        "", '<text x="{}" y="{}">{}</text>', ((f"{x:.0f}", f"{y:.0f}", t) for x, y, t in items)
    )
