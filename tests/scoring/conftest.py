"""What the tests of scorers share."""

import sys
from pathlib import Path

import pytest

from tests.scoring.bad_scorers import write_plugins


@pytest.fixture
def bad_plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The paths of scorers that fail, in a package that exists for the test."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "bad_plugins", raising=False)
    return write_plugins(tmp_path)
