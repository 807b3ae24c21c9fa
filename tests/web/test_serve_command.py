"""`manage.py serve` refuses in one line what it cannot serve with."""

import pytest
from django.core.management import CommandError, call_command

from tom.web.management.commands import serve as command

WRONG = {
    ("port", 99999): "port 99999 cannot be used: choose one from 1 to 65535",
    ("port", 0): "port 0 cannot be used",
    ("port", -1): "port -1 cannot be used",
    ("workers", 0): "0 processes serve nothing: choose 1 or more",
    ("workers", -2): "-2 processes serve nothing",
    ("grace", -1): "open requests cannot have -1 s to end",
}


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, object]]:
    """With what the site was served."""
    found: list[dict[str, object]] = []
    monkeypatch.setattr(command, "serve", lambda **given: found.append(given))
    return found


@pytest.mark.parametrize("given", WRONG)
def test_what_cannot_be_served_with_is_refused(given, served) -> None:
    with pytest.raises(CommandError, match=WRONG[given]):
        call_command("serve", **dict([given]))

    assert not served


def test_the_last_port_and_one_process_are_taken(served) -> None:
    call_command("serve", port=65535, workers=1, grace=0)

    assert served == [{"host": "127.0.0.1", "port": 65535, "workers": 1, "grace_seconds": 0}]
