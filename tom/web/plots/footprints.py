"""Fields of view on the map of the whole sky: a layer that lies over the map of an event."""

from collections.abc import Iterable, Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from tom.web.plots.fields import COLOURS
from tom.web.plots.paper import HEIGHT, WIDTH, Ring, sky_path
from tom.web.plots.skymap import Contours, choose_centre


def draw_footprints(groups: Iterable[Sequence[Ring]], contours: Contours) -> SafeString:
    """Draw the outlines of each group in a colour of its own, on the map of these contours.

    A ring is a list of [RA, dec] in ICRS degrees. The layer has the size and the projection of
    `draw_sky`, with east to the left.
    """
    centre = choose_centre(contours)
    paths = format_html_join(
        "",
        '<path class="telescope-{}" d="{}"/>',
        ((at % COLOURS, sky_path(rings, centre)) for at, rings in enumerate(groups)),
    )
    return format_html(
        '<svg class="footprints" viewBox="0 0 {} {}" aria-hidden="true">{}</svg>',
        f"{WIDTH:.0f}", f"{HEIGHT:.0f}", paths,
    )  # fmt: skip
