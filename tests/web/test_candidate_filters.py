"""Every filter and order of an event's list against a list that is sorted and sifted in Python."""

import random
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.contrib.auth.models import User
from django.http import QueryDict
from django.utils import timezone
from pytest_django import Settings
from tom_targets.models import TargetName

from tests.factories import MERGER, make_event, make_group, make_observer, make_program
from tests.targets.test_summary import make_targets
from tom.candidates.models import CandidateStanding, EventCandidate, Vetting
from tom.events.models import NonLocalizedEvent
from tom.ranking.information import moderated
from tom.targets.models import AudienceSummary, TargetSummary
from tom.web.candidate_list import (
    BEST_SHOWN,
    CandidateList,
)
from tom.web.candidate_search import ORDERS, find_candidates, order_choices

pytestmark = pytest.mark.django_db

FIGURES = ("rank", "log_weight", "log_weight_low", "log_weight_high", "credible_level_2d")
HOURS = timedelta(hours=1)


def some(rng: random.Random, make: Callable[[], float]) -> float | None:
    return None if rng.random() < 0.25 else make()


def standing(rng: random.Random, rank: int | None) -> dict[str, float | None]:
    low = rng.choice([0.1, 0.2])
    return {
        "rank": rank,
        "log_weight": some(rng, rng.random),
        "log_weight_low": low,
        "log_weight_high": low + rng.choice([0.1, 0.2, 0.3]),
        "credible_level_2d": some(rng, lambda: rng.choice([0.2, 0.5, 0.9, 0.95])),
    }


@pytest.fixture(autouse=True)
def no_telescope(settings: Settings) -> None:
    """No telescope can be asked: to decide, what an observation tells counts, not what it costs."""
    settings.PRACTICE_TELESCOPE = False


@pytest.fixture
def event() -> NonLocalizedEvent:
    return make_event("S261120ab", alert_types=())


@pytest.fixture
def vera() -> User:
    return make_observer("vera")


def fill(rng: random.Random, event: NonLocalizedEvent) -> list[EventCandidate]:
    """Twenty candidates, some without a rank, a level, a magnitude or a detection."""
    targets = make_targets(20)
    ranks = [*rng.sample(range(1, 18), 15), *[None] * 5]
    summaries = TargetSummary.objects.in_bulk([target.pk for target in targets])
    rows, aliases = [], []
    for target, rank in zip(targets, ranks, strict=True):
        summary = summaries[target.pk]
        summary.last_magnitude = some(rng, lambda: rng.choice([17.0, 18.0, 19.0]))
        summary.last_detection = rng.choice([None, MERGER, MERGER + 5 * HOURS])
        summary.host_name = rng.choice(["", "NGC 4993"])
        if rng.random() < 0.4:
            aliases.append(TargetName(target=target, name=f"AT2026{target.pk}x"))
        vetting = rng.choice(Vetting.values)
        rows.append(
            EventCandidate(event=event, target=target, vetting=vetting, **standing(rng, rank))
        )
    TargetSummary.objects.bulk_update(
        summaries.values(), ["last_magnitude", "last_detection", "host_name"]
    )
    TargetName.objects.bulk_create(aliases)
    made = EventCandidate.objects.bulk_create(rows)
    other = make_event(alert_types=())
    EventCandidate.objects.create(event=other, target=targets[0], rank=1, log_weight=0.9)
    old = [row.pk for row in made if rng.random() < 0.5]
    EventCandidate.objects.filter(pk__in=old).update(created=timezone.now() - 50 * HOURS)
    joined = EventCandidate.objects.filter(event=event).select_related("target__summary")
    return list(joined.prefetch_related("target__aliases"))


def open_list(event: NonLocalizedEvent, user: User) -> CandidateList:
    since = timezone.now() - 10 * HOURS
    return CandidateList(event=event, user=user, now=MERGER, level_shown=0.9, since=since)


