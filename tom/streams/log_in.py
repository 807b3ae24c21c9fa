"""How a listener logs in at its broker: as the environment says, or as a stream's row does."""

from dataclasses import dataclass, field
from typing import Any, Protocol

import certifi
from cryptography.fernet import InvalidToken

from tom.own_secrets import note_secret
from tom.streams.credentials import CredentialError, find_credential, group_of
from tom.streams.models import Credential, Mechanism, Stream
from tom.streams.sources import Source


class LogIn(Protocol):
    """Gives a client its part of confluent-kafka's configuration, as hop's Auth does."""

    def __call__(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class StoredLogIn:
    """The log-in that a stream's row describes."""

    config: dict[str, Any] = field(repr=False)

    def __call__(self) -> dict[str, Any]:
        return self.config


def find_log_in(source: Source) -> tuple[LogIn | None, str]:
    """Return how to log in at a source, and the consumer group.

    Raises
    ------
    CredentialError
        If there is no one usable credential.
    """
    if source.stream is None:
        credential = find_credential(source.broker, source.username)
        return credential, group_of(credential)
    stream = Stream.objects.with_credentials().filter(pk=source.stream).first()
    if stream is None:
        msg = "this stream was deleted"
        raise CredentialError(msg)
    return log_in_of(stream), stream.consumer_group


def log_in_of(stream: Stream) -> StoredLogIn:
    """Return how to log in for a stream.

    Raises
    ------
    CredentialError
        If its secret cannot be read.
    """
    config = _tls(stream)
    credential = stream.credential
    config["security.protocol"] = ("SASL_" if credential else "") + (
        "SSL" if stream.tls else "PLAINTEXT"
    )
    return StoredLogIn(config | (_sasl(credential) if credential else {}))


def _tls(stream: Stream) -> dict[str, Any]:
    if not stream.tls:
        return {}
    if stream.authority:
        return {"ssl.ca.pem": stream.authority, "https.ca.location": certifi.where()}
    return {"ssl.ca.location": certifi.where(), "https.ca.location": certifi.where()}


def read_secret(credential: Credential) -> str:
    """Return the secret of a credential.

    Raises
    ------
    CredentialError
        If it cannot be decrypted.
    """
    try:
        secret: str = credential.secret
    except InvalidToken as error:
        msg = (
            f"the secret of the credential {credential.name} cannot be read, because SECRET_KEY"
            " was changed: enter it again"
        )
        raise CredentialError(msg) from error
    return secret


def _sasl(credential: Credential) -> dict[str, Any]:
    secret = read_secret(credential)
    note_secret(secret)
    if credential.mechanism == Mechanism.OAUTH:
        return {
            "sasl.mechanism": credential.mechanism,
            "sasl.oauthbearer.method": "oidc",
            "sasl.oauthbearer.client.id": credential.username,
            "sasl.oauthbearer.client.secret": secret,
            "sasl.oauthbearer.token.endpoint.url": credential.token_url,
        }
    return {
        "sasl.mechanism": credential.mechanism,
        "sasl.username": credential.username,
        "sasl.password": secret,
    }
