"""The map of a plan: an event's regions, and the planned fields with their numbers."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.planning.schedule import Pointing
from tom.planning.telescope import shape_of
from tom.sky import shape_outline
from tom.sky.arrays import FloatArray
from tom.web.plots.projections import cut_ring, mollweide, zenithal
from tom.web.plots.skymap import Contours, choose_centre

WIDTH, HEIGHT, MARGIN = 720.0, 372.0, 6.0
SCALE = (WIDTH - 2 * MARGIN) / 4
CLOSE_SIZE = 480.0
CLOSEST_DEG, WIDEST_DEG = 0.5, 50.0
LABELLED = 60
Ring = tuple[FloatArray, FloatArray]
Draw = Callable[[FloatArray, FloatArray], str]


def draw_plan(
    contours: Contours, pointings: Sequence[Pointing], telescope: Mapping[str, object]
) -> SafeString:
    """Draw the fields closely around them; on the whole sky where they lie too far apart."""
    angle = float(str(telescope["position_angle_deg"]))
    shape = shape_of(telescope["shape"])  # type: ignore[arg-type]  # JSON's object
    fields = [
        (each, shape_outline(shape, ra=each.ra, dec=each.dec, position_angle_deg=angle))
        for each in pointings
    ]
    centre, radius = _enclose(fields)
    if radius > WIDEST_DEG:
        return _draw_whole(contours, fields)
    half = max(1.1 * radius, CLOSEST_DEG)

    def place(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = zenithal(ra, dec, centre=centre)
        return CLOSE_SIZE / 2 * (1 + x / half), CLOSE_SIZE / 2 * (1 - y / half)

    def draw(ra: FloatArray, dec: FloatArray) -> str:
        return _path(*place(ra, dec))

    parts = [_regions(contours, draw), _fields(fields, draw, place), _scale(half)]
    return format_html(
        '<svg class="sky-map plan-map" viewBox="0 0 {0} {0}" role="img" '
        'aria-label="Map of the planned fields, north up, east left">{1}</svg>',
        f"{CLOSE_SIZE:.0f}", _join(parts),
    )  # fmt: skip


def _draw_whole(
    contours: Contours, fields: Sequence[tuple[Pointing, Sequence[Ring]]]
) -> SafeString:
    centre = choose_centre(contours)

    def place(ra: FloatArray, dec: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = mollweide((ra - centre + 180) % 360 - 180, dec)
        return WIDTH / 2 + SCALE * x, HEIGHT / 2 - SCALE * y

    def draw(ra: FloatArray, dec: FloatArray) -> str:
        pieces = cut_ring(ra, dec, centre_ra=centre)
        return "".join(
            _path(*place(piece[:, 0] + centre, piece[:, 1])) for piece in map(_inner, pieces)
        )

    parts = [_edge(), _regions(contours, draw), _fields(fields, draw, place)]
    return format_html(
        '<svg class="sky-map plan-map" viewBox="0 0 {} {}" role="img" '
        'aria-label="Map of the planned fields on the whole sky, north up, east left">{}</svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", _join(parts),
    )  # fmt: skip


def _inner(piece: FloatArray) -> FloatArray:
    """Keep a piece off the seam itself, whose two sides are one longitude."""
    return np.column_stack([np.clip(piece[:, 0], -179.999, 179.999), piece[:, 1]])


def _edge() -> SafeString:
    latitude = np.linspace(-90, 90, 61)
    longitude = np.repeat([-180.0, 180.0], 61)
    x, y = mollweide(longitude, np.concatenate([latitude, latitude[::-1]]))
    path = _path(WIDTH / 2 + SCALE * x, HEIGHT / 2 - SCALE * y)
    return format_html('<path class="edge" d="{}"/>', path)


def _regions(contours: Contours, draw: Draw) -> SafeString:
    by_size = sorted(contours.items(), key=lambda item: -float(item[0]))
    rows = []
    for level, rings in by_size:
        percent = f"{100 * float(level):.0f}"
        columns = [np.array(ring, dtype=np.float64).reshape(-1, 2).T for ring in rings]
        rows.append((percent, "".join(draw(ra, dec) for ra, dec in columns), percent))
    return format_html_join(
        "",
        '<path class="region region-{}" fill-rule="evenodd" d="{}">'
        "<title>{}% region</title></path>",
        rows,
    )


def _fields(
    fields: Sequence[tuple[Pointing, Sequence[Ring]]],
    draw: Draw,
    place: Callable[[FloatArray, FloatArray], tuple[FloatArray, FloatArray]],
) -> SafeString:
    drawn, numbers = [], _numbers(each for each, _ in fields)
    for each, rings in fields:
        if each.visit > 1:
            continue
        x, y = place(np.array([each.ra]), np.array([each.dec]))
        label = format_html(
            '<text x="{}" y="{}">{}</text>', f"{x[0]:.1f}", f"{y[0] + 4:.1f}", numbers[each.field]
        )
        drawn.append(
            format_html(
                '<g class="field"><title>{}: {}</title><path d="{}"/>{}</g>',
                numbers[each.field],
                f"{each.gain:.2%}",
                "".join(draw(ra, dec) for ra, dec in rings),
                label if each.number <= LABELLED else "",
            )
        )
    return _join(drawn)


def _numbers(pointings: Iterable[Pointing]) -> dict[int, str]:
    """Join the numbers of each field's pointings."""
    numbers: dict[int, list[str]] = {}
    for each in pointings:
        numbers.setdefault(each.field, []).append(str(each.number))
    return {field: " ".join(each) for field, each in numbers.items()}


def _scale(half: float) -> SafeString:
    """A line of a round number of degrees."""
    length = next((s for s in (20, 10, 5, 2, 1, 0.5, 0.2, 0.1) if s <= half / 2), 0.1)
    x, y = 12.0, CLOSE_SIZE - 14
    return format_html(
        '<path class="edge" d="M{} {}h{}"/><text x="{}" y="{}">{}°</text>',
        f"{x:.0f}", f"{y:.0f}", f"{CLOSE_SIZE * length / 2 / half:.1f}",
        f"{x:.0f}", f"{y - 5:.0f}", f"{length:g}",
    )  # fmt: skip


def _join(parts: Iterable[SafeString]) -> SafeString:
    return format_html_join("", "{}", ((part,) for part in parts))


def _path(x: FloatArray, y: FloatArray) -> str:
    known = np.isfinite(x) & np.isfinite(y)
    if known.sum() < 3:
        return ""
    points = zip(x[known].tolist(), y[known].tolist(), strict=True)
    return "M" + "L".join(f"{px:.1f} {py:.1f}" for px, py in points) + "Z"


def _enclose(
    fields: Sequence[tuple[Pointing, Sequence[Ring]]],
) -> tuple[tuple[float, float], float]:
    """Find the middle of all outlines, ICRS degrees, and the angle to the farthest point."""
    ra = np.radians(np.concatenate([ring[0] for _, rings in fields for ring in rings]))
    dec = np.radians(np.concatenate([ring[1] for _, rings in fields for ring in rings]))
    vectors = np.column_stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)])
    mean = vectors.mean(axis=0)
    length = float(np.linalg.norm(mean))
    if length < 1e-6:
        return (0.0, 0.0), 180.0
    x, y, z = mean / length
    centre = float(np.degrees(np.arctan2(y, x)) % 360), float(np.degrees(np.arcsin(z)))
    cosine = np.clip((vectors @ mean).min() / length, -1, 1)
    return centre, float(np.degrees(np.arccos(cosine)))