def found(listing: CandidateList, asked: str, **more: object) -> list[str]:
    rows = find_candidates(listing, QueryDict(asked), **more)
    return [row.target.name for row in rows.select_related("target")]


def open_to_question(row: EventCandidate) -> float | None:
    """How open an independent chance is: a number that rises with the information to settle it."""
    weight, low, high = row.log_weight, row.log_weight_low, row.log_weight_high
    if weight is None or low is None or high is None:
        return None
    return -abs(round(moderated(weight, low, high), 9))


VALUES = {
    "rank": lambda row: row.rank,
    "decide": lambda row: open_to_question(row),
    "chance": lambda row: row.log_weight,
    "name": lambda row: row.target.name,
    "level": lambda row: row.credible_level_2d,
    "magnitude": lambda row: row.target.summary.last_magnitude,
    "newest": lambda row: row.target.summary.last_detection,
}
LARGEST_FIRST = {"decide", "chance", "newest"}


def sort(rows: list[EventCandidate], order: str) -> list[str]:
    """Names by an order: what is not known last, alike ones by rank, then by name."""
    name = order.removeprefix("-")
    falls = (name in LARGEST_FIRST) != order.startswith("-")
    rows = sorted(rows, key=lambda row: row.target.name)
    if name != "rank":
        rows.sort(key=lambda row: (row.rank is None, row.rank or 0))
    known = [row for row in rows if VALUES[name](row) is not None]
    unknown = [row for row in rows if VALUES[name](row) is None]
    known.sort(key=VALUES[name], reverse=falls)  # which leaves alike ones in their order
    return [row.target.name for row in [*known, *unknown]]


@pytest.mark.parametrize("seed", range(2))
def test_each_order_is_the_one_of_its_column_either_way(seed: int, event, vera) -> None:
    rows = fill(random.Random(seed), event)
    listing = open_list(event, vera)

    for order in [*ORDERS, *(f"-{name}" for name in ORDERS)]:
        asked = f"region=all&vetting=all&order={order}"
        assert found(listing, asked) == sort(rows, order), order


def sift(rows: list[EventCandidate], asked: dict[str, str]) -> set[str]:
    """The names of what the filters ask for."""
    best = sorted(
        (row for row in rows if row.vetting != "rejected"),
        key=lambda row: (row.rank is None, row.rank or 0, row.target.name),
    )[:BEST_SHOWN]
    names = set()
    for row in rows:
        vetting = asked.get("vetting", "")
        is_inside = row.credible_level_2d is not None and row.credible_level_2d <= 0.9
        text = asked.get("q", "").lower()
        aliases = [alias.name for alias in row.target.aliases.all()]
        told = [row.target.name, row.target.summary.host_name, *aliases]
        if (
            (
                row.vetting == vetting
                or vetting == "all"
                or (not vetting and row.vetting != "rejected")
            )
            and (
                asked.get("region") == "all" or is_inside or (row in best and row.rank is not None)
            )
            and any(text in name.lower() for name in told)
            and (asked.get("since") != "new" or timezone.now() - row.created < 10 * HOURS)
        ):
            names.add(row.target.name)
    return names


FILTERS: list[dict[str, str]] = [
    {},
    *({"vetting": vetting} for vetting in (*Vetting.values, "all")),
    {"region": "all"},
    *({"q": text, "region": "all"} for text in ("T1", "ngc", "at2026", "x", "no such", "%")),
    {"since": "new"},
    {"since": "odd", "region": "all"},
    {"since": "new", "region": "all", "vetting": "all", "q": "ngc"},
]


def test_each_filter_leaves_what_it_says(event, vera) -> None:
    rows = fill(random.Random(5), event)
    listing = open_list(event, vera)

    for asked in FILTERS:
        names = found(listing, urlencode(asked))
        assert sorted(names) == sorted(sift(rows, asked)), asked


