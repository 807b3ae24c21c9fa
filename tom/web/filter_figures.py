"""What filters passed and left out, as the pages, the API and Prometheus show it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Final

from django.db.models import Sum
from django.utils import timezone

from tom.streams.models import FilterCount, FilterTrial, StreamFilter
from tom.streams.rules import PASSES, Outcome, night_of
from tom.web.filter_form import words_of

NIGHTS_SHOWN: Final = 7
# Why something is left out, by the condition that it failed first.
REASONS: Final = {
    Outcome.PROGRAM: "another program",
    Outcome.SOLAR_SYSTEM: "Solar System",
    Outcome.RELIABILITY: "reliability",
    Outcome.SIGN: "sign",
    Outcome.MAGNITUDE: "magnitude",
    Outcome.DECLINATION: "declination",
    Outcome.PLACE: "place",
}


@dataclass(frozen=True)
class NightFigures:
    """What became of one night's packets; of a trial, how many are `stored` and may be tried."""

    night: date
    outcomes: Mapping[str, int]
    stored: int | None = None

    @property
    def came(self) -> int:
        return sum(self.outcomes.values())

    @property
    def passed(self) -> int:
        return sum(n for outcome, n in self.outcomes.items() if outcome in PASSES)

    @property
    def left_out(self) -> int:
        return self.came - self.passed

    @property
    def percent(self) -> float | None:
        """How much of it passed; None where nothing came."""
        return 100 * self.passed / self.came if self.came else None

    @property
    def reasons(self) -> list[tuple[str, int]]:
        """Why packets are left out, the most frequent reason first."""
        found = [(words, self.outcomes.get(key, 0)) for key, words in REASONS.items()]
        return sorted([each for each in found if each[1]], key=lambda each: -each[1])


@dataclass
class FilterFigures:
    """The filter that is in force for a stream, and what it does."""

    row: StreamFilter
    nights: Sequence[NightFigures] = ()
    passed_hour: int = 0  # in the last hour, while it is on
    left_out_hour: int = 0
    totals: Mapping[str, int] = field(default_factory=dict)

    @property
    def words(self) -> list[str]:
        return words_of(self.row.rule)

    @property
    def since(self) -> datetime | None:
        return self.row.began

    @property
    def is_young(self) -> bool:
        """Whether it is on for less than an hour."""
        return self.since is not None and timezone.now() - self.since < timedelta(hours=1)

    @property
    def newest(self) -> NightFigures | None:
        """The newest night of which something came."""
        return self.nights[0] if self.nights else None

    @property
    def percent_hour(self) -> float | None:
        came = self.passed_hour + self.left_out_hour
        return 100 * self.passed_hour / came if came else None


def read_filters() -> dict[int, FilterFigures]:
    """The filters in force by stream, with what they did; two queries."""
    rows = StreamFilter.objects.filter(began__isnull=False, ended=None)
    found = {row.pk: FilterFigures(row) for row in rows}
    if found:
        _fill(found)
    return {figures.row.stream_id: figures for figures in found.values()}


def _fill(found: Mapping[int, FilterFigures]) -> None:
    since = night_of(timezone.now()) - timedelta(days=NIGHTS_SHOWN)
    nights: dict[int, dict[date, dict[str, int]]] = defaultdict(lambda: defaultdict(dict))
    totals: dict[int, dict[str, int]] = defaultdict(dict)
    rows = FilterCount.objects.filter(filter__in=found.keys())
    for pk, night, outcome, messages in rows.values_list(
        "filter_id", "night", "outcome", "messages"
    ).order_by("-night"):
        totals[pk][outcome] = totals[pk].get(outcome, 0) + messages
        if night > since:
            nights[pk][night][outcome] = messages
    for pk, figures in found.items():
        figures.totals = totals[pk]
        figures.nights = [NightFigures(night, each) for night, each in nights[pk].items()]


def nights_of(stream_id: int) -> list[NightFigures]:
    """What the filters of a stream, those of before too, did in the last nights, newest first."""
    since = night_of(timezone.now()) - timedelta(days=NIGHTS_SHOWN)
    rows = FilterCount.objects.filter(filter__stream=stream_id, night__gt=since)
    found: dict[date, dict[str, int]] = defaultdict(dict)
    counted = rows.values_list("night", "outcome").annotate(n=Sum("messages"))
    for night, outcome, messages in counted.order_by("-night"):
        found[night][outcome] = messages
    return [NightFigures(night, outcomes) for night, outcomes in found.items()]


def nights_tried(trial: FilterTrial) -> list[NightFigures]:
    """What a trial has found of each night so far."""
    found: list[dict[str, Any]] = trial.nights
    return [
        NightFigures(date.fromisoformat(each["night"]), each["outcomes"], each["stored"])
        for each in found
    ]
