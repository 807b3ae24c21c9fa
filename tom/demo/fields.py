"""The survey's fields: a fixed grid of squares of 7.2 degrees, 64 quadrants in each."""

import numpy as np

from tom.sky.arrays import FloatArray, IntArray

FIELD_DEG = 7.2
QUADRANTS = 8  # along each side

_ROWS = round(180 / FIELD_DEG)
_CENTRES = -90 + FIELD_DEG * (np.arange(_ROWS) + 0.5)
_PER_ROW = np.maximum(1, np.ceil(360 * np.cos(np.deg2rad(_CENTRES)) / FIELD_DEG)).astype(np.int64)
_FIRST = np.concatenate([[1], 1 + np.cumsum(_PER_ROW)])

N_FIELDS = int(_PER_ROW.sum())


def field_at(ra: FloatArray, dec: FloatArray) -> tuple[IntArray, IntArray]:
    """Return the field (from 1) and the quadrant (0 to 63) that hold each position in degrees."""
    across, up = _grid_position(ra, dec)
    row = up.astype(np.int64)
    field = _FIRST[row] + across.astype(np.int64)
    quadrant = QUADRANTS * (QUADRANTS * (up % 1)).astype(np.int64)
    return field, quadrant + (QUADRANTS * (across % 1)).astype(np.int64)


def field_centre(field: IntArray) -> tuple[FloatArray, FloatArray]:
    """Return the centres of fields in degrees."""
    row = np.searchsorted(_FIRST, field, side="right") - 1
    ra = (np.asarray(field) - _FIRST[row] + 0.5) * 360.0 / _PER_ROW[row]
    return np.asarray(ra, dtype=float), np.asarray(_CENTRES[row], dtype=float)


def draw_in_field(field: int, rng: np.random.Generator) -> tuple[float, float]:
    """Draw a position in degrees, uniform over a field's area."""
    ra, dec = field_centre(np.array([field]))
    row = int(np.searchsorted(_FIRST, field, side="right")) - 1
    low, high = np.sin(np.deg2rad(dec[0] + np.array([-0.5, 0.5]) * FIELD_DEG))
    drawn_dec = float(np.rad2deg(np.arcsin(rng.uniform(low, high))))
    return float(ra[0] + (rng.uniform() - 0.5) * 360.0 / _PER_ROW[row]) % 360.0, drawn_dec


def pixel_at(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return x and y on the quadrant's detector, 0 to 3,072 pixels (3,080 across)."""
    across, up = _grid_position(ra, dec)
    return across * QUADRANTS % 1 * 3072, up * QUADRANTS % 1 * 3080


def _grid_position(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
    up = np.clip((np.asarray(dec) + 90) / FIELD_DEG, 0, _ROWS - 1e-9)
    per_row = _PER_ROW[up.astype(np.int64)]
    return np.asarray(ra) % 360.0 / 360.0 * per_row, up
