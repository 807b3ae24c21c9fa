"""Take answers to alarms that a gateway hands in: signed, each once, of a person who may answer.

The signature is the HMAC-SHA256, in hexadecimal, of the time and the body with a full stop between
them: `1795800000.{"from": "+33612345678", "text": "ACK 12"}`. The time is in seconds since 1970.
"""

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import parse_qsl

from cryptography.fernet import InvalidToken
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from tom.reports.alarms.alarms import acknowledge_alarm
from tom.reports.alarms.answer_channels import AnswerChannel, HandedIn
from tom.reports.alarms.contacts import Channel, Contact
from tom.reports.alarms.models import Alarm

LONGEST_BODY: Final = 4096
MOST_SKEW: Final = timedelta(minutes=5)
"""How far a time that is signed may be from ours."""
MAY_ANSWER: Final = "reports.change_alarm"
_SECRET_BYTES: Final = 32
_KEPT: Final = 2 * MOST_SKEW + timedelta(minutes=1)
_SENDERS: Final = ("from", "sender", "user")
_TEXTS: Final = ("text", "body", "message")
_ANSWER: Final = re.compile(r"\s*ack[\s:#]*([0-9]{1,9})\b", re.IGNORECASE)


class AnswerError(Exception):
    """This answer is not taken; the message says why, to whoever sent it."""


class NotSignedError(AnswerError):
    """No channel of ours signed it, or not lately."""


class HandedInError(AnswerError):
    """It was handed in before."""


class UnreadableAnswerError(AnswerError):
    """It names no alarm."""


class UnknownSenderError(AnswerError):
    """Nobody here who may answer has this number, address or name."""


class NoAlarmError(AnswerError):
    """There is no such alarm."""


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer that was taken; `is_first` if nobody had answered that alarm before."""

    by: User
    alarm: Alarm
    is_first: bool


def make_channel(name: str) -> tuple[AnswerChannel, str]:
    """Make a channel; return it with its secret, which is shown this once.

    Raises
    ------
    IntegrityError
        If another channel has this name.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    with transaction.atomic():
        return AnswerChannel.objects.create(name=name, secret=secret), secret


def remove_channel(channel: AnswerChannel, *, now: datetime) -> None:
    """Remove a channel; its secret is overwritten."""
    AnswerChannel.objects.filter(pk=channel.pk).update(
        removed=now, secret=secrets.token_urlsafe(_SECRET_BYTES)
    )


def sign(secret: str, stamp: str, body: bytes) -> str:
    """Return the signature of a body that is handed in at a time (seconds since 1970)."""
    return hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def take_answer(pk: int, body: bytes, *, stamp: str, signature: str, now: datetime) -> Answer:
    """Take what a channel hands in, as if its sender had answered on the page.

    Raises
    ------
    AnswerError
        One of its kinds. All but `NotSignedError` mean that the channel itself said it.
    """
    _check(pk, body, stamp=stamp, signature=signature, now=now)
    _note_once(pk, signature, now=now)
    said = _read(body)
    alarm_pk = _alarm_in(_value(said, _TEXTS))
    by = _sender(_value(said, _SENDERS))
    alarm = Alarm.objects.filter(pk=alarm_pk, event__isnull=False).select_related("event").first()
    if alarm is None:
        msg = f"There is no alarm {alarm_pk}."
        raise NoAlarmError(msg)
    return Answer(by, alarm, acknowledge_alarm(alarm, by))


def _check(pk: int, body: bytes, *, stamp: str, signature: str, now: datetime) -> None:
    """Raise NotSignedError for all that is not signed lately, and do not say what is wrong."""
    msg = "This answer is not signed by a channel of this site, or its time is not now."
    is_time = stamp.isascii() and stamp.isdecimal() and len(stamp) <= 12
    if not is_time or abs(now.timestamp() - int(stamp)) > MOST_SKEW.total_seconds():
        raise NotSignedError(msg)
    rows = AnswerChannel.objects.filter(pk=pk, removed=None)
    try:
        secret = rows.values_list("secret", flat=True).first()
    except InvalidToken:
        raise NotSignedError(msg) from None
    given = signature.encode(errors="replace")
    if not secret or not hmac.compare_digest(sign(str(secret), stamp, body).encode(), given):
        raise NotSignedError(msg)


def _note_once(pk: int, signature: str, *, now: datetime) -> None:
    HandedIn.objects.filter(created__lt=now - _KEPT).delete()
    try:
        with transaction.atomic():
            HandedIn.objects.create(channel_id=pk, signature=signature, created=now)
    except IntegrityError:
        msg = "This answer was handed in before."
        raise HandedInError(msg) from None
    AnswerChannel.objects.filter(pk=pk).update(last_used=now)


def _read(body: bytes) -> dict[str, Any]:
    """Read JSON or a form, with the names of its values in lower case."""
    try:
        text = body.decode()
        said = json.loads(text) if text.lstrip().startswith("{") else dict(parse_qsl(text))
    except (ValueError, RecursionError):
        said = {}
    return {name.lower(): value for name, value in said.items()}


def _value(said: Mapping[str, Any], names: Iterable[str]) -> str:
    values = (said.get(name) for name in names)
    found = next((value for value in values if isinstance(value, str)), "")
    # The database keeps neither.
    return found.replace("\0", "").encode(errors="ignore").decode()


def _alarm_in(text: str) -> int:
    found = _ANSWER.match(text)
    if found is None:
        msg = "Send ACK and the number of the alarm, such as ACK 123."
        raise UnreadableAnswerError(msg)
    return int(found[1])


def _sender(name: str) -> User:
    """Find who sent an answer: by a number, an e-mail address, or the name here."""
    user = _by_contact(name) or User.objects.filter(username=name).first()
    if user is None or not user.is_active or not user.has_perm(MAY_ANSWER):
        msg = "Nobody here who may answer alarms has this number, address or name."
        raise UnknownSenderError(msg)
    return user


def _by_contact(name: str) -> User | None:
    """Find whose contact this is. Addresses are encrypted, so each is read and compared."""
    if name.endswith(tuple("0123456789")) and "@" not in name:
        channel, wanted = Channel.SMS, _number(name)
    else:
        channel, wanted = Channel.EMAIL, name.casefold()
    rows = Contact.objects.filter(channel=channel, removed=None, person__is_active=True)
    owners = {_address(pk).casefold(): person for pk, person in rows.values_list("pk", "person")}
    return User.objects.filter(pk=owners.get(wanted, 0)).first()


def _address(pk: int) -> str:
    try:
        found = Contact.objects.filter(pk=pk).values_list("address", flat=True).first()
    except InvalidToken:
        return ""
    return str(found or "")


def _number(text: str) -> str:
    """Write a number as contacts are: a gateway may leave out the plus sign, or write spaces."""
    digits = re.sub(r"[^0-9]", "", text)
    return f"+{digits.removeprefix('00')}"
