"""How to reach a project of Google Pub/Sub: as the environment says, or as a stream's row does."""

from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from requests import PreparedRequest

from tom.streams.credentials import CredentialError, is_on_this_machine
from tom.streams.log_in import read_secret
from tom.streams.models import Stream
from tom.streams.pubsub_api import Subscriber
from tom.streams.pubsub_key import NoKeyError, ServiceAccount, read_key
from tom.streams.sources import Source, split_project


@dataclass(frozen=True, slots=True)
class Account:
    """A project at an address, and who we are there; None: nobody, as at an emulator."""

    broker: str  # host[:port]/project
    tls: bool
    who: ServiceAccount | None

    def open(self) -> Subscriber:
        """Open a connection of its own: one for each thread."""
        host, project = split_project(self.broker)
        url = f"{'https' if self.tls else 'http'}://{host}/v1/projects/{project}"
        return Subscriber(url, self.who or _unsigned)


def find_account(source: Source) -> Account:
    """Return how to reach a source.

    Raises
    ------
    CredentialError
        If there is no usable key.
    """
    if source.stream is None:
        is_ours = is_on_this_machine(split_project(source.broker)[0])
        return Account(source.broker, not is_ours, _from_environment(required=not is_ours))
    stream = Stream.objects.with_credentials().filter(pk=source.stream).first()
    if stream is None:
        msg = "this stream was deleted"
        raise CredentialError(msg)
    return account_of(stream)


def account_of(stream: Stream) -> Account:
    """Return how to reach the project of a stream's row.

    Raises
    ------
    CredentialError
        If its key cannot be read.
    """
    credential = stream.credential
    try:
        who = read_key(read_secret(credential)) if credential else None
    except NoKeyError as error:
        msg = f"the credential {stream.credential} holds no key of a service account: enter one"
        raise CredentialError(msg) from error
    return Account(stream.address, stream.tls, who)


def _from_environment(*, required: bool) -> ServiceAccount | None:
    name = settings.GOOGLE_APPLICATION_CREDENTIALS
    if not name:
        if required:
            msg = "no key for Pub/Sub: set GOOGLE_APPLICATION_CREDENTIALS to a file in JSON"
            raise CredentialError(msg)
        return None
    try:
        return read_key(Path(name).read_text())
    except (OSError, NoKeyError, UnicodeDecodeError) as error:
        msg = f"GOOGLE_APPLICATION_CREDENTIALS names no readable key: {type(error).__name__}"
        raise CredentialError(msg) from error


def _unsigned(request: PreparedRequest) -> PreparedRequest:
    return request
