"""The practice telescope is always there."""

import pytest


def reach(request: pytest.FixtureRequest) -> None:
    """Let it take its time, so that nothing ends by itself."""
    request.getfixturevalue("settings").PRACTICE_STEP_SECONDS = 3600
