"""Listening inside a real Celery worker."""

import os
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.db import connection

from tests.peers.kafka import KafkaPeer
from tom.celery import app
from tom.streams.models import AlertMessage, StreamHealth

pytestmark = [pytest.mark.kafka, pytest.mark.django_db(transaction=True)]
PROJECT = Path(__file__).resolve().parents[2]


@contextmanager
def running_worker(queue: str, url: str, store: Path) -> Iterator[subprocess.Popen[bytes]]:
    database = connection.settings_dict["NAME"]
    environment = {
        "DJANGO_SETTINGS_MODULE": "tom.settings",
        "STREAMS": url,
        "STREAM_GROUP": f"observer-1234-{uuid.uuid4().hex[:8]}",
        "XDG_CONFIG_HOME": str(store),
    }
    with (store / "worker.log").open("wb") as log:
        worker = subprocess.Popen(
            [sys.executable, "-m", "tests.streams.ingester_process", database, queue],
            cwd=PROJECT, env={**os.environ, **environment}, stdout=log, stderr=log,
        )  # fmt: skip
        try:
            yield worker
        finally:
            worker.kill()
            worker.wait()


def wait_for(ready: Callable[[], bool], log: Path) -> None:
    deadline = time.monotonic() + 120
    while not ready():
        assert time.monotonic() < deadline, log.read_text()[-2000:]
        time.sleep(0.05)


def empty_queue() -> int:
    """Empty the queues of the pipeline's work; return how many tasks waited."""
    with app.connection_for_write() as broker:
        return sum(broker.default_channel.queue_purge(name) for name in ("urgent", "work"))


@pytest.fixture
def topic(kafka: KafkaPeer, tmp_path: Path) -> str:
    kafka.write_credentials(tmp_path)
    return kafka.create_topic(f"hermes.w{uuid.uuid4().hex[:8]}")


def test_the_ingest_worker_listens_wakes_the_pipeline_and_stops_soon(
    kafka: KafkaPeer, topic: str, tmp_path: Path
):
    empty_queue()
    with running_worker("ingest", kafka.url(topic), tmp_path) as worker:
        kafka.produce(topic, [b'{"title": "hello"}'])
        wait_for(lambda: empty_queue() == 1, tmp_path / "worker.log")
        assert AlertMessage.objects.get().topic == topic

        worker.send_signal(signal.SIGTERM)
        worker.wait(40)  # 3 s at most on a quiet machine, and a dozen times that on a busy one

    assert worker.returncode == 0


def test_a_silent_broker_delays_no_message_of_another_and_no_stop(
    kafka: KafkaPeer, topic: str, tmp_path: Path
):
    empty_queue()
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes every call, and answers none
        urls = f"kafka://127.0.0.1:{silent.getsockname()[1]}/lsst.alerts,{kafka.url(topic)}"
        log = tmp_path / "worker.log"
        with running_worker("ingest", urls, tmp_path) as worker:
            wait_for(lambda: StreamHealth.objects.filter(topic=topic, connected=True).exists(), log)
            wait_for(lambda: bool(silent_for(topic="lsst.alerts")), log)
            began = time.monotonic()
            kafka.produce(topic, [b'{"title": "hello"}'])
            wait_for(lambda: AlertMessage.objects.exists(), log)
            stored = time.monotonic() - began

            began = time.monotonic()
            worker.send_signal(signal.SIGTERM)
            worker.wait(40)
            stopped = time.monotonic() - began

    assert worker.returncode == 0
    assert stored < 10  # 0.3 s on a quiet machine
    assert stopped < 20  # 3 s on a quiet machine


def silent_for(*, topic: str) -> list[str]:
    """What is said of a topic that cannot be heard; it has been tried then."""
    rows = StreamHealth.objects.filter(topic=topic, connected=False)
    return [detail for detail in rows.values_list("detail", flat=True) if detail != "starting"]


def test_another_worker_does_not_listen(kafka: KafkaPeer, topic: str, tmp_path: Path):
    log = tmp_path / "worker.log"
    with running_worker("elsewhere", kafka.url(topic), tmp_path):
        kafka.produce(topic, [b'{"title": "hello"}'])
        wait_for(lambda: " ready." in log.read_text(), log)
        time.sleep(1)

    assert not StreamHealth.objects.exists()
