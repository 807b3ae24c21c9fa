"""The map of the chances to have caught a source."""

import re
from itertools import pairwise

from tom.pointings.efficiency import Found
from tom.web.plots.heat import CONTOURS, draw_heat


def made(magnitudes: list[float], chances: list[float]) -> Found:
    declines = [step / 4 for step in range(-2, 9)]
    return Found(
        covered=1.0,
        pointings=1,
        without_depth=0,
        other_bands=[],
        declines=declines,
        magnitudes=magnitudes,
        once=[chances for _ in declines],
        twice=[chances for _ in declines],
        bands=[],
    )


def test_cells_touch_and_no_place_is_covered_twice() -> None:
    magnitudes = [-20 + step / 4 for step in range(41)]

    drawn = str(draw_heat(made(magnitudes, [0.5] * len(magnitudes))))

    cells = re.findall(r'<rect x="([\d.]+)" y="(\d+)" width="([\d.]+)"', drawn)
    row = [(float(x), float(width)) for x, y, width in cells if y == cells[0][1]]
    assert len(row) == len(magnitudes)
    for (x, width), (following, _) in pairwise(row):
        assert abs(x + width - following) < 0.01


def test_no_line_s_chance_stands_on_another_s() -> None:
    # All lines lie within two cells.
    found = made([-20.0, -18.0, -16.0, -14.0, -12.0], [1.0, 1.0, 0.5, 0.0, 0.0])

    told = re.findall(r'class="on" x="(\d+)" y="(\d+)">(\d+)%', draw_heat(found))

    assert [int(chance) for *_, chance in told] == [round(level * 100) for level in CONTOURS]
    assert len({height for _, height, _ in told}) == len(CONTOURS)
