"""A listener that hangs in a library's call holds up neither its stream nor the shut-down."""

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from tests.factories import make_stream
from tom.streams import bootstep, listeners
from tom.streams.listeners import Listeners
from tom.streams.models import Stream
from tom.streams.sources import Source

pytestmark = pytest.mark.django_db(transaction=True)


class Hanging:
    """Listens, and hears no stop: it hangs until the test lets it go."""

    made: list["Hanging"]
    free: threading.Event

    def __init__(self, source: Source) -> None:
        self.source, self.was_told, self.seen = source, False, time.monotonic()
        self.made.append(self)

    def stop(self) -> None:
        self.was_told = True

    def run(self) -> None:
        self.free.wait(60)


@pytest.fixture
def free(monkeypatch) -> Iterator[threading.Event]:
    Hanging.made, Hanging.free = [], threading.Event()
    monkeypatch.setattr(listeners, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(listeners, "ENDING_SECONDS", 0.5)
    yield Hanging.free
    Hanging.free.set()


@pytest.fixture
def following(free: threading.Event) -> Iterator[Listeners]:
    running = Listeners(Hanging)
    thread = threading.Thread(target=running.run)
    thread.start()
    yield running
    running.stop_following()
    thread.join(10)
    began = time.monotonic()
    running.stop(seconds=0.5)
    assert time.monotonic() - began < 5


def wait_for(ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not ready():
        assert time.monotonic() < deadline, [vars(each) for each in Hanging.made]
        time.sleep(0.02)


def test_a_changed_stream_is_read_though_its_former_listener_hangs(following: Listeners):
    stream = make_stream(topics=["a"], active=True)
    wait_for(lambda: len(Hanging.made) == 1)
    began = time.monotonic()

    stream.topics = ["a", "b"]
    stream.save()
    wait_for(lambda: len(Hanging.made) == 2)

    assert Hanging.made[0].was_told
    assert Hanging.made[1].source.topics == ("a", "b")
    assert time.monotonic() - began >= 0.4  # it had its time to end


def test_a_listener_that_never_comes_round_is_replaced(following: Listeners, monkeypatch):
    make_stream("well", topics=["a"], active=True)
    make_stream("stuck", topics=["b"], active=True)
    wait_for(lambda: len(Hanging.made) == 2)
    monkeypatch.setattr(listeners, "STUCK_SECONDS", 1000.0)
    [stuck] = [each for each in Hanging.made if each.source.topics == ("b",)]

    stuck.seen -= 2000

    wait_for(lambda: len(Hanging.made) == 3)
    assert Hanging.made[2].source.topics == ("b",)
    assert stuck.was_told
    assert not any(each.was_told for each in Hanging.made if each.source.topics == ("a",))


def test_the_worker_s_part_stops_in_time_though_a_listener_hangs(free, monkeypatch):
    Stream.objects.all().delete()
    make_stream(topics=["a"], active=True)
    part = bootstep.StreamListening(None)
    part._listeners = Listeners(Hanging)
    part._thread = threading.Thread(target=part._listeners.run, daemon=True)
    part._thread.start()
    wait_for(lambda: len(Hanging.made) == 1)
    began = time.monotonic()

    part.stop(None)

    assert time.monotonic() - began < bootstep.STOP_SECONDS + 1
    assert Hanging.made[0].was_told
