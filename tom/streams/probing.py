"""Call an address to learn why nothing answers there as a Kafka broker."""

import socket
import ssl
import struct
from concurrent.futures import Future
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from tom.streams.faults import NO_NAME_SERVER
from tom.streams.log_in import LogIn
from tom.streams.models import Mechanism

KAFKA_PORT: Final = 9092
PROBE_SECONDS: Final = 2.0
ANSWERS: Final = "the broker answers, but takes no log-in: try again, or ask its owner"
WANTS_LOG_IN: Final = "the broker answers, but not without a log-in: choose a credential"
OAUTH_SILENT: Final = (
    "the broker answers, but the token server gives no token: it is silent, or fails; check its"
    " address, or try again later"
)
OPEN: Final = "the port is open, but no Kafka broker answers with TLS there: check the port"
NO_BROKER: Final = "what answers at this port is no Kafka broker: check the port"
WANTS_TLS: Final = "the broker wants TLS at this port: choose TLS"
TAKES_NO_TLS: Final = (
    "the broker takes no TLS at this port: choose “not encrypted”, or another port"
)
_NUMBER: Final = 1717
# Which requests it knows, in the first form: a broker says so to everybody, before any log-in.
# https://kafka.apache.org/protocol.html#The_Messages_ApiVersions
_QUESTION: Final = struct.pack(">ihhih", 10, 18, 0, _NUMBER, -1)

Place = tuple[str, int]


def say_silence(address: str, log_in: LogIn | None) -> str:
    """Say what is wrong at host[:port] where neither the broker nor librdkafka gives a reason."""
    config = log_in() if log_in is not None else {}
    said = probe(address, tls="SSL" in str(config.get("security.protocol", "")).split("_"))
    if said != ANSWERS:
        return said
    mechanism = config.get("sasl.mechanism") or config.get("sasl.mechanisms")
    if mechanism is None:
        return WANTS_LOG_IN
    return OAUTH_SILENT if mechanism == Mechanism.OAUTH else said


def probe(address: str, *, tls: bool) -> str:
    """Say what is wrong at host[:port], where no Kafka broker answered."""
    parts = urlsplit(f"//{address}")
    place = parts.hostname or "", parts.port or KAFKA_PORT
    try:
        _look_up(*place)
        if _is_broker(place, tls=tls):
            return ANSWERS
        if _is_broker(place, tls=not tls):
            return TAKES_NO_TLS if tls else WANTS_TLS
    except socket.gaierror as error:
        if error.errno == socket.EAI_AGAIN:
            return NO_NAME_SERVER
        return "there is no such host: check the address"
    except ConnectionRefusedError:
        return "nothing listens at this port: the broker is down, or the port is wrong"
    except TimeoutError:
        return "the host does not answer: it is down, or a firewall stands between"
    except OSError as error:
        return f"there is no route to the host: check the network ({error.strerror})"
    return OPEN if tls else NO_BROKER


def _look_up(host: str, port: int) -> None:
    """Look the host up in time: what the system offers for it ends when the name server likes.

    Raises
    ------
    OSError
        If there is no such host, or the name server does not answer in time (`EAI_AGAIN`).
    """
    answer: Future[object] = Future()

    def ask() -> None:
        try:
            answer.set_result(socket.getaddrinfo(host, port))
        except (OSError, UnicodeError) as error:
            answer.set_exception(error)

    Thread(target=ask, name="look-up", daemon=True).start()
    try:
        answer.result(PROBE_SECONDS)
    except TimeoutError as error:
        raise socket.gaierror(socket.EAI_AGAIN, "no answer in time") from error
    except UnicodeError as error:
        raise socket.gaierror(socket.EAI_NONAME, "no name of a host") from error


def _is_broker(place: Place, *, tls: bool) -> bool:
    """Whether a Kafka broker answers, whoever it is: nothing secret is sent.

    Raises
    ------
    OSError
        If nobody takes the connection.
    """
    with socket.create_connection(place, timeout=PROBE_SECONDS) as connection:
        try:
            return _answers(_encrypted(connection, place[0]) if tls else connection)
        except (OSError, ValueError):
            return False


def _answers(connection: socket.socket) -> bool:
    """Whether what comes back is the answer to our question: its size, then our number."""
    connection.sendall(_QUESTION)
    answer = b""
    while len(answer) < 8:
        piece = connection.recv(8 - len(answer))
        if not piece:
            return False
        answer += piece
    return answer[4:] == struct.pack(">i", _NUMBER)


def _encrypted(connection: socket.socket, host: str) -> socket.socket:
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    return unchecked.wrap_socket(connection, server_hostname=host)
