"""The pages and the API of drafts of circulars."""

import pytest
from django.core.cache import cache
from django.test import Client

from tests import factories
from tom.events.models import NonLocalizedEvent
from tom.reports.gcn.models import CircularDraft

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/circular/"
API = "/api/events/S261120ab/circular-drafts/"


@pytest.fixture(autouse=True)
def forgotten() -> None:
    cache.clear()


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab")


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    return client


def test_a_draft_is_made_edited_and_read_in_each_version(observer: Client, event) -> None:
    candidate = factories.make_candidate(event, factories.make_target("ZTF26first"))
    assert "Nobody has drafted a circular" in observer.get(PAGE).text
    assert PAGE in observer.get("/events/S261120ab/").text

    made = observer.post(PAGE, {"candidate": [candidate.pk]})
    draft = CircularDraft.objects.get()
    address = f"{PAGE}{draft.pk}/"
    assert made.headers["Location"] == address
    page = observer.get(address).text
    assert "ZTF26first" in page
    assert 'href="https://gcn.nasa.gov/circulars/new?subject=LIGO' in page

    text = {"subject": "LIGO/Virgo/KAGRA S261120ab: mended", "body": "Mended.", "after": "1"}
    assert observer.post(address, text).headers["Location"] == address
    assert "Mended." in observer.get(address).text
    old = observer.get(f"{address}?version=1").text
    assert "Mended." not in old
    assert 'name="body"' not in old
    assert observer.get(f"{address}?version=9").status_code == 404
    late = observer.post(address, text | {"body": "Mine."})
    assert late.status_code == 422
    assert "saved version 2 meanwhile" in late.text
    assert "Mine." in late.text
    assert "mended" in observer.get(PAGE).text


def test_what_is_refused_is_said_and_nothing_is_kept(observer: Client, event) -> None:
    group = factories.make_group("team")
    own = factories.make_target("own", program=factories.make_program(2, group=group))
    candidate = factories.make_candidate(event, own)

    answer = observer.post(PAGE, {"candidate": [candidate.pk]})

    assert answer.status_code == 422
    assert "these have no public data: own" in answer.text
    assert not CircularDraft.objects.exists()


def test_a_test_events_page_has_no_address_of_gcn_that_is_filled_in(observer: Client) -> None:
    event = factories.make_event("S261120ab", test_reasons=["a drill"])
    observer.post(PAGE, {"candidate": [factories.make_candidate(event).pk]})

    page = observer.get(f"{PAGE}{CircularDraft.objects.get().pk}/").text
    told = observer.get(f"/api/circular-drafts/{CircularDraft.objects.get().pk}/").json()

    assert "THIS IS A TEST" in page
    assert "circulars/new" not in page
    assert "a drill" in page
    assert told["link"] == ""
    assert told["subject"].startswith("TEST: ")
    assert "a drill" in told["why_no_link"]


def test_the_api_makes_reads_and_saves_drafts(observer: Client, event) -> None:
    candidate = factories.make_candidate(event)
    give = {"content_type": "application/json"}

    made = observer.post(API, {"candidates": [candidate.pk]}, **give)
    assert made.status_code == 201
    draft = made.json()
    address = f"/api/circular-drafts/{draft['id']}/"
    assert draft["link"].startswith("https://gcn.nasa.gov/circulars/new?")
    assert observer.get(API).json()["results"] == [draft] == [observer.get(address).json()]

    text = {"version": 1, "subject": "GW: mended", "body": "Mended."}
    assert observer.put(address, text, **give).json()["version"] == 2
    late = observer.put(address, text | {"body": "Mine."}, **give)
    assert late.status_code == 400
    assert "meanwhile" in str(late.json())
    assert observer.post(API, {"candidates": [10**9]}, **give).status_code == 400


def test_the_list_asks_as_often_for_many_drafts_as_for_one(
    observer: Client, event, django_assert_max_num_queries
) -> None:
    observer.post(PAGE, {})
    with django_assert_max_num_queries(40) as few:
        observer.get(PAGE)
    of_page = len(few)
    with django_assert_max_num_queries(40) as told:
        observer.get(API)
    of_api = len(told)
    for _ in range(4):
        observer.post(PAGE, {})

    with django_assert_max_num_queries(of_page):
        observer.get(PAGE)
    with django_assert_max_num_queries(of_api):
        observer.get(API)


def test_a_draft_is_discarded_and_brought_back(observer: Client, event) -> None:
    observer.post(PAGE, {})
    draft = CircularDraft.objects.get()
    address = f"{PAGE}{draft.pk}/"
    text = {"subject": "LIGO/Virgo/KAGRA S261120ab: mended", "body": "Mended.", "after": "1"}

    observer.post(f"{address}discard/")

    page = observer.get(address).text
    assert "by vera: it" in page
    assert 'name="body"' not in page
    assert "gcn.nasa.gov/circulars/new?subject" not in page
    assert "Discarded" in observer.get(PAGE).text
    assert "bring it back first" in observer.post(address, text).text
    assert observer.get(API).json()["results"] == []
    assert observer.get(f"/api/circular-drafts/{draft.pk}/").json()["why_no_link"]

    observer.post(f"{address}discard/", {"undo": "yes"})

    assert "gcn.nasa.gov/circulars/new?subject" in observer.get(address).text
    assert observer.post(address, text).headers["Location"] == address
    assert observer.delete(f"/api/circular-drafts/{draft.pk}/").status_code == 204
    draft.refresh_from_db()
    assert draft.discarded is not None
