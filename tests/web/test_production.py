"""The settings of production, in a process of their own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.test_settings import read, run

ROOT = Path(__file__).resolve().parents[2]
SECRET = "kept-to-itself-" + "x7Q" * 20
PRODUCTION = {
    "DATABASE_URL": f"postgres://tom:{SECRET}@db.example.org/tom",
    "BROKER_URL": "redis://redis.example.org/0",
    "SECRET_KEY": SECRET,
    "ALLOWED_HOSTS": "tom.example.org",
}


def manage(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run manage.py with nothing of our own environment that speaks of services."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ}
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=kept | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_the_deployment_check_has_no_warning(tmp_path):
    found = manage(
        "check", "--deploy", "--fail-level", "WARNING", TOM_HOME=str(tmp_path), **PRODUCTION
    )

    assert found.returncode == 0, found.stderr
    assert "no issues" in found.stdout
    assert SECRET not in found.stdout + found.stderr


@pytest.mark.parametrize("missing", ["SECRET_KEY", "BROKER_URL"])
def test_production_has_no_default_for_what_it_must_be_told(tmp_path, missing):
    told = {name: value for name, value in PRODUCTION.items() if name != missing}

    found = manage("check", TOM_HOME=str(tmp_path), **told)

    assert found.returncode != 0
    assert missing in found.stderr
    assert SECRET not in found.stderr


def test_a_boolean_that_is_none_stops_the_start(tmp_path):
    found = manage("check", TOM_HOME=str(tmp_path), HTTPS="perhaps", **PRODUCTION)

    assert found.returncode != 0
    assert "HTTPS" in found.stderr


@pytest.mark.parametrize(("behind", "count"), [("true", 1), ("false", 0), ("", 0)])
def test_a_proxy_is_believed_only_where_the_settings_name_one(tmp_path, behind, count):
    told = PRODUCTION | ({"BEHIND_PROXY": behind} if behind else {})
    told |= {"TOM_HOME": str(tmp_path)}

    header = read("SECURE_PROXY_SSL_HEADER", cwd=tmp_path, **told)

    assert read("ALLAUTH_TRUSTED_PROXY_COUNT", cwd=tmp_path, **told) == count
    assert header == (["HTTP_X_FORWARDED_PROTO", "https"] if count else None)


def test_secrets_of_the_embedded_mode_are_their_owner_s_alone(tmp_path):
    home = str(tmp_path / "home")

    found = run("from django.conf import settings as s; s.DEBUG", cwd=tmp_path, TOM_HOME=home)

    assert found.returncode == 0, found.stderr
    (key,) = [file for file in (tmp_path / "home").iterdir() if file.name == "secret_key"]
    assert key.stat().st_mode & 0o777 == 0o600
