"""Every secret of the settings is taken out of what is shown, logged and kept."""

import json
import logging
import re
from pathlib import Path

import pytest
from pytest_django.fixtures import Settings

from tests.test_redaction import CODINGS
from tests.test_settings import run
from tom.changes.addresses import begin_call, note_silence
from tom.changes.models import Address
from tom.followup.facilities.ocs.calls import PortalAccess, PortalCalls
from tom.logs import LineFormatter
from tom.outbox.errors import LookUpFailedError, RejectedError
from tom.own_secrets import hide_secrets
from tom.redaction import SECRET, WITHHELD
from tom.streams.claims import note_failure
from tom.streams.models import AlertMessage, StreamHealth
from tom.streams.pulse import Pulse
from tom.streams.services import store_message
from tom.streams.sources import Source

ROOT = Path(__file__).resolve().parents[1]
GIVEN = {
    "SECRET_KEY": "k3y-0123456789-of-the-site",
    "DATABASE_URL": "postgres://tom:d4tabase-pw@db/tom",
    "BROKER_URL": "redis://:br0ker-pw@redis/0",
    "REDIS_URL": "redis://:c4che%2Fpw@redis/1",
    "HOP_USERNAME": "user-at-hop",
    "HOP_PASSWORD": "h0p-password",
    "GCN_CLIENT_ID": "client-at-gcn",
    "GCN_CLIENT_SECRET": "gcn-s3cret",
    "OCS_API_TOKEN": "t0ken-of-the-portal",
    "LASAIR_TOKEN": "t0ken-of-lasair",
    "LASAIR_LSST_TOKEN": "t0ken-of-lasair-lsst",
    "TREASURE_MAP_TOKEN": "t0ken-of-the-map",
    "TNS_API_KEY": "k3y-of-a-bot",
    "SCHEMA_REGISTRY": "https://user:r3gistry-pw@registry.example.org",
    "EMAIL_URL": "smtp+tls://user:m4il-password@host:587",
    "ALARM_WEBHOOK": "https://hooks.example.org/services/T01/B02/w3bhook-w3bhook",
}
SECRETS = {
    "SECRET_KEY": "k3y-0123456789-of-the-site",
    "DATABASE_URL": "d4tabase-pw",
    "BROKER_URL": "br0ker-pw",
    "REDIS_URL": "c4che/pw",
    "HOP_PASSWORD": "h0p-password",
    "GCN_CLIENT_SECRET": "gcn-s3cret",
    "OCS_API_TOKEN": "t0ken-of-the-portal",
    "LASAIR_TOKEN": "t0ken-of-lasair",
    "LASAIR_LSST_TOKEN": "t0ken-of-lasair-lsst",
    "TREASURE_MAP_TOKEN": "t0ken-of-the-map",
    "TNS_API_KEY": "k3y-of-a-bot",
    "SCHEMA_REGISTRY": "r3gistry-pw",
    "EMAIL_URL": "m4il-password",
    "ALARM_WEBHOOK": "w3bhook-w3bhook",
}
# They stand beside a secret, and are none: who they are is shown on the page of streams.
NAMES_OF_USERS = {"HOP_USERNAME", "GCN_CLIENT_ID"}
SHOW = (
    "import json; import tom.settings as s; from django.conf import settings; "
    "settings.configure(**{n: getattr(s, n) for n in dir(s) if n.isupper()}); "
    "from tom.own_secrets import own_secrets; print(json.dumps(sorted(own_secrets())))"
)


def test_each_setting_that_the_documentation_calls_secret_is_known(tmp_path: Path) -> None:
    rows = re.findall(
        r"^\| (`[A-Z].*?) \|.*\*secret\*;", (ROOT / "docs/settings.md").read_text(), re.MULTILINE
    )
    documented = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    done = run(SHOW, cwd=tmp_path, **GIVEN)

    assert documented == SECRETS.keys() | NAMES_OF_USERS
    assert done.returncode == 0, done.stderr
    assert set(SECRETS.values()) <= set(json.loads(done.stdout))


@pytest.fixture
def every_secret(settings: Settings) -> list[str]:
    """Set each secret to a text of its own."""
    settings.SECRET_KEY = "site-k3y-0123"
    settings.SECRET_KEY_FALLBACKS = ["old-site-k3y"]
    settings.OCS_API_TOKEN = "portal-t0ken"
    settings.HOP_PASSWORD = "hop-passw0rd"
    settings.GCN_CLIENT_SECRET = "gcn-s3cret"
    settings.EMAIL_HOST_PASSWORD = "mail-passw0rd"
    settings.ALARM_WEBHOOK = (
        "https://u:h00k-password@example.org/a/w3bhook-path-1?sig=w3bhook-query-2"
    )
    settings.BROKERS = {"TNS": {"api_key": "tns-k3y-0123", "bot_id": "123456"}}
    settings.REDIS_URL = "redis://:redis-passw0rd@redis/1"
    return [
        *("site-k3y-0123", "old-site-k3y", "portal-t0ken", "hop-passw0rd", "gcn-s3cret"),
        *("mail-passw0rd", "w3bhook-path-1", "w3bhook-query-2", "h00k-password"),
        *("tns-k3y-0123", "redis-passw0rd"),
    ]


@pytest.mark.parametrize("coding", CODINGS)
def test_each_secret_is_hidden_in_every_coding(every_secret: list[str], coding: str) -> None:
    for secret in every_secret:
        told = hide_secrets(f"it said {CODINGS[coding](secret)}!")

        assert SECRET in told or told == WITHHELD
        assert CODINGS[coding](secret).strip() not in told


def test_what_is_no_secret_stays(every_secret: list[str]) -> None:
    said = "SECRET_KEY of tom at example.org, bot 123456, /a/ of redis: webhook, password, token"

    assert hide_secrets(said) == said


def test_a_password_too_short_to_tell_anything_hides_no_word(settings: Settings) -> None:
    settings.HOP_PASSWORD = "tom"

    assert hide_secrets("tom.streams listens") == "tom.streams listens"


@pytest.mark.django_db
def test_no_log_line_and_nothing_kept_of_the_outside_tells_one(every_secret: list[str]) -> None:
    said = " ".join(every_secret)
    message, _ = store_message("a.topic", b"x")

    note_failure(message.pk, said)
    begin_call("portal", seconds=5)
    note_silence("portal", said)
    pulse = Pulse(Source("broker", ("a.topic",)))
    pulse.complain(said)
    pulse.write()
    access = PortalAccess("http://portal", "another", "p", is_real=True, poll_seconds=1.0)
    record = logging.LogRecord("tom.x", logging.ERROR, "", 1, "%s", (said,), None)
    shown = [
        AlertMessage.objects.get(pk=message.pk).reason,
        Address.objects.get(name="portal").detail,
        StreamHealth.objects.get().detail,
        PortalCalls(access, lambda call: None).hide(said),
        LineFormatter("{message}", style="{").format(record),
        str(RejectedError(said)),
        str(LookUpFailedError(said)),
    ]

    assert shown == [" ".join([SECRET] * len(every_secret))] * len(shown)
