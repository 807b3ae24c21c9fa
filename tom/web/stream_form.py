"""The form of a stream, with or without a new credential, and that of a credential."""

import re
import ssl
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import Group

from tom.streams.credentials import is_on_this_machine
from tom.streams.models import Credential, Mechanism, Stream, StreamKind
from tom.streams.pubsub_key import ServiceAccount
from tom.web.keys import read_pk
from tom.web.pubsub_form import SUBSCRIPTION, judge_fit, read_account, read_google_key, read_project

NONE, NEW = "", "new"
TLS, NO_TLS = "tls", "none"
EVERYBODY = "all"
LONGEST_NAME: Final = 100
MOST_DAYS: Final = 36_500
LONGEST_USER: Final = 200
LONGEST_SECRET: Final = 2000
LONGEST_PEM: Final = 100_000
MOST_TOPICS: Final = 100
_TOPIC: Final = re.compile(r"[A-Za-z0-9._-]{1,249}")
_HOST: Final = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,252})|\[[0-9A-Fa-f:.]{2,45}\]")
_USUAL_ADDRESSES: Final = {
    StreamKind.SCIMMA: "kafka.scimma.org",
    StreamKind.GCN: "kafka.gcn.nasa.gov",
}
STREAM_FIELDS = (
    *("name", "kind", "address", "tls", "topics", "credential", "consumer_group", "authority"),
    *("packet_days", "readers"),
)
CREDENTIAL_FIELDS = ("mechanism", "username", "token_url", "group")
SECRET = "secret"  # noqa: S105  the name of a field
NEW_SECRET = "new_secret"  # noqa: S105  that of the credential which is stored


@dataclass
class StreamForm:
    """What was typed, but for the secret; what it means; and what is wrong with each field."""

    values: dict[str, str]
    credentials: Sequence[Credential]
    groups: Sequence[Group]
    topics: list[str] = field(default_factory=list)
    packet_days: int | None = None
    readers: Group | None = None
    credential: Credential | None = None
    own: Credential | None = None  # the stored one that no other stream uses
    made: Credential | None = None  # a new credential, not saved yet
    is_renewed: bool = False  # the stored one's secret is another now, not saved yet
    errors: dict[str, list[str]] = field(default_factory=dict)

    kinds = StreamKind.choices
    mechanisms = Mechanism.choices

    def refuse(self, name: str, why: str) -> None:
        self.errors.setdefault(name, []).append(why)

    @property
    def host(self) -> str:
        return host_of(self.values["address"])


def blank_form(credentials: Sequence[Credential], groups: Sequence[Group]) -> StreamForm:
    """Return the form of a new stream."""
    values = dict.fromkeys((*STREAM_FIELDS, *CREDENTIAL_FIELDS), "")
    values |= {"readers": EVERYBODY}
    values |= {"kind": StreamKind.SCIMMA, "tls": TLS, "mechanism": Mechanism.SCRAM_512}
    return StreamForm(values, credentials, groups)


def form_of(
    stream: Stream,
    credentials: Sequence[Credential],
    groups: Sequence[Group],
    *,
    own: Credential | None,
) -> StreamForm:
    """Return the form of a stream as it is stored; `own` is as in `read_stream_form`."""
    form = blank_form(credentials, groups)
    form.own = own
    form.values |= {
        "name": stream.name,
        "kind": stream.kind,
        "address": stream.address,
        "tls": TLS if stream.tls else NO_TLS,
        "topics": "\n".join(stream.topics),
        "credential": str(stream.credential_id or NONE),
        "consumer_group": stream.consumer_group,
        "authority": stream.authority,
        "readers": str(stream.group_id or EVERYBODY),
        "packet_days": "" if stream.packet_days is None else str(stream.packet_days),
    }
    return form


