"""Settings from the environment, in processes of their own."""

import json
import os
import re
import runpy
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from environs.exceptions import EnvError
from pytest_django import Settings

from tests.peers.webhook import running_webhook
from tom.targets.checks import check_radii

ROOT = Path(__file__).resolve().parents[1]
SETTINGS = ROOT / "tom/settings.py"
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


SECRET = "xoxb-1234"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("OCS_PORTAL_URL", f"observe.example.org/{SECRET}"),
        ("OCS_PORTAL_URL", f"ftp://observe.example.org/{SECRET}"),
        ("OCS_PORTAL_URL", f"https:///{SECRET}"),
        ("OCS_PORTAL_URL", f"https://observe.example.org:port/{SECRET}"),
        ("ALARM_WEBHOOK", f"hooks.example.org/{SECRET}"),
        ("ALARM_WEBHOOK", f"https://hooks.example.org/{SECRET}\nX"),
        ("ALARM_WEBHOOK", f"https://hooks.example.org/ {SECRET}"),
        ("OCS_API_TOKEN", f"{SECRET}\nX-More: 1"),
        ("OCS_API_TOKEN", f"{SECRET}\t1"),
        ("OCS_API_TOKEN", f"{SECRET}\u2026"),
        ("EMAIL_URL", SECRET),
        ("LOG_LEVEL", "loud"),
    ],
)
def test_a_bad_value_is_said_in_one_line_that_names_it_and_hides_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(EnvError) as refused:
        runpy.run_path(str(SETTINGS))

    said = str(refused.value)
    assert len(said.splitlines()) == 1
    assert name in said
    assert SECRET not in said


@pytest.mark.parametrize(
    ("name", "value"), [("ALARM_WEBHOOK", f"hooks.example.org/{SECRET}"), ("LOG_LEVEL", SECRET)]
)
def test_a_bad_value_stops_the_start_with_that_line_alone(
    tmp_path: Path, name: str, value: str
) -> None:
    done = manage("help", TOM_HOME=str(tmp_path), **{name: value})

    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert name in done.stderr
    assert SECRET not in done.stdout + done.stderr


def wrong_numbers() -> Iterator[tuple[str, str]]:
    """Every setting that is a number, each with what it cannot take."""
    for name in re.findall(r'read_number\("(\w+)"', SETTINGS.read_text()):
        yield from ((name, value) for value in ("-1", "nan", "inf", "much"))
    for name in re.findall(r'read_count\("(\w+)"', SETTINGS.read_text()):
        yield from ((name, value) for value in ("-1", "1.5", "much"))
    yield from ((name, "0") for name in ("WEB_CONNECTIONS", "MESSAGE_ATTEMPTS", "ALARM_ATTEMPTS"))
    yield from (("CANDIDATE_PRIOR", value) for value in ("0", "1"))
    yield from (("JOIN_DEFAULT_ARCSEC", value) for value in ("-0.5", "601"))
    odd = ("LSST=-0.5", "LSST=nan", "LSST=1e9", "LSST=near", "LSST", "ZTF=1,LSST=-1")
    yield from (("JOIN_ARCSEC", value) for value in odd)
    yield from (("SCORER_WEIGHTS", value) for value in ("real_bogus", "real_bogus=1.1"))
    yield from (("ALARM_KINDS", value) for value in ("kilonova", "gw,burst"))
    yield from (("API_RATE", value) for value in ("600", "0/min", "-1/min", "many/min", "6/moon"))


