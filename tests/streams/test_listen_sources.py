import pytest

from tom.streams.sources import Source, SourceError, read_source, read_sources


def test_an_item_without_a_scheme_is_one_more_topic_of_the_url_before_it():
    items = ["kafka://kafka.scimma.org/igwn.gwalert", " gcn.circulars", "kafka://b:9093/x"]

    assert read_sources(items) == [
        Source("kafka.scimma.org", ("igwn.gwalert", "gcn.circulars")),
        Source("b:9093", ("x",)),
    ]


def test_urls_of_one_broker_are_one_source_and_a_topic_named_twice_is_read_once():
    items = ["kafka://a/x", "kafka://b/y", "kafka://a/z", "x"]

    assert read_sources(items) == [Source("a", ("x", "z")), Source("b", ("y",))]


def test_users_of_one_broker_are_kept_apart():
    assert read_sources(["kafka://me%2D1@a/x", "kafka://you@a/y"]) == [
        Source("a", ("x",), "me-1"),
        Source("a", ("y",), "you"),
    ]


def test_a_source_gives_back_a_url_that_hop_takes():
    assert read_source("kafka://a:1/x,y").url == "kafka://a:1/x,y"


def test_no_streams_is_no_sources():
    assert read_sources([]) == []


@pytest.mark.parametrize(
    "items",
    [
        *(["igwn.gwalert"], ["kafka://a/"], ["kafka:///x"], ["https://a/x"], ["kafka://a/x", ""]),
        *(["kafka://[::1/x"], ["kafka://a]/x"], ["kafka://me@/x"], ["://a/x"], [""]),
    ],
)
def test_what_is_no_hop_url_is_refused(items: list[str]):
    with pytest.raises(SourceError):
        read_sources(items)


def test_a_password_in_a_url_is_refused_and_not_repeated():
    with pytest.raises(SourceError) as refusal:
        read_sources(["kafka://me:hunter2@a/x"])

    assert "hunter2" not in str(refusal.value)


def test_a_topic_keeps_the_parts_of_its_path_and_loses_its_outer_strokes():
    assert read_source("kafka://a/x/y/").topics == ("x/y",)
    assert read_source("kafka://a//x").topics == ("x",)


def test_a_url_of_pubsub_names_a_project_and_subscriptions_of_it():
    items = ["pubsub://my-project/lsst-alerts", "ztf-loop", "pubsub://my-project@127.0.0.1:8085/x"]

    assert read_sources(items) == [
        Source("pubsub.googleapis.com/my-project", ("lsst-alerts", "ztf-loop"), network="pubsub"),
        Source("127.0.0.1:8085/my-project", ("x",), network="pubsub"),
    ]


@pytest.mark.parametrize("item", ["pubsub://my-project/", "pubsub:///x", "pubsub://a:b@h/x"])
def test_what_is_no_url_of_pubsub_is_refused(item: str):
    with pytest.raises(SourceError):
        read_sources([item])
