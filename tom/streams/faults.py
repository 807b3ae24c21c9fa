"""What is wrong with a broker or a log-in, in words that say what to do."""

import re
from typing import Final

from confluent_kafka import KafkaError

REFUSED: Final = "the broker refuses the credential"
NO_NAME_SERVER: Final = (
    "no name server answers, so the host is not found: check the network of this machine"
)

_BY_CODE: Final = {
    KafkaError._RESOLVE: "there is no such host: check the address",
    KafkaError.TOPIC_AUTHORIZATION_FAILED: (
        "no right to read this topic: ask the broker's owner for it"
    ),
    KafkaError.GROUP_AUTHORIZATION_FAILED: (
        "no right to use this consumer group: choose another; at SCiMMA it begins with the user"
        " name"
    ),
    KafkaError.UNKNOWN_TOPIC_OR_PART: "there is no such topic: check its spelling",
    KafkaError.UNSUPPORTED_SASL_MECHANISM: (
        "the broker does not take this way to log in: choose another mechanism"
    ),
}
NO_ANSWER: Final = (KafkaError._TRANSPORT, KafkaError._ALL_BROKERS_DOWN, KafkaError._TIMED_OUT)
# A part of what librdkafka says, in small letters, and what it means. The first that fits counts.
_BY_WORDS: Final = (
    ("unsupported sasl mechanism", _BY_CODE[KafkaError.UNSUPPORTED_SASL_MECHANISM]),
    ("failed to resolve", _BY_CODE[KafkaError._RESOLVE]),
    (
        "certificate verify failed",
        "the broker's certificate is not one that we trust: check the address, or give the"
        " certificate of the broker's own authority",
    ),
    ("wrong version number", "the broker does not speak TLS at this port: check the port"),
    ("record layer failure", "the broker does not speak TLS at this port: check the port"),
    ("packet length too long", "the broker does not speak TLS at this port: check the port"),
    ("ssl handshake", "the TLS connection fails: check the port and whether it takes TLS"),
    ("connecting to a ssl listener", "the broker wants TLS at this port: choose TLS"),
    ("invalid response size", "what answers at this port is no Kafka broker: check the port"),
    ("while waiting for api", "what answers at this port is no Kafka broker: check the port"),
    ("no route to host", "there is no route to the host: check the network and the firewall"),
    ("network is unreachable", "there is no route to the host: check the network"),
    (
        "connection refused",
        "nothing listens at this port: the broker is down, or the port is wrong",
    ),
    ("timed out", "the host does not answer: it is down, or a firewall stands between"),
)
# What librdkafka puts around its words: the broker's own address, and when it was said.
_AROUND: Final = re.compile(r"^\S+/\S+: |\s\(after \d+ms in state \w+\)$")
_LONGEST: Final = 300
SILENT: Final = (
    "the broker does not answer: it is down, the port is wrong, or it wants the other of TLS and"
    " no TLS"
)
_TOKEN_REFUSED: Final = re.compile(r"\b40[013]\b|invalid_client|unauthorized")
_NOT_REACHED: Final = re.compile(r"connect|resolve|timed out|certificate")


def say_fault(error: KafkaError) -> str:
    """Say what an error of librdkafka's means, what to do, and what it says itself."""
    said = _AROUND.sub("", error.str())[:_LONGEST]
    meaning = _meaning(error.code(), said.lower())
    if meaning == SILENT:  # what it says itself is only that
        return meaning
    return f"{meaning} (it says: {said})" if meaning else said


def _meaning(code: int, said: str) -> str:
    if "oauth" in said and ("token" in said or "http" in said):
        return _meaning_of_token(said)
    if "temporary failure in name resolution" in said:
        return NO_NAME_SERVER
    if code in _BY_CODE:
        return _BY_CODE[code]
    meant = next((meaning for words, meaning in _BY_WORDS if words in said), "")
    if not meant and is_refusal(code):
        return f"{REFUSED}: correct the user name or the password"
    return meant or (SILENT if code in NO_ANSWER else "")


def is_refusal(code: int) -> bool:
    """Whether a person has to correct the credential."""
    return code in (KafkaError._AUTHENTICATION, KafkaError.SASL_AUTHENTICATION_FAILED)


def _meaning_of_token(said: str) -> str:
    if _TOKEN_REFUSED.search(said) and not _NOT_REACHED.search(said):
        return "the token server refuses the client: correct the client's id or its secret"
    return "the token server gives no token: check its address, or try again later"
