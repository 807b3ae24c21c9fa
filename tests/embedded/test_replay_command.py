"""`manage.py replay` as a person runs it: real servers, a real worker, real packets."""

import os
import subprocess
import sys
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from tests.factories import make_stream
from tests.homes import give_tables
from tests.streams.packets import make_ztf_packet
from tom.streams.models import AlertMessage, FilterCount, StreamFilter

ROOT = Path(__file__).resolve().parents[2]


def manage(home: Path, *argv: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command in a home of its own."""
    return subprocess.run(
        [sys.executable, "manage.py", *argv],
        cwd=ROOT,
        env={**os.environ, "TOM_HOME": str(home), **environment},
        text=True,
        capture_output=True,
        timeout=400,
        check=False,
    )


# `make test` stores every real packet in tests/surveys/test_sweep.py.
@pytest.mark.soak
@pytest.mark.timeout(900)
def test_every_real_ztf_packet_is_stored_the_rest_is_dead_and_a_second_run_adds_nothing(
    real_data: Path, tmp_path: Path
) -> None:
    home, night = tmp_path / "home", str(real_data / "ztf")
    give_tables(home)

    first = manage(home, "replay", "--wait", night)
    second = manage(home, "replay", "--wait", night)

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert first.stdout.startswith("stored 252, known already 0, unhandled 0, dead 6")
    assert first.stdout.count("not a packet") == 5
    assert "no usable objectId" in first.stdout
    assert second.stdout.startswith("stored 0, known already 258, unhandled 0, dead 0")


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_strict_fails_on_a_dead_letter_and_a_missing_path_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no message")

    give_tables(tmp_path / "home")
    strict = manage(tmp_path / "home", "replay", "--wait", "--strict", str(tmp_path / "note.txt"))
    missing = manage(tmp_path / "home", "replay", str(tmp_path / "nothing"))

    assert strict.returncode != 0
    assert "dead 1" in strict.stdout
    assert "a message is dead or unhandled" in strict.stderr
    assert missing.returncode != 0
    assert "no such file or folder" in missing.stderr
    assert "Traceback" not in missing.stderr


@pytest.mark.django_db
def test_the_reasons_of_files_without_a_message_are_printed_once(tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    first, second = StringIO(), StringIO()

    call_command("replay", str(tmp_path), stdout=first)
    call_command("replay", str(tmp_path), stdout=second)

    counts = "stored 0, known already {}, unhandled 0, dead {}\n"
    assert first.getvalue() == counts.format(0, 1) + f"dead: {tmp_path}/empty: empty\n"
    assert second.getvalue() == counts.format(1, 0)


def test_a_database_that_is_away_is_said_without_a_traceback(tmp_path: Path) -> None:
    (tmp_path / "note.txt").write_text("no message")
    away = {
        "DATABASE_URL": "postgres://tom@127.0.0.1:1/tom",
        "BROKER_URL": f"redis+socket://{tmp_path}/nothing",
        "SECRET_KEY": "not the one of any site: " + "x" * 40,
    }

    replay = manage(tmp_path / "home", "replay", str(tmp_path / "note.txt"), **away)

    assert replay.returncode != 0
    assert "the database fails" in replay.stderr
    assert "Traceback" not in replay.stderr


@pytest.mark.django_db
def test_files_pass_the_filter_of_a_stream_only_where_asked(tmp_path: Path) -> None:
    stream = make_stream("ZTF")
    for number, drb in enumerate((0.1, 0.9, 0.2)):
        packet = make_ztf_packet(drb=drb, candid=number + 1)
        (tmp_path / f"{number}.avro").write_bytes(packet)
    arguments = ["replay", str(tmp_path), "--filter", "ZTF"]

    with pytest.raises(CommandError, match="no stream 'ZTF' has a filter that is on"):
        call_command(*arguments)
    StreamFilter.objects.create(stream=stream, least_reliability=0.5, began=timezone.now())
    call_command(*arguments, stdout=(said := StringIO()))
    kept = AlertMessage.objects.count()
    call_command("replay", str(tmp_path), stdout=StringIO())

    assert "left out by the filter 2" in said.getvalue()
    assert (kept, AlertMessage.objects.count()) == (1, 3)
    assert not FilterCount.objects.exists()  # counted for streams alone


@pytest.mark.parametrize("topic", ["", " ", "x" * 250, "a\nb"])
def test_a_topic_without_a_name_is_refused(tmp_path: Path, topic: str) -> None:
    (tmp_path / "packet").write_bytes(make_ztf_packet())

    with pytest.raises(CommandError, match="a topic has a name of 1 to 249 characters"):
        call_command("replay", str(tmp_path), topic=topic)