def read_stream_form(
    data: Mapping[str, str],
    credentials: Sequence[Credential],
    groups: Sequence[Group],
    *,
    own: Credential | None = None,
) -> StreamForm:
    """Read the form; it judges each field.

    `own` is the credential of the stream, if no other stream uses it: its secret may be replaced.
    """
    names = (*STREAM_FIELDS, *CREDENTIAL_FIELDS)
    values = {name: data.get(name, "").strip() for name in names}
    form = StreamForm(values, credentials, groups, own=own)
    _judge_name(form, "name", "stream")
    if form.values["kind"] not in StreamKind.values:
        form.refuse("kind", "Choose what it is read from.")
    is_new = form.values["credential"] == NEW
    account = read_account(form, data.get(SECRET, "")) if is_new else None
    _judge_address(form, account)
    if form.values["tls"] not in {TLS, NO_TLS}:
        form.refuse("tls", "Choose whether the connection is encrypted.")
    _judge_topics(form)
    _judge_group_name(form)
    _judge_authority(form)
    _judge_days(form)
    form.readers = _read_group(form, "readers", "Choose who sees what comes by it.")
    secret = data.get(SECRET, "") or ("" if is_new else data.get(NEW_SECRET, ""))
    _judge_credential(form, secret, account)
    return form


def _judge_address(form: StreamForm, account: ServiceAccount | None) -> None:
    text, kind = form.values["address"], form.values["kind"]
    if kind == StreamKind.PUBSUB:
        host, project = read_project(form, text, account)
        form.values["address"] = f"{read_address(form, host)}/{project}"
    else:
        usual = _USUAL_ADDRESSES.get(kind, "")  # type: ignore[call-overload]
        form.values["address"] = read_address(form, text or usual)


def read_address(form: StreamForm, text: str) -> str:
    """Return host[:port] without Kafka's usual port."""
    if "," in text:
        form.refuse("address", "One address is enough: the broker names the others itself.")
        return text
    try:
        parts = urlsplit(f"//{text}")
        port = parts.port
    except ValueError:
        form.refuse("address", "The port is a number from 1 to 65535.")
        return text
    host = parts.netloc.rpartition(":")[0] if port is not None else parts.netloc
    if "://" in text:
        form.refuse("address", "An address has no ://. Write host:port.")
    elif not _HOST.fullmatch(host) or parts.netloc != text or port == 0:
        form.refuse("address", "An address is written host or host:port.")
    return text.lower().removesuffix(":9092")


def host_of(address: str) -> str:
    try:
        return urlsplit(f"//{address}").hostname or ""
    except ValueError:
        return ""


def _judge_name(form: StreamForm, name: str, what: str) -> None:
    text = form.values[name]
    if not 0 < len(text) <= LONGEST_NAME or not text.isprintable():
        form.refuse(name, f"The name of a {what} has 1 to {LONGEST_NAME} characters.")


def _judge_topics(form: StreamForm) -> None:
    form.topics = list(dict.fromkeys(re.split(r"[\s,]+", form.values["topics"].strip(", \n\r\t"))))
    if form.topics == [""]:
        form.topics = []
        form.refuse("topics", "Name at least one topic.")
    if len(form.topics) > MOST_TOPICS:
        form.refuse("topics", f"A stream has at most {MOST_TOPICS} topics: make two of it.")
    name = SUBSCRIPTION if form.values["kind"] == StreamKind.PUBSUB else _TOPIC
    odd = [topic for topic in form.topics if not name.fullmatch(topic) or topic in {".", ".."}]
    if odd:
        form.refuse(
            "topics",
            f"{odd[0][:80]!r} is no name of a topic or a subscription. It has letters, digits,"
            " dots, strokes and underscores; name each whole, without its project.",
        )


def _judge_group_name(form: StreamForm) -> None:
    text = form.values["consumer_group"]
    if len(text) > LONGEST_USER or not text.isprintable():
        form.refuse("consumer_group", f"A consumer group has at most {LONGEST_USER} characters.")


def _judge_authority(form: StreamForm) -> None:
    text = form.values["authority"]
    if text and not (len(text) <= LONGEST_PEM and text.isascii() and _is_certificate(text)):
        form.refuse("authority", "This is no certificate in PEM (-----BEGIN CERTIFICATE-----).")


def _judge_days(form: StreamForm) -> None:
    text = form.values["packet_days"]
    form.packet_days = read_pk(text)
    if text and (form.packet_days is None or form.packet_days > MOST_DAYS):
        form.refuse(
            "packet_days", f"Write a number of days, {MOST_DAYS} at most; 0 keeps them for ever."
        )


def _is_certificate(text: str) -> bool:
    try:
        ssl.create_default_context(cadata=text)
    except (ssl.SSLError, ValueError):
        return False
    return True


