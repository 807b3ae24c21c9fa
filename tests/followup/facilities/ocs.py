"""The real Observation Portal, started for the tests."""

import pytest

from tests.followup.conftest import point_at


def reach(request: pytest.FixtureRequest) -> None:
    """Point its facilities at the portal."""
    point_at(request.getfixturevalue("settings"), request.getfixturevalue("ocs_portal"))
