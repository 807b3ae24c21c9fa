"""The streams as people see them: what each topic does now, and who may change what."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.utils import timezone

from tom.forms.networks import HEARTBEAT
from tom.forms.recognition import identify
from tom.streams.models import (
    Credential,
    HeartbeatGap,
    Stream,
    StreamHealth,
    TopicMinute,
)
from tom.streams.pulse import LAG_AGE, misses_heartbeat
from tom.streams.reading import network_of, places_of, read_now
from tom.streams.sources import PUBSUB, Source, plain
from tom.web.alarms import SILENT_SECONDS
from tom.web.filter_figures import FilterFigures, read_filters
from tom.web.permissions import MANAGE_STREAMS
from tom.web.untaken import Place, count_untaken

MINUTES = 60
GAPS_DAY = timedelta(days=1)
# A lag that stays the same is written as seldom as that: so much older, it is measured no more.
LAG_OLD = 3 * LAG_AGE
# A stream that was just switched on has not said anything yet.
STARTING = timedelta(seconds=60)

READING, BEGINNING, FAILING, SILENT, OFF = "reading", "starting", "failing", "silent", "off"
WAITING = "waiting"
WORDS = {
    READING: "Reading",
    WAITING: "Waits for scoring",
    BEGINNING: "Starting",
    FAILING: "Failing",
    SILENT: "No report",
    OFF: "Off",
}
WORDS_ELSEWHERE = "Read elsewhere"
NO_REPORT = "The ingester does not report. Start it, or look at its log."


Counts = Mapping[datetime, tuple[int, int]]
"""Of each minute, how many messages came, and how many of them the filter left out."""


@dataclass
class TopicFigures:
    """What one topic does now. Rates are messages a minute; None: not known."""

    topic: str
    state: str
    words: str
    is_heartbeat: bool
    fault: str = ""
    per_minute_now: float = 0.0
    per_minute_hour: float = 0.0
    minutes: Sequence[int] = ()  # of the last hour, the oldest first
    left_out_hour: int = 0  # of those of the last hour, by the filter
    counts: Counts = field(default_factory=dict)  # of the last hour
    waits_for: int | None = None  # held until scoring has caught up with so many targets
    lag: int | None = None
    lag_measured: datetime | None = None
    lost: int = 0  # messages that the broker deleted before they were read
    health_id: int | None = None
    notice: str = ""  # why reading began elsewhere than it ended, and when
    noticed: datetime | None = None
    last_message: datetime | None = None
    messages: int = 0
    size: int = 0  # bytes of all of them
    dead: int = 0
    unhandled: int = 0  # that no parser takes, though a sender's own topic brought them
    elsewhere: "Elsewhere | None" = None
    gaps: Sequence[HeartbeatGap] = ()
    is_gap_open: bool = False

    def counted_since(self, began: datetime | None) -> tuple[int, int]:
        """How many came in the last hour from the minute of `began` on, and were left out.

        Heartbeats, which no filter judges and nothing keeps, are none.
        """
        if began is None or self.is_heartbeat:
            return 0, 0
        first = began.replace(second=0, microsecond=0)
        pairs = [pair for minute, pair in self.counts.items() if minute >= first]
        return sum(came for came, _ in pairs), sum(left_out for _, left_out in pairs)

    @property
    def n_gaps(self) -> int:
        return len(self.gaps)

    @property
    def longest_gap_seconds(self) -> float:
        return max(((gap.ended - gap.began).total_seconds() for gap in self.gaps), default=0.0)


@dataclass
class StreamFigures:
    """One stream with its topics; `row` is None where the environment names it."""

    name: str
    broker: str
    row: Stream | None
    network: str
    topics: list[TopicFigures] = field(default_factory=list)
    may_change: bool = False
    filter: FilterFigures | None = None
    filtered: int | None = None  # the row whose filter the user may change

    @property
    def key(self) -> str:
        return str(self.row.pk) if self.row else f"fixed-{self.broker}"

    @property
    def tells_lag(self) -> bool:
        """Whether it can be known how many messages wait at its broker."""
        return self.network != PUBSUB

    @property
    def shared_fault(self) -> str:
        """What is wrong with all topics alike; empty if they differ."""
        faults = {topic.fault for topic in self.topics}
        return faults.pop() if len(faults) == 1 and len(self.topics) > 1 else ""

    @property
    def is_on(self) -> bool:
        return self.row is None or self.row.active


@dataclass(frozen=True)
class Elsewhere:
    """The stream that has a topic in another one's place, and what the topic does there."""

    stream: StreamFigures
    topic: TopicFigures

    @property
    def is_read(self) -> bool:
        """Whether the topic is read there, or will be in a moment."""
        return self.topic.state in {READING, WAITING, BEGINNING}

    @property
    def words(self) -> str:
        """Who has the topic, whether that works, and what to do."""
        name = f"{self.stream.name}, which STREAMS names," if self._is_fixed else self.stream.name
        if self.is_read:
            return f"{name} reads this topic of this broker already"
        stop = f"Take the topic out of {'STREAMS' if self._is_fixed else 'it'}"
        stop += "" if self._is_fixed else ", or stop it"
        return (
            f"{name} has this topic of this broker already and does not read it"
            f" ({self._fault}). {stop}: then this stream reads it"
        )

    @property
    def _is_fixed(self) -> bool:
        return self.stream.row is None

    @property
    def _fault(self) -> str:
        return self.topic.fault.rstrip(".") or self.topic.words