# --- Credentials ------------------------------------------------------------------------------
def _judge_credential(form: StreamForm, secret: str, account: ServiceAccount | None) -> None:
    wanted = form.values["credential"]
    is_own = form.own is not None and read_pk(wanted) == form.own.pk
    if wanted == NEW:
        _read_new(form, secret, account)
    elif form.values["username"] or (secret and not is_own):
        form.refuse("credential", "You typed a user or a secret: choose “a new one” here.")
    elif wanted != NONE:
        _read_stored(form, read_pk(wanted))
        if form.credential is not None and secret:
            _replace_secret(form, form.credential, secret)
    elif form.values["kind"] != StreamKind.KAFKA and not is_on_this_machine(form.host):
        form.refuse("credential", "This broker wants a credential.")
    judge_fit(form, form.values["kind"], form.made or form.credential)
    _judge_secrecy(form)


def _read_stored(form: StreamForm, key: int | None) -> None:
    form.credential = next((row for row in form.credentials if row.pk == key), None)
    if form.credential is None:
        form.refuse("credential", "Choose a credential.")
    elif form.credential.host != form.host:
        form.refuse("credential", f"This credential is sent to {form.credential.host} alone.")


def _replace_secret(form: StreamForm, stored: Credential, secret: str) -> None:
    """Give the stored credential of this stream alone another secret."""
    if stored.mechanism == Mechanism.GOOGLE:
        account = read_google_key(form, secret)
        stored.username = account.email if account else stored.username
    else:
        _judge_secret(form, secret)
    stored.secret = secret
    form.is_renewed = True


def _judge_secret(form: StreamForm, secret: str) -> None:
    if len(secret) > LONGEST_SECRET or not secret.isprintable():
        form.refuse(SECRET, f"A secret has at most {LONGEST_SECRET} printable characters.")


def _read_new(form: StreamForm, secret: str, account: ServiceAccount | None) -> None:
    form.made = Credential(host=form.host)
    fill_credential(form, form.made, secret, account)
    if not secret:
        form.refuse(SECRET, "Enter the password or the client's secret.")


def fill_credential(
    form: StreamForm, credential: Credential, secret: str, account: ServiceAccount | None
) -> None:
    """Take the fields of a credential over; an empty secret leaves the stored one.

    `account` is the one whose key the secret is, if it is a key of Google's.
    """
    values = form.values
    credential.mechanism = values["mechanism"]
    if account is not None:  # its key says its name
        values["username"] = account.email
    credential.username = values["username"]
    if secret:
        credential.secret = secret
    if values["mechanism"] not in Mechanism.values:
        form.refuse("mechanism", "Choose how one logs in.")
    if not 0 < len(values["username"]) <= LONGEST_USER or not values["username"].isprintable():
        form.refuse("username", f"A user name has 1 to {LONGEST_USER} characters.")
    if values["mechanism"] != Mechanism.GOOGLE:
        _judge_secret(form, secret)
    credential.token_url = ""
    if values["mechanism"] == Mechanism.OAUTH:
        credential.token_url = _read_token_url(form)
    credential.group = _read_group(form, "group", "Choose who may use it.")


def _read_token_url(form: StreamForm) -> str:
    text = form.values["token_url"] or str(settings.GCN_TOKEN_URL)
    try:
        parts = urlsplit(text)
    except ValueError:
        parts = urlsplit("")
    is_safe = parts.scheme == "https" or (
        parts.scheme == "http" and is_on_this_machine(parts.netloc)
    )
    if not is_safe or not parts.hostname or "@" in parts.netloc or len(text) > 500:
        form.refuse("token_url", "The token server has an https:// address without a password.")
    return text


def _read_group(form: StreamForm, name: str, why: str) -> Group | None:
    wanted = form.values[name]
    if wanted == EVERYBODY:
        return None
    key = read_pk(wanted)
    found = next((group for group in form.groups if group.pk == key), None)
    if found is None:
        form.refuse(name, why)
    return found


def _judge_secrecy(form: StreamForm) -> None:
    """Refuse to send a secret over a connection that others can read."""
    used = form.made or form.credential
    telling = {Mechanism.PLAIN, Mechanism.OAUTH, Mechanism.GOOGLE}
    tells = used is not None and used.mechanism in telling
    if tells and form.values["tls"] == NO_TLS and not is_on_this_machine(form.host):
        form.refuse("tls", "Without TLS everybody on the way could read the secret: choose TLS.")
