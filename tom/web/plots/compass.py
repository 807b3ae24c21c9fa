"""What lies over a cutout: where north and east are, and how long some arcseconds are."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.formats.values import finite

LENGTHS_ARCSEC = (0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600)
# The longest share of the picture's width that the bar may take, of 100.
LONGEST = 34.0


def stamp_scale(width: object) -> SafeString:
    """Draw compass and scale of a picture with north up and east left; nothing without a width."""
    width_arcsec = finite(width)
    if not width_arcsec or width_arcsec < 0:
        return SafeString("")
    fitting = [size for size in LENGTHS_ARCSEC if 100 * size / width_arcsec <= LONGEST]
    size = fitting[-1] if fitting else width_arcsec / 4
    length = 100 * size / width_arcsec
    return format_html(
        '<svg class="stamp-scale" viewBox="0 0 100 100" role="img" '
        'aria-label="North is up, east is left; the bar is {size} arcseconds long">'
        '<path d="M92 24V8M89 11l3-3 3 3M92 24H76M79 21l-3 3 3 3"/>'
        '<text x="92" y="6" text-anchor="middle">N</text>'
        '<text x="74" y="26" text-anchor="end">E</text>'
        '<path d="M6 93H{end}"/>'
        '<text x="6" y="90">{size}″</text>'
        "</svg>",
        size=f"{size:.3g}",
        end=f"{6 + length:.2f}",
    )
