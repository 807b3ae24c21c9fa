"""The map of an event: what is on it, and what a hostile name cannot do."""

import re

import numpy as np

from tom.web.plots.skymap import Spot, choose_centre, draw_close, draw_sky, draw_thumbnail


def circle(ra: float, dec: float, radius: float) -> list[list[float]]:
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    points = np.column_stack([(ra + radius * np.cos(angle)) % 360, dec + radius * np.sin(angle)])
    return [[float(x), float(y)] for x, y in points]


SMALL = {"0.5": [circle(190, -20, 4)], "0.9": [circle(190, -20, 8)]}


def spot(ra: float, dec: float, rank: int | None = 1, name: str = "ZTF26a") -> Spot:
    return Spot(ra=ra, dec=dec, url="/targets/1/", title=name, rank=rank)


def test_the_inner_region_is_drawn_over_the_outer() -> None:
    text = draw_sky(SMALL, [])

    assert 0 < text.index("region-90") < text.index("region-50")


def test_each_candidate_is_a_link_and_the_best_comes_last() -> None:
    text = draw_sky(SMALL, [spot(190, -20, 1), spot(191, -21, 9), spot(192, -22, None)])

    assert text.count('href="/targets/1/"') == 3
    assert text.rindex('class="candidate top ') > text.rindex('class="candidate rest ')


def test_a_name_cannot_break_out_of_the_drawing() -> None:
    assert "<script>" not in draw_sky(SMALL, [spot(190, -20, name="<script>alert(1)</script>")])


def test_the_close_view_leaves_out_what_lies_elsewhere() -> None:
    text = draw_close(SMALL, [spot(190, -20), spot(10, 60)])

    assert text is not None
    assert text.count("<a class=") == 1


def test_a_region_that_is_hardly_seen_has_a_ring_around_it() -> None:
    tiny, seen = {"0.9": [circle(64.7, 13.35, 0.001)]}, {"0.9": [circle(64.7, 13.35, 0.5)]}

    assert 'class="small-region" cx="180.0" cy="180.0"' in (draw_close(tiny, []) or "")
    assert "small-region" in draw_sky(tiny, [])
    assert "small-region" in draw_thumbnail(tiny)
    assert "small-region" in draw_sky(seen, [])
    assert "small-region" not in (draw_close(seen, []) or "")
    assert "small-region" not in draw_sky(SMALL, [])


def test_a_region_as_wide_as_the_sky_has_no_close_view() -> None:
    wide = {"0.9": [circle(100, 0, 80)]}

    assert draw_close(wide, []) is None
    assert draw_close({}, []) is None


def test_a_map_without_contours_is_still_a_map() -> None:
    assert "<svg" in draw_sky({}, [spot(10, 10)])


def test_the_centre_is_moved_where_the_region_would_be_cut() -> None:
    assert choose_centre({"0.9": [circle(1, 0, 5)]}) == 0.0
    assert choose_centre({"0.9": [circle(170, 0, 5)]}) == 180.0


def test_no_coordinate_is_nan() -> None:
    over_the_pole = {"0.9": [circle(0, 80, 5), [[ra, 85.0] for ra in range(0, 360, 10)]]}

    for text in (draw_sky(over_the_pole, []), draw_close(over_the_pole, [])):
        assert not re.search(r"nan|inf", str(text).lower().replace("skymap", ""))
