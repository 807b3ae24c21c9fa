"""Call an address to learn why nothing answers there as a Kafka broker."""

import socket
import ssl
from concurrent.futures import Future
from threading import Thread
from typing import Final
from urllib.parse import urlsplit

from tom.streams.faults import NO_NAME_SERVER

KAFKA_PORT: Final = 9092
PROBE_SECONDS: Final = 2.0
OPEN: Final = "the port is open, but no Kafka broker answers with TLS there: check the port"


def probe(address: str, *, tls: bool) -> str:
    """Say what is wrong at host[:port], where no Kafka broker answered."""
    parts = urlsplit(f"//{address}")
    place = parts.hostname or "", parts.port or KAFKA_PORT
    try:
        _look_up(*place)
        with socket.create_connection(place, timeout=PROBE_SECONDS) as connection:
            return OPEN if tls else _look_for_tls(connection, place[0])
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


def _look_for_tls(connection: socket.socket, host: str) -> str:
    """Whether a port that should do without TLS takes it."""
    unchecked = ssl.create_default_context()
    unchecked.check_hostname, unchecked.verify_mode = False, ssl.CERT_NONE
    try:
        unchecked.wrap_socket(connection, server_hostname=host).close()
    except (OSError, ValueError):
        return "what answers at this port is no Kafka broker: check the port"
    return "the broker wants TLS at this port: choose TLS"
