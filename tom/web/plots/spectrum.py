"""A spectrum as a line, in bins that a screen can show."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.web.plots.paper import join, path_of

WIDTH, HEIGHT, FOOT = 640.0, 170.0, 22.0
BINS: Final = 500
STEP: Final = 1000
"""Angstrom between the ticks."""
CUT: Final = (0.5, 99.5)
"""Percentiles of the flux: what lies far outside, such as a cosmic ray, is cut off."""


def draw_spectrum(wavelength: Sequence[float], flux: Sequence[float], *, label: str) -> SafeString:
    """Draw flux over wavelength (Angstrom), the mean of each bin; brighter is higher."""
    at, mean = _binned(np.asarray(wavelength, float), np.asarray(flux, float))
    low, high = np.percentile(mean, CUT)
    margin = 0.08 * max(high - low, 1e-300)
    low, high = low - margin, high + margin
    across = WIDTH / (wavelength[-1] - wavelength[0])
    x = (at - wavelength[0]) * across
    y = (HEIGHT - FOOT) * (1 - np.clip((mean - low) / (high - low), 0, 1))
    first = int(np.ceil(wavelength[0] / STEP)) * STEP
    ticks = [
        format_html(
            '<path class="tick" d="M{0} {1}v5"/><text x="{0}" y="{2}">{3}</text>',
            f"{(tick - wavelength[0]) * across:.1f}",
            f"{HEIGHT - FOOT:.0f}",
            f"{HEIGHT - 4:.0f}",
            f"{tick} Å" if tick == first else tick,
        )
        for tick in range(first, int(wavelength[-1]) + 1, _step(wavelength[-1] - wavelength[0]))
    ]
    return format_html(
        '<svg class="spectrum" viewBox="0 0 {} {}" role="img" aria-label="{}">'
        '<path class="line" d="{}"/>{}</svg>',
        f"{WIDTH:.0f}",
        f"{HEIGHT:.0f}",
        label,
        path_of(x, y),
        join(ticks),
    )


def _step(width: float) -> int:
    """Angstrom between ticks: at most some ten of them."""
    return STEP * max(1, int(np.ceil(width / (10 * STEP))))


def _binned(wavelength: FloatArray, flux: FloatArray) -> tuple[FloatArray, FloatArray]:
    if len(flux) <= BINS:
        return wavelength, flux
    edges = np.linspace(wavelength[0], wavelength[-1], BINS + 1)
    place = np.clip(np.searchsorted(edges, wavelength, side="right") - 1, 0, BINS - 1)
    number = np.bincount(place, minlength=BINS)
    known = number > 0
    middle = (edges[:-1] + edges[1:]) / 2
    return middle[known], np.bincount(place, flux, BINS)[known] / number[known]
