"""Events over the API."""

import pytest

from tests.factories import make_candidate, make_event, make_target

pytestmark = pytest.mark.django_db
SAID = {
    *("event_id", "alert_type", "time_created", "far", "classification", "retracted"),
    *("distance_mean", "distance_std", "area_50", "area_90", "sequences"),
}


def test_an_event_carries_what_its_chain_and_its_localization_say(plain):
    event = make_event("S261120ab")

    told = plain.get("/api/events/S261120ab/").json()

    newest = event.localizations.last().localization
    assert told.keys() >= SAID
    assert told["event_id"] == "S261120ab"
    assert (told["area_50"], told["area_90"]) == (newest.area_50, newest.area_90)
    assert told["distance_mean"] == newest.distance_mean
    assert told["classification"]["BNS"] == 0.97
    assert [row["number"] for row in told["sequences"]] == [1, 2, 3]
    assert told["sequences"][0]["area_90"] > told["sequences"][2]["area_90"]


def test_a_pinned_localization_is_the_one_told(plain):
    event = make_event("S261120ab")
    event.pinned = event.localizations.first()
    event.save()

    told = plain.get("/api/events/S261120ab/").json()

    assert told["area_90"] == event.pinned.localization.area_90


def test_an_event_without_a_map_has_no_areas(plain):
    make_event("S261120ab", localized=False)

    told = plain.get("/api/events/S261120ab/").json()

    assert told["area_90"] is None
    assert told["sequences"][0]["area_90"] is None


@pytest.mark.parametrize("number", [1, 4])
def test_a_list_takes_as_many_queries_whatever_its_length(plain, django_assert_num_queries, number):
    for _ in range(number):
        make_event()

    with django_assert_num_queries(5):  # token, events, sequences, their maps, maps
        found = plain.get("/api/events/").json()

    assert found["count"] == len(found["results"]) == number


def test_events_are_told_by_kind(plain):
    make_event("S261120ab")
    make_event("GRB261120A", kind="grb")

    found = plain.get("/api/events/?kind=grb").json()["results"]

    assert [event["event_id"] for event in found] == ["GRB261120A"]
    assert plain.get("/api/events/?kind=nova").status_code == 400


def test_candidates_come_in_their_rank_with_their_terms(plain):
    event = make_event("S261120ab")
    make_candidate(event, make_target("second"), rank=2, posterior=0.2)
    make_candidate(event, make_target("first"), rank=1, posterior=0.7)
    make_candidate(event, make_target("unranked"), rank=None)

    found = plain.get("/api/events/S261120ab/candidates/").json()["results"]

    assert [row["name"] for row in found] == ["first", "second", "unranked"]
    assert {term["name"] for term in found[0]["terms"]} >= {"sky_map", "distance"}
    assert found[2]["terms"] == []


def test_candidates_that_are_private_are_told_to_their_owners_alone(plain, member, team):
    event = make_event("S261120ab")
    make_candidate(event, make_target("hidden", private=True, owners=[team]))

    address = "/api/events/S261120ab/candidates/"

    assert plain.get(address).json()["results"] == []
    assert [row["name"] for row in member.get(address).json()["results"]] == ["hidden"]


@pytest.mark.parametrize("number", [1, 5])
def test_candidates_take_as_many_queries_whatever_their_number(
    plain, django_assert_num_queries, number
):
    event = make_event("S261120ab")
    for i in range(number):
        make_candidate(event, rank=i + 1)

    with django_assert_num_queries(11):
        found = plain.get("/api/events/S261120ab/candidates/").json()

    assert found["count"] == number


def test_an_unknown_event_is_a_404_in_json(plain):
    for address in ("/api/events/S000000x/", "/api/events/S000000x/candidates/"):
        response = plain.get(address)
        assert response.status_code == 404
        assert "detail" in response.json()