@pytest.mark.parametrize(("name", "value"), list(wrong_numbers()))
def test_a_number_that_a_setting_cannot_take_is_refused_by_the_settings_name(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(EnvError, match=name):
        runpy.run_path(str(SETTINGS))


def test_numbers_within_their_limits_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    told = {
        "JOIN_ARCSEC": "LSST=0.5, ZTF=0",
        "JOIN_DEFAULT_ARCSEC": "0",
        "API_RATE": "2/second",
        "ALARM_KINDS": "gw, FRB,",
    }
    for name, value in told.items():
        monkeypatch.setenv(name, value)

    read_ones = runpy.run_path(str(SETTINGS))

    assert read_ones["JOIN_ARCSEC"] == {"LSST": 0.5, "ZTF": 0.0}
    assert read_ones["JOIN_DEFAULT_ARCSEC"] == 0.0
    assert read_ones["ALARM_KINDS"] == ["gw", "frb"]
    assert read_ones["REST_FRAMEWORK"]["DEFAULT_THROTTLE_RATES"] == {"user": "2/second"}


def test_a_negative_radius_stops_the_start_in_one_line(tmp_path: Path) -> None:
    done = manage("help", TOM_HOME=str(tmp_path), JOIN_ARCSEC="LSST=-0.5")

    assert (done.returncode, done.stderr) == (
        1,
        "JOIN_ARCSEC has a number that it cannot take, -0.5: it takes one from 0 to 600\n",
    )


def test_a_radius_of_no_survey_is_said_by_the_check(settings: Settings) -> None:
    settings.JOIN_ARCSEC = {"LSTS": 0.5, "ZTF": 1.0}

    (found,) = check_radii(None)

    assert "JOIN_ARCSEC names no survey 'LSTS'; there are" in str(found.msg)


@pytest.mark.parametrize("path", ["/no/such/map.fits", "/"])
def test_a_map_that_cannot_be_read_stops_the_start_in_one_line(tmp_path: Path, path: str) -> None:
    done = manage("help", TOM_HOME=str(tmp_path), EBV_MAP=path)

    assert (done.returncode, done.stderr) == (
        1,
        f"EBV_MAP names no file that can be read: {path}\n",
    )


def manage(*words: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a command with nothing of our own environment."""
    line = "import sys; from tom.embedded.run import main; sys.exit(main({}))"
    return run(line.format(["manage.py", *words]), cwd=ROOT, **environment)


def test_white_space_around_a_value_is_dropped(tmp_path: Path) -> None:
    home = str(tmp_path)

    assert read("OCS_API_TOKEN", cwd=tmp_path, TOM_HOME=home, OCS_API_TOKEN=" t\n") == "t"
    found = read("ALARM_WEBHOOK", cwd=tmp_path, TOM_HOME=home, ALARM_WEBHOOK=" https://a.org/b\n")
    assert found == "https://a.org/b"


def test_alarms_by_e_mail_need_a_way_to_send(tmp_path: Path) -> None:
    home, emails = str(tmp_path), "duty@example.org, second@example.org,"

    refused = manage("help", TOM_HOME=home, ALARM_EMAILS=emails, EMAIL_URL="")
    assert refused.returncode == 1
    assert "ALARM_EMAILS needs EMAIL_URL" in refused.stderr

    for way in ("smtp://mail.example.org", "consolemail://"):
        found = read(
            "ALARM_EMAILS", cwd=tmp_path, TOM_HOME=home, ALARM_EMAILS=emails, EMAIL_URL=way
        )
        assert found == ["duty@example.org", "second@example.org"]


def test_a_setting_counts_by_its_former_name_where_the_new_one_is_not_set(tmp_path: Path) -> None:
    home, old = str(tmp_path), "https://old.example.org/"

    assert read("ALARM_WEBHOOK", cwd=tmp_path, TOM_HOME=home, PAGE_WEBHOOK=old) == old
    both = {"PAGE_WEBHOOK": old, "ALARM_WEBHOOK": "https://new.example.org/"}
    assert read("ALARM_WEBHOOK", cwd=tmp_path, TOM_HOME=home, **both) == both["ALARM_WEBHOOK"]
    assert read("ALARM_HOURS", cwd=tmp_path, TOM_HOME=home, PAGE_HOURS="3") == 3


@pytest.mark.parametrize(
    ("url", "backend"), [("", "console"), ("consolemail://", "console"), ("smtp://h", "smtp")]
)
def test_e_mail_is_printed_unless_told_how_it_leaves(
    tmp_path: Path, url: str, backend: str
) -> None:
    found = read("EMAIL_BACKEND", cwd=tmp_path, TOM_HOME=str(tmp_path), EMAIL_URL=url)

    assert found == f"django.core.mail.backends.{backend}.EmailBackend"


def test_the_most_detailed_log_does_not_tell_a_webhook_s_path(tmp_path: Path) -> None:
    line = (
        "import django; django.setup(); from django.conf import settings; import requests; "
        "from tom.reports.alarms.channels import _JSON, _post; "
        "_post(requests.Session(), settings.ALARM_WEBHOOK, b'{}', _JSON, 'webhook')"
    )

    with running_webhook() as hook:
        told = {"ALARM_WEBHOOK": hook.url, "LOG_LEVEL": "DEBUG", "TOM_HOME": str(tmp_path)}
        done = run(line, cwd=tmp_path, **told)

    assert done.returncode == 0, done.stderr
    assert len(hook.posts) == 1
    assert "secret" not in done.stdout + done.stderr
