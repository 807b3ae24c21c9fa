"""Nudges where the broker is away: quickly given up, found again by the sweep."""

import signal
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
from celery import Task, current_app
from django.core.cache import cache
from django.utils import timezone

from tests.factories import make_message, make_skymap
from tom.changes.heartbeat import last_beat
from tom.embedded.children import stop
from tom.embedded.home import Home
from tom.embedded.servers import launch_redis, wait_for_redis
from tom.events import localizations
from tom.pipeline import follow, ingest_alerts, nudge, score, wake
from tom.streams.models import AlertMessage, MessageState
from tom.sweeping import sweep, work_left

PointAt = Callable[[str], None]


@pytest.fixture
def point_at(monkeypatch: pytest.MonkeyPatch) -> PointAt:
    """Use the broker at an address, with connections of its own."""

    def point(url: str) -> None:
        monkeypatch.setattr(current_app.conf, "broker_url", url)
        monkeypatch.setattr(current_app, "_pool", None)
        monkeypatch.setattr(current_app.amqp, "_producer_pool", None)

    return point


@pytest.fixture
def hanging_broker(tmp_path: Path) -> Iterator[list[socket.socket]]:
    """A broker that takes connections and never answers: those it took."""
    taken: list[socket.socket] = []
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(tmp_path / "deaf"))
    listener.listen()
    threading.Thread(target=_take_all, args=(listener, taken), daemon=True).start()
    with closing(listener):
        yield taken
    for client in taken:
        client.close()


@pytest.fixture
def redis_home(tmp_path: Path) -> Home:
    home = Home(tmp_path / "home")
    home.prepare()
    return home


def _take_all(listener: socket.socket, taken: list[socket.socket]) -> None:
    while listener.fileno() >= 0:
        try:
            taken.append(listener.accept()[0])
        except OSError:
            return


def test_a_broker_that_is_away_is_not_waited_for(point_at: PointAt, tmp_path: Path) -> None:
    point_at(f"redis+socket://{tmp_path}/nothing?virtual_host=0")

    start = time.monotonic()
    nudge(score)

    assert time.monotonic() - start < 10


def test_a_broker_that_hangs_is_not_waited_for_long(
    point_at: PointAt, hanging_broker: list[socket.socket], tmp_path: Path
) -> None:
    point_at(f"redis+socket://{tmp_path}/deaf?virtual_host=0")

    start = time.monotonic()
    nudge(score)

    assert time.monotonic() - start < 15
    assert hanging_broker


def test_the_first_lost_nudge_ends_the_wake(
    point_at: PointAt, hanging_broker: list[socket.socket], tmp_path: Path
) -> None:
    point_at(f"redis+socket://{tmp_path}/deaf?virtual_host=0")

    wake({"gcn.circular": range(1, 20), "ztf.avro": [20]})

    assert 0 < len(hanging_broker) < 10  # two for each nudge


@pytest.mark.django_db
def test_the_first_lost_nudge_ends_the_sweep_which_still_gives_its_sign_of_life(
    point_at: PointAt, hanging_broker: list[socket.socket], tmp_path: Path
) -> None:
    cache.clear()
    for _ in range(20):
        make_message(state=MessageState.RECEIVED)
    AlertMessage.objects.update(received=timezone.now() - timedelta(minutes=1))
    point_at(f"redis+socket://{tmp_path}/deaf?virtual_host=0")

    sweep()

    assert 0 < len(hanging_broker) < 10  # two for each nudge
    assert last_beat() is not None


def arrives(task: "Task[..., None]" = score, *key: str, queue: str = "score") -> bool:
    """Whether a nudge comes to a queue, which is emptied."""
    nudge(task, *key)
    return empty(queue) > 0


def empty(queue: str) -> int:
    with current_app.connection_for_read() as broker:
        purged: int = broker.default_channel.queue_purge(queue)
    return purged


def test_nudges_arrive_again_once_the_broker_is_back(point_at: PointAt, redis_home: Home) -> None:
    point_at(redis_home.broker_url)
    for _ in range(2):
        redis = launch_redis(redis_home)
        wait_for_redis(redis_home, redis)
        assert any(arrives() for _ in range(10))  # one second may be too short on a busy machine
        stop(redis, first=signal.SIGKILL, seconds=5)
        nudge(score)  # lost


@pytest.mark.django_db
def test_what_is_left_is_counted_up_to_the_last_message_asked_for() -> None:
    rows = [make_message(state=MessageState.RECEIVED) for _ in range(4)]
    AlertMessage.objects.filter(pk=rows[1].pk).update(state=MessageState.STORED)

    assert work_left([rows[0].pk, rows[2].pk]) == 2
    assert work_left([rows[1].pk]) == 0
    assert work_left([]) == 0


@pytest.mark.parametrize(
    ("task", "key", "queue"), [(sweep, (), "urgent"), (follow, ("LCO",), "calls")]
)
def test_the_sweep_and_the_following_wait_for_no_batch_of_alerts(
    servers: None, task: "Task[..., None]", key: tuple[str, ...], queue: str
) -> None:
    empty(queue)

    assert not arrives(ingest_alerts, queue=queue)
    assert any(arrives(task, *key, queue=queue) for _ in range(10))


def waiting(queue: str) -> list[str]:
    """The names of the tasks that wait on a queue, which is emptied."""
    names = []
    with current_app.connection_for_read() as broker:
        while (message := broker.default_channel.basic_get(queue, no_ack=True)) is not None:
            names.append(message.headers["task"].rpartition(".")[2])
    return names


@pytest.mark.django_db
def test_the_sweep_lets_maps_go_whose_time_is_over(
    servers: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = [0.0]
    kept = type(localizations._kept)(10, 600, timer=lambda: now[0])
    monkeypatch.setattr(localizations, "_kept", kept)
    skymap = make_skymap()
    kept[1], there = skymap, weakref.ref(skymap)
    del skymap
    now[0] = 601.0

    sweep()

    assert there() is None  # to ask the cache itself would let it go
