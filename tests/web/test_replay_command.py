"""`manage.py replay` as a person runs it: real services, a real worker, real packets."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def manage(home: Path, *argv: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a home of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *argv],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home)},
        text=True,
        capture_output=True,
        timeout=240,
        check=False,
    )


@pytest.mark.timeout(500)
def test_every_real_ztf_packet_is_stored_the_rest_is_dead_and_a_second_run_adds_nothing(
    real_data: Path, tmp_path: Path
) -> None:
    home, night = tmp_path / "home", str(real_data / "ztf")

    first = manage(home, "replay", "--wait", night)
    second = manage(home, "replay", "--wait", night)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.startswith("stored 246, known already 0, unhandled 0, dead 12")
    assert first.stdout.count("not a packet") == 11
    assert "no usable objectId" in first.stdout
    assert second.stdout.startswith("stored 0, known already 258, unhandled 0, dead 0")


@pytest.mark.timeout(300)
def test_strict_fails_on_a_dead_letter_and_a_missing_path_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no message")

    strict = manage(tmp_path / "home", "replay", "--wait", "--strict", str(tmp_path / "note.txt"))
    missing = manage(tmp_path / "home", "replay", str(tmp_path / "nothing"))

    assert strict.returncode != 0
    assert "dead 1" in strict.stdout
    assert "a message is dead or unhandled" in strict.stderr
    assert missing.returncode != 0
    assert "no such file or folder" in missing.stderr
    assert "Traceback" not in missing.stderr
