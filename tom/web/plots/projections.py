"""Two projections of the sky, and how closed curves are cut to fit them."""

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import FloatArray

# Radians: by less than this a step moves no point that anybody draws.
STEP_FELT = 1e-13
Ring = FloatArray  # shape (n, 2): longitude and latitude in degrees


def mollweide(longitude: npt.ArrayLike, latitude: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
    """Project onto Mollweide's ellipse.

    Parameters
    ----------
    longitude, latitude
        Degrees; longitude from -180 to 180 about the centre of the map.

    Returns
    -------
    tuple of numpy.ndarray
        x in [-2, 2], growing to the west as on the sky (east is left), and y in [-1, 1], north up.
        Snyder 1987, p. 249, https://doi.org/10.3133/pp1395.
    """
    lon, lat = np.radians(longitude), np.radians(latitude)
    target = np.pi * np.sin(lat)
    # Near the poles the plain Newton step stalls: this start is exact there.
    theta = np.sign(lat) * np.minimum(np.abs(lat), np.pi / 2)
    for _ in range(40):
        slope = 2 + 2 * np.cos(2 * theta)
        step = (2 * theta + np.sin(2 * theta) - target) / np.where(slope < 1e-12, np.inf, slope)
        theta = np.clip(theta - step, -np.pi / 2, np.pi / 2)
        if not np.any(np.abs(step) > STEP_FELT):
            break
    return -2 / np.pi * lon * np.cos(theta), np.sin(theta)


def zenithal(
    ra: npt.ArrayLike, dec: npt.ArrayLike, *, centre: tuple[float, float]
) -> tuple[FloatArray, FloatArray]:
    """Project onto the plane around `centre`, equal in area.

    Returns
    -------
    tuple of numpy.ndarray
        x (east is left) and y (north up) in degrees. NaN for the far half of the sky.
        Snyder 1987, p. 185, https://doi.org/10.3133/pp1395.
    """
    lon, lat = np.radians(np.asarray(ra, dtype=float) - centre[0]), np.radians(dec)
    lat0 = np.radians(centre[1])
    cosine = np.sin(lat0) * np.sin(lat) + np.cos(lat0) * np.cos(lat) * np.cos(lon)
    with np.errstate(invalid="ignore", divide="ignore"):
        k = np.where(cosine > 0, np.sqrt(2 / (1 + cosine)), np.nan)
    x = -k * np.cos(lat) * np.sin(lon)
    y = k * (np.cos(lat0) * np.sin(lat) - np.sin(lat0) * np.cos(lat) * np.cos(lon))
    return np.degrees(x), np.degrees(y)


def cut_ring(ra: npt.ArrayLike, dec: npt.ArrayLike, *, centre_ra: float) -> list[Ring]:
    """Cut a closed curve at the seam opposite `centre_ra`.

    Parameters
    ----------
    ra, dec
        ICRS degrees, shape `(n,)`; the last point joins the first.
    centre_ra
        Right ascension in the middle of the map, degrees.

    Returns
    -------
    list of numpy.ndarray
        Rings of shape `(k, 2)`, each within longitudes -180 to 180 of the centre. A curve around
        a pole is closed along that pole (the nearer one).
    """
    longitude = (np.asarray(ra, dtype=float) - centre_ra + 180) % 360 - 180
    latitude = np.asarray(dec, dtype=float)
    if len(longitude) < 3:
        return []
    closed = np.append(longitude, longitude[0])
    unwrapped = np.degrees(np.unwrap(np.radians(closed)))
    ring = np.column_stack([unwrapped[:-1], latitude])
    turn = unwrapped[-1] - unwrapped[0]
    if abs(turn) > 180:
        ring = _close_around_pole(ring, turn)
    elif np.abs(ring[:, 0]).max() <= 180:
        return [_densify(ring)]  # most rings do not cross the seam
    return [piece for shift in (-720, -360, 0, 360, 720) for piece in _inside(ring, shift)]


def _close_around_pole(ring: Ring, turn: float) -> Ring:
    pole = 90.0 if ring[:, 1].mean() >= 0 else -90.0
    (first, latitude), last = ring[0], ring[0, 0] + turn
    corners = np.array([[last, latitude], [last, pole], [first, pole]])
    return np.vstack([ring, corners])


def _inside(ring: Ring, shift: float) -> list[Ring]:
    piece = ring + np.array([shift, 0.0])
    for side in (1, -1):
        piece = _clip(piece, side)
    return [_densify(piece)] if len(piece) >= 3 else []


def _clip(ring: Ring, side: int) -> Ring:
    """Keep what lies on the inner side of longitude `180 * side` (Sutherland and Hodgman)."""
    kept: list[tuple[float, float]] = []
    for (x0, y0), (x1, y1) in zip(np.roll(ring, 1, axis=0), ring, strict=True):
        inside0, inside1 = side * x0 <= 180, side * x1 <= 180
        if inside0 != inside1:
            edge = 180.0 * side
            kept.append((edge, y0 + (y1 - y0) * (edge - x0) / (x1 - x0)))
        if inside1:
            kept.append((x1, y1))
    return np.array(kept).reshape(-1, 2)


def _densify(ring: Ring) -> Ring:
    """Add points where two neighbours are far apart, so that edges bend with the projection."""
    steps = np.roll(ring, -1, axis=0) - ring
    count = np.maximum(np.abs(steps).max(axis=1) // 5, 1).astype(np.int64)
    before = np.repeat(np.cumsum(count) - count, count)
    along = (np.arange(int(count.sum())) - before) / np.repeat(count, count)
    return np.asarray(np.repeat(ring, count, axis=0) + along[:, None] * np.repeat(steps, count, 0))
