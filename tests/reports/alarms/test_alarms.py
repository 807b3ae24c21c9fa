import socket
import ssl
import threading
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
import trustme
from django.core.mail.backends.smtp import EmailBackend
from django.db import IntegrityError
from django.utils import timezone

from tests.factories import make_event, make_user
from tests.peers.smtp import MailSink, running_mail_sink
from tests.peers.webhook import Webhook, running_webhook
from tom.events.models import EventKind
from tom.reports.alarms.alarms import acknowledge_alarm, due_alarms, raise_alarm, send_alarm
from tom.reports.alarms.models import Alarm, AlarmSend, SendState

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def news(settings):
    """The factories' event, some days old, is news here."""
    settings.ALARM_HOURS = 24 * 30


@pytest.fixture
def mail_sink(settings):
    with running_mail_sink() as sink:
        settings.EMAIL_BACKEND = f"{EmailBackend.__module__}.{EmailBackend.__qualname__}"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", sink.port
        settings.ALARM_EMAILS = ["duty@example.org", "second@example.org"]
        yield sink


@pytest.fixture
def webhook(settings):
    with running_webhook() as hook:
        settings.ALARM_WEBHOOK = hook.url
        yield hook


@pytest.fixture
def closed_port():
    """A port that is ours, and on which nobody listens."""
    with socket.socket() as ours:
        ours.bind(("127.0.0.1", 0))
        yield ours.getsockname()[1]


def states(alarm: Alarm) -> list[str]:
    return list(alarm.sends.values_list("state", flat=True))


def later(**delta: float):
    return timezone.now() + timedelta(**delta)


# --- What raises one ----------------------------------------------------------------------------
def test_a_significant_live_event_raises_an_alarm_on_every_channel(
    mail_sink: MailSink, webhook: Webhook
):
    alarm = raise_alarm(make_event("S261120a"))
    send_alarm(alarm, now=timezone.now())

    recipients, mail = mail_sink.mails[0]
    assert recipients == ["duty@example.org", "second@example.org"]
    assert mail["Subject"] == "S261120a: significant gravitational wave"
    assert "BNS 97%" in mail.get_payload()
    assert "one in 3.17e+04 years" in mail.get_payload()
    text = f"*{alarm.title}*\n{alarm.body}"
    assert webhook.posts == [{"text": text, "unfurl_links": False}]
    assert states(alarm) == [SendState.SENT, SendState.SENT]


def test_what_an_event_is_called_is_no_markup_and_no_header(mail_sink: MailSink, webhook: Webhook):
    alarm = raise_alarm(make_event("S261120a"))
    Alarm.objects.update(title="<!channel> & <https://evil.example|here>\nBcc: all@example.org")

    send_alarm(Alarm.objects.get(pk=alarm.pk), now=timezone.now())

    title = "&lt;!channel&gt; &amp; &lt;https://evil.example|here&gt;"
    assert webhook.posts[0]["text"].startswith(f"*{title}")
    recipients, mail = mail_sink.mails[0]
    assert recipients == ["duty@example.org", "second@example.org"]
    assert mail["Bcc"] is None
    assert " ".join(mail["Subject"].split()).endswith("Bcc: all@example.org")


def test_an_alarm_fires_once_however_often_its_event_speaks(mail_sink: MailSink, webhook: Webhook):
    event = make_event()
    alarm = raise_alarm(event)
    for _ in range(3):
        assert alarm is not None
        send_alarm(alarm, now=later(hours=1))
        assert raise_alarm(event) is None

    assert (len(mail_sink.mails), len(webhook.posts)) == (1, 1)


def test_the_database_holds_one_alarm_an_event_and_cause():
    alarm = raise_alarm(make_event())

    with pytest.raises(IntegrityError):
        Alarm.objects.create(event=alarm.event, cause=alarm.cause, title="", body="")


def test_a_retraction_raises_an_alarm_of_its_own_after_the_event_it_retracts():
    event = make_event("S261120a")
    raise_alarm(event)
    event.retracted = True

    alarm = raise_alarm(event)

    assert alarm.title == "S261120a is retracted"
    assert Alarm.objects.count() == 2


@pytest.mark.parametrize("retracted", [False, True])
def test_a_test_event_never_raises_an_alarm(retracted: bool):
    event = make_event("MS261120a", test_reasons=["id begins with M"], retracted=retracted)

    assert raise_alarm(event) is None


