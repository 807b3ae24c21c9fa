"""Reach a contact by its channel."""

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

from cryptography.fernet import InvalidToken

from tom.outbox.errors import RejectedError
from tom.own_secrets import note_address, note_secret
from tom.reports.alarms.channels import send_email, send_sms, send_webhook
from tom.reports.alarms.contacts import Channel, Contact, SmsGateway
from tom.reports.alarms.guarded import guarded_session

LONGEST_SMS: Final = 300
"""Characters; a gateway splits it in two or three."""
LEAST_SECRET: Final = 8
"""A shorter word of a gateway is a word like any other."""
_FORM: Final = "application/x-www-form-urlencoded"
_LOST: Final = "its secret cannot be read: enter it again"


class BodyError(ValueError):
    """This is no body for an SMS; the message says why, for the person who typed it."""


def reach(contact: Contact, *, title: str, body: str, name: str) -> None:
    """Send a title and a text to a contact; `name` makes the Message-ID of an e-mail.

    Raises
    ------
    RejectedError
        If the contact was removed, its secret is lost, its address is private, or there is no
        gateway for an SMS.
    NothingSentError, UnknownOutcomeError
        As the channels raise them.
    """
    address = _address_of(contact)
    if contact.channel == Channel.EMAIL:
        send_email(subject=title, body=body, to=[address], name=name)
        return
    if contact.channel == Channel.WEBHOOK:
        note_address(address)
        send_webhook(
            address,
            title=title,
            body=body,
            session=guarded_session(address),
            address=f"webhook of contact {contact.pk}",
        )
    else:
        note_secret(address)
        _send_sms(address, f"{title}\n{body}"[:LONGEST_SMS])


def fill_body(body: str, *, to: str, text: str) -> tuple[bytes, str]:
    """Put a number and a text into the body of a gateway; return the bytes and their type.

    Each value of the JSON or the form is filled by itself, so no text can break out of it.

    Raises
    ------
    BodyError
        If the body is neither a JSON object nor a form, or lacks {to} or {text}.
    """
    if "{to}" not in body or "{text}" not in body:
        msg = "The body has {to} and {text}."
        raise BodyError(msg)
    if body.lstrip().startswith("{") and not body.lstrip().startswith(("{to}", "{text}")):
        try:
            content = _fill(json.loads(body), to, text)
        except (ValueError, RecursionError):
            msg = "The body begins as JSON, and is none."
            raise BodyError(msg) from None
        return json.dumps(content).encode(), "application/json"
    pairs = parse_qsl(body, keep_blank_values=True)
    if not any("{to}" in value for _, value in pairs):
        msg = "Write JSON, or a form: To={to}&Body={text}."
        raise BodyError(msg)
    return urlencode([(key, _fill(value, to, text)) for key, value in pairs]).encode(), _FORM


def read_headers(text: str) -> dict[str, str]:
    """Read headers, one a line.

    Raises
    ------
    BodyError
        If a line is none.
    """
    headers = {}
    for line in filter(None, (line.strip() for line in text.splitlines())):
        name, colon, value = line.partition(":")
        if not colon or not name.replace("-", "").isalnum() or not value.strip().isprintable():
            msg = "Write one header a line, as Name: value."
            raise BodyError(msg)
        headers[name] = value.strip()
    return headers


def _fill(value: Any, to: str, text: str) -> Any:
    if isinstance(value, dict):
        return {key: _fill(inner, to, text) for key, inner in value.items()}
    if isinstance(value, list):
        return [_fill(inner, to, text) for inner in value]
    if isinstance(value, str):
        # In one pass: a text may itself say "{to}".
        return text.join(part.replace("{to}", to) for part in value.split("{text}"))
    return value


def _address_of(contact: Contact) -> str:
    try:
        found = Contact.objects.filter(pk=contact.pk, removed=None)
        address = found.values_list("address", flat=True).first()
    except InvalidToken:
        raise RejectedError(_LOST) from None
    if not address:
        msg = "the contact was removed"
        raise RejectedError(msg)
    return str(address)


def _send_sms(number: str, text: str) -> None:
    try:
        gateway = SmsGateway.objects.first()
    except InvalidToken:
        raise RejectedError(_LOST) from None
    if gateway is None:
        msg = "no SMS gateway is set"
        raise RejectedError(msg)
    try:
        content, content_type = fill_body(str(gateway.body), to=number, text=text)
        headers = read_headers(str(gateway.headers or ""))
    except BodyError as error:
        raise RejectedError(str(error)) from None
    _note_secrets(gateway, headers)
    send_sms(
        str(gateway.url),
        content,
        content_type=content_type,
        headers=headers,
        address="SMS gateway",
    )


def _note_secrets(gateway: SmsGateway, headers: Mapping[str, str]) -> None:
    """Keep what lets us in at the gateway out of every text: each word of a header or a value."""
    note_address(str(gateway.url))
    for value in (*headers.values(), *_texts_in(str(gateway.body))):
        for word in (value, *value.split()):
            if len(word) >= LEAST_SECRET:
                note_secret(word)


def _texts_in(body: str) -> Iterator[str]:
    """Yield the values of a body that are neither the number nor the text."""
    try:
        values = _values(json.loads(body))
    except (ValueError, RecursionError):
        values = (value for _, value in parse_qsl(body))
    yield from (value for value in values if "{to}" not in value and "{text}" not in value)


def _values(content: Any) -> Iterator[str]:
    if isinstance(content, dict | list):
        for inner in content.values() if isinstance(content, dict) else content:
            yield from _values(inner)
    elif isinstance(content, str):
        yield content