def may_change(user: User, stream: Stream) -> bool:
    """Whether a person may change a stream: it and its credential must be theirs, too."""
    if not user.has_perm(MANAGE_STREAMS):
        return False
    return _is_member(user, stream.group_id) and (
        stream.credential is None or may_use(user, stream.credential)
    )


def _is_member(user: User, group_id: int | None) -> bool:
    if user.is_superuser or group_id is None:
        return True
    return user.groups.filter(pk=group_id).exists()


def may_use(user: User, credential: Credential) -> bool:
    """Whether a person may use a credential."""
    if not user.has_perm(MANAGE_STREAMS):
        return False
    return _is_member(user, credential.group_id)


def own_credential(stream: Stream) -> Credential | None:
    """The credential of a stream, if no other stream uses it."""
    used = stream.credential
    if used is None or used.streams.exclude(pk=stream.pk).exists():
        return None
    return used


def usable_credentials(user: User) -> list[Credential]:
    """The credentials that a person may use, without their secrets."""
    rows = Credential.objects.select_related("group").defer("secret")
    mine = set(user.groups.values_list("pk", flat=True))
    return [
        row for row in rows if user.is_superuser or row.group_id is None or row.group_id in mine
    ]


def read_figures(user: User | None = None) -> list[StreamFigures]:
    """Every stream with what its topics do now: those that the environment names come first.

    Each says whether the user may change it; for nobody in particular, none may be changed.
    """
    news = News()
    found = []
    sources = read_now()
    manages = user is not None and user.has_perm(MANAGE_STREAMS)
    filters = read_filters()
    fixed_rows = Stream.objects.filter(is_fixed=True).values_list("name", "pk")
    rows_of_fixed = dict(fixed_rows) if any(each.stream is None for each in sources) else {}
    for source in sources:
        if source.stream is None:
            stream = StreamFigures(source.broker, source.broker, None, source.network)
            stream.topics = [news.of(source.broker, topic, None) for topic in source.topics]
            fixed = rows_of_fixed.get(source.fixed_name)
            stream.filtered = fixed if manages else None
            _add_filter(stream, filters.get(fixed) if fixed else None)
            found.append(stream)
    read = {(source.stream, topic) for source in sources for topic in source.topics}
    holders = {
        place: source for source in sources for place in places_of(source.broker, source.topics)
    }
    usable = {row.pk for row in usable_credentials(user)} if user and manages else set()
    for row in Stream.objects.entered().with_credentials().select_related("test"):
        mine = manages and (row.credential_id is None or row.credential_id in usable)
        if mine and user is not None and row.group_id is not None:
            mine = _is_member(user, row.group_id)
        stream = StreamFigures(row.name, row.address, row, network_of(row), may_change=mine)
        stream.topics = [
            _read_elsewhere(topic, row)
            if (row.pk, topic) not in read
            and (row.active or (plain(row.address), topic) in holders)
            else news.of(row.address, topic, row)
            for topic in row.topics
        ]
        stream.filtered = row.pk if mine else None
        _add_filter(stream, filters.get(row.pk))
        found.append(stream)
    _name_readers(found, holders)
    return found


def _name_readers(found: Sequence[StreamFigures], holders: Mapping[Place, Source]) -> None:
    """Say of each topic that another stream has which one that is, and what it does."""
    topics = {
        (stream.row and stream.row.pk, plain(stream.broker), topic.topic): Elsewhere(stream, topic)
        for stream in found
        for topic in stream.topics
    }
    for stream in found:
        for topic in stream.topics:
            place = plain(stream.broker), topic.topic
            if topic.words == WORDS_ELSEWHERE and (holder := holders.get(place)):
                topic.elsewhere = topics.get((holder.stream, *place))
                topic.fault = topic.elsewhere.words if topic.elsewhere else ""


