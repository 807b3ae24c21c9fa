"""Call a broker's API: within seconds, bytes and a rate, and say in words what went wrong."""

import json
import math
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from django.conf import settings
from django.core.cache import cache
from requests import exceptions
from urllib3.exceptions import HTTPError, ReadTimeoutError

from tom.forms.declared import Ask, LookUp, NoAnswerError
from tom.streams.unreached import say_unreached

MOST_BYTES: Final = 8 * 1024 * 1024
_CHUNK: Final = 64 * 1024
_MINUTE: Final = 60
_LONGEST_REST: Final = 3600
_TOO_MANY: Final = 429
_NOTHING: Final = 404
_OK: Final = 200
_REDIRECT: Final = 300


class LookUpFailedError(NoAnswerError):
    """A broker could not be asked, or its answer cannot be used; the text says why, in words."""


def call_for_bytes(broker: str, how: LookUp, ask: Ask, *, until: float) -> bytes | None:
    """Ask once and return the bytes of the answer, as `call` does."""
    return fetch(broker, ask, per_minute=how.per_minute, until=until)


def call(broker: str, how: LookUp, ask: Ask, *, until: float) -> Any:
    """Ask once and return the JSON of the answer; None where there is nothing (404).

    Parameters
    ----------
    broker, how
        Who is asked: it is left alone while it rests, and above its rate.
    ask
        What is asked.
    until
        When the whole conversation must be over, on the clock of `time.monotonic`.

    Raises
    ------
    LookUpFailedError
        If there is no answer in time, or none that can be used.
    """
    body = call_for_bytes(broker, how, ask, until=until)
    if body is None:
        return None
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "its answer is no JSON"
        raise LookUpFailedError(reason) from error


def fetch(service: str, ask: Ask, *, per_minute: int, until: float) -> bytes | None:
    """Ask any service once, at most so often a minute, and return the bytes as `call` does."""
    _keep_to_rate(service, per_minute)
    left = until - time.monotonic()
    if left <= 0:
        reason = f"no answer within {settings.LOOKUP_SECONDS:g} s"
        raise LookUpFailedError(reason)
    try:
        with _send(ask, seconds=left) as response:
            return _read(service, response, until)
    except (exceptions.Timeout, ReadTimeoutError) as error:
        reason = f"no answer within {settings.LOOKUP_SECONDS:g} s"
        raise LookUpFailedError(reason) from error
    except (exceptions.RequestException, HTTPError, OSError) as error:
        raise LookUpFailedError(say_unreached(error)) from error


def _send(ask: Ask, *, seconds: float) -> requests.Response:
    return requests.request(
        "GET" if ask.form is None and ask.json is None else "POST",
        _through_relay(ask.url),
        params=dict(ask.query),
        data=ask.form,
        json=ask.json,
        headers=dict(ask.headers),
        timeout=seconds,
        stream=True,
        allow_redirects=False,
    )


def _through_relay(url: str) -> str:
    """The address itself, or that of the relay with the host in its path."""
    relay = settings.LOOKUP_RELAY
    if not relay:
        return url
    parts = urlsplit(url)
    return f"{relay.rstrip('/')}/{parts.netloc}{parts.path}"


def _read(broker: str, response: requests.Response, until: float) -> bytes | None:
    if response.status_code == _NOTHING:
        return None
    if response.status_code == _TOO_MANY:
        seconds = _rest(response.headers)
        cache.set(_resting(broker), time.time() + seconds, seconds)
        reason = f"asked too often: it wants to be left alone for {seconds} s"
        raise LookUpFailedError(reason)
    if response.status_code in (401, 403):
        reason = "it refuses the credential, or wants one"
        raise LookUpFailedError(reason)
    if not _OK <= response.status_code < _REDIRECT:
        reason = f"it answers with the error {response.status_code}"
        raise LookUpFailedError(reason)
    return _body(response, until)


def _body(response: requests.Response, until: float) -> bytes:
    """Read an answer to its end; one that trickles is over when the time is."""
    body = bytearray()
    # What has come, not a whole chunk: one that trickles would be waited for without an end.
    while chunk := response.raw.read1(_CHUNK, decode_content=True):
        body += chunk
        if len(body) > MOST_BYTES:
            reason = f"its answer is larger than {MOST_BYTES // 2**20} MB"
            raise LookUpFailedError(reason)
        if time.monotonic() > until:
            raise exceptions.Timeout
    return bytes(body)


def _rest(headers: Mapping[str, str]) -> int:
    """For how many seconds it wants to be left alone, by either name of the header."""
    for name in ("Retry-After", "x-rate-limit-reset"):
        try:
            seconds = float(headers.get(name, ""))
        except ValueError:
            continue
        if math.isfinite(seconds) and seconds > 0:
            return min(math.ceil(seconds), _LONGEST_REST)
    return _MINUTE


def _keep_to_rate(broker: str, per_minute: int) -> None:
    rests_until = cache.get(_resting(broker))
    if rests_until:
        seconds = max(1, math.ceil(rests_until - time.time()))
        reason = f"it wants to be left alone for {seconds} s more"
        raise LookUpFailedError(reason)
    key = f"lookup-calls:{broker}:{int(time.time()) // _MINUTE}"
    cache.add(key, 0, 2 * _MINUTE)
    if cache.incr(key) > per_minute:
        reason = f"we ask it {per_minute} times a minute at most: try again in a minute"
        raise LookUpFailedError(reason)


def _resting(broker: str) -> str:
    return f"lookup-rests:{broker}"
