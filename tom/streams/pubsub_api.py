"""What a subscriber asks of Google Pub/Sub: pull, acknowledge, keep for longer.

https://cloud.google.com/pubsub/docs/reference/rest/v1/projects.subscriptions
"""

import base64
import json
import socket
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

import requests
from requests import PreparedRequest
from requests.adapters import HTTPAdapter

from tom.streams.feeds import Received
from tom.streams.pubsub_faults import NO_PUBSUB, say_refusal, say_unreachable

CONNECT_SECONDS: Final = 4.0
CALL_SECONDS: Final = 8.0
"""A call that waits for no message ends by then."""
PULL_SECONDS: Final = 180.0
"""Longer than Pub/Sub lets a pull wait for a first message: a pull that we left would take some."""
TRANSFER_SECONDS: Final = 60.0
"""What was pulled must be here by then: later Pub/Sub would give it to another."""
PULL_MOST: Final = 100
MOST_BYTES: Final = 96 * 1024 * 1024
_CHUNK: Final = 256 * 1024
_KEEPALIVE: Final = {"TCP_KEEPIDLE": 15, "TCP_KEEPINTVL": 5, "TCP_KEEPCNT": 3}

Sign = Callable[[PreparedRequest], PreparedRequest]


class PubSubError(Exception):
    """Pub/Sub does not do what it was asked; the message says why and what to do."""


class NoConversationError(PubSubError):
    """Nobody answers, or the key is refused: the same holds for each subscription."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FromPubSub(Received):
    """A message of a subscription, and what acknowledges this delivery of it."""

    ack_id: str


class _Alive(HTTPAdapter):
    """Connections that notice within half a minute that nobody is there any more."""

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        alive = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
        for name, seconds in _KEEPALIVE.items():
            if hasattr(socket, name):  # not everywhere
                alive.append((socket.IPPROTO_TCP, getattr(socket, name), seconds))
        super().init_poolmanager(*args, **options, socket_options=alive)


class Subscriber:
    """A project's subscriptions over one connection. One thread at a time uses it."""

    def __init__(self, url: str, sign: Sign) -> None:
        """Take the project's URL, `https://host/v1/projects/ID`, and what signs a call."""
        self._url = url
        self._sign = sign
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, _Alive())

    def close(self) -> None:
        self._session.close()

    def wait(self, subscription: str) -> list[FromPubSub]:
        """Wait for messages, as long as Pub/Sub does; none if none came.

        Raises
        ------
        PubSubError
            If it cannot be read.
        """
        asked = {"maxMessages": PULL_MOST}
        limits = {"wait": PULL_SECONDS, "most": PULL_SECONDS + TRANSFER_SECONDS}
        return _messages_in(self._call(subscription, "pull", asked, **limits), subscription)

    def look(self, subscription: str, most: int = PULL_MOST) -> list[FromPubSub]:
        """Take the messages that are there now.

        Raises
        ------
        PubSubError
            If it cannot be read.
        """
        asked = {"maxMessages": most, "returnImmediately": True}
        return _messages_in(self._call(subscription, "pull", asked), subscription)

    def peek(self, subscription: str) -> list[FromPubSub]:
        """Look whether a message waits, and give it back at once.

        Raises
        ------
        PubSubError
            If it cannot be read.
        """
        found = self.look(subscription, 1)
        if found:
            self.keep(subscription, [each.ack_id for each in found], seconds=0)
        return found

    def acknowledge(self, subscription: str, ack_ids: Sequence[str]) -> None:
        """Say that these deliveries are stored.

        Raises
        ------
        PubSubError
            If Pub/Sub does not hear it: the messages come again.
        """
        self._call(subscription, "acknowledge", {"ackIds": list(ack_ids)})

    def keep(self, subscription: str, ack_ids: Sequence[str], *, seconds: int) -> None:
        """Keep these deliveries from others for so many seconds from now; 0 gives them back.

        Raises
        ------
        PubSubError
            If Pub/Sub does not hear it.
        """
        asked = {"ackIds": list(ack_ids), "ackDeadlineSeconds": seconds}
        self._call(subscription, "modifyAckDeadline", asked)

    def _call(
        self,
        subscription: str,
        verb: str,
        asked: dict[str, Any],
        *,
        wait: float = CALL_SECONDS,
        most: float = CALL_SECONDS,
    ) -> dict[str, Any]:
        url = f"{self._url}/subscriptions/{quote(subscription, safe='')}:{verb}"
        deadline = time.monotonic() + most
        try:
            with self._session.post(
                url,
                json=asked,
                auth=self._sign,
                timeout=(CONNECT_SECONDS, wait),
                stream=True,
                allow_redirects=False,
            ) as answer:
                return _read(answer.status_code, _body_of(answer, deadline))
        except requests.RequestException as error:
            raise NoConversationError(say_unreachable(error)) from error


def _body_of(answer: requests.Response, deadline: float) -> bytes:
    body = bytearray()
    for chunk in answer.iter_content(_CHUNK):
        body += chunk
        if len(body) > MOST_BYTES or time.monotonic() > deadline:
            reason = "an answer of Pub/Sub is too long, or comes too slowly: it is tried again"
            raise NoConversationError(reason)
    return bytes(body)


def _read(status: int, body: bytes) -> dict[str, Any]:
    if status != HTTPStatus.OK:
        kind = NoConversationError if status == HTTPStatus.UNAUTHORIZED else PubSubError
        raise kind(say_refusal(status, body))
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoConversationError(NO_PUBSUB) from error
    if not isinstance(answer, dict):
        raise NoConversationError(NO_PUBSUB)
    return answer


def _messages_in(answer: dict[str, Any], subscription: str) -> list[FromPubSub]:
    try:
        return [_read_message(each, subscription) for each in answer.get("receivedMessages") or ()]
    except (LookupError, TypeError, AttributeError, ValueError) as error:
        raise NoConversationError(NO_PUBSUB) from error


def _read_message(delivery: dict[str, Any], subscription: str) -> FromPubSub:
    message = delivery["message"]
    return FromPubSub(
        topic=subscription,
        payload=base64.b64decode(message.get("data") or b"", validate=True),
        headers=[(str(name), value) for name, value in (message.get("attributes") or {}).items()],
        name=str(message["messageId"]),
        sent=_read_time(message.get("publishTime")),
        ack_id=str(delivery["ackId"]),
    )


def _read_time(text: Any) -> datetime | None:
    """When Pub/Sub got a message, UTC; None: it does not say."""
    with suppress(TypeError, ValueError):
        found = datetime.fromisoformat(text)
        return found if found.tzinfo is not None else None
    return None
