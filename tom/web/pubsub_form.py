"""What the form of a stream asks of Google Pub/Sub: a project, subscriptions, a service account."""

import re
from typing import Final, Protocol

from tom.streams.models import Credential, Mechanism, StreamKind
from tom.streams.pubsub_key import NoKeyError, ServiceAccount, read_key
from tom.streams.sources import PUBSUB_HOST

LONGEST_KEY: Final = 10_000
# https://cloud.google.com/pubsub/docs/pubsub-basics#resource_names
SUBSCRIPTION: Final = re.compile(r"[A-Za-z][A-Za-z0-9._~+%-]{2,248}")
_PROJECT: Final = re.compile(r"[a-z][a-z0-9.:-]{4,98}[a-z0-9]")


class Refuses(Protocol):
    """A form that notes what is wrong with a field."""

    values: dict[str, str]

    def refuse(self, name: str, why: str) -> None: ...


def read_project(form: Refuses, text: str, account: ServiceAccount | None) -> tuple[str, str]:
    """Return the host[:port] and the project of `project` or `host[:port]/project`.

    Without a text it is the project of the service account.
    """
    first, slash, second = (text or (account.project if account else "")).partition("/")
    host, project = (first, second) if slash else (PUBSUB_HOST, first)
    if not _PROJECT.fullmatch(project):
        form.refuse(
            "address",
            "Write the id of your Google project, such as my-project-1234. It has 6 to 100 small"
            " letters, digits and hyphens.",
        )
    return host, project


def read_account(form: Refuses, secret: str) -> ServiceAccount | None:
    """Read the key of a service account, if the form says that the secret is one.

    None, with the reason, where it is none; without a secret the stored one stays.
    """
    if not secret or form.values["mechanism"] != Mechanism.GOOGLE:
        return None
    return read_google_key(form, secret)


def read_google_key(form: Refuses, secret: str) -> ServiceAccount | None:
    """Read the key of a service account; None, with the reason, where it is none."""
    try:
        return read_key(secret[:LONGEST_KEY])
    except NoKeyError:
        form.refuse(
            "secret",
            "This is no key of a Google service account: paste the whole JSON file that Google's"
            " console gave you.",
        )
        return None


def judge_fit(form: Refuses, kind: str, used: Credential | None) -> None:
    """Refuse a credential of Google's for a Kafka broker, and another one for Pub/Sub."""
    if used is None or used.mechanism not in Mechanism.values:
        return
    if (kind == StreamKind.PUBSUB) is not (used.mechanism == Mechanism.GOOGLE):
        form.refuse(
            "credential" if used.pk else "mechanism",
            "Pub/Sub takes the key of a Google service account, and nothing else takes it.",
        )
