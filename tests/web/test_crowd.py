"""Many at once: they wait for their turn, and leave the database to the workers, too."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
import requests
from asgiref.sync import ThreadSensitiveContext, sync_to_async
from django.conf import settings
from django.db import connection
from django.test import Client

from tests import factories
from tests.peers.site import running_site, running_workers, site_environment
from tests.recovery.site import ROOT, wait_for
from tests.streams.packets import make_ztf_packet
from tom.celery import app
from tom.changes.heartbeat import beat
from tom.targets.models import TargetSummary
from tom.web.turns import LARGE_AT_ONCE, InTurn, KeptThreads, TooLongError, Turns

PATIENCE_SECONDS = 120


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, static=folder) as address:
        yield address


@pytest.fixture(scope="module", autouse=True)
def held_for(site: str) -> Iterator[dict[bytes, "Future[float]"]]:
    """For how many seconds the site held two clients whose header does not end.

    They begin before all tests, which meanwhile go on.
    """
    whole = b"GET /accounts/login/ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    with ThreadPoolExecutor(2) as pool:
        yield {before: pool.submit(begin_header, site, before) for before in (b"", whole)}


def begin_header(site: str, before: bytes) -> float:
    """Send the beginning of a header, after a whole request or none; return when it was over."""
    place = urlsplit(site)
    with closing(socket.create_connection((place.hostname, place.port))) as slow:
        slow.settimeout(40)
        if before:
            slow.sendall(before)
            assert slow.recv(10_000).startswith(b"HTTP/1.1")
        start = time.monotonic()
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n")
        while slow.recv(10_000):
            pass
        return time.monotonic() - start


@pytest.fixture
def cookie(transactional_db: None) -> str:
    client = Client()
    client.force_login(factories.make_observer())
    return client.cookies["sessionid"].value


class Peak:
    """The most connections that others had to the database during a block."""

    def __enter__(self) -> "Peak":
        self.most, self.over = 0, threading.Event()
        self.thread = threading.Thread(target=self._watch)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def _watch(self) -> None:
        counted = (
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        with connection.cursor() as cursor:
            while not self.over.wait(0.01):
                cursor.execute(counted)
                self.most = max(self.most, cursor.fetchone()[0])
        connection.close()


def answers(site: str, path: str, *, times: int, cookie: str = "") -> list[int]:
    """Ask for a page so often at once."""
    headers = {"Cookie": f"sessionid={cookie}"}

    def ask(_: int) -> int:
        return requests.get(site + path, headers=headers, timeout=PATIENCE_SECONDS).status_code

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(ask, range(times)))


def backends() -> set[int]:
    """The connections that others have to the database, as its processes."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND backend_type = 'client backend' AND pid <> pg_backend_pid()"
        )
        return {pid for (pid,) in cursor.fetchall()}


def test_requests_one_after_another_share_a_kept_connection(site, cookie) -> None:
    assert answers(site, "/targets/", times=1, cookie=cookie) == [200]
    kept = backends()
    assert answers(site, "/targets/", times=1, cookie=cookie) == [200]
    time.sleep(0.5)  # a server process ends a moment after its connection

    assert kept & backends()


def test_a_kept_connection_that_was_lost_fails_no_later_request(site, cookie) -> None:
    assert answers(site, "/targets/", times=1, cookie=cookie) == [200]
    end(backends())  # as a restart of PostgreSQL does
    assert answers(site, "/targets/", times=1, cookie=cookie) == [200]
    with closing(connection.copy()) as other, ThreadPoolExecutor(1) as pool:
        other.cursor().execute("BEGIN; LOCK TABLE targets_targetsummary")
        during = pool.submit(answers, site, "/targets/", times=1, cookie=cookie)
        wait_for(waiting_for_a_lock, seconds=PATIENCE_SECONDS)
        end(waiting_for_a_lock())
        assert during.result() == [503]

    assert answers(site, "/targets/", times=1, cookie=cookie) == [200]


def test_while_the_database_takes_nobody_the_page_says_so(site, cookie) -> None:
    assert answers(site, "/alarms/", times=1, cookie=cookie) == [200]
    with shut_to_others():
        end(backends())
        headers = {"Cookie": f"sessionid={cookie}"}
        refused = requests.get(f"{site}/alarms/", headers=headers, timeout=PATIENCE_SECONDS)
        wait_for(lambda: health(site).get("database") == "failing", seconds=PATIENCE_SECONDS)

    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
    assert "The database does not answer." in refused.text
    assert answers(site, "/alarms/", times=1, cookie=cookie) == [200]


