"""What became of a message, and why: the state and the reason that its row gets."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from tom.formats.describe import describe
from tom.formats.errors import UnhandledAlertError
from tom.forms.networks import FILE_TOPIC, UNKNOWN
from tom.forms.recognition import claims, tell_missing
from tom.forms.topics import is_private_topic
from tom.streams.headers import describe_format
from tom.streams.models import AlertMessage, MessageState


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a message."""

    state: MessageState
    reason: str = ""


NO_PARSER: Final = "no parser takes this"
"""How the reason begins of what is in no form that its topic, or any, is known to have."""
PRIVATE: Final = "kept; the terms of its topic are private, so nothing reads it"
STORED = Verdict(MessageState.STORED)
FOR_GROUP = Verdict(
    MessageState.UNHANDLED,
    "kept for the group of its stream; nothing reads it: an event or a circular would be for all",
)
STREAM_GONE: Final = (
    "kept for the group of its stream; nothing reads it: the stream is deleted, or unknown"
)
KNOWN = Verdict(MessageState.KNOWN, "an earlier message says the same")


def stored(left_out: Sequence[str]) -> Verdict:
    """Stored; the reason says what of the message could not be used, so that it can be replayed."""
    if not left_out:
        return STORED
    return Verdict(MessageState.STORED, f"stored, but left out: {'; '.join(left_out)}")


def refused(message: AlertMessage, error: ValueError) -> Verdict:
    """A dead letter claims to be of its form and is damaged; anything else is unhandled."""
    payload = bytes(message.payload or b"")
    if isinstance(error, UnhandledAlertError):
        return Verdict(MessageState.UNHANDLED, str(error) or _no_parser_takes(message, payload))
    if message.topic == FILE_TOPIC or claims(message.kind, payload):
        return Verdict(MessageState.DEAD, str(error))
    return Verdict(MessageState.UNHANDLED, _no_parser_takes(message, payload))


def unread(message: AlertMessage) -> Verdict:
    """Nothing reads a message of this form, or of this topic."""
    if is_private_topic(message.topic):
        return Verdict(MessageState.UNHANDLED, PRIVATE)
    payload = bytes(message.payload or b"")
    if message.kind == UNKNOWN and message.topic == FILE_TOPIC:
        return Verdict(MessageState.DEAD, f"not a packet: {describe(payload)}")
    if message.kind == UNKNOWN:
        return Verdict(MessageState.UNHANDLED, _no_parser_takes(message, payload))
    return Verdict(MessageState.UNHANDLED, f"kept; no parser for {message.kind} yet")


def _no_parser_takes(message: AlertMessage, payload: bytes) -> str:
    said = [describe(payload), tell_missing(payload), describe_format(message.headers)]
    return f"{NO_PARSER}: {', '.join(filter(None, said))}"
