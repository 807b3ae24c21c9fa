"""A schema that no survey published is asked of the registry, and a replay reads the message."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.peers.serving import serving
from tests.surveys.lsst.made import make_framed
from tom import intake
from tom.changes.models import Address
from tom.formats import framed
from tom.streams import schema_registry
from tom.streams.claims import replay_message
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message
from tom.surveys.lsst.schemas import published
from tom.targets.models import LightCurvePoint

pytestmark = pytest.mark.django_db
UNKNOWN = 1207  # of a version to come


class Registry:
    """What it answers, and what it was asked."""

    def __init__(self) -> None:
        self.status = 200
        self.body: Any = {"schema": json.dumps(plain(published()[1101].parsed))}
        self.paths: list[str] = []
        self.tokens: list[str | None] = []
        self.silent = threading.Event()
        self.silent.set()


def plain(node: Any) -> Any:
    """A parsed schema without what fastavro keeps in it."""
    if isinstance(node, list):
        return [plain(each) for each in node]
    if isinstance(node, dict):
        return {key: plain(value) for key, value in node.items() if not key.startswith("__")}
    return node


@pytest.fixture
def registry(settings: Any, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    found = Registry()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found.paths.append(self.path)
            found.tokens.append(self.headers["Authorization"])
            found.silent.wait(10)
            body = json.dumps(found.body).encode()
            self.send_response(found.status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing on stderr."""

    monkeypatch.setattr(framed, "_supplied", {})
    monkeypatch.setattr(schema_registry, "_kept", lambda number: tmp_path / f"{number}.avsc")
    with serving(ThreadingHTTPServer(("127.0.0.1", 0), Handler)) as port:
        settings.SCHEMA_REGISTRY = f"http://name:word-of-pass@127.0.0.1:{port}/"
        yield found
        found.silent.set()


def of_unknown_schema() -> bytes:
    return b"\0" + UNKNOWN.to_bytes(4, "big") + make_framed()[5:]


def work() -> AlertMessage:
    while intake.work_alerts():
        pass
    return AlertMessage.objects.get()


def test_an_unknown_schema_is_asked_for_once_and_the_message_is_stored(registry: Registry) -> None:
    store_message("lsst-alerts-v12", of_unknown_schema())

    assert work().state == MessageState.STORED
    assert LightCurvePoint.objects.count() == 1
    assert registry.paths == [f"/schemas/ids/{UNKNOWN}"]
    assert registry.tokens[0].startswith("Basic ")

    framed._supplied.clear()  # as in another process
    replay_message(AlertMessage.objects.get())
    assert work().state == MessageState.STORED
    assert len(registry.paths) == 1


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (404, {"error_code": 40403}, "the registry answers 404"),
        (200, {"other": 1}, "answer holds none"),
        (200, [], "answer holds none"),
        (200, {"schema": "{"}, "cannot be used"),
        (200, {"schema": '{"type": "record"}'}, "cannot be used"),
    ],
)
def test_what_the_registry_cannot_give_makes_a_dead_letter_that_can_be_replayed(
    registry: Registry, status: int, body: Any, reason: str
) -> None:
    sound, registry.status, registry.body = registry.body, status, body
    message, _ = store_message("lsst-alerts-v12", of_unknown_schema())

    dead = work()
    assert dead.state == MessageState.DEAD
    assert reason in dead.reason
    assert str(UNKNOWN) in dead.reason
    assert "word-of-pass" not in dead.reason

    registry.status, registry.body = 200, sound
    assert replay_message(message)
    assert work().state == MessageState.STORED


def test_without_a_registry_the_reason_says_what_to_set(registry: Registry, settings: Any) -> None:
    settings.SCHEMA_REGISTRY = ""
    store_message("lsst-alerts-v12", of_unknown_schema())
    store_message("lsst-alerts-v12", make_framed())

    while intake.work_alerts():
        pass

    told = dict(AlertMessage.objects.values_list("state", "reason"))
    assert (
        told["dead"] == f"its schema, id {UNKNOWN}, is not known: set SCHEMA_REGISTRY and replay it"
    )
    assert told["stored"] == ""


def test_a_silent_registry_is_given_up_and_rests(
    registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schema_registry, "SECONDS", 0.3)
    registry.silent.clear()
    store_message("lsst-alerts-v12", of_unknown_schema())

    dead = work()

    assert dead.state == MessageState.DEAD
    assert "does not answer" in dead.reason
    assert Address.objects.get().name == "schema registry"


def test_a_registry_of_another_kind_of_record_makes_a_dead_letter(registry: Registry) -> None:
    fields = [{"name": "alertId", "type": "long"}]
    registry.body = {"schema": json.dumps({"type": "record", "name": "x.y", "fields": fields})}
    store_message("lsst-alerts-v12", b"\0" + UNKNOWN.to_bytes(4, "big") + b"\x02")

    dead = work()

    assert (dead.state, dead.reason) == (MessageState.DEAD, "no diaSource")