def test_an_event_that_is_not_significant_raises_no_alarm():
    assert raise_alarm(make_event(significant=False, far=1e-12)) is None


@pytest.mark.parametrize(
    ("far", "raised"), [(1e-12, True), (3.8e-7, True), (1e-6, False), (None, False)]
)
def test_an_event_whose_significance_cannot_be_read_counts_by_its_false_alarms(
    far: float | None, raised: bool
):
    assert bool(raise_alarm(make_event(significant=None, far=far))) is raised


@pytest.mark.parametrize("retracted", [False, True])
@pytest.mark.parametrize("kind", EventKind.values)
def test_an_event_raises_an_alarm_where_its_kind_does(settings, kind: str, retracted: bool):
    event = make_event(kind=kind, retracted=retracted)

    assert raise_alarm(event) is not None
    Alarm.objects.all().delete()
    settings.ALARM_KINDS = [other for other in EventKind.values if other != kind]
    assert raise_alarm(event) is None


def test_an_event_that_becomes_significant_raises_an_alarm_then():
    event = make_event(significant=False)
    assert raise_alarm(event) is None
    event.significant = True

    assert raise_alarm(event) is not None


def test_an_event_found_to_be_a_test_after_its_alarm_was_made_is_not_sent(webhook: Webhook):
    event = make_event()
    alarm = raise_alarm(event)
    event.test_reasons = ["search is MDC"]
    event.save()

    send_alarm(Alarm.objects.get(pk=alarm.pk), now=timezone.now())

    assert webhook.posts == []
    assert states(alarm) == [SendState.WITHHELD]


def test_without_a_channel_the_alarm_is_on_the_screen_only():
    alarm = raise_alarm(make_event())

    send_alarm(alarm, now=timezone.now())

    assert Alarm.objects.unacknowledged().get() == alarm


# --- Failing channels -------------------------------------------------------------------------
def test_a_dead_mail_server_does_not_keep_the_webhook_from_sending(
    settings, webhook: Webhook, closed_port: int
):
    settings.EMAIL_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
    settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", closed_port
    settings.ALARM_EMAILS = ["duty@example.org"]
    alarm = raise_alarm(make_event())

    send_alarm(alarm, now=timezone.now())

    assert states(alarm) == [SendState.DUE, SendState.SENT]
    assert alarm.sends.get(channel="email").reason == "e-mail: ConnectionRefusedError"


def test_a_refused_mail_is_tried_again_when_due_and_arrives_once(mail_sink: MailSink):
    mail_sink.refuse_with = "451 greylisted"
    alarm = raise_alarm(make_event())
    send_alarm(alarm, now=timezone.now())
    assert states(alarm) == [SendState.DUE]

    mail_sink.refuse_with = ""
    send_alarm(alarm, now=timezone.now())  # not due yet
    assert mail_sink.mails == []
    send_alarm(alarm, now=later(minutes=2))

    assert states(alarm) == [SendState.SENT]
    assert len(mail_sink.mails) == 1


@pytest.mark.parametrize("status", [302, 403, 429, 503])
def test_a_webhook_that_refuses_is_tried_again_and_fails_at_last(webhook: Webhook, status: int):
    webhook.status = status
    alarm = raise_alarm(make_event())

    for day in range(9):
        send_alarm(alarm, now=later(days=day))

    assert len(webhook.posts) == 5
    assert states(alarm) == [SendState.FAILED]
    assert alarm.sends.get().reason == f"webhook: it answered {status}"


def test_a_webhook_whose_answer_is_lost_is_unknown_and_not_sent_again(webhook: Webhook):
    webhook.cut = True
    alarm = raise_alarm(make_event())

    for day in range(3):
        send_alarm(alarm, now=later(days=day))

    assert states(alarm) == [SendState.UNKNOWN]
    assert len(webhook.posts) == 1


@pytest.mark.parametrize(("trusted", "state"), [(False, SendState.DUE), (True, SendState.UNKNOWN)])
def test_an_alarm_that_reached_a_server_whose_encryption_broke_is_unknown(
    settings, monkeypatch, tmp_path: Path, trusted: bool, state: str
):
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("localhost").configure_cert(context)
    if trusted:
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "ca.pem"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.ALARM_WEBHOOK = f"https://localhost:{listener.getsockname()[1]}/hook"
        server = threading.Thread(target=answer_without_encryption, args=(listener, context))
        server.start()
        alarm = raise_alarm(make_event())

        send_alarm(alarm, now=timezone.now())
        server.join()

    assert states(alarm) == [state]
    assert alarm.sends.get().reason == "webhook: SSLError"