def _add_filter(stream: StreamFigures, chosen: FilterFigures | None) -> None:
    stream.filter = chosen
    if chosen is not None:
        judged = [topic.counted_since(chosen.since) for topic in stream.topics]
        chosen.left_out_hour = sum(left_out for _, left_out in judged)
        chosen.passed_hour = sum(came for came, _ in judged) - chosen.left_out_hour


def _read_elsewhere(topic: str, row: Stream) -> TopicFigures:
    """Say nothing of a topic whose figures are another stream's."""
    if not row.active:
        return TopicFigures(topic, OFF, WORDS[OFF], is_heartbeat=False)
    return TopicFigures(topic, OFF, WORDS_ELSEWHERE, is_heartbeat=False)


class News:
    """What the listeners have written of all topics, read in five queries."""

    def __init__(self) -> None:
        self.now = timezone.now()
        self._health = {(row.stream, row.topic): row for row in StreamHealth.objects.all()}
        self._minutes = self._read_minutes()
        self._gaps = self._read_gaps()
        self._dead, self._unhandled = count_untaken()

    def of(self, broker: str, topic: str, row: Stream | None) -> TopicFigures:
        """The figures of one topic; `row` is the stream that it is read for, if it is a row."""
        place = plain(broker), topic
        health = self._health.get(place)
        state = self._state(health, row)
        figures = TopicFigures(
            topic,
            state,
            WORDS[state],
            is_heartbeat=identify(topic, b"") == HEARTBEAT,
            dead=self._dead[place],
            unhandled=self._unhandled[place],
        )
        if state == FAILING and health:
            figures.fault = health.detail
        elif state == SILENT:
            figures.fault = NO_REPORT
        elif state == WAITING and health:
            figures.waits_for = health.waits_for
        if health:
            self._fill(figures, health)
        return figures

    def _state(self, health: StreamHealth | None, row: Stream | None) -> str:
        if row is not None and not row.active:
            return OFF
        reported = health.reported if health else None
        began = row.changed if row is not None else None
        if began and (reported is None or reported < began):
            return BEGINNING if self.now - began < STARTING else SILENT
        if health is None or reported is None:
            return SILENT
        if (self.now - reported).total_seconds() > SILENT_SECONDS:
            return SILENT
        if health.connected:
            return READING if health.waits_for is None else WAITING
        return BEGINNING if health.detail == "starting" else FAILING

    def _fill(self, figures: TopicFigures, health: StreamHealth) -> None:
        counts = {at: came for at, (came, _) in self._minutes.get(health.pk, {}).items()}
        figures.counts = self._minutes.get(health.pk, {})
        figures.left_out_hour = sum(out for _, out in figures.counts.values())
        this_minute = self.now.replace(second=0, microsecond=0)
        begun = [this_minute - timedelta(minutes=ago) for ago in range(MINUTES, -1, -1)]
        series = [counts.get(minute, 0) for minute in begun]
        part = (self.now - this_minute).total_seconds() / 60
        # Of the last 60 seconds, those before this minute had the rate of the whole minute.
        figures.per_minute_now = series[-1] + series[-2] * (1 - part)
        figures.per_minute_hour = (sum(series[1:]) + series[0] * (1 - part)) / MINUTES
        figures.minutes = series
        figures.lag_measured = health.lag_measured
        if figures.state in {READING, WAITING} and health.lag_measured is not None:
            is_old = self.now - health.lag_measured > LAG_OLD
            figures.lag = None if is_old else health.lag
        figures.lost, figures.health_id = health.lost, health.pk
        # A loss is told until somebody has cleared the notice.
        if health.noticed and (health.lost or self.now - health.noticed < GAPS_DAY):
            figures.notice, figures.noticed = health.notice, health.noticed
        figures.last_message = health.last_message
        figures.messages, figures.size = health.messages, health.size
        figures.gaps = self._gaps.get(health.pk, [])
        figures.is_gap_open = figures.state == READING and misses_heartbeat(health, now=self.now)

    def _read_minutes(self) -> Mapping[int, Counts]:
        since = self.now - timedelta(minutes=MINUTES + 1)
        rows = TopicMinute.objects.filter(minute__gte=since)
        found: dict[int, dict[datetime, tuple[int, int]]] = {}
        columns = ("health_id", "minute", "messages", "left_out")
        for health, minute, messages, left_out in rows.values_list(*columns):
            found.setdefault(health, {})[minute] = messages, left_out
        return found

    def _read_gaps(self) -> Mapping[int, list[HeartbeatGap]]:
        rows: Iterable[HeartbeatGap] = HeartbeatGap.objects.filter(ended__gte=self.now - GAPS_DAY)
        found: dict[int, list[HeartbeatGap]] = {}
        for gap in sorted(rows, key=lambda gap: gap.ended):
            found.setdefault(gap.health_id, []).append(gap)
        return found
