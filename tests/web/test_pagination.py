"""A page that is counted while it is found is the page that is counted before."""

from collections.abc import Collection
from typing import Any

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db.models import F, FloatField, QuerySet, Value
from django.test import RequestFactory

from tests import factories
from tom.candidates.models import EventCandidate
from tom.web import pagination
from tom.web.pagination import page_at_once, page_of
from tom.web.places import Place, Steps, by_step, count_above, count_first

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("number", ["", "1", "2", "3", "4", "999999999999999999", "two", "1e9"])
@pytest.mark.parametrize("n_rows", [0, 1, 2, 5])
def test_a_page_at_once_at_once_is_the_same_page(number: str, n_rows: int) -> None:
    event = factories.make_event()
    for _ in range(n_rows):
        factories.make_candidate(event)
    keys = EventCandidate.objects.order_by("-pk").values_list("pk", flat=True)
    request = RequestFactory().get("/", {"page": number})

    pages = [make(request, keys, per_page=2) for make in (page_of, page_at_once)]

    before, at_once = (
        (list(page), page.number, page.paginator.count, page.paginator.num_pages) for page in pages
    )
    assert at_once == before


def test_no_more_is_counted_than_the_bound_and_no_page_lies_past_it(monkeypatch) -> None:
    event = factories.make_event()
    for _ in range(5):
        factories.make_candidate(event)
    rows = EventCandidate.objects.order_by("-pk")
    request = RequestFactory().get("/", {"page": "9"})

    whole = page_of(request, rows, per_page=2, most=5)
    cut = page_of(request, rows, per_page=2, most=4)

    assert (whole.number, len(whole), whole.paginator.said) == (3, 1, "5")
    assert (cut.number, len(cut), cut.paginator.said) == (2, 2, "more than 4")
    monkeypatch.setattr(pagination, "MOST_COUNTED", 4)
    at_once = page_at_once(request, rows.values_list("pk", flat=True), per_page=2)
    assert list(at_once) == [row.pk for row in cut]
    assert at_once.paginator.said == "more than 4"


def test_what_stands_above_a_place_is_counted_by_event() -> None:
    first, second = factories.make_event(), factories.make_event()
    for event, ranks in ((first, [1, 3, 3, 7, None]), (second, [2])):
        for rank in ranks:
            factories.make_candidate(event, rank=rank)
    rows = EventCandidate.objects.alias(whole=F("event_id"), place=F("rank"))

    def count(steps: list[float]) -> QuerySet[Any, Steps]:
        return by_step(rows, Value(steps, ArrayField(FloatField())))

    above = count_above([(first.pk, place) for place in (1, 3, 4, 7)] + [(second.pk, 7)], count)

    assert [above[first.pk, place] for place in (1, 3, 4, 7)] == [0, 1, 3, 3]
    assert above[second.pk, 7] == 1
    assert count_above([], count) == {}


def test_what_stands_far_down_is_counted_where_few_of_the_first_are_seen_and_nowhere_else() -> None:
    counted = []

    def count(places: Collection[Place]) -> dict[Place, int]:
        counted.append({*places})
        return {
            (whole, at): int(at) - 1 if whole == "all" else int(at) // 10 for whole, at in places
        }

    above = count_first({("all", 3), ("all", 50), ("few", 40), ("few", 90)}, count, most=5)

    assert counted == [{("all", 3), ("all", 10), ("few", 10)}, {("few", 40), ("few", 90)}]
    assert above == {("all", 3): 2, ("all", 50): 5, ("few", 40): 4, ("few", 90): 5}
    assert count_first([], count, most=5) == {}
