"""Where a spectrum looks like a template, and how well: r, lap and rlap.

r is the height of the correlation's peak over what is not symmetric about it (Tonry & Davis 1979,
https://doi.org/10.1086/112569). lap is the natural log of the range of wavelengths in which both
are known at that redshift. rlap is their product (Blondin & Tonry 2007,
https://doi.org/10.1086/520494).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy import fft

from ml_plugins.spectrum.grid import FADED, STEP, Flat, N
from tom.scoring.contract import FloatArray, IntArray

PADDED: Final = 2 * N
"""With as many zeros behind, what leaves the grid at one end does not come in at the other."""
# Slower and faster waves than these along the spectrum are continuum and noise: they are left out,
# with soft edges.
WAVES: Final = (2.0, 8.0, PADDED / 12, PADDED / 10)
LEAST_LAP: Final = 0.4
LOWEST, HIGHEST = -0.01, 1.0
"""The redshifts that are tried."""
PEAKS: Final = 5
"""Peaks of each template that are looked at again with both cut to what they share."""
LOOKED_AT: Final = 300
"""Peaks of all templates that are, at most."""
REACH: Final = 10
"""How far, in bins, a peak may move when both are cut."""
ERROR: Final = 0.6
"""The error of a redshift is this times the peak's width over 1 + rlap: measured (see the card)."""


@dataclass(frozen=True)
class Match:
    """One template's best place: its row, the redshift with its error, height, r and lap.

    The height is the correlation coefficient of both, cut to what they share: 1 if alike.
    """

    row: int
    redshift: float
    error: float
    height: float
    r: float
    lap: float

    @property
    def rlap(self) -> float:
        """The quality that is mostly quoted."""
        return self.r * self.lap

    @property
    def worth(self) -> float:
        """What matches are compared by: rlap times the height, which noise and chance keep low."""
        return self.rlap * self.height


def match(spectrum: Flat, templates: Sequence[Flat]) -> list[Match]:
    """Return each template's best match, the best first; templates without a peak are left out."""
    if not templates or not spectrum.values.any():
        return []
    rows, lags = _promising(spectrum, templates)
    best: dict[int, Match] = {}
    for found in _look_again(spectrum, templates, rows, lags):
        if found.row not in best or found.worth > best[found.row].worth:
            best[found.row] = found
    return sorted(best.values(), key=lambda each: (-each.worth, each.row))


def _promising(spectrum: Flat, templates: Sequence[Flat]) -> tuple[IntArray, IntArray]:
    """Return the highest peaks of all correlations, by height times lap: templates and lags."""
    values = np.stack([each.values for each in templates])
    correlation = correlate(spectrum.values, values)
    lags = np.arange(round(np.log1p(LOWEST) / STEP), round(np.log1p(HIGHEST) / STEP) + 1)
    around = correlation[:, np.concatenate([[lags[0] - 1], lags, [lags[-1] + 1]])]
    middle = around[:, 1:-1]
    lap = _laps(spectrum, templates, lags)
    worth = np.where((middle > around[:, :-2]) & (middle >= around[:, 2:]), middle * lap, 0.0)
    worth[lap < LEAST_LAP] = 0.0
    columns = np.argsort(-worth, axis=1, kind="stable")[:, :PEAKS]
    rows = np.repeat(np.arange(len(templates)), columns.shape[1])
    heights = worth[rows, columns.ravel()]
    order = np.argsort(-heights, kind="stable")[:LOOKED_AT]
    order = order[heights[order] > 0]
    return rows[order], lags[columns.ravel()[order]]


def _laps(spectrum: Flat, templates: Sequence[Flat], lags: IntArray) -> FloatArray:
    first = np.array([each.first for each in templates])[:, None] + lags
    last = np.array([each.last for each in templates])[:, None] + lags
    shared = np.minimum(last, spectrum.last) - np.maximum(first, spectrum.first)
    return np.asarray(np.maximum(shared, 0) * STEP)


def correlate(ours: FloatArray, templates: FloatArray) -> FloatArray:
    """Return the normalised correlation with each template at each lag, shape (n, PADDED).

    Lag k: the template is moved by k bins to the red. A negative lag counts from the end. `ours`
    has the shape (N,), or (n, N): one for each template.
    """
    filtered = _filter()
    left = fft.rfft(ours, PADDED, axis=-1) * filtered
    right = fft.rfft(templates, PADDED, axis=-1) * filtered
    size = _rms(left) * _rms(right)
    product = fft.irfft(left * np.conj(right), PADDED, axis=-1)
    return np.asarray(product / np.maximum(size, 1e-300)[..., None])