def test_what_is_kept_stays_whatever_the_filters_say(event, vera) -> None:
    rows = fill(random.Random(7), event)
    listing = open_list(event, vera)
    hidden = next(row for row in rows if row.vetting == "rejected")
    asked = "region=all&q=T1"

    assert hidden.target.name not in found(listing, "region=all")
    assert hidden.target.name in found(listing, "region=all", kept=[hidden.pk])
    wanted = {*found(listing, asked), hidden.target.name}
    assert set(found(listing, asked, kept=[hidden.pk])) == wanted
    everything = "region=all&vetting=all"
    assert found(listing, everything, kept=[hidden.pk]) == found(listing, everything)


def test_a_first_look_asks_for_no_news(event, vera) -> None:
    rows = fill(random.Random(7), event)
    listing = CandidateList(event=event, user=vera, now=MERGER, level_shown=0.9, since=None)

    assert len(found(listing, "region=all&vetting=all&since=new")) == len(rows)


@pytest.mark.parametrize("with_second", [False, True])
def test_a_reader_s_list_goes_by_what_their_own_programs_tell(event, vera, with_second) -> None:
    """By one program's standing, or by that of the two together, as far as there is one."""
    groups = [make_group() for _ in range(2)]
    programs = [make_program(n + 2, group=group).pk for n, group in enumerate(groups)]
    vera.groups.add(*(groups if with_second else groups[:1]))
    rng = random.Random(3)
    rows = fill(rng, event)
    for rank, row in enumerate(rng.sample(rows, 14), 20):
        sets = [programs[:1], programs[1:], programs]
        for keys in rng.sample(sets, rng.randint(1, 3)):
            told = standing(rng, rank + 20 * len(keys))
            CandidateStanding.objects.create(
                candidate=row, event_id=row.event_id, programs=keys, **told
            )
            magnitude = rng.choice([20.0, 21.0, None])
            AudienceSummary.objects.create(
                target=row.target, programs=keys, healpix29=1, last_magnitude=magnitude
            )
    mine = programs if with_second else programs[:1]
    for row in rows:
        know(row, mine)
    hidden = rng.sample(rows, 12)
    EventCandidate.objects.filter(pk__in=[row.pk for row in hidden]).update(is_public=False)
    theirs = CandidateStanding.objects.filter(programs__contained_by=mine)
    known = set(theirs.values_list("candidate", flat=True))
    rows = [row for row in rows if row not in hidden or row.pk in known]
    assert 8 < len(rows) < 20
    listing = open_list(event, User.objects.get(pk=vera.pk))

    seen = EventCandidate.objects.visible_to(listing.user).filter(event=event)
    assert set(listing.everything()) == set(seen) == set(rows)
    for order in ("rank", "level", "-chance", "decide", "magnitude", "-magnitude"):
        assert found(listing, f"region=all&vetting=all&order={order}") == sort(rows, order), order
    assert set(found(listing, "")) == sift(rows, {})


def know(row: EventCandidate, programs: list[int]) -> None:
    """Give a candidate, in memory, the figures that readers of these programs know it by."""
    theirs = CandidateStanding.objects.filter(candidate=row, programs__contained_by=programs)
    largest = max(theirs, key=lambda each: (len(each.programs), each.programs), default=None)
    if largest is not None:
        for name in FIGURES:
            own = getattr(largest, name)
            setattr(row, name, getattr(row, name) if own is None else own)
    told = AudienceSummary.objects.filter(target=row.target, programs__contained_by=programs)
    fullest = max(told, key=lambda each: (len(each.programs), each.programs), default=None)
    if fullest is not None and fullest.last_magnitude is not None:
        row.target.summary.last_magnitude = fullest.last_magnitude


def test_an_order_that_a_column_gave_is_offered_while_it_stands(
    event: NonLocalizedEvent, vera: User
) -> None:
    listing = open_list(event, vera)
    named = [name for name, _ in order_choices(listing, "")]

    assert order_choices(listing, "-name")[-1] == ("-name", "as the columns say")
    for asked in ("", "decide", "level", "odd"):
        assert [name for name, _ in order_choices(listing, asked)] == named
