"""The map of an event: its credible regions and its candidates, on the whole sky and closer."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.sky.arrays import FloatArray
from tom.sky.bodies import SunMoon
from tom.web.plots.backdrop import (
    close_grid,
    close_place,
    dwarf_density,
    galactic_plane,
    sky_edge,
    sky_grid,
    sky_labels,
)
from tom.web.plots.fields import FieldGroup, draw_fields
from tom.web.plots.paper import (
    CLOSE_SIZE,
    HEIGHT,
    WIDTH,
    Project,
    Ring,
    close_path,
    join,
    sky_path,
    to_page,
)
from tom.web.plots.spots import Spot, draw_bodies, draw_galaxies, draw_spots

Contours = Mapping[str, Sequence[Ring]]
NO_CONTOURS: Contours = {}
THUMBNAIL_RINGS, THUMBNAIL_POINTS = 20, 40
# The closest and the widest view of the zoomed map: half its width in degrees.
CLOSEST_DEG, WIDEST_DEG = 1.5, 50.0
# A region of a smaller radius is hardly seen: on the whole sky, on the zoomed map. A ring of so
# many units of the drawing is put around it.
SMALLEST_DEG, SMALLEST_CLOSE_DEG = 2.0, 0.1
RING, RING_OF_THUMBNAIL = 12, 40


@dataclass(frozen=True)
class Surroundings:
    """What else is drawn: each is a layer of its own, which the page can hide."""

    bodies: SunMoon
    galaxies: Sequence[Spot] = ()
    fields: Sequence[FieldGroup] = ()


def draw_sky(
    contours: Contours,
    spots: Iterable[Spot],
    *,
    earlier: Contours = NO_CONTOURS,
    around: Surroundings | None = None,
) -> SafeString:
    """Draw the whole sky in Mollweide's projection, east left: nested regions, candidates.

    `earlier` are the regions of another map; their outlines are drawn.
    """
    centre = choose_centre(contours)

    def draw(rings: Sequence[Ring]) -> str:
        return sky_path(rings, centre)

    place = _on_sky(centre)
    behind = [_layer("plane", galactic_plane(centre))]
    if around:
        behind += [_layer("dwarfs", dwarf_density(centre))]
    return format_html(
        '<svg class="sky-map whole{}" viewBox="0 0 {} {}" role="group" '
        'aria-label="Map of the whole sky">{}{}{}{}{}{}{}</svg>',
        _nested(contours), f"{WIDTH:.0f}", f"{HEIGHT:.0f}", sky_grid(), join(behind),
        _regions(contours, earlier, draw), _ring(contours, place, least=SMALLEST_DEG),
        sky_labels(centre), _around(around, place, draw),
        _layer("candidates", draw_spots(spots, place)),
    )  # fmt: skip


def _on_sky(centre: float) -> Project:
    def place(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        return to_page((ra - centre + 180) % 360 - 180, dec)

    return place


def _ring(contours: Contours, place: Project, *, least: float, size: int = RING) -> SafeString:
    """A ring around the outermost region, where its radius is below `least` degrees."""
    points = [point for _, rings in _by_size(contours)[:1] for ring in rings for point in ring]
    if not points:
        return SafeString("")
    (ra, dec), radius = _enclose(np.array(points, dtype=float))
    if radius >= least:
        return SafeString("")
    x, y = place(np.array([ra]), np.array([dec]))
    return format_html(
        '<circle class="small-region" cx="{}" cy="{}" r="{}">'
        "<title>the region lies within this ring</title></circle>",
        f"{x[0]:.1f}", f"{y[0]:.1f}", size,
    )  # fmt: skip


def _nested(contours: Contours) -> str:
    """The class of a map with more regions than the two of its figures."""
    return " nested" if len(contours) > 2 else ""


def _layer(name: str, drawn: SafeString) -> SafeString:
    return format_html('<g class="layer-{}">{}</g>', name, drawn)


def _around(
    around: Surroundings | None,
    place: Project,
    draw: Callable[[Sequence[Ring]], str],
    *,
    within: float = np.inf,
) -> SafeString:
    if around is None:
        return SafeString("")
    bodies = draw_bodies(around.bodies, place, within=within)
    galaxies = draw_galaxies(around.galaxies, place, within=within)
    fields = draw_fields(around.fields, draw)
    drawn = {"fields": fields, "galaxies": galaxies, "bodies": bodies}
    return join(_layer(name, each) for name, each in drawn.items())


def draw_thumbnail(contours: Contours) -> SafeString:
    """Draw the outermost region small, on the whole sky as `draw_sky` does, without its grid."""
    centre = choose_centre(contours)
    _, rings = next(iter(_by_size(contours)), ("", ()))
    thinned = [_thinned(ring) for ring in rings[:THUMBNAIL_RINGS]]
    return format_html(
        '<svg class="sky-map thumbnail" viewBox="0 0 {} {}" aria-hidden="true">'
        '<path class="edge" d="{}Z"/>'
        '<path class="region region-50" fill-rule="evenodd" d="{}"/>{}</svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", sky_edge(), sky_path(thinned, centre),
        _ring(contours, _on_sky(centre), least=SMALLEST_DEG, size=RING_OF_THUMBNAIL),
    )  # fmt: skip


def _thinned(ring: Ring) -> Ring:
    return ring[:: max(len(ring) // THUMBNAIL_POINTS, 1)]


def draw_close(
    contours: Contours,
    spots: Iterable[Spot],
    *,
    earlier: Contours = NO_CONTOURS,
    around: Surroundings | None = None,
) -> SafeString | None:
    """Draw the outermost region closely; None where it is too wide to gain from that.

    `earlier` are the regions of another map; their outlines are drawn.
    """
    outermost = [_by_size(each)[:1] for each in (contours, earlier)]
    points = [point for each in outermost for _, rings in each for ring in rings for point in ring]
    if not points:
        return None
    centre, radius = _enclose(np.array(points, dtype=float))
    if radius > WIDEST_DEG:
        return None
    half = max(1.15 * radius, CLOSEST_DEG)
    place = close_place(centre, half)

    def draw(rings: Sequence[Ring]) -> str:
        return close_path(rings, place)

    lines, labels = close_grid(centre, half)
    return format_html(
        '<svg class="sky-map close{1}" viewBox="0 0 {0} {0}" role="group" '
        'aria-label="Map of the region">{2}{3}{4}{5}{6}{7}</svg>',
        f"{CLOSE_SIZE:.0f}", _nested(contours), lines, _regions(contours, earlier, draw),
        _ring(contours, place, least=SMALLEST_CLOSE_DEG), labels,
        _around(around, place, draw, within=CLOSE_SIZE),
        _layer("candidates", draw_spots(spots, place, within=CLOSE_SIZE)),
    )  # fmt: skip


def choose_centre(contours: Contours) -> float:
    """Choose the right ascension in the middle, 180 or 0, where the region is not cut."""
    points = [point for _, rings in _by_size(contours)[:1] for ring in rings for point in ring]
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
    return join(drawn)


def _region(level: str, path: str, *, earlier: bool = False) -> SafeString:
    percent = f"{100 * float(level):.0f}"
    return format_html(
        '<path class="{}" fill-rule="evenodd" d="{}"><title>{}% region{}</title></path>',
        "earlier-region" if earlier else f"region region-{percent}", path, percent,
        " before" if earlier else "",
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
