"""A page is worked on in one thread; the stream of changes is left to the event loop."""

import asyncio

import pytest
from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIHandler
from django.urls import resolve

from tom.asgi import application
from tom.web.changes import changes
from tom.web.handler import OneThreadHandler
from tom.web.turns import CHANGES


def ask(path: str) -> int:
    """Ask for a page as nobody; return its status."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": path,
        "query_string": b"",
        "headers": [(b"host", b"testserver")],
        "http_version": "1.1",
        "scheme": "http",
        "server": ("testserver", 80),
        "client": ("127.0.0.1", 9),
    }
    asked, sent = [{"type": "http.request", "body": b"", "more_body": False}], []

    async def receive():
        if asked:
            return asked.pop()
        await asyncio.sleep(60)
        raise TimeoutError

    async def send(message):
        sent.append(message)

    asyncio.run(OneThreadHandler()(scope, receive, send))
    return sent[0]["status"]


@pytest.mark.django_db(transaction=True)
def test_the_event_loop_hands_a_page_over_once_and_then_closes_it(monkeypatch):
    handed = []
    hand_over = SyncToAsync.__call__

    def count(self, *args, **kwargs):
        handed.append(self.func.__name__)
        return hand_over(self, *args, **kwargs)

    monkeypatch.setattr(SyncToAsync, "__call__", count)

    assert ask("/accounts/login/") == 200
    assert handed == ["sync_send", "get_response", "close"]  # the first tells that it began


def test_the_site_is_served_by_it():
    innermost = application
    while not isinstance(innermost, ASGIHandler):
        innermost = innermost.application

    assert isinstance(innermost, OneThreadHandler)


def test_the_path_of_the_stream_is_that_of_the_view_which_the_event_loop_runs():
    assert resolve(CHANGES).func is changes
    assert asyncio.iscoroutinefunction(changes)
