"""The Streams page, its forms, and who may do what there."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from prometheus_client.parser import text_string_to_metric_families

from tests.factories import (
    PASSWORD,
    make_admin,
    make_credential,
    make_group,
    make_lead,
    make_message,
    make_observer,
    make_stream,
    make_user,
)
from tom.celery import app
from tom.streams.models import (
    ConnectionTest,
    Credential,
    HeartbeatGap,
    Stream,
    StreamHealth,
    TopicMinute,
)
from tom.web.streams import read_figures
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db
NEW = {
    "name": "Hopskotch",
    "kind": "scimma",
    "address": "",
    "tls": "tls",
    "topics": "igwn.gwalert, gcn.circulars\nsys.heartbeat",
    "credential": "new",
    "mechanism": "SCRAM-SHA-512",
    "username": "lead-1234",
    "secret": "hunter2-hunter2",
    "group": "all",
    "readers": "all",
}


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_lead("lead"))
    return client


def health(topic: str = "a.topic", **fields: object) -> StreamHealth:
    now = timezone.now()
    given = {"connected": True, "reported": now, "last_heard": now, **fields}
    return StreamHealth.objects.create(stream="kafka.example.org", topic=topic, **given)


def switched_on(**fields: object) -> Stream:
    stream = make_stream(active=True, **fields)
    Stream.objects.update(changed=timezone.now() - timedelta(minutes=5))
    return stream


def figures_of(topic: str = "a.topic"):
    return next(
        each
        for stream in read_figures(make_admin())
        for each in stream.topics
        if each.topic == topic
    )


# --- Figures ----------------------------------------------------------------------------------
def test_rates_are_those_of_the_last_minute_and_the_last_hour(monkeypatch):
    now = timezone.now().replace(second=15, microsecond=0)
    monkeypatch.setattr("tom.web.streams.timezone.now", lambda: now)
    this_minute = now.replace(second=0)
    switched_on()
    row = health()
    for ago, messages in ((0, 10), (1, 40), (30, 100), (60, 1000), (61, 5000)):
        TopicMinute.objects.create(
            health=row, minute=this_minute - timedelta(minutes=ago), messages=messages
        )

    found = figures_of()

    assert found.per_minute_now == 10 + 40 * 0.75
    assert found.per_minute_hour == (10 + 40 + 100 + 1000 * 0.75) / 60
    assert len(found.minutes) == 61


@pytest.mark.parametrize(
    ("fields", "state"),
    [
        ({}, "reading"),
        ({"connected": False, "detail": "starting"}, "starting"),
        ({"connected": False, "detail": "there is no such host"}, "failing"),
        ({"reported": timezone.now() - timedelta(hours=1)}, "silent"),
        ({"reported": None}, "silent"),
    ],
)
def test_a_topics_state_is_what_its_listener_said_last(fields, state):
    switched_on()
    health(**fields)

    found = figures_of()

    assert found.state == state
    assert bool(found.fault) == (state in {"failing", "silent"})


def test_a_stream_is_off_then_starting_and_without_an_ingester_it_is_said():
    stream = make_stream()
    health(reported=timezone.now() - timedelta(minutes=10))
    assert figures_of().state == "off"

    stream.active = True
    stream.save()
    states = [read_figures(make_admin())[0].topics[0].state]
    Stream.objects.update(changed=timezone.now() - timedelta(minutes=2))
    states.append(read_figures(make_admin())[0].topics[0].state)

    assert states == ["starting", "silent"]


def test_heartbeats_tell_of_their_gaps_and_a_silence_now():
    now = timezone.now()
    switched_on(topics=["sys.heartbeat"])
    row = health("sys.heartbeat", last_message=now - timedelta(minutes=3))
    for hours, length in ((1, 60), (2, 90), (30, 900)):
        began = now - timedelta(hours=hours)
        HeartbeatGap.objects.create(
            health=row, began=began, ended=began + timedelta(seconds=length)
        )

    found = figures_of("sys.heartbeat")

    assert len(found.gaps) == 2
    assert found.longest_gap_seconds == 90
    assert found.is_gap_open


def test_dead_letters_are_counted_for_their_broker_and_link_to_the_messages(lead):
    switched_on()
    health()
    for broker in ("kafka.example.org", "kafka.example.org", "another.example.org"):
        make_message(topic="a.topic", broker=broker, state="dead")

    page = lead.get("/streams/").content.decode()

    assert figures_of().dead == 2
    assert '<a href="/messages/?state=dead&amp;topic=a.topic">' in page


def test_what_the_environment_names_is_shown_and_cannot_be_changed(lead, settings):
    settings.STREAMS = ["kafka://kafka.example.org/a.topic"]
    health()

    page = lead.get("/streams/").content.decode()

    assert "named by STREAMS in the environment" in page
    assert "a.topic" in page
    assert "/start/" not in page
    assert "/stop/" not in page


def test_the_page_says_what_to_do_first(lead):
    page = lead.get("/streams/").content.decode()

    assert "No stream is read yet" in page
    assert 'href="/streams/new/"' in page


def test_the_page_asks_as_often_however_many_streams_there_are(lead, django_assert_max_num_queries):
    for number in range(12):
        topics = [f"a.{number}", f"b.{number}"]
        switched_on(topics=topics, credential=make_credential(group=make_group()))
        for topic in topics:
            health(topic)

    with django_assert_max_num_queries(32):
        assert lead.get("/streams/").status_code == 200


def test_of_two_streams_with_one_topic_the_first_that_was_made_reads_it(lead):
    switched_on(name="z", topics=["a.topic"])
    switched_on(name="a", topics=["a.topic"])
    health()

    second, first = (stream.topics[0] for stream in read_figures(make_admin()))

    assert (first.words, second.words) == ("Reading", "Read elsewhere")
    assert second.fault == "z reads this topic of this broker already"


def test_a_stream_names_the_broken_one_that_has_its_topic_and_what_to_do(lead):
    older = switched_on(name="Older", topics=["a.topic"])
    switched_on(name="Newer", topics=["a.topic"])
    health(connected=False, detail="wrong password")

    page = " ".join(lead.get("/streams/").text.split())

    assert (
        "Older has this topic of this broker already and does not read it (wrong password)."
        " Take the topic out of it, or stop it: then this stream reads it"
    ) in page
    assert f'<a href="#stream-{older.pk}">Go to Older</a>' in page


def test_a_stream_names_the_environment_where_that_has_its_topic(settings):
    settings.STREAMS = ["kafka://kafka.example.org/a.topic"]
    switched_on(name="Newer", topics=["a.topic"])
    health(connected=False, detail="wrong password")

    fault = read_figures(make_admin())[1].topics[0].fault

    assert fault.startswith("kafka.example.org, which STREAMS names, has this topic")
    assert "Take the topic out of STREAMS: then" in fault


NOT_MEASURED = {
    "measured long ago": {"lag_measured": timezone.now() - timedelta(hours=1)},
    "never measured": {"lag_measured": None},
    "a wrong password": {"connected": False, "detail": "wrong password"},
    "no ingester": {"reported": timezone.now() - timedelta(hours=1)},
}


@pytest.mark.parametrize("kind", NOT_MEASURED)
def test_a_lag_that_is_not_measured_is_not_told(lead, kind):
    switched_on()
    health(**{"lag": 0, "lag_measured": timezone.now(), **NOT_MEASURED[kind]})

    page = " ".join(lead.get("/streams/").text.split())

    assert '<td class="num" data-label="Behind"> \u2013 </td>' in page
    assert "counterpart_stream_lag_messages{" not in lead.get("/api/metrics/").text


def test_a_stopped_stream_is_not_said_to_be_behind():
    make_stream()
    health(lag=0, lag_measured=timezone.now())

    assert figures_of().lag is None


def test_where_reading_waits_for_scoring_the_lag_is_told():
    switched_on()
    health(lag=70, lag_measured=timezone.now(), waits_for=9)

    assert figures_of().lag == 70


# --- The form ---------------------------------------------------------------------------------
def test_a_stream_with_a_new_credential_is_added_and_started(lead):
    answer = lead.post("/streams/new/", NEW | {"do": "start"}, follow=True)

    stream = Stream.objects.get()
    assert stream.credential is not None
    assert (stream.address, stream.topics, stream.active, stream.tls) == (
        "kafka.scimma.org",
        ["igwn.gwalert", "gcn.circulars", "sys.heartbeat"],
        True,
        True,
    )
    assert stream.consumer_group.startswith("lead-1234-counterpart-")
    assert (stream.credential.host, stream.credential.secret) == (
        "kafka.scimma.org",
        "hunter2-hunter2",
    )
    assert "Hopskotch is saved and started" in answer.content.decode()


def test_a_secret_is_on_no_page_and_in_no_answer(lead, caplog):
    lead.post("/streams/new/", NEW)
    stream = Stream.objects.get()
    told = [
        lead.get(address).content
        for address in (
            "/streams/",
            f"/streams/{stream.pk}/",
            f"/streams/credentials/{stream.credential_id}/",
            "/api/streams/",
        )
    ]
    told.append(lead.post("/streams/new/", NEW | {"topics": "", "name": "again"}).content)

    assert not [answer for answer in told if b"hunter2" in answer]
    assert "hunter2" not in caplog.text


@pytest.mark.parametrize("text", ["a,b", "a:1,b:2", "a:9092,b", "a, b"])
def test_several_addresses_are_answered_with_that_one_is_enough(lead, text):
    answer = lead.post("/streams/new/", NEW | {"kind": "kafka", "address": text})

    assert answer.context["form"].errors["address"] == [
        "One address is enough: the broker names the others itself."
    ]


WRONG = {
    "name": ["", " ", "x" * 101, "a\x07b", "a\u202eb\n"],
    "kind": ["", "ftp", "kafka'--"],
    "address": [
        *("a b", "kafka://a", "a:0", "a:99999", "a:x", "a,b", "a/b", "u@h", "http://[", "-x"),
        *(":9092", "a:9092/x", "a?b", "[::1", "ä.example"),
    ],
    "tls": ["", "maybe"],
    "topics": [
        *("", " , \n", "a/b", "gcn.notices.*", "ä", ".", "..", "x" * 250, "a\x07b", "^gcn.*"),
        "\n".join(f"t{number}" for number in range(101)),
    ],
    "credential": ["9999999", "x", "-1", "new'"],
    "mechanism": ["", "MD5", "GSSAPI"],
    "username": ["", "a\nb", "x" * 201],
    "secret": ["", "a\x07b", "x" * 2001],
    "group": ["", "99999", "x"],
    "consumer_group": ["x" * 201, "a\nb"],
    "authority": [
        *("no certificate", "ä"),
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----",
    ],
}  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text"), [(field, text) for field, texts in WRONG.items() for text in texts]
)
def test_what_cannot_be_right_is_refused_at_its_field(lead, field, text):
    answer = lead.post("/streams/new/", NEW | {"kind": "kafka", "address": "a:1", field: text})

    assert answer.status_code == 422
    assert field in answer.context["form"].errors
    assert "field-error" in answer.content.decode()
    assert not Stream.objects.exists()
    assert not Credential.objects.exists()


@pytest.mark.parametrize("mechanism", ["PLAIN", "OAUTHBEARER"])
def test_a_password_is_not_sent_where_others_can_read_it(lead, mechanism):
    fields = {"kind": "kafka", "address": "a.example.org", "tls": "none", "mechanism": mechanism}

    answer = lead.post("/streams/new/", NEW | fields)

    assert "everybody on the way could read" in answer.content.decode()


@pytest.mark.parametrize(
    "url", ["http://a.example.org/", "ftp://a/", "https://", "https://a:b@c/", "https://[", "x"]
)
def test_a_token_server_is_asked_over_tls_alone(lead, url):
    fields = {"mechanism": "OAUTHBEARER", "token_url": url}

    answer = lead.post("/streams/new/", NEW | fields)

    assert "token_url" in answer.context["form"].errors


def test_a_credential_is_sent_to_its_own_host_alone(lead):
    credential = make_credential(host="kafka.example.org")
    mine = NEW | {"credential": str(credential.pk), "username": "", "secret": "", "kind": "kafka"}

    other = lead.post("/streams/new/", mine | {"address": "evil.example.org"})
    same = lead.post("/streams/new/", mine | {"address": "kafka.example.org:9093"})

    assert "sent to kafka.example.org alone" in other.content.decode()
    assert same.status_code == 302


def test_a_token_server_is_changed_only_with_the_secret(lead):
    row = make_credential(mechanism="OAUTHBEARER", token_url="https://a.example.org/token")
    fields = {"mechanism": "OAUTHBEARER", "username": "me", "group": "all"}
    page = f"/streams/credentials/{row.pk}/"

    refused = lead.post(page, fields | {"token_url": "https://evil.example.org/"})
    row.refresh_from_db()
    assert refused.status_code == 422
    assert row.token_url == "https://a.example.org/token"
    assert lead.post(page, fields | {"token_url": row.token_url}).status_code == 302
    row.refresh_from_db()
    assert (row.username, row.secret) == ("me", PASSWORD)


def test_a_taken_name_is_said(lead):
    make_stream("Hopskotch")

    answer = lead.post("/streams/new/", NEW)

    assert "There is a stream of this name" in answer.content.decode()
    assert not Credential.objects.exists()


def test_start_and_stop_are_one_click(lead):
    stream = make_stream()

    lead.post(f"/streams/{stream.pk}/start/")
    assert Stream.objects.get().active
    lead.post(f"/streams/{stream.pk}/stop/")
    assert not Stream.objects.get().active


def test_a_changed_stream_keeps_its_place_and_its_credential(lead):
    lead.post("/streams/new/", NEW | {"do": "start"})
    before = Stream.objects.get()

    lead.post(
        f"/streams/{before.pk}/",
        NEW
        | {
            "address": "kafka.scimma.org",
            "topics": "x.y",
            "credential": str(before.credential_id),
            "username": "",
            "secret": "",
            "consumer_group": before.consumer_group,
        },
    )

    after = Stream.objects.get()
    assert (after.topics, after.active, after.consumer_group, after.credential_id) == (
        ["x.y"],
        True,
        before.consumer_group,
        before.credential_id,
    )


def test_a_deleted_stream_leaves_what_came_by_it(lead):
    stream = make_stream(credential=make_credential())
    make_message(topic="a.topic", broker="kafka.example.org")

    lead.post(f"/streams/credentials/{stream.credential_id}/delete/")
    assert Credential.objects.exists()
    lead.post(f"/streams/{stream.pk}/delete/")
    lead.post(f"/streams/credentials/{stream.credential_id}/delete/")

    assert not Stream.objects.exists()
    assert not Credential.objects.exists()
    assert StreamHealth.objects.count() == 0
    assert lead.get("/messages/?topic=a.topic").content.count(b"data-row") == 1


def test_a_test_is_a_workers_task(lead, django_capture_on_commit_callbacks):
    with app.connection_for_write() as broker:
        broker.default_channel.queue_purge("calls")

    with django_capture_on_commit_callbacks(execute=True):
        lead.post("/streams/new/", NEW | {"do": "test"})

    page = lead.get(f"/streams/{Stream.objects.get().pk}/").content.decode()
    with app.connection_for_write() as broker:
        assert broker.default_channel.queue_purge("calls") == 1
    assert "it takes at most 15 seconds" in page
    assert 'hx-trigger="every 1s"' in page
    assert not Stream.objects.get().active


def test_a_test_that_no_worker_took_is_said(lead):
    stream = make_stream()
    asked = timezone.now() - timedelta(minutes=1)
    ConnectionTest.objects.create(stream=stream, asked=asked)

    page = lead.get(f"/streams/{stream.pk}/?part=test").content.decode()

    assert "No worker took the test" in page
    assert "every 1s" not in page


# --- Metrics ----------------------------------------------------------------------------------
def test_prometheus_reads_what_the_page_shows(lead):
    switched_on(name='odd "name"')
    health(messages=7, lag=12, lag_measured=timezone.now())
    make_message(topic="a.topic", broker="kafka.example.org", state="dead")

    text = lead.get("/api/metrics/").content.decode()

    labels = '{broker="kafka.example.org",stream="odd \\"name\\"",topic="a.topic"}'
    values = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert values["counterpart_stream_reading"] == 1
    assert values["counterpart_stream_lag_messages"] == 12
    assert values["counterpart_stream_messages_total"] == 7
    assert values["counterpart_stream_dead_letters"] == 1
    assert "counterpart_stream_last_message_timestamp_seconds" not in values
    assert f"counterpart_stream_lag_messages{labels} 12.0" in text


def test_metrics_want_a_token_of_somebody_who_may_see_the_streams(client):
    observer, reader = (
        {"HTTP_AUTHORIZATION": f"Token {renew_token(user)}"}
        for user in (make_observer(), make_user("reader"))
    )

    unknown, refused = client.get("/api/metrics/"), client.get("/api/metrics/", **reader)
    assert (unknown.status_code, refused.status_code) == (401, 403)
    assert unknown.text == "Authentication credentials were not provided.\n"
    assert "ErrorDetail" not in refused.text
    assert refused.text.count("\n") == 1
    accepts = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
    answer = client.get("/api/metrics/", HTTP_ACCEPT=accepts, **observer)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")


# --- Who may ----------------------------------------------------------------------------------
def test_a_groups_credential_is_used_by_its_members_alone(client):
    team = make_group("team")
    stream = make_stream(credential=make_credential("theirs", group=team), active=True)
    client.force_login(make_lead("stranger"))
    pages = [f"/streams/{stream.pk}/stop/", f"/streams/{stream.pk}/delete/"]
    form = NEW | {"kind": "kafka", "address": "kafka.example.org", "username": "", "secret": ""}

    for page in pages:
        client.post(page)
    client.post(f"/streams/{stream.pk}/", form | {"name": "mine", "topics": "other"})
    used = client.post("/streams/new/", form | {"credential": str(stream.credential_id)})
    client.post(f"/streams/credentials/{stream.credential_id}/", {"username": "me"})

    assert used.status_code == 422
    assert b"theirs" not in client.get("/streams/").content
    after = Stream.objects.with_credentials().get()
    assert (after.active, after.topics) == (True, ["a.topic"])
    assert after.credential is not None
    assert after.credential.username == "observer"

    client.force_login(make_lead("member", groups=[team]))
    client.post(pages[0])
    assert not Stream.objects.get().active


def test_observers_see_streams_and_change_none_and_readers_see_none(client):
    stream = make_stream()
    client.force_login(make_observer())
    seen = client.get("/streams/")
    barred = client.post(f"/streams/{stream.pk}/start/")
    client.force_login(make_user("reader"))

    assert seen.status_code == 200
    assert b"/start/" not in seen.content
    assert barred.status_code == 403
    assert client.get("/streams/").status_code == 403
    assert client.get("/api/streams/").status_code == 403
    assert not Stream.objects.get().active


def test_the_days_of_a_streams_packets_are_set_and_judged(lead: Client):
    stream = make_stream("A", kind="kafka")
    given = NEW | {"kind": "kafka", "address": "kafka.example.org", "credential": "", "name": "A"}
    given = {
        key: given[key]
        for key in ("name", "kind", "address", "tls", "topics", "credential", "readers")
    }

    assert lead.post(f"/streams/{stream.pk}/", given | {"packet_days": "0"}).status_code == 302
    stream.refresh_from_db()
    assert stream.packet_days == 0
    assert b'value="0"' in lead.get(f"/streams/{stream.pk}/").content
    for wrong in ("-1", "many", "36501"):
        answer = lead.post(f"/streams/{stream.pk}/", given | {"packet_days": wrong})
        assert answer.status_code == 422
        assert b"Write a number of days" in answer.content
    lead.post(f"/streams/{stream.pk}/", given)
    stream.refresh_from_db()
    assert stream.packet_days is None


def test_a_notice_of_lost_messages_stands_until_a_lead_clears_it(client: Client):
    switched_on()
    long_ago = timezone.now() - timedelta(days=3)
    row = health(lost=7, notice="7 messages of partition 0 were lost", noticed=long_ago)
    client.force_login(make_observer("observer"))
    assert b"7 messages of partition 0 were lost" in client.get("/streams/").content
    assert client.post(f"/streams/notices/{row.pk}/clear/").status_code == 403

    client.force_login(make_lead("lead"))
    assert b"7 lost" in client.get("/").content
    answer = client.post(f"/streams/notices/{row.pk}/clear/", follow=True)

    assert b"is cleared" in answer.content
    assert b"7 messages of partition" not in answer.content
    assert b"7 lost" not in client.get("/").content
    assert figures_of().lost == 7
