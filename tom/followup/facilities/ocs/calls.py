"""Calls to an OCS portal: bounded in time and size, recorded, each failure with its meaning."""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from requests.auth import AuthBase
from urllib3.exceptions import (
    HTTPError,
    MaxRetryError,
    NewConnectionError,
    ReadTimeoutError,
)

from tom.followup.facilities.contract import Call, Recorder
from tom.formats.values import clean
from tom.outbox.calls import calling
from tom.outbox.errors import (
    NothingSentError,
    OutcomeError,
    RejectedError,
    RestsError,
    UnknownOutcomeError,
)
from tom.own_secrets import own_secrets
from tom.redaction import hide

CONNECT_SECONDS = 5
READ_SECONDS = 20
WHOLE_SECONDS = 30  # limit for an answer that comes slowly, a few bytes at a time
LONGEST_CALL_SECONDS = CONNECT_SECONDS + READ_SECONDS + WHOLE_SECONDS
LARGEST_ANSWER = 20_000_000
KEPT_CHARACTERS = 20_000
BEYOND = 5_000  # characters read beyond the kept ones: a secret at the cut is whole when hidden
LONGEST_REASON = 2000
CLOCKS_APART = timedelta(days=1)
LONGEST_RETRY_AFTER = timedelta(hours=1)
_TIMEOUTS = (requests.Timeout, TimeoutError, ReadTimeoutError)
NO_ANSWER_STATUSES = {408, 425}  # the request may or may not have been read


@dataclass(frozen=True)
class PortalAccess:
    """A portal's address, and the credentials for it."""

    url: str
    token: str = field(repr=False)
    proposal: str
    is_real: bool
    poll_seconds: float

    @property
    def address(self) -> str:
        """Host and port, which contain no secret."""
        return self.url.partition("://")[2].partition("/")[0].rpartition("@")[2][:200]


@dataclass(frozen=True)
class Answer:
    """A portal's answer, read to its end; `text` may contain the token, `shown` does not."""

    status: int
    text: str = field(repr=False)
    headers: Mapping[str, str] = field(repr=False)
    hide: Callable[[str], str] = field(repr=False)

    def shown(self, most: int) -> str:
        """Return at most `most` characters of the text, without secrets."""
        return self.hide(self.text[: most + BEYOND])[:most]

    @property
    def json(self) -> Any:
        """The text as JSON; None if it is not JSON."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            return None


class PortalCalls:
    """Calls to one portal."""

    def __init__(self, access: PortalAccess, record: Recorder) -> None:
        self._access = access
        self._record = record

    def get(self, path: str, params: Mapping[str, str | list[str]] | None = None) -> Answer:
        """Read a resource.

        Raises
        ------
        NothingSentError, RejectedError, UnknownOutcomeError
            If no JSON answer with a status from 200 to 299 came.
        """
        return checked(self._call("GET", path, params=params))

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Answer:
        """Send a body.

        Raises
        ------
        NothingSentError
            If the portal surely accepted nothing.
        RejectedError
            If the portal refused.
        UnknownOutcomeError
            If the portal may have accepted it or not.
        """
        return checked(self._call("POST", path, body=body))

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str | list[str]] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Answer:
        prepared = _prepare(
            requests.Request(
                method,
                f"{self._access.url.rstrip('/')}/api/{path}",
                params=params,
                json=body,
                auth=_Token(self._access.token),
                headers={"Accept-Encoding": "identity"},
            )
        )
        started = time.monotonic()
        try:
            with calling(self._access.address, seconds=LONGEST_CALL_SECONDS):
                answer = _exchange(prepared, self.hide)
        except RestsError:
            raise  # there was no call to keep
        except OutcomeError as error:
            self._keep(prepared, None, str(error), time.monotonic() - started)
            raise
        self._keep(prepared, answer, "", time.monotonic() - started)
        return answer

    def _keep(
        self, sent: requests.PreparedRequest, answer: Answer | None, error: str, seconds: float
    ) -> None:
        body = sent.body.decode() if isinstance(sent.body, bytes) else sent.body or ""
        self._record(
            Call(
                method=str(sent.method),
                url=self.hide(str(sent.url)),
                sent=self.hide(body),
                status=answer.status if answer else None,
                received=answer.shown(KEPT_CHARACTERS) if answer else "",
                error=error,
                seconds=seconds,
            )
        )

    def hide(self, text: str) -> str:
        """Remove the token, our other secrets, and characters that PostgreSQL cannot store."""
        return hide(clean(text), self._access.token, *own_secrets())


class _Token(AuthBase):
    """The token in its header. It is an auth object, so that no .netrc replaces it."""

    def __init__(self, token: str) -> None:
        self._token = token

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        # Check here: the error of a later check would quote the token.
        if not (self._token.isascii() and self._token.isprintable()):
            msg = "OCS_API_TOKEN has a character that no header takes"
            raise NothingSentError(msg)
        request.headers["Authorization"] = f"Token {self._token}"
        return request


def checked(answer: Answer) -> Answer:
    """Return a definite success; raise the outbox's error for any other answer."""
    if answer.status == 429:
        msg = "The portal asks us to wait"
        raise NothingSentError(msg, retry_at=_retry_after(answer))
    if answer.status in NO_ANSWER_STATUSES or not 200 <= answer.status < 500:
        raise UnknownOutcomeError(_odd(answer))
    if answer.status >= 400:
        raise RejectedError(_refusal(answer))
    if answer.status >= 300 or answer.json is None:
        raise UnknownOutcomeError(_odd(answer))
    return answer


