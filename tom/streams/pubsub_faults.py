"""What is wrong with a call of Google Pub/Sub, in words that say what to do."""

import json
import re
from http import HTTPStatus
from typing import Any, Final

from requests import RequestException

from tom.formats.values import clean
from tom.redaction import SECRET

_LONGEST: Final = 300
_TOKEN: Final = re.compile(r"eyJ[\w.-]{10,}")  # a signed token, if a server repeats it
NO_PUBSUB: Final = "what answers at this address is no Google Pub/Sub: check the address"
REFUSED: Final = (
    "Google refuses the key: it was deleted, or the clock of this machine is wrong. Make a new key"
    " of the service account and enter it"
)
# A part of what requests says, in small letters, and what it means. The first that fits counts.
_BY_WORDS: Final = (
    ("failed to resolve", "there is no such host: check the address"),
    ("certificate verify failed", "the host's certificate is not one that we trust"),
    ("wrong version number", "the host does not speak TLS at this port: check the port"),
    ("record layer failure", "the host does not speak TLS at this port: check the port"),
    ("connection refused", "nothing listens at this port: the host is down, or the port is wrong"),
    ("no route to host", "there is no route to the host: check the network and the firewall"),
    ("network is unreachable", "there is no route to the host: check the network"),
    ("timed out", "the host does not answer: it is down, or a firewall stands between"),
)
# https://cloud.google.com/apis/design/errors: the reason in an answer's details.
_BY_REASON: Final = {
    "SERVICE_DISABLED": "Pub/Sub is not switched on in this project: enable its API there",
    "CONSUMER_INVALID": "there is no such project: check its spelling",
    "BILLING_DISABLED": "this project has no billing account: give it one at Google",
}
_BY_STATUS: Final = {
    HTTPStatus.UNAUTHORIZED: REFUSED,
    HTTPStatus.FORBIDDEN: (
        "no right to read this subscription, or there is none of this name: check its spelling and"
        " the project's, and give the service account the role Pub/Sub Subscriber"
    ),
    HTTPStatus.NOT_FOUND: (
        "there is no such subscription in this project: check the spelling of both, or make it"
    ),
    HTTPStatus.TOO_MANY_REQUESTS: "the project's quota of calls is used up: it is tried again",
    HTTPStatus.BAD_REQUEST: "Pub/Sub does not take the call: check the subscription",
}


def say_unreachable(error: RequestException) -> str:
    """Say why nobody answered."""
    said = str(error).lower()
    meant = next((meaning for words, meaning in _BY_WORDS if words in said), "")
    return meant or f"Pub/Sub does not answer ({type(error).__name__}): it is tried again"


def say_refusal(status: int, body: bytes) -> str:
    """Say what an answer other than 200 means, and what Google says itself."""
    told = _read_error(body)
    meant = _BY_REASON.get(_reason_in(told)) or _BY_STATUS.get(status, "")  # type: ignore[call-overload]  # a number is a status
    if not meant and status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        meant = f"Pub/Sub fails at present ({status}): it is tried again"
    said = _TOKEN.sub(SECRET, clean(str(told.get("message") or ""))[:_LONGEST])
    if not meant or not told:
        return f"{NO_PUBSUB} (it answers {status})"
    return f"{meant} (it says: {said})" if said else meant


def _read_error(body: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    told = answer.get("error") if isinstance(answer, dict) else None
    return told if isinstance(told, dict) else {}


def _reason_in(told: dict[str, Any]) -> str:
    details = told.get("details")
    reasons = [
        str(each.get("reason"))
        for each in (details if isinstance(details, list) else ())
        if isinstance(each, dict) and "reason" in each
    ]
    return next(iter(reasons), "")
