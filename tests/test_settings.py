"""Settings from the environment, in processes of their own."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.peers.webhook import running_webhook

ROOT = Path(__file__).resolve().parents[1]
SHOW = "import json; from django.conf import settings as s; print(json.dumps(s.{}, default=str))"


def run(argument: str, *, cwd: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of Python on the settings, with nothing of our own environment."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    told = {"DJANGO_SETTINGS_MODULE": "tom.settings", "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(
        [sys.executable, "-c", argument],
        cwd=cwd,
        env=kept | told,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def read(name: str, *, cwd: Path, **environment: str) -> object:
    """Read one setting."""
    done = run(SHOW.format(name), cwd=cwd, **environment)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_an_empty_home_is_the_default_one(tmp_path: Path) -> None:
    # In production: there the default home is made by nobody.
    production = {
        "DATABASE_URL": "postgres://db/tom",
        "BROKER_URL": "redis://redis/0",
        "SECRET_KEY": "x" * 50,
    }

    assert read("HOME.path", cwd=tmp_path, TOM_HOME="", **production) == str(ROOT / ".tom")


@pytest.mark.parametrize("given", ["home", "./home", "~/home"])
def test_a_home_is_absolute_for_the_children_too(tmp_path: Path, given: str) -> None:
    line = "from django.conf import settings as s; s.HOME; import os; print(os.environ['TOM_HOME'])"

    done = run(line, cwd=tmp_path, TOM_HOME=given, HOME=str(tmp_path))

    assert done.stdout.strip() == str(tmp_path / "home"), done.stderr


def test_the_most_detailed_log_does_not_tell_a_webhook_s_path(tmp_path: Path) -> None:
    line = (
        "import django; django.setup(); from django.conf import settings; "
        "from tom.reports.channels import send_webhook; "
        "send_webhook(settings.PAGE_WEBHOOK, text='x')"
    )

    with running_webhook() as hook:
        told = {"PAGE_WEBHOOK": hook.url, "LOG_LEVEL": "DEBUG", "TOM_HOME": str(tmp_path)}
        done = run(line, cwd=tmp_path, **told)

    assert done.returncode == 0, done.stderr
    assert len(hook.posts) == 1
    assert "secret" not in done.stdout + done.stderr
