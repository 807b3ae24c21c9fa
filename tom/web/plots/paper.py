"""The paper of the maps of the sky: its size, and how places become lines and words on it."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.web.plots.projections import mollweide

Ring = Sequence[Sequence[float]]
Project = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]
WIDTH, HEIGHT, MARGIN = 720.0, 372.0, 6.0
SCALE = (WIDTH - 2 * MARGIN) / 4
CLOSE_SIZE = 360.0


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


def texts_of(items: Iterable[tuple[float, float, str]]) -> SafeString:
    return format_html_join(
        "", '<text x="{}" y="{}">{}</text>', ((f"{x:.0f}", f"{y:.0f}", t) for x, y, t in items)
    )