def end(pids: set[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pid, 10000) FROM unnest(%s) pid", [[*pids]])


def waiting_for_a_lock() -> set[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        return {pid for (pid,) in cursor.fetchall()}


@contextmanager
def shut_to_others() -> Iterator[None]:
    """Let nobody but superusers connect to the test's database for the block."""
    name = connection.ops.quote_name(connection.settings_dict["NAME"])
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER DATABASE {name} CONNECTION LIMIT 0")
        try:
            yield
        finally:
            cursor.execute(f"ALTER DATABASE {name} CONNECTION LIMIT -1")


def health(site: str) -> dict[str, str]:
    said: dict[str, str] = requests.get(f"{site}/health/", timeout=PATIENCE_SECONDS).json()
    return said


def test_a_crowd_at_the_health_check_is_answered_and_takes_no_connections(site, cookie) -> None:
    beat()
    wait_for(lambda: answers(site, "/health/", times=1) == [200], seconds=PATIENCE_SECONDS)
    with Peak() as peak:
        assert answers(site, "/health/", times=150) == [200] * 150

    assert peak.most <= 3  # the test's own, and one that looks


def test_a_crowd_of_readers_waits_for_its_turn(site, cookie) -> None:
    with Peak() as peak:
        assert answers(site, "/targets/", times=80, cookie=cookie) == [200] * 80

    # A server process ends a moment after its connection.
    assert 1 < peak.most <= 2 * settings.WEB_CONNECTIONS


def test_a_crowd_of_open_pages_is_connected_and_told(site, cookie) -> None:
    with ExitStack() as streams, Peak() as peak:
        opened = list(open_streams(site, cookie, 200, streams))
        assert all(line == b"retry: 2000" for line in opened)
        during = answers(site, "/targets/", times=10, cookie=cookie)

    assert len(opened) == 200
    assert during == [200] * 10
    # Each reads three times, and a server process ends a moment after its connection.
    assert peak.most <= 3 * settings.WEB_CONNECTIONS


@dataclass
class Crowd:
    """Readers who ask for a page again as soon as they have it, until told to go."""

    site: str
    cookie: str
    path: str
    over: threading.Event = field(default_factory=threading.Event)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    def read(self) -> None:
        headers = {"Cookie": f"sessionid={self.cookie}"}
        while not self.over.is_set():
            began = time.monotonic()
            answer = requests.get(self.site + self.path, headers=headers, timeout=PATIENCE_SECONDS)
            self.statuses[answer.status_code] += 1
            self.seconds.append(time.monotonic() - began)


@contextmanager
def crowding(site: str, cookie: str, path: str, *, readers: int) -> Iterator[Crowd]:
    """A crowd for the block; after it everyone has their last page."""
    crowd = Crowd(site, cookie, path)
    with ThreadPoolExecutor(readers) as pool:
        asking = [pool.submit(crowd.read) for _ in range(readers)]
        try:
            yield crowd
        finally:
            crowd.over.set()
    for each in asking:
        each.result()


@pytest.mark.soak
def test_a_worker_and_a_command_work_while_a_crowd_is_at_the_web_server(
    site, cookie, tmp_path
) -> None:
    (tmp_path / "packet.avro").write_bytes(make_ztf_packet(object_id="ZTF26crowd"))
    environment = {**os.environ, **site_environment(tmp_path)}
    command = [sys.executable, "manage.py", "replay", "--wait", str(tmp_path / "packet.avro")]

    with ExitStack() as running:
        running.enter_context(running_workers(tmp_path, environment))
        wait_for(all_workers_answer, seconds=PATIENCE_SECONDS)
        crowd = running.enter_context(crowding(site, cookie, "/targets/", readers=60))
        peak = running.enter_context(Peak())
        began = time.monotonic()
        done = subprocess.run(
            command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
        took = time.monotonic() - began
    told = sorted(crowd.seconds)
    sys.stdout.write(
        f"{len(told)} pages: median {told[len(told) // 2]:.2f} s, slowest {told[-1]:.2f} s; "
        f"the command {took:.1f} s; {peak.most} connections\n"
    )

    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("stored 1,"), done.stdout
    assert TargetSummary.objects.get(target__name="ZTF26crowd").n_detections == 1
    assert crowd.statuses.keys() == {200}


def all_workers_answer() -> bool:
    return len(app.control.ping(timeout=1, limit=3)) == 3


def open_streams(site: str, cookie: str, count: int, kept: ExitStack) -> Iterator[bytes]:
    def open_one(_: int) -> bytes:
        answer = kept.enter_context(
            requests.get(
                f"{site}/changes/",
                headers={"Cookie": f"sessionid={cookie}"},
                stream=True,
                timeout=PATIENCE_SECONDS,
            )
        )
        return next(answer.iter_lines(chunk_size=1))

    with ThreadPoolExecutor(count) as pool:
        yield from pool.map(open_one, range(count))


def test_an_address_that_a_client_claims_is_not_believed(site, cookie) -> None:
    headers = {"X-Forwarded-For": "10.9.8.7", "X-Forwarded-Proto": "https"}
    answer = requests.get(f"{site}/accounts/login/", headers=headers, timeout=PATIENCE_SECONDS)

    assert answer.ok
    assert not answer.cookies or all(not each.secure for each in answer.cookies)


async def hold(turns: Turns, seconds: float) -> str:
    try:
        async with turns.take():
            await asyncio.sleep(seconds)
    except TooLongError:
        return "too long"
    return "had it"


def test_who_waits_too_long_for_a_turn_is_told() -> None:
    async def three() -> list[str]:
        turns = Turns(1, wait_seconds=0.3)
        return await asyncio.gather(hold(turns, 0.2), hold(turns, 0.5), hold(turns, 0.0))

    assert asyncio.run(three()) == ["had it", "had it", "too long"]


async def name_of_thread() -> str:
    return await sync_to_async(lambda: threading.current_thread().name)()


def test_a_kept_thread_is_lent_to_one_request_at_a_time() -> None:
    async def ask() -> list[str]:
        threads = KeptThreads(1)
        async with threads.lend():
            names = [await name_of_thread()]
            async with threads.lend(), ThreadSensitiveContext():
                names.append(await name_of_thread())
        await asyncio.sleep(0.1)
        async with threads.lend():
            return [*names, await name_of_thread()]

    first, _, again = asyncio.run(ask())

    assert first == again
    assert first.startswith("kept")


def test_a_thread_that_still_works_for_a_client_that_left_is_not_lent() -> None:
    async def ask() -> list[str]:
        threads, end = KeptThreads(1), threading.Event()
        async with threads.lend():
            left = asyncio.ensure_future(sync_to_async(end.wait)(30))
            await asyncio.sleep(0.1)
            left.cancel()
        async with threads.lend(), ThreadSensitiveContext():
            names = [await name_of_thread()]
        end.set()
        await asyncio.sleep(0.1)
        async with threads.lend():
            return [*names, await name_of_thread()]

    meanwhile, after = asyncio.run(ask())

    assert not meanwhile.startswith("kept")
    assert after.startswith("kept")


def run_application(receive, *, turns: Turns, body_seconds: float = 5) -> list[dict]:
    sent: list[dict] = []

    async def application(scope, receive, send) -> None:
        assert (await receive())["body"] == b"all of it"
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"done"})

    async def send(message) -> None:
        sent.append({**message, "free": turns._semaphore()._value})

    async def run() -> None:
        within = InTurn(application, turns=turns, body_seconds=body_seconds)
        await within({"type": "http", "path": "/"}, receive, send)

    asyncio.run(run())
    return sent


def test_an_answer_is_sent_after_the_turn() -> None:
    async def receive():
        return {"type": "http.request", "body": b"all of it"}

    sent = run_application(receive, turns=Turns(1, wait_seconds=1))

    assert [message["free"] for message in sent] == [1, 1]


def test_a_body_that_does_not_come_holds_no_turn_and_is_given_up() -> None:
    async def receive():
        await asyncio.sleep(60)

    sent = run_application(receive, turns=Turns(1, wait_seconds=1), body_seconds=0.2)

    assert (sent[0]["status"], sent[0]["free"]) == (408, 1)


def test_no_turn_in_time_is_a_503_that_says_when_to_come_again() -> None:
    async def receive():
        return {"type": "http.request", "body": b"all of it"}

    sent = run_application(receive, turns=Turns(0, wait_seconds=0.2))

    assert sent[0]["status"] == 503
    assert (b"retry-after", b"5") in sent[0]["headers"]


@pytest.mark.parametrize(("path", "most"), [("/large/map/", LARGE_AT_ONCE), ("/", 6)])
def test_few_bodies_are_read_at_once_where_they_may_be_large(path: str, most: int) -> None:
    reading: list[int] = []
    at_once = 0

    async def receive():
        nonlocal at_once
        at_once += 1
        reading.append(at_once)
        await asyncio.sleep(0.05)
        at_once -= 1
        return {"type": "http.request", "body": b"all of it"}

    async def application(scope, receive, send) -> None:
        await receive()

    async def send(message) -> None:
        raise AssertionError(message)

    async def run() -> None:
        turns = Turns(6, wait_seconds=5)
        within = InTurn(application, turns=turns, body_seconds=5, larger=["/large/"])
        scope = {"type": "http", "method": "POST", "path": path}
        await asyncio.gather(*(within(scope, receive, send) for _ in range(6)))

    asyncio.run(run())
    assert (max(reading), len(reading)) == (most, 6)


# With the database, so that they come last.
def test_a_header_that_does_not_end_is_hung_up_on(held_for, transactional_db) -> None:
    assert 5 < held_for[b""].result() < 30


def test_a_second_header_on_the_same_connection_must_end_too(held_for, transactional_db) -> None:
    (second,) = (held for before, held in held_for.items() if before)

    assert 5 < second.result() < 30
