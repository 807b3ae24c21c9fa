"""Pages of the API's lists: what they say of the list, and where they lead."""

import pytest

from tests import factories
from tests.factories import make_event, make_target
from tests.targets.test_words import say
from tom.targets.models import SurveyObject
from tom.web.api import pagination

pytestmark = pytest.mark.django_db


def walk(plain, address: str) -> list[dict]:
    """Every page from an address on, as `next` leads."""
    pages = []
    while address and len(pages) < 20:
        pages.append(plain.get(address).json())
        address = pages[-1]["next"]
    return pages


@pytest.mark.parametrize("most", [3, 4, 5, 6])
def test_every_row_comes_once_whether_they_were_counted_or_not(plain, monkeypatch, most):
    monkeypatch.setattr(pagination, "MOST_COUNTED", most)
    events = {make_event(f"S26112{n}ab").event_id for n in range(5)}

    pages = walk(plain, "/api/events/?limit=2")

    found = [row["event_id"] for page in pages for row in page["results"]]
    assert sorted(found) == sorted(events)
    assert [page["count"] for page in pages] == [5 if most >= 5 else None] * 3
    assert pages[0]["previous"] is None
    assert pages[1]["previous"] is not None


@pytest.mark.parametrize(("offset", "count"), [(0, 0), (7, 0)])
def test_an_empty_page_leads_nowhere(plain, offset: int, count: int):
    page = plain.get(f"/api/events/?offset={offset}").json()

    assert (page["count"], page["next"], page["results"]) == (count, None, [])


def test_an_empty_list_is_not_counted(plain, django_assert_num_queries):
    with django_assert_num_queries(2):  # token, events
        plain.get("/api/events/")


def test_a_page_past_the_end_says_how_many_rows_there_are(plain):
    make_event()

    page = plain.get("/api/events/?offset=7").json()

    assert (page["count"], page["next"], page["results"]) == (1, None, [])


def test_fewer_are_counted_of_what_brokers_say(plain, monkeypatch):
    monkeypatch.setattr(pagination, "MOST_COUNTED_SAID", 2)
    public = factories.make_program()
    for number in range(3):
        target = make_target(f"ZTF26aaaaa{number}a")
        SurveyObject.objects.update_or_create(
            survey="ZTF",
            object_id=target.name,
            defaults={"target": target, "programs": [public.pk]},
        )
        say("Fink", "snn", "agn" if number else "supernova Ia", object_id=target.name)

    def count(query: str) -> int | None:
        return plain.get(f"/api/targets/?limit=1&{query}").json()["count"]

    assert [count(query) for query in ("", "class=agn", "by=Fink")] == [3, 2, None]
