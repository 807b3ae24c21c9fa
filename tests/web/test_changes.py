"""Changes: who is told of what, at once, and what a reader who was away is told."""

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing
from typing import TypeVar

import pytest
import requests
from asgiref.sync import sync_to_async
from django.contrib.auth.models import AnonymousUser, User
from django.contrib.sessions.models import Session
from django.db import connections
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.peers.site import running_site
from tom.changes.models import Change, Topic
from tom.changes.publish import publish
from tom.web import changes
from tom.web.changes import Poller, Reader, _write

pytestmark = pytest.mark.django_db(transaction=True)
T = TypeVar("T")
PATIENCE_SECONDS = 60  # a busy machine is not a wrong answer


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, static=folder) as address:
        yield address


class Listener:
    """The stream as a browser reads it."""

    def __init__(
        self, site: str, user: User, *, after: int | None = None, page: int | None = None
    ) -> None:
        client = Client()
        client.force_login(user)
        headers = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        self.answer = requests.get(
            f"{site}/changes/",
            params={} if page is None else {"after": page},
            headers=headers,
            stream=True,
            timeout=PATIENCE_SECONDS,
        )
        self.answer.raise_for_status()
        self.lines = self.answer.iter_lines(decode_unicode=True, chunk_size=1)
        assert next(self.lines).startswith("retry:")

    def names_until(self, last: str) -> list[str]:
        """Read the names of events up to the one named `last`."""
        names = []
        with closing(self.answer):
            for line in self.lines:
                if line.startswith("event: "):
                    names.append(line.removeprefix("event: "))
                if names and names[-1] == last:
                    break
        return names


def test_what_happens_is_told_at_once_and_only_to_whom_it_concerns(site: str) -> None:
    anne, bert = factories.make_observer("anne"), factories.make_user("bert")
    streams = [Listener(site, user) for user in (anne, bert)]

    began = time.monotonic()
    publish(Topic.MESSAGE, 5)
    publish(Topic.NOTIFICATION, 7, user_id=anne.pk)
    publish(Topic.EVENT, "S1")
    told = [stream.names_until("event:S1") for stream in streams]

    assert "notification" in told[0]
    assert "message" in told[0]
    assert told[1] == ["event", "event:S1"]
    assert time.monotonic() - began < PATIENCE_SECONDS / 2


def test_a_reader_who_was_away_is_told_what_was_missed(site: str) -> None:
    user = factories.make_user()
    publish(Topic.EVENT, "S1")
    seen = Change.objects.get().pk
    publish(Topic.EVENT, "S2")

    told = Listener(site, user, after=seen).names_until("event:S2")

    # What the poller has just read may be told once more; nothing may be missing.
    assert told[-2:] == ["event", "event:S2"]


def test_a_request_of_a_private_target_is_told_to_its_group_only(site: str) -> None:
    from tests.web.test_pages_with_rows import make_request

    group = factories.make_group()
    owner, other = factories.make_observer(groups=[group]), factories.make_observer()
    streams = [Listener(site, user) for user in (owner, other)]

    hidden = make_request(owner, factories.make_target(private=True, owners=[group]))
    publish(Topic.EVENT, "last")
    told = [stream.names_until("event:last") for stream in streams]

    assert f"request:{hidden.pk}" in told[0]
    assert not any(name.startswith("request") for name in told[1])


def forget_session(user: User) -> None:
    Session.objects.all().delete()


def let_session_run_out(user: User) -> None:
    Session.objects.update(expire_date=timezone.now())


def deactivate(user: User) -> None:
    User.objects.filter(pk=user.pk).update(is_active=False)


def change_password(user: User) -> None:
    user.set_password("another one")
    user.save()


ENDS = [
    let_session_run_out,
    deactivate,
    *(
        pytest.param(each, marks=pytest.mark.soak)
        for each in (forget_session, change_password, User.delete)
    ),
]


@pytest.mark.parametrize("end", ENDS)
def test_a_stream_ends_seconds_after_the_right_to_it(
    site: str, end: Callable[[User], None]
) -> None:
    user = factories.make_user()
    stream = Listener(site, user)

    began = time.monotonic()
    end(user)
    with closing(stream.answer):
        for _ in stream.lines:
            pass

    assert time.monotonic() - began < PATIENCE_SECONDS / 2  # its own life is twice as long


def test_nobody_listens_before_the_login(site: str) -> None:
    answer = requests.get(f"{site}/changes/", allow_redirects=False, timeout=PATIENCE_SECONDS)

    assert answer.headers["Location"].startswith("/accounts/login/")


@pytest.mark.parametrize(
    "headers", [{"Accept": "text/event-stream"}, {"Sec-Fetch-Mode": "cors"}], ids=["old", "new"]
)
def test_a_stream_before_the_login_leaves_the_login_form_s_cookie_alone(
    client: Client, headers: dict[str, str]
) -> None:
    answer = client.get("/changes/", headers=headers, follow=True)

    assert answer.status_code == 403
    assert not answer.cookies


def test_a_person_who_opens_a_page_before_the_login_is_sent_to_it(client: Client) -> None:
    answer = client.get("/targets/", headers={"Sec-Fetch-Mode": "navigate"})

    assert answer.headers["Location"] == "/accounts/login/?next=/targets/"


