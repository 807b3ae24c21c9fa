"""The commands' parts by themselves: how files are fed, what is waited for, what is served."""

import json
import socket
import stat
import urllib.request
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from celery import Task
from django.core.management import CommandError, call_command
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.demo.conftest import MERGER_TIME
from tests.factories import make_event, make_message
from tests.streams.packets import make_container, make_gwalert_json
from tom.demo.gwalerts import TOPIC as GW_TOPIC
from tom.demo.night import Message
from tom.embedded import portal
from tom.embedded.home import Home
from tom.embedded.management.commands import demo_night, replay
from tom.embedded.management.commands.demo_night import _batches, _make_list, _messages_of
from tom.embedded.management.commands.replay import Feeder, wait_for_work
from tom.embedded.portal import PACKAGE, Portal, _is_done, _serve_table, written_settings
from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import Incoming


@pytest.fixture
def woken(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the tasks that were woken; the queue is not asked."""
    names: list[str] = []
    monkeypatch.setattr(Task, "apply_async", lambda task, *_, **__: names.append(task.name))
    return names


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many messages each batch had that was stored."""
    sizes: list[int] = []
    whole = Feeder._store

    def store(feeder: Feeder, batch: Sequence[Incoming]) -> None:
        sizes.append(len(batch))
        whole(feeder, batch)

    monkeypatch.setattr(Feeder, "_store", store)
    return sizes


def write_files(folder: Path, *, n: int) -> None:
    for number in range(n):
        payload = make_gwalert_json(superevent_id=f"S26010{number}a")
        (folder / f"{number}.json").write_bytes(payload)


# --- replay -------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_files_are_kept_in_batches_and_each_wakes_the_work(
    tmp_path: Path, woken: list[str], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "BATCH", 2)
    write_files(tmp_path, n=5)
    feeder = Feeder("igwn.gwalert")
    feeder.feed([tmp_path])

    assert batches == [2, 2, 1]
    assert woken == ["tom.pipeline.ingest"] * 5
    assert sorted(feeder.created) == sorted(AlertMessage.objects.values_list("pk", flat=True))
    assert feeder.waiting == feeder.created
    names = AlertMessage.objects.order_by("pk").values_list("topic", "name")
    assert names[0] == ("igwn.gwalert", str(tmp_path / "0.json"))


@pytest.mark.django_db
def test_a_batch_is_bounded_by_its_bytes(
    tmp_path: Path, woken: list[str], batches: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write_files(tmp_path, n=3)
    size = (tmp_path / "0.json").stat().st_size
    monkeypatch.setattr(replay, "BATCH_BYTES", size + 1)

    Feeder("file").feed([tmp_path])

    assert batches == [2, 1]


@pytest.mark.django_db
def test_what_is_known_is_counted_and_waited_for_while_it_waits(
    tmp_path: Path, woken: list[str]
) -> None:
    write_files(tmp_path, n=2)
    first, second, third = Feeder("file"), Feeder("file"), Feeder("file")
    first.feed([tmp_path])

    second.feed([tmp_path])
    AlertMessage.objects.update(state=MessageState.STORED)
    third.feed([tmp_path])

    assert second.created == third.created == []
    assert (second.known, third.known) == (2, 2)
    assert sorted(second.waiting) == sorted(first.created)
    assert third.waiting == []


@pytest.mark.django_db
def test_what_holds_no_message_is_rejected_once_by_its_name(
    tmp_path: Path, woken: list[str]
) -> None:
    (tmp_path / "empty").write_bytes(b"")
    first, second = Feeder("file"), Feeder("file")

    first.feed([tmp_path])
    second.feed([tmp_path])

    assert first.rejected == [(str(tmp_path / "empty"), "empty")]
    assert (second.rejected, second.known) == ([], 1)
    assert woken == []


def run(*argv: str) -> str:
    out = StringIO()
    call_command("replay", *argv, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
def test_a_report_counts_each_state_and_names_the_first_twenty_dead(
    tmp_path: Path, woken: list[str]
) -> None:
    for number in range(22):
        (tmp_path / f"{number:02}").write_bytes(b"")
    write_files(tmp_path, n=1)

    lines = run(str(tmp_path)).splitlines()

    assert lines[0] == "stored 0, known already 0, unhandled 0, dead 22, waiting 1"
    assert lines[1] == f"dead: {tmp_path / '00'}: empty"
    assert len(lines) == 22
    assert lines[-1] == "... and 2 more: see the page Messages"


@pytest.mark.django_db
def test_strict_fails_where_something_is_dead(tmp_path: Path, woken: list[str]) -> None:
    (tmp_path / "it").write_bytes(b"")

    with pytest.raises(CommandError, match="dead or unhandled"):
        run(str(tmp_path), "--strict")
    run(str(tmp_path), "--strict")  # known by now: nothing of it is new


def test_a_path_that_is_not_there_is_named_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=f"no right to it: {tmp_path / 'a'}, {tmp_path / 'b'}"):
        run(str(tmp_path / "a"), str(tmp_path), str(tmp_path / "b"))


@pytest.mark.django_db
def test_work_is_waited_for_until_nothing_is_left_and_said_when_it_moved(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    messages = [make_message(state=MessageState.RECEIVED) for _ in range(3)]
    event = make_event(localized=False, rank_version=1)
    said: list[int] = []

    def look(_: float) -> None:
        row = AlertMessage.objects.filter(state=MessageState.RECEIVED).first()
        if row is not None:
            AlertMessage.objects.filter(pk=row.pk).update(state=MessageState.STORED)
        else:
            NonLocalizedEvent.objects.filter(pk=event.pk).update(ranked_version=1)

    monkeypatch.setattr(replay.time, "sleep", look)
    wait_for_work([message.pk for message in messages], say=said.append)

    assert said == [4, 3, 2, 1]


@pytest.mark.django_db
def test_work_that_nobody_does_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "IDLE_SECONDS", -1)

    with pytest.raises(CommandError, match="1 to do and nobody does it: is a worker running"):
        wait_for_work([make_message(state=MessageState.RECEIVED).pk], say=lambda _: None)


# --- The demonstration night --------------------------------------------------------------------
@given(st.lists(st.booleans(), max_size=12), st.integers(1, 5))
@settings(max_examples=30)
def test_alerts_go_in_batches_and_each_message_about_the_event_alone(
    chain: list[bool], most: int
) -> None:
    messages = [
        Message(GW_TOPIC if is_chain else "ztf_demo", b"%d" % n, MERGER_TIME)
        for n, is_chain in enumerate(chain)
    ]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_night, "BATCH", most)
        batches = list(_batches(messages))

    assert [message for batch in batches for message in batch] == messages
    for batch in batches:
        assert len(batch) == 1 if batch[0].topic == GW_TOPIC else len(batch) <= most
        assert len({message.topic for message in batch}) == 1


