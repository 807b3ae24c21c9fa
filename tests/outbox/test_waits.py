"""Waits grow, and end at the longest."""

from datetime import timedelta

import pytest

from tom.outbox.waits import Waits

SECOND = timedelta(seconds=1)
WAITS = Waits(5 * SECOND, 60 * SECOND, share=1 / 4)


@pytest.mark.parametrize(
    ("times", "seconds"), [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 60), (100_000, 60)]
)
def test_each_wait_is_twice_the_last_until_the_longest(times: int, seconds: int) -> None:
    assert WAITS.after(times) == seconds * SECOND


@pytest.mark.parametrize(
    ("since", "seconds"), [(0, 5), (20, 5), (40, 10), (200, 50), (10_000, 60), (-40, 5)]
)
def test_a_look_waits_for_a_share_of_the_time_since(since: int, seconds: int) -> None:
    assert WAITS.after(1, since * SECOND) == seconds * SECOND
