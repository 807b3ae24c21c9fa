"""The map of the chances to have caught a source."""

import re

from tom.pointings.efficiency import Found
from tom.web.plots.heat import CONTOURS, draw_heat


def test_no_line_s_chance_stands_on_another_s() -> None:
    declines = [step / 4 for step in range(-2, 9)]
    chances = [1.0, 1.0, 0.5, 0.0, 0.0]  # all lines within two cells
    found = Found(
        covered=1.0,
        pointings=1,
        without_depth=0,
        other_bands=[],
        declines=declines,
        magnitudes=[-20.0, -18.0, -16.0, -14.0, -12.0],
        once=[chances for _ in declines],
        twice=[chances for _ in declines],
        bands=[],
    )

    told = re.findall(r'class="on" x="(\d+)" y="(\d+)">(\d+)%', draw_heat(found))

    assert [int(chance) for *_, chance in told] == [round(level * 100) for level in CONTOURS]
    assert len({height for _, height, _ in told}) == len(CONTOURS)
