"""The streams' figures as Prometheus reads them, behind an API token."""

from collections.abc import Iterable, Iterator
from typing import Any

from drf_spectacular.utils import extend_schema
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from prometheus_client.registry import Collector
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from tom.streams.sources import plain
from tom.web.api.access import MayViewStreams
from tom.web.step_figures import QUANTILES, WINDOW_MINUTES, StepFigures, read_steps
from tom.web.streams import OFF, READING, WAITING, StreamFigures, TopicFigures, read_figures

LABELS = ("stream", "broker", "topic")
# Each gauge's name, help, and value of a topic; one without a value is left out.
GAUGES: tuple[tuple[str, str, Any], ...] = (
    (
        "reading",
        "1 where the topic is read or waits for scoring, 0 where it is not",
        lambda row: row.state in {READING, WAITING},
    ),
    (
        "waits_for_targets",
        "Packets that are not read yet and targets due, where reading waits for them, else 0",
        lambda row: row.waits_for or 0,
    ),
    ("switched_on", "1 where the stream is on", None),
    ("messages_last_minute", "Messages in the last 60 seconds", lambda row: row.per_minute_now),
    (
        "messages_per_minute_last_hour",
        "Messages a minute in the last hour",
        lambda row: row.per_minute_hour,
    ),
    (
        "left_out_last_hour",
        "Messages of the last hour that the filter left out",
        lambda row: row.left_out_hour,
    ),
    ("lag_messages", "Messages that the broker holds and are not stored", lambda row: row.lag),
    (
        "last_message_timestamp_seconds",
        "When the last message came",
        lambda row: row.last_message and row.last_message.timestamp(),
    ),
    ("heartbeat_gaps_last_day", "Heartbeat gaps of 24 hours", lambda row: row.n_gaps),
    ("dead_letters", "Messages that are dead", lambda row: row.dead),
    (
        "unhandled_messages",
        "Messages that no parser takes, of a topic of which a form is known",
        lambda row: row.unhandled,
    ),
)
COUNTERS: tuple[tuple[str, str, Any], ...] = (
    ("messages", "Messages since the topic is read", lambda row: row.messages),
    (
        "bytes",
        "Bytes of the messages since the topic is read, whether kept or not",
        lambda row: row.size,
    ),
    ("lost", "Messages that the broker deleted unread", lambda row: row.lost),
)


class StreamCollector(Collector):
    """Gives the figures of the moment at which it was made."""

    def __init__(self, streams: Iterable[StreamFigures]) -> None:
        self._streams = list(streams)
        self._rows = [(stream, topic) for stream in self._streams for topic in stream.topics]

    def collect(self) -> Iterator[Metric]:
        for name, words, value_of in GAUGES:
            gauge = GaugeMetricFamily(f"counterpart_stream_{name}", words, labels=LABELS)
            yield self._fill(gauge, value_of)
        for name, words, value_of in COUNTERS:
            counter = CounterMetricFamily(f"counterpart_stream_{name}", words, labels=LABELS)
            yield self._fill(counter, value_of)
        yield self._filters()

    def _filters(self) -> Metric:
        family = CounterMetricFamily(
            "counterpart_stream_filter_packets",
            "Survey packets since the filter is on, by what became of them at it",
            labels=("stream", "broker", "outcome"),
        )
        for stream in self._streams:
            for outcome, packets in sorted(stream.filter.totals.items()) if stream.filter else ():
                family.add_metric([stream.name, stream.broker, outcome], packets)
        return family

    def _fill(self, family: Any, value_of: Any) -> Metric:
        for stream, topic in self._rows:
            value = value_of(topic) if value_of else stream.is_on
            if value is not None:
                family.add_metric(labels_of(stream, topic), float(value))
        filled: Metric = family
        return filled


def labels_of(stream: StreamFigures, topic: TopicFigures) -> list[str]:
    return [stream.name, stream.broker, topic.topic]


class StepCollector(Collector):
    """Gives how long the steps of the newest messages took, of the topics of these streams.

    No other topic is told: their number has a bound.
    """

    def __init__(self, streams: Iterable[StreamFigures], steps: Iterable[StepFigures]) -> None:
        self._steps = list(steps)
        self._labels = {
            (plain(stream.broker), topic.topic): labels_of(stream, topic)
            for stream in streams
            for topic in stream.topics
            if topic.state != OFF
        }

    def collect(self) -> Iterator[Metric]:
        window = f"of the messages received in the last {WINDOW_MINUTES} minutes"
        took = GaugeMetricFamily(
            "counterpart_stream_step_seconds",
            f"How long a step took, {window}: quantiles",
            labels=(*LABELS, "step", "quantile"),
        )
        counted = GaugeMetricFamily(
            "counterpart_stream_step_messages",
            f"From how many the quantiles of a step are, {window}",
            labels=(*LABELS, "step"),
        )
        for each in self._steps:
            labels = self._labels.get((plain(each.broker), each.topic))
            if labels is not None:
                counted.add_metric([*labels, each.step], each.n)
                for quantile, seconds in zip(QUANTILES, each.quantiles, strict=True):
                    took.add_metric([*labels, each.step, str(quantile)], seconds)
        yield took
        yield counted


class PrometheusRenderer(BaseRenderer):
    """Passes the text on."""

    media_type = "text/plain"
    format = "prometheus"
    charset = None

    def render(self, data: Any, *_: object, **__: object) -> bytes:
        """The text; of a refusal its reason, as a line."""
        if isinstance(data, bytes):
            return data
        said = data.get("detail", data) if isinstance(data, dict) else data
        return f"{said}\n".encode()


@extend_schema(exclude=True)
class Metrics(APIView):
    """The figures of every stream in Prometheus' text format."""

    permission_classes = (IsAuthenticated, MayViewStreams)
    renderer_classes = (PrometheusRenderer,)

    def get(self, request: Request) -> Response:
        registry = CollectorRegistry(auto_describe=False)
        streams = read_figures()
        registry.register(StreamCollector(streams))
        registry.register(StepCollector(streams, read_steps()))
        return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
