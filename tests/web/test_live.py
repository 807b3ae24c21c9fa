"""Live events: who is told what, at once, and what a reader who was away is told."""

import time
from collections.abc import Iterator
from contextlib import closing

import pytest
import requests
from django.contrib.auth.models import User
from django.test import Client

from tests import factories
from tests.peers.site import running_site
from tom.live.models import LiveEvent, Topic
from tom.live.publish import publish
from tom.web.live import Happening, Reader, _write

pytestmark = pytest.mark.django_db(transaction=True)
PATIENCE_SECONDS = 20


@pytest.fixture(scope="module")
def site(django_db_setup: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, static=folder) as address:
        yield address


class Listener:
    """The stream as a browser reads it."""

    def __init__(self, site: str, user: User, after: int | None = None) -> None:
        client = Client()
        client.force_login(user)
        headers = {"Cookie": f"sessionid={client.cookies['sessionid'].value}"}
        if after is not None:
            headers["Last-Event-ID"] = str(after)
        self.answer = requests.get(
            f"{site}/live/", headers=headers, stream=True, timeout=PATIENCE_SECONDS
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
    seen = LiveEvent.objects.get().pk
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


def test_nobody_listens_before_the_login(site: str) -> None:
    answer = requests.get(f"{site}/live/", allow_redirects=False, timeout=PATIENCE_SECONDS)

    assert answer.headers["Location"].startswith("/accounts/login/")


def test_an_event_cannot_be_forged_through_its_key() -> None:
    text = _write(Happening(1, "event", "S1\n\nevent: notification", None))

    assert text.count("event:") == 1


def test_a_row_that_changed_often_is_told_once() -> None:
    reader = Reader(factories.make_user(), may_see_messages=True)

    reader.add(Happening(number, "event", "S1", None) for number in range(50))

    assert len(reader.pending) == 1
