"""Loaded where pytest is to compile the tests' modules alone: it collects nothing of them."""


def pytest_pycollect_makeitem() -> list[object]:
    """Make no test of anything: that takes a third of the time."""
    return []