@pytest.mark.django_db
def test_the_messages_of_a_night_are_those_of_its_topics_once() -> None:
    ours = make_message(topic="ztf_demo")
    make_message(topic="ztf_demo", is_repeat=True)
    make_message(topic="other")

    assert list(_messages_of([Message("ztf_demo", b"", MERGER_TIME)])) == [ours]


@pytest.mark.django_db
def test_the_list_of_the_night_is_made_once_and_kept_as_a_person_changed_it() -> None:
    _make_list()
    made = Strategy.objects.filter(name__startswith="Demonstration")
    made.update(prior=0.1)
    _make_list()

    assert made.get().prior == 0.1
    assert made.get().with_tests


# --- The portal ---------------------------------------------------------------------------------
def test_a_version_is_installed_where_its_mark_says_so(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    assert not _is_done(mark)
    mark.write_text("another version")
    assert not _is_done(mark)
    mark.write_text(PACKAGE)
    assert _is_done(mark)


def make_portal() -> Portal:
    return Portal("http://127.0.0.1:1", "t0ken", "oper4tor", "TOM-001", process=None)  # type: ignore[arg-type]


def test_a_portal_s_settings_are_read_by_their_owner_alone_while_it_runs(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert "t0ken" not in repr(make_portal())
    assert "oper4tor" not in repr(make_portal())

    with written_settings(make_portal(), home.portal_settings):
        mode = stat.S_IMODE(home.portal_settings.stat().st_mode)
        told = dict(line.split("=", 1) for line in home.portal_settings.read_text().splitlines())

    assert mode == 0o600
    assert told == {
        "OCS_PORTAL_URL": "http://127.0.0.1:1",
        "OCS_API_TOKEN": "t0ken",
        "OCS_PROPOSAL": "TOM-001",
        "OCS_PRACTICE": "true",
    }
    assert list(tmp_path.iterdir()) == []


def test_an_end_that_was_not_foreseen_takes_the_settings_away_too(tmp_path: Path) -> None:
    file = tmp_path / "portal.env"

    with pytest.raises(KeyboardInterrupt), written_settings(make_portal(), file):
        raise KeyboardInterrupt

    assert not file.exists()


def get(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310  our own address
        return json.load(answer)


def test_the_table_is_served_at_its_address_and_nothing_else_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "lib" / "python3.11" / "site-packages" / "observation_portal"
    package.mkdir(parents=True)
    monkeypatch.setattr(portal, "instrument_table", lambda found: json.dumps([str(found)]).encode())

    with _serve_table(tmp_path) as url:
        assert get(f"{url}/sites/?limit=5") == [str(package)]
        assert get(f"{url}/downtime/") == {"count": 0, "next": None, "results": []}
        port = int(url.rpartition(":")[2])

    with socket.socket() as probe:
        assert probe.connect_ex(("127.0.0.1", port)) != 0


def test_the_portal_gets_nothing_of_our_own_settings(tmp_path: Path) -> None:
    home = Home(tmp_path)

    given = portal._environment(home, "http://127.0.0.1:2")

    assert given["DB_HOST"] == str(home.postgres_socket)
    assert given["CONFIGDB_URL"] == "http://127.0.0.1:2"
    assert given["OPENSEARCH_URL"] == given["OAUTH_SERVER_KEY"] == ""
    assert given["SECRET_KEY"] == home.secret("portal_secret_key")
    assert given["EMAIL_BACKEND"].endswith("dummy.EmailBackend")


def test_a_container_of_many_records_is_as_many_messages(
    tmp_path: Path, woken: list[str], db: None
) -> None:
    schema = {"type": "record", "name": "r", "fields": [{"name": "a", "type": "int"}]}
    (tmp_path / "many.avro").write_bytes(make_container(schema, [{"a": n} for n in range(3)]))

    feeder = Feeder("file")
    feeder.feed([tmp_path])

    names = [Path(name).name for name in AlertMessage.objects.values_list("name", flat=True)]
    assert sorted(names) == ["many.avro#0", "many.avro#1", "many.avro#2"]
