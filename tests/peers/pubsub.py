"""Google's own emulator of Pub/Sub, a Java program that comes with its SDK and with no package."""

import base64
import json
import shutil
import signal
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.peers.kafka import free_port
from tom.embedded.children import start, stop, wait_until

PROJECT: Final = "counterpart-tests"
EMAIL: Final = "reader@my-project-1234.iam.gserviceaccount.com"
SHORTEST_DEADLINE: Final = 10
_SCRIPT: Final = Path("platform/pubsub-emulator/bin/cloud-pubsub-emulator")


@dataclass(frozen=True)
class PubSubPeer:
    """A project of the emulator. It knows no credentials."""

    port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}/{PROJECT}"

    def url(self, *subscriptions: str) -> str:
        return f"pubsub://{PROJECT}@127.0.0.1:{self.port}/{','.join(subscriptions)}"

    def create(self, name: str) -> str:
        """Create a topic, and a subscription to it of the same name."""
        self._call("PUT", f"topics/{name}", {})
        asked = {
            "topic": f"projects/{PROJECT}/topics/{name}",
            "ackDeadlineSeconds": SHORTEST_DEADLINE,
        }
        self._call("PUT", f"subscriptions/{name}", asked)
        return name

    def publish(self, topic: str, payloads: Sequence[bytes], **attributes: str) -> list[str]:
        """Publish messages in one call; return the ids that they got."""
        messages = [
            {"data": base64.b64encode(each).decode(), "attributes": attributes} for each in payloads
        ]
        found = self._call("POST", f"topics/{topic}:publish", {"messages": messages})
        return list(found["messageIds"])

    def pull(self, subscription: str) -> list[bytes]:
        """Take what waits now: what is neither acknowledged nor with another subscriber."""
        asked = {"maxMessages": 1000, "returnImmediately": True}
        found = self._call("POST", f"subscriptions/{subscription}:pull", asked)
        received = found.get("receivedMessages", [])
        return [base64.b64decode(each["message"].get("data", "")) for each in received]

    def _call(self, method: str, what: str, asked: dict[str, Any]) -> dict[str, Any]:
        url = f"http://127.0.0.1:{self.port}/v1/projects/{PROJECT}/{what}"
        answer = requests.request(method, url, json=asked, timeout=30)
        answer.raise_for_status()
        found: dict[str, Any] = answer.json()
        return found


def write_key(key: rsa.RSAPrivateKey) -> str:
    """Write what Google's console gives for a service account's key."""
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    given = {
        "type": "service_account",
        "project_id": "my-project-1234",
        "private_key_id": "0123456789abcdef",
        "private_key": pem.decode(),
        "client_email": EMAIL,
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    return json.dumps(given, indent=2)


def find_emulator() -> Path | None:
    """Return what starts the emulator; None where it or Java is not installed."""
    sdk = shutil.which("gcloud")
    if sdk is None or shutil.which("java") is None:
        return None
    script = Path(sdk).resolve().parents[1] / _SCRIPT
    return script if script.exists() else None


@contextmanager
def running_pubsub(script: Path) -> Iterator[PubSubPeer]:
    """Run the emulator on a free port of the loopback for as long as the block runs."""
    with tempfile.TemporaryDirectory(prefix="pubsub-") as name:
        log = Path(name) / "pubsub.log"
        port = free_port()
        options = {"JAVA_OPTS": "-Xmx192m -XX:TieredStopAtLevel=1 -XX:+UseSerialGC"}
        child = start([script, "--host=127.0.0.1", f"--port={port}"], log=log, environment=options)
        try:
            if not wait_until(lambda: _answers(port), child=child, seconds=60):
                msg = f"the emulator did not start: {log.read_text()[-500:]}"
                raise RuntimeError(msg)
            yield PubSubPeer(port)
        finally:
            stop(child, first=signal.SIGTERM, seconds=5)


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/", timeout=2).ok
    except requests.RequestException:
        return False