def test_a_part_of_a_page_whose_session_ended_leads_to_the_login(client: Client) -> None:
    headers = {"HX-Request": "true", "Sec-Fetch-Mode": "cors"}

    answer = client.get("/notifications/alarms/", headers=headers)

    assert answer.headers["HX-Redirect"].startswith("/accounts/login/")


def test_an_event_cannot_be_forged_through_its_key() -> None:
    text = _write(Change(1, "event", "S1\n\nevent: notification", None))

    assert text.count("event:") == 1


def test_a_row_that_changed_often_is_told_once() -> None:
    reader = Reader(factories.make_user(), may_see_messages=True)

    reader.add(Change(number, "event", "S1", None) for number in range(50))

    assert len(reader.pending) == 1


def test_a_page_is_told_what_happened_since_it_was_made(site: str, client: Client) -> None:
    user = factories.make_user()
    publish(Topic.EVENT, "S1")
    client.force_login(user)

    made = Change.objects.get().pk
    assert f'sse-connect="/changes/?after={made}"' in client.get("/").text
    publish(Topic.EVENT, "S2")
    told = Listener(site, user, page=made).names_until("event:S2")

    assert told[-2:] == ["event", "event:S2"]


def test_a_reader_stands_somewhere_from_the_first_moment(site: str) -> None:
    publish(Topic.EVENT, "S1")

    stream = Listener(site, factories.make_user())
    with closing(stream.answer):
        assert next(stream.lines) == f"id: {Change.objects.get().pk}"


def test_what_was_written_just_before_is_told_again(site: str) -> None:
    publish(Topic.EVENT, "S1")  # as if its transaction ended after that of the next
    publish(Topic.EVENT, "S2")

    newest = Change.objects.latest("pk").pk

    assert "event:S1" in Listener(site, factories.make_user(), after=newest).names_until("event:S1")


def test_what_is_held_back_is_told_after_a_cut() -> None:
    user = factories.make_user()
    reader = Reader(user, may_see_messages=True)

    reader.add([Change(1, "ranking", "S1", None)])
    first = play(reader.tell(100.0))
    held = [Change(2, "ranking", "S1", None), Change(3, "notification", "7", user.pk)]
    reader.add(held)
    second = play(reader.tell(100.1))
    third = play(reader.tell(200.0))

    assert [text.splitlines()[-2] for text in (first, second, third)] == ["id: 1", "id: 1", "id: 3"]
    assert "ranking" not in second
    assert "ranking" in third


def test_a_flood_of_messages_is_told_once_in_a_while() -> None:
    reader = Reader(factories.make_user(), may_see_messages=True)

    reader.add([Change(1, "message", "11", None)])
    play(reader.tell(100.0))
    reader.add([Change(number, "message", str(number), None) for number in range(2, 50)])

    assert play(reader.tell(100.1)) == ""
    assert play(reader.tell(200.0)).count("event: message\n") == 1


def test_a_listener_that_comes_as_the_poller_ends_is_told() -> None:
    async def scene() -> str:
        poller, gate = Poller(), threading.Event()
        async with poller.listen(changes.Listener(AnonymousUser())):
            # After its first reading, whatever the poller asks of the database waits for the gate.
            busy = asyncio.create_task(sync_to_async(gate.wait)())
            await asyncio.sleep(0)
        try:
            await until(lambda: poller.task is None)
        finally:
            gate.set()
        async with poller.listen(changes.Listener(AnonymousUser())) as listener:
            await busy
            await sync_to_async(publish)(Topic.EVENT, "S1")
            return (await asyncio.wait_for(listener.queue.get(), PATIENCE_SECONDS)).key

    assert play(scene()) == "S1"


def test_a_listener_who_leaves_while_waiting_is_forgotten() -> None:
    async def scene() -> int:
        poller = Poller()
        async with poller.lock:
            coming = asyncio.create_task(
                poller.listen(changes.Listener(AnonymousUser())).__aenter__()
            )
            await until(lambda: bool(poller.listeners))
            coming.cancel()
            await asyncio.wait([coming])
        return len(poller.listeners)

    assert play(scene()) == 0


def test_a_straggler_makes_nothing_be_told_twice() -> None:
    passed = 0.0
    told = []

    @sync_to_async
    def write(*ids: int) -> None:
        for pk in ids:
            Change.objects.create(pk=pk, topic=Topic.EVENT, key=str(pk))

    async def hear_until(last: int, queue: asyncio.Queue[Change]) -> None:
        while not told or told[-1] != last:
            told.append((await asyncio.wait_for(queue.get(), PATIENCE_SECONDS)).id)

    async def scene() -> None:
        nonlocal passed
        async with Poller(clock=lambda: passed).listen(
            changes.Listener(AnonymousUser())
        ) as listener:
            queue = listener.queue
            await write(2_000_002, 2_000_003)
            await hear_until(2_000_003, queue)
            await write(2_000_001)
            await hear_until(2_000_001, queue)
            passed = 2 * changes.STRAGGLER_SECONDS
            for pk in (2_000_004, 2_000_005):  # two more readings, all others being old
                await write(pk)
                await hear_until(pk, queue)

    play(scene())

    assert told == [2_000_002, 2_000_003, 2_000_001, 2_000_004, 2_000_005]


def play(scene: Coroutine[None, None, T]) -> T:
    """Run a scene, and let go of the connections that its threads opened."""

    async def whole() -> T:
        try:
            return await scene
        finally:
            await sync_to_async(connections.close_all)()

    return asyncio.run(whole())


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
