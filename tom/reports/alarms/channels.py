"""The channels of an alarm: e-mail, a webhook in the form that Slack takes, and an SMS gateway.

Each either returns, or raises NothingSentError or UnknownOutcomeError. The addresses of a webhook
and a gateway are secrets: no text of ours contains them.
"""

import io
import json
import smtplib
import socket
from collections.abc import Mapping, Sequence
from contextlib import suppress
from http import HTTPStatus
from typing import Final

import requests
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from requests import exceptions

from tom.outbox.calls import calling
from tom.outbox.errors import NothingSentError, OutcomeError, RejectedError, UnknownOutcomeError
from tom.reports.alarms.guarded import PRIVATE, PrivateAddressError, guarded_session

TIMEOUT_SECONDS: Final = (5, 10)
"""Limits for the connection and for the answer."""
CALL_SECONDS: Final = 60
"""A call is surely over after this time: an e-mail needs several answers."""

# The server refused before the message was sent.
_REFUSALS: Final = (
    smtplib.SMTPSenderRefused,
    smtplib.SMTPRecipientsRefused,
    smtplib.SMTPNotSupportedError,
)
_NOT_HANDLED: Final = (HTTPStatus.SERVICE_UNAVAILABLE,)
_JSON: Final = {"Content-Type": "application/json"}


def send_email(*, subject: str, body: str, to: Sequence[str], name: str) -> None:
    """Send one e-mail to all of `to`, with a Message-ID made from `name`.

    Raises
    ------
    NothingSentError
        If no connection was made, or the server refused.
    UnknownOutcomeError
        If the connection was lost after the message was begun.
    """
    connection = get_connection()
    with calling(mail_address(), seconds=CALL_SECONDS):
        _send_email(connection, subject=subject, body=body, to=to, name=name)


def mail_address() -> str:
    """Return the mail server's name in `tom.changes.addresses`."""
    return f"e-mail {settings.EMAIL_HOST}:{settings.EMAIL_PORT}"


def webhook_address() -> str:
    """Return the webhook's name in `tom.changes.addresses`, since its address is a secret."""
    return "webhook"


def _is_silence(cause: Exception) -> bool:
    """Whether the error means that nobody answered, or not in time."""
    lost = (ConnectionRefusedError, TimeoutError, socket.gaierror, exceptions.Timeout)
    return isinstance(cause, lost) or (
        isinstance(cause, exceptions.ConnectionError) and "NewConnectionError" in str(cause)
    )


def _send_email(
    connection: BaseEmailBackend, *, subject: str, body: str, to: Sequence[str], name: str
) -> None:
    try:
        connection.open()
    except OSError as error:  # smtplib's own errors are OSErrors too
        raise _failed(NothingSentError, "e-mail", error) from error
    domain = settings.DEFAULT_FROM_EMAIL.rpartition("@")[2].strip("> ")
    # A header is one line: a line break would end it.
    subject, name = " ".join(subject.split()), "".join(name.split())
    message = EmailMessage(subject, body, to=list(to), headers={"Message-ID": f"<{name}@{domain}>"})
    try:
        connection.send_messages([message])
    except _REFUSALS as error:
        raise _failed(NothingSentError, "e-mail", error) from error
    except smtplib.SMTPDataError as error:  # any answer to the message except 250
        kind = NothingSentError if 400 <= error.smtp_code < 600 else UnknownOutcomeError
        raise _failed(kind, "e-mail", error) from error
    except OSError as error:
        raise _failed(UnknownOutcomeError, "e-mail", error) from error
    finally:
        with suppress(OSError):  # an error while closing changes nothing: the mail was sent
            connection.close()


def send_webhook(
    url: str, *, title: str, body: str, session: requests.Session | None = None, address: str = ""
) -> None:
    """Post a title and a text to a webhook; markup in them is escaped.

    Parameters
    ----------
    session
        With which it is posted; none: a plain one, for an address of the settings.
    address
        Its name in `tom.changes.addresses`; empty: that of the settings' webhook.

    Raises
    ------
    NothingSentError
        If the text was never sent, or the answer is a refusal (3xx, 4xx, 503).
    UnknownOutcomeError
        If no complete answer came, or the answer is another 5xx.
    """
    text = f"*{_plain(title)}*\n{_plain(body)}"
    content = json.dumps({"text": text, "unfurl_links": False}).encode()
    with calling(address or webhook_address(), seconds=CALL_SECONDS):
        _post(session or requests.Session(), url, content, _JSON, "webhook")


def send_sms(
    url: str, content: bytes, *, content_type: str, headers: Mapping[str, str], address: str
) -> None:
    """Post the body of one SMS to a gateway.

    Raises
    ------
    NothingSentError, UnknownOutcomeError
        As `send_webhook` does.
    """
    sent = {**headers, "Content-Type": content_type}
    with calling(address, seconds=CALL_SECONDS):
        _post(guarded_session(url), url, content, sent, "SMS")


def _plain(text: str) -> str:
    """Escape the characters that Slack reads as a link, a mention or a call of the channel.

    Rule: https://docs.slack.dev/messaging/formatting-message-text#escaping
    """
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _post(
    session: requests.Session, url: str, content: bytes, headers: Mapping[str, str], what: str
) -> None:
    body = io.BytesIO(content)
    try:
        with (
            session,
            session.post(
                url,
                data=body,
                headers=dict(headers),
                timeout=TIMEOUT_SECONDS,
                allow_redirects=False,
                stream=True,  # its status is enough
            ) as answer,
        ):
            status = answer.status_code
    except exceptions.RequestException as error:
        # The body is read after the connection is made, with encryption, and the headers are sent.
        kind = UnknownOutcomeError if body.tell() else NothingSentError
        raise _failed(kind, what, error) from None  # the error's text contains the address
    except PrivateAddressError:
        msg = f"{what}: {PRIVATE}"
        raise RejectedError(msg) from None
    if 200 <= status < 300:
        return
    reason = f"{what}: it answered {status}"
    if status < 500 or status in _NOT_HANDLED:
        raise NothingSentError(reason)
    raise UnknownOutcomeError(reason)


def _failed(
    kind: type[NothingSentError | UnknownOutcomeError], channel: str, error: Exception
) -> OutcomeError:
    return kind(_reason(channel, error), is_silent=_is_silence(error))


def _reason(channel: str, error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{channel}: the server said {error.smtp_code}"
    return f"{channel}: {type(error).__name__}"
