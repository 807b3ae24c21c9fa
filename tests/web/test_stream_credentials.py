"""What becomes of a stream's credential: its secret is replaced, and it goes with the stream."""

import pytest
from django.test import Client

from tests.factories import PASSWORD, make_credential, make_lead, make_stream
from tom.streams.models import Credential, Stream

pytestmark = pytest.mark.django_db


@pytest.fixture
def lead(client: Client) -> Client:
    client.force_login(make_lead("lead"))
    return client


def form_of(stream: Stream, **fields: str) -> dict[str, str]:
    return {
        "name": stream.name,
        "kind": "kafka",
        "address": "kafka.example.org",
        "tls": "tls",
        "topics": "a.topic",
        "credential": str(stream.credential_id),
        "readers": "all",
        "do": "test",
        **fields,
    }


def secrets() -> list[str]:
    return [row.secret for row in Credential.objects.order_by("pk")]


@pytest.mark.parametrize("field", ["secret", "new_secret"])
def test_a_new_password_replaces_the_one_that_this_stream_alone_uses(
    lead: Client, field: str
) -> None:
    stream = make_stream(credential=make_credential())
    page = f"/streams/{stream.pk}/"
    assert 'name="new_secret"' in lead.get(page).text

    answer = lead.post(page, form_of(stream, **{field: "another"}))

    assert answer.status_code == 302
    assert secrets() == ["another"]
    lead.post(page, form_of(stream))
    assert secrets() == ["another"]


def test_a_password_that_another_stream_uses_is_not_replaced(lead: Client) -> None:
    stream = make_stream("one", credential=make_credential())
    make_stream("two", credential=stream.credential)
    page = f"/streams/{stream.pk}/"
    assert 'name="new_secret"' not in lead.get(page).text

    answer = lead.post(page, form_of(stream, secret="another"))

    assert answer.status_code == 422
    assert "choose “a new one” here" in answer.text
    assert secrets() == [PASSWORD]


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"new_secret": "a\x07b"}, "printable characters"),
        ({"new_secret": "x" * 2001}, "printable characters"),
        ({"new_secret": "another", "username": "else"}, "choose “a new one” here"),
        ({"new_secret": "another", "topics": ""}, "Name at least one topic"),
        ({"new_secret": "another", "address": "evil.example.org"}, "sent to kafka.example.org"),
    ],
)
def test_what_cannot_be_right_replaces_nothing(
    lead: Client, fields: dict[str, str], why: str
) -> None:
    stream = make_stream(credential=make_credential())

    answer = lead.post(f"/streams/{stream.pk}/", form_of(stream, **fields))

    assert answer.status_code == 422
    assert why in answer.text
    assert "another" not in answer.text.replace("another Kafka", "").replace("Another", "")
    assert secrets() == [PASSWORD]


def test_a_stream_is_deleted_with_the_credential_that_it_alone_uses(lead: Client) -> None:
    stream = make_stream(credential=make_credential("mine"))
    assert "Delete its credential, mine, too" in lead.get(f"/streams/{stream.pk}/").text

    answer = lead.post(f"/streams/{stream.pk}/delete/", {"credential": "delete"}, follow=True)

    assert "is deleted with its credential, mine." in answer.text
    assert not Credential.objects.exists()


def test_a_credential_stays_that_another_stream_uses_or_that_is_to_stay(lead: Client) -> None:
    one = make_stream("one", credential=make_credential("ours"))
    two = make_stream("two", credential=one.credential)
    page = " ".join(lead.get(f"/streams/{one.pk}/").text.split())
    assert "Its credential stays, too: another stream uses it." in page

    lead.post(f"/streams/{one.pk}/delete/", {"credential": "delete"})
    assert Credential.objects.count() == 1
    lead.post(f"/streams/{two.pk}/delete/")

    assert not Stream.objects.exists()
    assert Credential.objects.count() == 1
