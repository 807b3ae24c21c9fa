"""How large a request may be."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tom.web.body_limit import BodyLimit

MOST = 100


async def echo(scope, receive, send):
    """Answer with the size of the body, or with nothing where the client is gone."""
    read = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        read += len(message["body"])
        if not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % read})


def ask(parts, *, declared=None, kind="http"):
    """Send a body in parts; return what was answered."""
    messages = [
        {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)}
        for i, part in enumerate(parts)
    ]
    sent = []
    headers = [] if declared is None else [(b"content-length", b"%d" % declared)]

    async def receive():
        return messages.pop(0)

    async def send(message):
        sent.append(message)

    application = BodyLimit(echo, most_bytes=MOST)
    call = application({"type": kind, "headers": headers}, receive, send)
    asyncio.run(call)
    return sent


@pytest.mark.parametrize("size", [0, 1, MOST])
def test_what_is_small_enough_passes(size):
    start, body = ask([b"x" * size], declared=size)

    assert (start["status"], body["body"]) == (200, b"%d" % size)


def test_what_says_that_it_is_too_large_is_refused_unread():
    start, body = ask([], declared=500_000_000)

    assert start["status"] == 413
    assert b"You sent 500.0 MB. This page takes at most 0.0 MB" in body["body"]


@given(st.lists(st.binary(max_size=60), min_size=1, max_size=6))
def test_a_body_of_unknown_length_passes_while_it_is_small_enough(parts):
    start, _ = ask(parts)

    assert start["status"] == (200 if sum(map(len, parts)) <= MOST else 413)


@given(st.binary(max_size=12))
def test_a_length_that_is_no_number_does_no_harm(length):
    async def answer(scope, receive, send):
        await send({"status": 200})

    sent = []

    async def send(message):
        sent.append(message)

    scope = {"type": "http", "headers": [(b"content-length", length)]}
    asyncio.run(BodyLimit(answer, most_bytes=10**12)(scope, answer, send))

    assert sent == [{"status": 200}]


def test_a_path_may_take_more_than_the_others():
    async def take(path, size):
        sent = []

        async def receive():
            return {"type": "http.request", "body": b"x" * size, "more_body": False}

        async def send(message):
            sent.append(message)

        application = BodyLimit(echo, most_bytes=MOST, larger={"/scorers/own/": 2 * MOST})
        await application({"type": "http", "path": path, "headers": []}, receive, send)
        return sent[0]["status"]

    assert asyncio.run(take("/scorers/own/new/onnx/", 2 * MOST)) == 200
    assert asyncio.run(take("/scorers/own/new/onnx/", 2 * MOST + 1)) == 413
    assert asyncio.run(take("/scorers/", 2 * MOST)) == 413
