"""Try a filter on the packets that are stored of the last nights, before it is switched on.

Of each night at most a sample is looked at, so that a trial ends within a minute or so.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, time, timedelta
from typing import Final

from django.db.models import QuerySet
from django.utils import timezone

from tom.formats.values import clean
from tom.forms.registry import alert_forms
from tom.own_secrets import hide_secrets
from tom.streams.door import Regions, judge_items
from tom.streams.filters import FilterTrial, StreamFilter
from tom.streams.models import AlertMessage, Stream
from tom.streams.packets import PacketStoreError, fetch_packets
from tom.streams.retention import came_by
from tom.streams.rules import NIGHT_BEGINS, night_of
from tom.streams.services import Incoming

NIGHTS: Final = 7
SAMPLE: Final = 400
"""Of each night about so many packets are looked at; a share is known to 2.5% then."""
CHUNK: Final = 50
STALE: Final = timedelta(seconds=60)
"""A trial that did not get on for so long was taken by no worker, or its worker died."""


@dataclass(frozen=True, slots=True)
class NightTried:
    """What was found of one night: packets that are stored, looked at, and their outcomes.

    It is the night in which they came. Of a sample `stored` is about what it would be of all.
    """

    night: str  # ISO date of its evening
    stored: int
    looked_at: int = 0
    outcomes: dict[str, int] = field(default_factory=dict)


def ask_for_trial(tried: StreamFilter) -> FilterTrial:
    """Make the row that says that a trial is wanted; the caller wakes it."""
    now = timezone.now()
    trial, _ = FilterTrial.objects.update_or_create(
        filter=tried,
        defaults={"asked": now, "moved": now, "finished": None, "fault": "", "nights": []},
    )
    return trial


def try_filter(trial: FilterTrial, regions: Regions) -> None:
    """Try a filter on each of the last nights, the newest first; write each as it is found.

    A trial that is asked for again meanwhile ends this one.
    """
    nights: list[NightTried] = []
    fault = ""
    now = timezone.now()
    try:
        for ago in range(NIGHTS):
            begins = datetime.combine(night_of(now), time(), UTC) + NIGHT_BEGINS
            nights.append(_try_night(trial.filter, begins - timedelta(days=ago), regions))
            if not _write(trial, nights):
                return
    except PacketStoreError as error:
        fault = hide_secrets(clean(str(error)))
    _write(trial, nights, finished=timezone.now(), fault=fault)


def _write(trial: FilterTrial, nights: Sequence[NightTried], **more: object) -> int:
    rows = FilterTrial.objects.filter(pk=trial.pk, asked=trial.asked)
    found = [asdict(each) for each in nights]
    return rows.update(nights=found, moved=timezone.now(), **more)


def _try_night(tried: StreamFilter, begins: datetime, regions: Regions) -> NightTried:
    rows = _packets_of(tried.stream, begins)
    stored = rows.count()
    night = begins.date().isoformat()
    if not stored:
        return NightTried(night, 0)
    open_then = regions(min(begins + timedelta(hours=12), timezone.now()))
    outcomes: Counter[str] = Counter()
    sample, n_read = _sample(rows, stored), 0
    for first in range(0, len(sample), CHUNK):
        judged = judge_items(tried.rule, _items(sample[first : first + CHUNK]), open_then)
        outcomes.update(outcome.value for outcome, _ in judged if outcome is not None)
        n_read += len(judged)
    looked_at = outcomes.total()
    packets = round(stored * looked_at / n_read) if n_read else 0
    return NightTried(night, packets, looked_at, dict(outcomes))


def _packets_of(stream: Stream, begins: datetime) -> QuerySet[AlertMessage]:
    """What came by a stream in the night and may be a survey packet, if its bytes are kept.

    Of what a broker tells only its content says whether it is one: it may be of many objects.
    """
    rows = AlertMessage.objects.filter(
        came_by(stream),
        kind__in=alert_forms(),
        received__gte=begins,
        received__lt=begins + timedelta(days=1),
    )
    return rows.exclude(packet_object="")


def _sample(rows: QuerySet[AlertMessage], stored: int) -> list[int]:
    """Keys of about SAMPLE of them, from all over the night."""
    step = max(stored // SAMPLE, 1)
    # A hash of the key: those of one batch, which came together, must not stand for all.
    scattered = rows.extra(where=["mod(abs(hashint8(id)::bigint), %s) = 0"], params=[step])
    return list(scattered.order_by("pk").values_list("pk", flat=True)[: 2 * SAMPLE])


def _items(ids: Sequence[int]) -> list[Incoming]:
    found, _lost = fetch_packets(ids)
    topics = dict(AlertMessage.objects.filter(pk__in=ids).values_list("pk", "topic"))
    return [Incoming(topics[pk], payload) for pk, payload in found.items()]


def is_under_way(trial: FilterTrial) -> bool:
    """Whether its answer can still be waited for."""
    return trial.finished is None and timezone.now() - trial.moved < STALE
