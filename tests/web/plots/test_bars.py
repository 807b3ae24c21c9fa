"""Bars: which side, how long, and what they say in words."""

import re

from tom.web.plots.bars import class_bar, interval_bar, term_bar


def term(value: float, **fields: object) -> dict[str, object]:
    return {
        "name": "sky_map", "log_lr": value, "log_lr_low": value - 1, "log_lr_high": value + 1,
        "reason": "", **fields,
    }  # fmt: skip


def test_what_speaks_for_it_lies_right_of_the_axis() -> None:
    assert 'class="plus" x="0.0"' in term_bar(term(2.0))
    assert re.search(r'class="minus" x="-\d', term_bar(term(-2.0)))


def test_a_longer_bar_is_a_stronger_term_and_the_longest_is_bounded() -> None:
    widths = [
        float(re.search(r'y="3" width="([\d.]+)"', term_bar(term(value)))[1])  # type: ignore[index]
        for value in (1.0, 3.0, 6.0, 60.0)
    ]

    assert widths == sorted(widths)
    assert widths[2] == widths[3]


def test_what_is_not_known_is_a_hollow_box_that_says_why() -> None:
    text = term_bar(term(0.0, reason="no host distance"))

    assert 'class="none"' in text
    assert "no host distance" in text


def test_a_term_is_said_in_words() -> None:
    assert "sky map: +2.00 (+1.00 to +3.00)" in term_bar(term(2.0))


def test_a_missing_term_draws_nothing() -> None:
    assert term_bar(None) == ""
    assert interval_bar(None, None, None) == ""


def test_a_bar_never_leaves_its_box() -> None:
    assert 'width="100.00"' in class_bar(1.7)
    assert 'width="0.00"' in class_bar(-1)
