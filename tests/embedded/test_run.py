"""The lock of a home: who joins whom."""

import os
import subprocess
import sys
from pathlib import Path

from tom.embedded.frontend import ROOT
from tom.embedded.home import Home
from tom.embedded.run import sign_as_supervisor, supervisor_lock


def test_what_a_killed_supervisor_signed_is_wiped_by_the_next(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.prepare()
    lock_file = home.run / "lock"
    lock_file.write_text("up 12345\n")

    with supervisor_lock(home) as lock:
        assert lock_file.read_text() == ""  # its servers do not run yet: nobody may join

        sign_as_supervisor(lock)
        assert lock_file.read_text().startswith("up ")
    assert lock_file.read_text() == ""


def test_a_reader_of_the_output_who_goes_is_no_fault(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = subprocess.run(
            [sys.executable, "manage.py", "help"],
            cwd=ROOT,
            env={**os.environ, "TOM_HOME": str(tmp_path)},
            stdout=writer,
            stderr=subprocess.PIPE,
            timeout=120,
            check=False,
        )
    finally:
        os.close(writer)

    assert (done.returncode, done.stderr) == (1, b"")


def test_garbage_is_looked_for_once_all_is_loaded_and_not_before(tmp_path: Path) -> None:
    lines = (
        "import gc, django\n"
        "from django.conf import settings\n"
        "settings.DEBUG; while_loading = gc.isenabled()\n"
        "django.setup(); print(while_loading, gc.isenabled(), gc.get_freeze_count() > 100_000)"
    )
    named = {"TOM_HOME": str(tmp_path), "DJANGO_SETTINGS_MODULE": "tom.settings"}

    done = subprocess.run(
        [sys.executable, "-c", lines],
        cwd=ROOT,
        env={**os.environ, **named},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.stdout == "False True True\n", done.stderr