def answer_without_encryption(listener: socket.socket, context: ssl.SSLContext) -> None:
    """Take one alarm over TLS, and answer beside it."""
    connection, _ = listener.accept()
    with (
        connection,
        connection.dup() as bare,
        suppress(ssl.SSLError),
        context.wrap_socket(connection, server_side=True) as encrypted,
    ):
        received = b""
        while b'"text"' not in received:
            received += encrypted.recv(65_536)
        bare.sendall(b"HTTP/1.1 502 Bad Gateway\r\n\r\n")


def test_a_server_that_leaves_before_it_was_told_anything_is_tried_again(settings):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        settings.ALARM_WEBHOOK = f"https://localhost:{listener.getsockname()[1]}/hook"
        server = threading.Thread(target=lambda: listener.accept()[0].close())
        server.start()
        alarm = raise_alarm(make_event())

        send_alarm(alarm, now=timezone.now())
        server.join()

    assert states(alarm) == [SendState.DUE]


def test_a_silent_webhook_is_unknown_within_the_timeout(webhook: Webhook, monkeypatch):
    monkeypatch.setattr("tom.reports.alarms.channels.TIMEOUT_SECONDS", (1, 0.3))
    webhook.silent_seconds = 30
    alarm = raise_alarm(make_event())

    send_alarm(alarm, now=timezone.now())

    assert states(alarm) == [SendState.UNKNOWN]
    assert alarm.sends.get().reason == "webhook: ReadTimeout"


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        ("550 not wanted", SendState.DUE),
        ("299 filed", SendState.UNKNOWN),
        ("so be it", SendState.UNKNOWN),
    ],
)
def test_a_mail_is_sent_again_only_where_the_answer_to_it_is_a_refusal(
    mail_sink: MailSink, reply: str, state: str
):
    mail_sink.then_say = reply
    alarm = raise_alarm(make_event())

    send_alarm(alarm, now=timezone.now())

    assert states(alarm) == [state]


def test_a_mail_whose_answer_is_lost_is_unknown_and_not_sent_again(mail_sink: MailSink):
    mail_sink.cut = True
    alarm = raise_alarm(make_event())

    for day in range(3):
        send_alarm(alarm, now=later(days=day))

    assert states(alarm) == [SendState.UNKNOWN]
    assert len(mail_sink.mails) == 1


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:{port}/secret", "nonsense/secret", "http://"]
)
def test_the_secret_address_of_a_webhook_is_in_no_reason(settings, closed_port: int, address: str):
    settings.ALARM_WEBHOOK = address.format(port=closed_port)
    alarm = raise_alarm(make_event())

    send_alarm(alarm, now=timezone.now())

    assert states(alarm) == [SendState.DUE]
    assert "secret" not in alarm.sends.get().reason


def test_an_alarm_whose_worker_was_killed_is_unknown_not_sent_twice(webhook: Webhook):
    alarm = raise_alarm(make_event())
    alarm.sends.update(state=SendState.SENDING, due_at=timezone.now())

    assert list(due_alarms(later(seconds=1))) == [alarm]
    send_alarm(alarm, now=later(seconds=1))

    assert states(alarm) == [SendState.UNKNOWN]
    assert webhook.posts == []


def test_the_sweep_finds_what_is_due_and_only_that(webhook: Webhook):
    webhook.status = 429
    alarm = raise_alarm(make_event())
    assert list(due_alarms(later(seconds=1))) == [alarm]

    send_alarm(alarm, now=timezone.now())

    assert not due_alarms(timezone.now()).exists()
    assert due_alarms(later(minutes=1)).exists()
    AlarmSend.objects.update(state=SendState.SENT)
    assert not due_alarms(later(minutes=1)).exists()


# --- Answering --------------------------------------------------------------------------------
def test_the_first_to_answer_acknowledges():
    alarm, first, second = raise_alarm(make_event()), make_user(), make_user()

    assert acknowledge_alarm(alarm, first)
    assert not acknowledge_alarm(alarm, second)

    alarm.refresh_from_db()
    assert alarm.acknowledged_by == first
    assert not Alarm.objects.unacknowledged().exists()


def test_a_past_event_raises_no_alarm(settings):
    settings.ALARM_HOURS = 24

    assert raise_alarm(make_event(time_created=later(hours=-25))) is None
    assert raise_alarm(make_event(time_created=later(hours=-23))) is not None