def _rms(waves: FloatArray) -> FloatArray:
    """Return the norm of what has these waves."""
    power = 2 * np.sum(np.abs(waves) ** 2, axis=-1) - np.abs(waves[..., 0]) ** 2
    return np.asarray(np.sqrt(power / PADDED))


def _filter() -> FloatArray:
    k = np.arange(PADDED // 2 + 1)
    rising = np.clip((k - WAVES[0]) / (WAVES[1] - WAVES[0]), 0, 1)
    falling = np.clip((WAVES[3] - k) / (WAVES[3] - WAVES[2]), 0, 1)
    return np.asarray((1 - np.cos(np.pi * np.minimum(rising, falling))) / 2)


def _look_again(
    spectrum: Flat, templates: Sequence[Flat], rows: IntArray, lags: IntArray
) -> list[Match]:
    """Correlate both again, cut to what they share at each lag; a peak that is gone is left out."""
    begins = np.array([each.first for each in templates])[rows] + lags
    ends = np.array([each.last for each in templates])[rows] + lags
    first, last = np.maximum(begins, spectrum.first), np.minimum(ends, spectrum.last)
    values = np.stack([each.values for each in templates])[rows]
    ours = _cut(np.broadcast_to(spectrum.values, values.shape), first, last)
    theirs = _cut(values, first - lags, last - lags)
    correlation = correlate(ours, theirs)
    window = np.arange(-REACH, REACH + 1)
    near = np.take_along_axis(correlation, (lags[:, None] + window) % PADDED, axis=1)
    peak = lags + window[np.argmax(near, axis=1)]
    centred = np.take_along_axis(correlation, (peak[:, None] + np.arange(PADDED)) % PADDED, axis=1)
    top = centred[:, 0]
    kept = (top > 0) & (np.abs(peak - lags) < REACH)
    r = top / (np.sqrt(2) * np.maximum(_lopsided(centred), 1e-6))
    lap = (last - first) * STEP
    shift = (peak + _offset(centred)) * STEP
    error = ERROR * _width(centred) * STEP * np.exp(shift) / (1 + r * lap)
    columns = zip(rows, np.expm1(shift), error, top, r, lap, strict=True)
    found = [Match(int(row), *map(float, numbers)) for row, *numbers in columns]
    return [each for each, is_kept in zip(found, kept, strict=True) if is_kept]


def _cut(values: FloatArray, first: IntArray, last: IntArray) -> FloatArray:
    """Return each row without its mean from `first` to `last`, faded at both ends; 0 outside."""
    at = np.arange(N)
    inside = (at >= first[:, None]) & (at < last[:, None])
    length = (last - first)[:, None]
    mean = np.sum(np.where(inside, values, 0.0), axis=1, keepdims=True) / length
    edge = np.maximum(1, np.round(FADED * length))
    from_end = np.minimum(at - first[:, None], last[:, None] - 1 - at) + 0.5
    weight = (1 - np.cos(np.pi * np.clip(from_end / edge, 0, 1))) / 2
    return np.asarray(np.where(inside, (values - mean) * weight, 0.0))


def _offset(centred: FloatArray) -> FloatArray:
    """Return where the top lies beside the peak's bin: that of a parabola, in bins."""
    before, top, after = centred[:, -1], centred[:, 0], centred[:, 1]
    bend = before - 2 * top + after
    offset = (before - after) / (2 * np.minimum(bend, -1e-12))
    return np.asarray(np.clip(offset, -0.5, 0.5))


def _width(centred: FloatArray) -> FloatArray:
    """Return the width of the peak at half its height, in bins."""
    below = centred < centred[:, :1] / 2
    right = np.argmax(below[:, 1:N], axis=1)
    left = np.argmax(below[:, :N:-1], axis=1)
    return np.asarray(right + left + 1.0)


def _lopsided(centred: FloatArray) -> FloatArray:
    """Return the rms of what is not symmetric about the peak: the noise of the correlation."""
    mirrored = np.roll(centred[:, ::-1], 1, axis=1)
    return np.asarray(np.sqrt(np.mean((centred - mirrored) ** 2, axis=1)) / 2)
