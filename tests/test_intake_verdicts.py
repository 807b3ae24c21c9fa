"""What becomes of a message that cannot be used, and the words that say so."""

import pytest

from tests.streams.packets import make_circular, make_gwalert_json, make_ztf_packet
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC, HEARTBEAT, UNKNOWN
from tom.intake_verdicts import STORED, Verdict, refused, stored, unread
from tom.streams.models import AlertMessage, MessageState

DEAD, UNHANDLED = MessageState.DEAD, MessageState.UNHANDLED
DAMAGED = MalformedAlertError("cut short")


def message_of(
    payload: bytes | None, kind: str = UNKNOWN, topic: str = "some.topic", **fields: object
) -> AlertMessage:
    return AlertMessage(payload=payload, kind=kind, topic=topic, **fields)


@pytest.mark.parametrize(
    ("left_out", "reason"),
    [
        ((), ""),
        (("far -1 (negative)",), "stored, but left out: far -1 (negative)"),
        (("a", "b"), "stored, but left out: a; b"),
    ],
)
def test_what_was_stored_says_what_of_it_was_not(left_out: tuple[str, ...], reason: str) -> None:
    assert stored(left_out) == Verdict(MessageState.STORED, reason)
    assert (stored(left_out) is STORED) is (not left_out)


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        ("igwn.json", make_gwalert_json()[:200]),
        ("gcn.circular", make_circular()[:-5]),
        ("ztf.avro", make_ztf_packet()[:-5]),
        ("ztf.avro", b"Obj\x01damaged"),
    ],
)
def test_what_claims_to_be_of_its_form_and_is_damaged_is_dead(kind: str, payload: bytes) -> None:
    assert refused(message_of(payload, kind), DAMAGED) == Verdict(DEAD, "cut short")


@pytest.mark.parametrize(
    ("kind", "payload", "words"),
    [
        ("igwn.json", b"words", "plain text of 5 characters"),
        ("ztf.avro", b"", "empty"),
        ("ztf.avro", None, "empty"),  # its bytes were let go of
        ("gcn.circular", b'{"a": 1}', "a JSON object with keys a"),
        ("a form that is gone", make_gwalert_json(), "a JSON object"),
    ],
)
def test_what_claims_nothing_is_unhandled_and_described(
    kind: str, payload: bytes | None, words: str
) -> None:
    verdict = refused(message_of(payload, kind), DAMAGED)

    assert verdict.state == UNHANDLED
    assert verdict.reason.startswith("no parser takes this: ")
    assert words in verdict.reason


def test_a_damaged_file_is_dead_whatever_it_claims() -> None:
    assert refused(message_of(b"words", "ztf.avro", FILE_TOPIC), DAMAGED).state == DEAD


@pytest.mark.parametrize("topic", ["some.topic", FILE_TOPIC])
def test_what_a_parser_does_not_take_yet_is_kept_for_the_reason_that_it_gives(topic: str) -> None:
    told = refused(message_of(b"{}", "ztf.avro", topic), UnhandledAlertError("of a later form"))
    untold = refused(message_of(b"{}", "ztf.avro", topic), UnhandledAlertError())

    assert told == Verdict(UNHANDLED, "of a later form")
    assert untold == Verdict(UNHANDLED, "no parser takes this: a JSON object without keys")


@pytest.mark.parametrize(
    ("kind", "topic", "verdict"),
    [
        (UNKNOWN, FILE_TOPIC, Verdict(DEAD, "not a packet: plain text of 5 characters")),
        (
            UNKNOWN,
            "some.topic",
            Verdict(UNHANDLED, "no parser takes this: plain text of 5 characters"),
        ),
        ("gcn.notice", "some.topic", Verdict(UNHANDLED, "kept; no parser for gcn.notice yet")),
        (HEARTBEAT, FILE_TOPIC, Verdict(UNHANDLED, "kept; no parser for heartbeat yet")),
    ],
)
def test_what_nothing_reads_is_kept_but_for_files(kind: str, topic: str, verdict: Verdict) -> None:
    assert unread(message_of(b"words", kind, topic)) == verdict


def test_what_its_sender_calls_a_message_is_said_beside_what_it_looks_like() -> None:
    message = message_of(b"words", headers=[["_format", "VOEvent"]])

    assert unread(message).reason == (
        "no parser takes this: plain text of 5 characters, said to be voevent"
    )
