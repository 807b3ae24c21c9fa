"""What stands on a map of the sky: candidates, galaxies, the Sun and the Moon."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from django.utils.html import format_html
from django.utils.safestring import SafeString

from tom.sky.bodies import SunMoon
from tom.web.plots.paper import Project, join

LABELLED = 5
# The last rank of each colour; what comes after them has the last colour.
RANK_STEPS = (5, 20, 50)


@dataclass(frozen=True)
class Spot:
    """A candidate on the map."""

    ra: float
    dec: float
    url: str
    title: str
    rank: int | None = None


def draw_spots(spots: Iterable[Spot], place: Project, *, within: float = np.inf) -> SafeString:
    """Candidates as links, the best on top; the first few carry their rank.

    Those alone that lie between 0 and `within` on the page. They are for the pointer: the keyboard
    finds the same links in the list below.
    """
    upwards = sorted(spots, key=lambda s: -(s.rank or 1_000_000))
    x, y = place(np.array([s.ra for s in upwards]), np.array([s.dec for s in upwards]))
    is_shown = (x >= 0) & (x <= within) & (y >= 0) & (y <= within)
    shown = zip(upwards, x.tolist(), y.tolist(), is_shown.tolist(), strict=True)
    return join(_spot(spot, px, py) for spot, px, py, inside in shown if inside)


def rank_step(rank: int | None) -> int:
    """Return which colour a rank has, from 1 for the best; no rank has the last."""
    return sum((rank or np.inf) > last for last in RANK_STEPS) + 1


def _spot(spot: Spot, x: float, y: float) -> SafeString:
    top = spot.rank is not None and spot.rank <= LABELLED
    step = rank_step(spot.rank)
    label = (
        format_html('<text x="{}" y="{}">{}</text>', f"{x + 6:.1f}", f"{y + 3:.1f}", spot.rank)
        if top
        else SafeString("")
    )
    return format_html(
        '<a class="candidate {} r{}" href="{}" tabindex="-1"><title>{}</title>'
        '<circle cx="{}" cy="{}" r="{}"/>{}</a>',
        "top" if top else "rest", step, spot.url, spot.title,
        f"{x:.1f}", f"{y:.1f}", "4" if top else "2.2", label,
    )  # fmt: skip


def draw_galaxies(
    galaxies: Iterable[Spot], place: Project, *, within: float = np.inf
) -> SafeString:
    """Draw galaxies as small squares with their names as titles, the likeliest on top."""
    backwards = [*galaxies][::-1]
    x, y = place(np.array([s.ra for s in backwards]), np.array([s.dec for s in backwards]))
    is_shown = (x >= 0) & (x <= within) & (y >= 0) & (y <= within)
    shown = zip(backwards, x.tolist(), y.tolist(), is_shown.tolist(), strict=True)
    return join(
        format_html(
            '<rect class="galaxy" x="{}" y="{}" width="5" height="5"><title>{}</title></rect>',
            f"{px - 2.5:.1f}", f"{py - 2.5:.1f}", spot.title,
        )
        for spot, px, py, inside in shown
        if inside
    )  # fmt: skip


def draw_bodies(bodies: SunMoon, place: Project, *, within: float = np.inf) -> SafeString:
    """Draw the Sun and the Moon with their names."""
    lit = f"Moon, {bodies.moon_illumination:.0%} lit"
    places = np.array([bodies.sun, bodies.moon])
    x, y = place(places[:, 0], places[:, 1])
    shown = zip(("sun", "moon"), ("Sun", lit), x.tolist(), y.tolist(), strict=True)
    return join(
        format_html(
            '<g class="body {}"><circle cx="{}" cy="{}" r="{}"/><text x="{}" y="{}">{}</text></g>',
            kind, f"{px:.1f}", f"{py:.1f}", 7, f"{px + 10:.0f}", f"{py + 4:.0f}", name,
        )
        for kind, name, px, py in shown
        if 0 <= px <= within and 0 <= py <= within  # NaN: not on this map
    )  # fmt: skip
