"""The map of an event: its credible regions and its candidates, on the whole sky and closer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.sky.extinction import GALACTIC_FROM_ICRS
from tom.web.plots.projections import cut_ring, mollweide, zenithal

Ring = Sequence[Sequence[float]]
Contours = Mapping[str, Sequence[Ring]]
NO_CONTOURS: Contours = {}
WIDTH, HEIGHT, MARGIN = 720.0, 372.0, 6.0
SCALE = (WIDTH - 2 * MARGIN) / 4
CLOSE_SIZE = 360.0
LABELLED = 5
THUMBNAIL_RINGS, THUMBNAIL_POINTS = 20, 40
# The closest and the widest view of the zoomed map: half its width in degrees.
CLOSEST_DEG, WIDEST_DEG = 1.5, 50.0


@dataclass(frozen=True)
class Spot:
    """A candidate on the map."""

    ra: float
    dec: float
    url: str
    title: str
    rank: int | None = None


Project = Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]]


def draw_sky(
    contours: Contours, spots: Iterable[Spot], *, earlier: Contours = NO_CONTOURS
) -> SafeString:
    """Draw the whole sky in Mollweide's projection, east left: 90% and 50% regions, candidates.

    `earlier` are the regions of another map; their outlines are drawn.
    """
    centre = choose_centre(contours)

    def draw(rings: Sequence[Ring]) -> str:
        return _sky_path(rings, centre)

    regions = _regions(contours, earlier, draw)
    return format_html(
        '<svg class="sky-map whole" viewBox="0 0 {} {}" role="group" '
        'aria-label="Map of the whole sky">{}{}{}{}{}</svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", _sky_grid(), _galactic_plane(centre),
        regions, _sky_labels(centre),
        _spots(spots, lambda ra, dec: _to_page((ra - centre + 180) % 360 - 180, dec)),
    )  # fmt: skip


def draw_thumbnail(contours: Contours) -> SafeString:
    """Draw the outermost region small, on the whole sky as `draw_sky` does, without its grid."""
    centre = choose_centre(contours)
    _, rings = next(iter(_by_size(contours)), ("", ()))
    thinned = [_thinned(ring) for ring in rings[:THUMBNAIL_RINGS]]
    return format_html(
        '<svg class="sky-map thumbnail" viewBox="0 0 {} {}" aria-hidden="true">'
        '<path class="edge" d="{}Z"/><path class="region-50" fill-rule="evenodd" d="{}"/></svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", _sky_edge(), _sky_path(thinned, centre),
    )  # fmt: skip


def _thinned(ring: Ring) -> Ring:
    return ring[:: max(len(ring) // THUMBNAIL_POINTS, 1)]


def draw_close(
    contours: Contours, spots: Iterable[Spot], *, earlier: Contours = NO_CONTOURS
) -> SafeString | None:
    """Draw the outermost region closely; None where it is too wide to gain from that.

    `earlier` are the regions of another map; their outlines are drawn.
    """
    points = [
        point
        for each in (contours, earlier)
        for _, rings in _by_size(each)
        for ring in rings
        for point in ring
    ]
    if not points:
        return None
    centre, radius = _enclose(np.array(points, dtype=float))
    if radius > WIDEST_DEG:
        return None
    half = max(1.15 * radius, CLOSEST_DEG)

    def place(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = zenithal(ra, dec, centre=centre)
        return CLOSE_SIZE / 2 * (1 + x / half), CLOSE_SIZE / 2 * (1 - y / half)

    def draw(rings: Sequence[Ring]) -> str:
        return "".join(_path(*place(*_columns(ring)), close=True) for ring in rings)

    regions = _regions(contours, earlier, draw)
    lines, labels = _close_grid(centre, half, place)
    return format_html(
        '<svg class="sky-map close" viewBox="0 0 {0} {0}" role="group" '
        'aria-label="Map of the region">{1}{2}{3}{4}</svg>',
        f"{CLOSE_SIZE:.0f}", lines, regions, labels, _spots(spots, place, within=CLOSE_SIZE),
    )  # fmt: skip


def choose_centre(contours: Contours) -> float:
    """Choose the right ascension in the middle, 180 or 0, where the region is not cut."""
    points = [point for _, rings in _by_size(contours) for ring in rings for point in ring]
    if not points:
        return 180.0
    ra = np.array(points)[:, 0] % 360
    near_zero = np.mean(np.minimum(ra, 360 - ra) < 20)
    near_half = np.mean(np.abs(ra - 180) < 20)
    return 0.0 if near_zero > near_half else 180.0


def _by_size(contours: Contours) -> list[tuple[str, Sequence[Ring]]]:
    return sorted(contours.items(), key=lambda item: -float(item[0]))


def _regions(
    contours: Contours, earlier: Contours, draw: Callable[[Sequence[Ring]], str]
) -> SafeString:
    drawn = [_region(level, draw(rings)) for level, rings in _by_size(contours)]
    drawn += [_region(level, draw(rings), earlier=True) for level, rings in _by_size(earlier)]
    return _join(drawn)


def _region(level: str, path: str, *, earlier: bool = False) -> SafeString:
    percent = f"{100 * float(level):.0f}"
    return format_html(
        '<path class="{}" fill-rule="evenodd" d="{}"><title>{}% region{}</title></path>',
        "earlier-region" if earlier else f"region-{percent}", path, percent,
        " before" if earlier else "",
    )  # fmt: skip


def _join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _columns(ring: Ring) -> tuple[FloatArray, FloatArray]:
    points = np.array(ring, dtype=float).reshape(-1, 2)
    return points[:, 0], points[:, 1]


def _to_page(longitude: FloatArray, latitude: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = mollweide(longitude, latitude)
    return WIDTH / 2 + SCALE * x, HEIGHT / 2 - SCALE * y


def _sky_path(rings: Sequence[Ring], centre: float) -> str:
    pieces = [piece for ring in rings for piece in cut_ring(*_columns(ring), centre_ra=centre)]
    return "".join(_path(*_to_page(piece[:, 0], piece[:, 1]), close=True) for piece in pieces)


def _path(x: FloatArray, y: FloatArray, *, close: bool = False) -> str:
    """An SVG path; it is lifted where a point is not on the map."""
    parts, pen = [], "M"
    for px, py, known in zip(x.tolist(), y.tolist(), np.isfinite(x).tolist(), strict=True):
        if known:
            parts.append(f"{pen}{px:.1f} {py:.1f}")
        pen = "L" if known else "M"
    return "".join(parts) + ("Z" if close and parts else "")


@cache
def _sky_grid() -> SafeString:
    latitude = np.linspace(-90, 90, 61)
    longitude = np.linspace(-180, 180, 91)
    lines = [_path(*_to_page(np.full(61, float(m)), latitude)) for m in range(-120, 180, 60)]
    lines += [_path(*_to_page(longitude, np.full(91, float(p)))) for p in range(-60, 90, 30)]
    return format_html(
        '<path class="grid-line" d="{}"/><path class="edge" d="{}Z"/>', "".join(lines), _sky_edge()
    )


def _sky_edge() -> str:
    latitude = np.linspace(-90, 90, 61)
    sides = np.repeat([-180.0, 180.0], 61)
    return _path(*_to_page(sides, np.concatenate([latitude, latitude[::-1]])))


@cache
def _sky_labels(centre: float) -> SafeString:
    hours = [
        (_to_page(np.array([float(m)]), np.array([2.0])), f"{((centre + m) % 360) / 15:.0f}h")
        for m in (-120, -60, 0, 60, 120)
    ]
    degrees = [
        (_to_page(np.array([178.0]), np.array([float(p)])), f"{p:+d}°") for p in (-60, -30, 30, 60)
    ]
    return _texts([(float(xy[0][0]) + 2, float(xy[1][0]), text) for xy, text in hours + degrees])


def _texts(items: Iterable[tuple[float, float, str]]) -> SafeString:
    return format_html_join(
        "", '<text x="{}" y="{}">{}</text>', ((f"{x:.0f}", f"{y:.0f}", t) for x, y, t in items)
    )


@cache
def _galactic_plane(centre: float) -> SafeString:
    angle = np.linspace(0, 2 * np.pi, 181)
    vectors = np.column_stack([np.cos(angle), np.sin(angle), np.zeros(181)]) @ GALACTIC_FROM_ICRS
    longitude = (np.degrees(np.arctan2(vectors[:, 1], vectors[:, 0])) - centre + 180) % 360 - 180
    jumps = np.flatnonzero(np.abs(np.diff(longitude)) > 180) + 1
    latitude = np.degrees(np.arcsin(vectors[:, 2]))
    parts = zip(np.split(longitude, jumps), np.split(latitude, jumps), strict=True)
    path = "".join(_path(*_to_page(lon, lat)) for lon, lat in parts)
    return format_html('<path class="plane" d="{}"><title>Galactic plane</title></path>', path)


def _spots(spots: Iterable[Spot], place: Project, *, within: float = np.inf) -> SafeString:
    """Candidates as links, the best on top; the first few carry their rank.

    Those alone that lie between 0 and `within` on the page. They are for the pointer: the keyboard
    finds the same links in the list below.
    """
    upwards = sorted(spots, key=lambda s: -(s.rank or 1_000_000))
    x, y = place(np.array([s.ra for s in upwards]), np.array([s.dec for s in upwards]))
    is_shown = (x >= 0) & (x <= within) & (y >= 0) & (y <= within)
    shown = zip(upwards, x.tolist(), y.tolist(), is_shown.tolist(), strict=True)
    return _join(_spot(spot, px, py) for spot, px, py, inside in shown if inside)


def _spot(spot: Spot, x: float, y: float) -> SafeString:
    top = spot.rank is not None and spot.rank <= LABELLED
    label = (
        format_html('<text x="{}" y="{}">{}</text>', f"{x + 6:.1f}", f"{y + 3:.1f}", spot.rank)
        if top
        else SafeString("")
    )
    return format_html(
        '<a class="candidate {}" href="{}" tabindex="-1"><title>{}</title>'
        '<circle cx="{}" cy="{}" r="{}"/>{}</a>',
        "top" if top else "rest", spot.url, spot.title,
        f"{x:.1f}", f"{y:.1f}", "4" if top else "2.2", label,
    )  # fmt: skip


def _enclose(points: FloatArray) -> tuple[tuple[float, float], float]:
    """Find the middle of points on the sky and the angle in degrees to the farthest."""
    ra, dec = np.radians(points[:, 0]), np.radians(points[:, 1])
    vectors = np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return (0.0, 0.0), 180.0
    mean /= length
    centre = (
        float(np.degrees(np.arctan2(mean[1], mean[0])) % 360),
        float(np.degrees(np.arcsin(mean[2]))),
    )
    return centre, float(np.degrees(np.arccos(np.clip((vectors @ mean).min(), -1, 1))))


def _close_grid(
    centre: tuple[float, float], half: float, place: Project
) -> tuple[SafeString, SafeString]:
    step = next((s for s in (0.5, 1, 2, 5, 10, 15, 30) if 2 * half / s <= 7), 30)
    top = min(abs(centre[1]) + half, 85.0)
    step_ra = next((s for s in (1, 2, 5, 10, 15, 30) if s * np.cos(np.radians(top)) >= step), 30)
    span = min(2.2 * half / np.cos(np.radians(top)), 180.0)
    ras = np.arange(np.ceil((centre[0] - span) / step_ra), (centre[0] + span) / step_ra) * step_ra
    decs = np.arange(np.ceil((centre[1] - 1.5 * half) / step), (centre[1] + 1.5 * half) / step)
    decs = decs[np.abs(decs * step) < 90] * step
    along_dec = np.linspace(max(centre[1] - 1.5 * half, -90), min(centre[1] + 1.5 * half, 90), 40)
    along_ra = np.linspace(centre[0] - span, centre[0] + span, 60)
    lines = [_path(*place(np.full(40, ra), along_dec)) for ra in ras]
    lines += [_path(*place(along_ra, np.full(60, dec))) for dec in decs]
    grid = format_html('<path class="grid-line" d="{}"/>', "".join(lines))
    labels = [(*_point(place, ra, centre[1] - 0.93 * half), f"{ra % 360:g}°") for ra in ras]
    labels += [(4.0, _point(place, centre[0], dec)[1] - 2, f"{dec:+g}°") for dec in decs]
    shown = [
        item for item in labels if 0 <= item[0] < CLOSE_SIZE - 24 and 10 < item[1] < CLOSE_SIZE
    ]
    return grid, _texts(shown)


def _point(place: Project, ra: float, dec: float) -> tuple[float, float]:
    x, y = place(np.array([ra]), np.array([dec]))
    return float(np.nan_to_num(x[0], nan=-1)), float(np.nan_to_num(y[0], nan=-1))
