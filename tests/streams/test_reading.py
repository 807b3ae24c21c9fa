"""Which sources are to be read: those of STREAMS, and the rows that are switched on."""

import pytest
from django.db import connection

from tests.factories import PASSWORD, make_credential, make_stream
from tom.own_secrets import hide_secrets
from tom.streams.log_in import find_log_in
from tom.streams.models import Credential
from tom.streams.reading import read_now, topics_read_now
from tom.streams.sources import Source

pytestmark = pytest.mark.django_db


def test_only_streams_that_are_switched_on_are_read():
    make_stream(topics=["a"])
    on = make_stream(topics=["b", "c"], active=True)

    (source,) = read_now()

    assert (source.broker, source.topics, source.stream) == (
        "kafka.example.org",
        ("b", "c"),
        on.pk,
    )


def test_a_topic_that_the_environment_names_is_read_as_it_says(settings):
    settings.STREAMS = ["kafka://Kafka.Example.org:9092/a"]
    make_stream(topics=["a", "b"], active=True)

    fixed, mine = read_now()

    assert topics_read_now() == {(each.broker, *each.topics) for each in (fixed, mine)}
    assert fixed == Source("kafka.example.org", ("a",))
    assert mine.topics == ("b",)


def test_a_topic_of_two_streams_is_read_by_one():
    make_stream(topics=["a"], active=True)
    make_stream(topics=["a"], active=True, address="kafka.example.org:9092")

    assert [source.topics for source in read_now()] == [("a",)]
    assert topics_read_now() == {("kafka.example.org", "a")}


@pytest.mark.parametrize("written", ["kafka.x", "kafka.x:9092", "KAFKA.x", "Kafka.X:9092"])
def test_a_broker_is_one_however_it_is_written(settings, written: str):
    settings.STREAMS = [f"kafka://{written}/a", "kafka://kafka.x/b"]
    make_stream(topics=["a", "c"], active=True, address=written)

    assert [(source.broker, source.topics) for source in read_now()] == [
        ("kafka.x", ("a", "b")),
        ("kafka.x", ("c",)),
    ]


def test_a_stream_is_another_source_once_it_or_its_credential_was_changed():
    credential = make_credential()
    stream = make_stream(credential=credential, active=True)
    before = read_now()
    assert read_now() == before

    credential.secret = "another"
    credential.save()
    between = read_now()
    stream.save()

    assert before != between
    assert between != read_now()


def test_a_secret_is_stored_encrypted_and_comes_back_to_log_in():
    credential = make_credential(secret="hunter2-hunter2")
    stream = make_stream(credential=credential, active=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT * FROM streams_credential")
        stored = repr([bytes(each) if isinstance(each, memoryview) else each
                       for each in cursor.fetchone()])  # fmt: skip

    log_in, group = find_log_in(read_now()[0])

    assert "hunter2" not in stored
    assert log_in is not None
    assert log_in()["sasl.password"] == "hunter2-hunter2"
    assert log_in()["security.protocol"] == "SASL_SSL"
    assert group == stream.consumer_group
    assert "hunter2" not in repr(log_in)
    assert "hunter2" not in hide_secrets("refused hunter2-hunter2")


def test_a_secret_that_cannot_be_decrypted_harms_its_own_stream_alone(settings):
    make_stream(topics=["a"], credential=make_credential(), active=True)
    settings.SECRET_KEY = "another key than the one it was stored with"
    make_stream(topics=["b"], credential=make_credential(), active=True)

    broken, well = read_now()

    with pytest.raises(Exception, match="SECRET_KEY was changed: enter it again"):
        find_log_in(broken)
    log_in, _ = find_log_in(well)
    assert log_in is not None
    assert log_in()["sasl.password"] == PASSWORD


def test_without_a_credential_nobody_logs_in():
    make_stream(active=True, tls=False)

    log_in, _ = find_log_in(read_now()[0])

    assert log_in is not None
    assert log_in() == {"security.protocol": "PLAINTEXT"}


def test_a_credential_in_use_is_not_deleted():
    credential = make_credential()
    make_stream(credential=credential)

    with pytest.raises(Exception, match="protected"):
        credential.delete()
    assert Credential.objects.exists()