def flatten(errors: Any, path: str = "") -> str:
    """Write a portal's nested errors on one line, each with its place."""
    if isinstance(errors, dict):
        parts = [flatten(value, f"{path}.{name}".strip(".")) for name, value in errors.items()]
    elif isinstance(errors, list) and any(isinstance(item, dict | list) for item in errors):
        parts = [flatten(item, f"{path}.{number}") for number, item in enumerate(errors)]
    elif isinstance(errors, list):
        parts = [flatten(" ".join(str(item) for item in errors), path)] if errors else []
    else:
        label = path.removesuffix("non_field_errors").removesuffix("detail").strip(".")
        return f"{label}: {errors}" if label and errors else str(errors or "")
    return "; ".join(part for part in parts if part)


def _prepare(request: requests.Request) -> requests.PreparedRequest:
    """Prepare a call; an error names the setting at fault and does not quote its value."""
    try:
        if request.url.startswith(("http://", "https://")):
            return request.prepare()
        kind = "no http address"
    except requests.RequestException as error:
        kind = type(error).__name__
    msg = f"OCS_PORTAL_URL cannot be called: {kind}"
    raise NothingSentError(msg)


def _exchange(prepared: requests.PreparedRequest, hide: Callable[[str], str]) -> Answer:
    """Send a call and read the answer; the text of an error contains no secret."""
    with requests.Session() as session:
        settings = session.merge_environment_settings(prepared.url, {}, True, None, None)
        try:
            response = session.send(
                prepared,
                timeout=(CONNECT_SECONDS, READ_SECONDS),
                allow_redirects=False,  # the token is sent to this portal only
                **settings,
            )
            text = _read(response)
        except (requests.RequestException, HTTPError) as error:
            # Drop the cause: it may quote the answer, and a log would show it.
            raise _failed(error, hide) from None
    return Answer(response.status_code, text, response.headers, hide)


def _failed(error: Exception, hide: Callable[[str], str]) -> OutcomeError:
    if _never_connected(error):
        told = hide(f"No connection: {_cause(error)}"[:LONGEST_REASON])
        return NothingSentError(told, is_silent=True)
    told = hide(f"No answer: {_cause(error)}"[:LONGEST_REASON])
    return UnknownOutcomeError(told, is_silent=isinstance(error, _TIMEOUTS))


def _read(response: requests.Response) -> str:
    deadline = time.monotonic() + WHOLE_SECONDS
    content = bytearray()
    with response:
        # Read the bytes that have come. A whole block of a slow answer might never be complete.
        while chunk := response.raw.read1(65_536):
            content += chunk
            if len(content) > LARGEST_ANSWER or time.monotonic() > deadline:
                msg = "No answer: it is too long or too slow"
                raise UnknownOutcomeError(msg, is_silent=len(content) <= LARGEST_ANSWER)
    return content.decode(errors="replace")


def _never_connected(error: Exception) -> bool:
    if isinstance(error, requests.ConnectTimeout | requests.exceptions.InvalidURL):
        return True
    inner = error.args[0] if error.args else None
    return isinstance(inner, MaxRetryError) and isinstance(inner.reason, NewConnectionError)


def _cause(error: Exception) -> str:
    """Name the innermost cause; the outer errors repeat addresses."""
    cause: BaseException = error
    while cause.__cause__ or cause.__context__:
        cause = cause.__cause__ or cause.__context__ or cause
    return f"{type(error).__name__} ({cause})"


def _refusal(answer: Answer) -> str:
    try:
        said = answer.hide(flatten(answer.json)[: LONGEST_REASON + BEYOND])[:LONGEST_REASON]
    except RecursionError:
        said = ""
    return f"{answer.status}: {said or answer.shown(500)}"


def _odd(answer: Answer) -> str:
    return f"Unreadable answer, status {answer.status}: {answer.shown(200)!r}"


def _retry_after(answer: Answer) -> datetime | None:
    now = datetime.now(UTC)
    said = answer.headers.get("Retry-After", "")
    try:
        wait = timedelta(seconds=int(said)) if said.isdigit() else parsedate_to_datetime(said) - now
    except (TypeError, ValueError, OverflowError):
        return None
    return now + min(max(wait, timedelta(seconds=1)), LONGEST_RETRY_AFTER)


def answered_at(answer: Answer) -> datetime:
    """Return the portal's time of an answer; our time if it gives none or an impossible one."""
    now = datetime.now(UTC)
    try:
        said = parsedate_to_datetime(answer.headers.get("Date", ""))
        return said if abs(said - now) < CLOCKS_APART else now
    except (TypeError, ValueError, OverflowError):
        return now
