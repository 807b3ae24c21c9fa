"""One hard night for all tests of the benchmark: making it takes a second."""

import pytest

from tom.benchmark.nights import TINY, HardNight, make_hard_night

SEED = 1


@pytest.fixture(scope="session")
def hard_night() -> HardNight:
    """A tiny hard night with a counterpart."""
    return make_hard_night(SEED, TINY)
