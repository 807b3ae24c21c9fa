"""What a person enters as an address reaches no private network, and no secret is told."""

import json
import socket
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import make_observer
from tests.peers.webhook import Webhook, running_webhook
from tests.reports.alarms.conftest import KEY, make_contact
from tom.own_secrets import hide_secrets
from tom.reports.alarms.alarms import send_alarm, try_contact
from tom.reports.alarms.contacts import Channel, SmsGateway
from tom.reports.alarms.guarded import PRIVATE, AddressError, is_public, judge_address
from tom.reports.alarms.models import SendState
from tom.reports.alarms.reaching import BodyError, fill_body, read_headers

NUMBER = "+33612345678"


@pytest.mark.parametrize(
    "address",
    [
        "https://hooks.example.org/services/T0/B0/secret",
        "https://example.org:8443/a?b=c",
        "https://93.184.216.34/x",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/x",
    ],
)
def test_public_addresses_are_taken(address: str) -> None:
    assert judge_address(address) == address


@pytest.mark.parametrize(
    "address",
    [
        *("", "nonsense", "ftp://example.org/", "https://", "https://example.org:99999/"),
        *("https://a b.example.org/", "http://example.org/plain"),
        *("https://127.0.0.1/", "https://[::1]/", "https://localhost/", "https://a.localhost/"),
        *("https://10.1.2.3/", "https://192.168.0.1/", "https://169.254.169.254/latest/meta-data"),
        *("https://[::ffff:10.0.0.1]/", "https://[fd00::1]/", "https://0.0.0.0/"),
        *("https://printer.local/", "https://100.64.0.1/", "https://224.0.0.1/"),
    ],
)
def test_private_addresses_and_nonsense_are_refused_with_a_reason(address: str) -> None:
    with pytest.raises(AddressError, match=r"\.$"):
        judge_address(address)


def test_an_administrator_may_name_a_host_of_the_own_network(settings) -> None:
    settings.ALARM_HOSTS = ["sms.internal:8080", "10.1.2.3"]

    assert judge_address("http://sms.internal:8080/send")
    assert judge_address("http://10.1.2.3/send")
    with pytest.raises(AddressError):
        judge_address("http://sms.internal/send")


@given(st.ip_addresses())
def test_no_address_is_public_that_is_not_global(address) -> None:
    if is_public(str(address)):
        assert address.is_global


@pytest.mark.django_db
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "loopback.example.org"])
def test_an_address_that_leads_to_this_machine_gets_no_byte(host: str, monkeypatch) -> None:
    """Even if its name meant another machine when it was entered."""
    real = socket.getaddrinfo

    def resolve(name, *args, **kwargs):
        return real("127.0.0.1" if name == "loopback.example.org" else name, *args, **kwargs)

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    with running_webhook() as hook:
        url = hook.url.replace("127.0.0.1", host)
        alarm = try_contact(make_contact(None, Channel.WEBHOOK, url), by=make_observer())

        send_alarm(alarm, now=timezone.now())

        sent = alarm.sends.get()
        assert hook.posts == []
        assert sent.state == SendState.FAILED
        assert sent.reason == f"webhook: {PRIVATE}"


# --- Secrets ------------------------------------------------------------------------------------
@pytest.mark.django_db
def test_no_secret_is_in_the_database_in_clear_or_in_a_log(
    gateway: Webhook, hook: Webhook, caplog
) -> None:
    hook.cut = gateway.cut = True
    contacts = [
        make_contact(None, Channel.WEBHOOK, hook.url),
        make_contact(None, Channel.SMS, NUMBER),
    ]
    reasons = []
    for contact in contacts:
        alarm = try_contact(contact, by=make_observer())
        send_alarm(alarm, now=timezone.now())
        reasons.append(alarm.sends.get().reason)

    stored = ""
    with connection.cursor() as cursor:
        for table in ("reports_contact", "reports_smsgateway", "live_address"):
            cursor.execute(f"SELECT array_agg(t::text)::text FROM {table} t")  # noqa: S608  ours
            stored += str(cursor.fetchone()[0])
    told = stored + caplog.text + "".join(reasons)
    assert "Remote" in "".join(reasons) or "Connection" in "".join(reasons)
    assert not any(secret in told for secret in (hook.url, NUMBER, KEY, "services/T0"))
    assert KEY not in hide_secrets(f"the gateway said {KEY}")


@pytest.mark.django_db
def test_a_secret_that_cannot_be_read_fails_one_contact_alone(mails, settings) -> None:
    damaged, well = make_contact(None, name="damaged"), make_contact(None, name="well")
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE reports_contact SET address = 'nonsense'::bytea WHERE id = %s", [damaged.pk]
        )
    by = make_observer()

    states = []
    for contact in (damaged, well):
        alarm = try_contact(contact, by=by)
        send_alarm(alarm, now=timezone.now())
        states.append((alarm.sends.get().state, alarm.sends.get().reason))

    assert states == [("failed", "its secret cannot be read: enter it again"), ("sent", "")]


# --- A gateway's body ---------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("body", "sent", "kind"),
    [
        ('{"to": "{to}", "msg": ["{text}", 1]}', {"to": NUMBER, "msg": ["hi", 1]}, "json"),
        ("To={to}&From=%2B1&Body={text}", {"To": NUMBER, "From": "+1", "Body": "hi"}, "form"),
    ],
)
def test_a_body_is_json_or_a_form(body: str, sent: dict[str, object], kind: str) -> None:
    content, content_type = fill_body(body, to=NUMBER, text="hi")

    read = json.loads(content) if kind == "json" else dict(parse_qsl(content.decode()))
    assert read == sent
    assert kind in content_type


@given(st.text(max_size=50))
def test_no_text_breaks_out_of_its_place(text: str) -> None:
    content, _ = fill_body('{"to": "{to}", "text": "a {text}"}', to=NUMBER, text=text)

    assert json.loads(content) == {"to": NUMBER, "text": f"a {text}"}


@pytest.mark.parametrize("body", ["", "{to}", "{text}", '{"to": "{to}", "{text}"', "{to} {text}"])
def test_a_body_without_a_place_for_both_is_refused(body: str) -> None:
    with pytest.raises(BodyError):
        fill_body(body, to=NUMBER, text="hi")


@pytest.mark.parametrize("text", ["no colon", "Bad Name: x", "X: a\x00b"])
def test_headers_that_are_none_are_refused(text: str) -> None:
    with pytest.raises(BodyError):
        read_headers(text)


@pytest.mark.django_db
def test_a_form_reaches_the_gateway_as_one(gateway: Webhook) -> None:
    SmsGateway.objects.update_or_create(pk=1, defaults={"body": "To={to}&Body={text}"})
    alarm = try_contact(make_contact(None, Channel.SMS, NUMBER), by=make_observer("ada"))

    send_alarm(alarm, now=timezone.now())

    assert gateway.posts[0]["To"] == NUMBER
    assert "ada tests" in gateway.posts[0]["Body"]


@pytest.mark.django_db
def test_without_a_gateway_an_sms_says_so() -> None:
    alarm = try_contact(make_contact(None, Channel.SMS, NUMBER), by=make_observer())

    send_alarm(alarm, now=timezone.now())

    assert alarm.sends.get().reason == "no SMS gateway is set"
