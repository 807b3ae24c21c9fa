"""The page on which a list is scanned: what comes next, who decided, whom it is left to."""

import re
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests import factories
from tom.candidates.models import EventCandidate, ScanPlace, Verdict, Vetting
from tom.candidates.verdicts import give_verdict
from tom.changes.models import Change
from tom.events.models import NonLocalizedEvent
from tom.joining.events import join_events
from tom.reports.notifications.models import Notification

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/scan/"
HX = {"HX-Request": "true"}
MOST_QUERIES = 41


@pytest.fixture
def vera(client: Client) -> User:
    person = factories.make_observer("vera")
    client.force_login(person)
    return person


@pytest.fixture
def event() -> NonLocalizedEvent:
    return factories.make_event("S261120ab", time=timezone.now() - timedelta(hours=3))


@pytest.fixture
def candidates(event: NonLocalizedEvent) -> list[EventCandidate]:
    return [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 5)
    ]


def shown(text: str) -> str:
    found = re.search(r"<h2[^>]*>\s*<a[^>]*>(\w+)</a>", text)
    return found[1] if found else ""


def words(text: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", text).split())


def give(client: Client, candidate: EventCandidate, vetting: str, **values: str) -> str:
    path = f"/events/S261120ab/candidates/{candidate.pk}/vet/"
    answer = client.post(path, {"vetting": vetting, "on": "scan"} | values, headers=HX)
    assert answer.status_code == 200
    return answer.text


def test_a_verdict_is_given_and_answered_with_the_next_candidate(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    first = shown(client.get(PAGE).text)
    second = give(client, candidates[0], "rejected", reason="moving", note="2004 AB")

    verdict = Verdict.objects.get()
    assert (first, shown(second)) == ("ZTF26row1", "ZTF26row2")
    assert (verdict.by, verdict.candidate, verdict.why) == (
        vera, candidates[0], "Minor planet: 2004 AB",
    )  # fmt: skip
    assert Change.objects.filter(topic="ranking", key="S261120ab").exists()
    assert "1 of 4 decided, 1 by you" in words(second)


def test_without_a_script_a_verdict_leads_to_the_next_candidate_too(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    client.get(f"{PAGE}?hide=nothing")
    path = f"/events/S261120ab/candidates/{candidates[0].pk}/vet/"

    answer = client.post(path, {"vetting": "watching", "on": "scan", "list": "hide=nothing"})

    assert shown(client.get(answer.headers["Location"]).text) == "ZTF26row2"


def test_what_is_skipped_stays_open_and_is_met_again(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    skipped = shown(client.get(f"{PAGE}?after={candidates[0].pk}").text)
    for candidate in candidates[1:]:
        last = give(client, candidate, "rejected")
    again = re.search(r'data-key="n" href="([^"]+)"', last)

    assert skipped == "ZTF26row2"
    assert "That was the last one 1 before it is still open" in words(last)
    assert again is not None
    assert shown(client.get(again[1].replace("&amp;", "&")).text) == "ZTF26row1"


def leave_by_the_map(candidate: EventCandidate) -> None:
    EventCandidate.objects.filter(pk=candidate.pk).update(credible_level_2d=0.97, rank=99)


def leave_by_a_merger(candidate: EventCandidate) -> None:
    candidate.delete()


LEAVES = pytest.mark.parametrize("leave", [leave_by_the_map, leave_by_a_merger])


@pytest.fixture
def at_third(client: Client, vera: User, event: NonLocalizedEvent) -> list[EventCandidate]:
    """Eight candidates, of which two are skipped and the third is in front."""
    found = [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 9)
    ]
    client.get(PAGE)
    for skipped in found[:2]:
        client.get(f"{PAGE}?part=scan&after={skipped.pk}")
    return found


@LEAVES
def test_behind_a_candidate_that_leaves_the_list_the_next_comes_and_none_that_was_skipped(
    client: Client, at_third: list[EventCandidate], leave: Callable[[EventCandidate], None]
) -> None:
    third = at_third[2].pk
    leave(at_third[2])
    leave(at_third[1])

    assert shown(client.get(f"{PAGE}?part=scan&after={third}").text) == "ZTF26row4"
    assert shown(client.get(f"{PAGE}?part=scan&after=0").text) == "ZTF26row1"


def test_a_verdict_on_a_candidate_that_left_the_list_is_answered_with_the_next(
    client: Client, at_third: list[EventCandidate]
) -> None:
    leave_by_the_map(at_third[2])
    again = client.get(f"{PAGE}?part=scan")
    back = re.search(r'data-key="p" href="[^"]*candidate=(\d+)"', " ".join(again.text.split()))

    assert "not in this list" in again.text
    assert back is not None
    assert int(back[1]) == at_third[1].pk
    assert shown(give(client, at_third[2], "watching")) == "ZTF26row4"


def test_a_page_whose_candidate_was_joined_with_another_goes_on_with_the_next(
    client: Client, at_third: list[EventCandidate]
) -> None:
    at_third[2].delete()

    assert shown(client.get(f"{PAGE}?part=scan").text) == "ZTF26row4"


def test_the_rest_is_left_at_a_candidate_that_is_gone(
    client: Client, at_third: list[EventCandidate]
) -> None:
    ed = factories.make_observer("ed")
    client.post(f"{PAGE}hand-over/", {"to": "ed", "note": ""})
    at_third[2].delete()
    client.force_login(ed)

    page = client.get(PAGE).text

    link = re.search(r'href="([^"]+)">Go on from there', page)
    assert "vera stopped at a candidate that is gone" in words(page)
    assert link is not None
    assert shown(client.get(link[1].replace("&amp;", "&")).text) == "ZTF26row4"


def test_undo_leads_back_to_the_candidate(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    client.get(PAGE)
    give(client, candidates[0], "promising")
    give(client, candidates[1], "rejected")

    client.post("/verdicts/undo/", headers=HX)

    assert shown(client.get(f"{PAGE}?part=scan").text) == "ZTF26row2"


def test_a_verdict_taken_back_stays_with_its_candidate(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    give_verdict(candidates[0], Vetting.PROMISING, by=vera)

    assert shown(give(client, candidates[0], "new")) == "ZTF26row1"


@pytest.mark.parametrize(
    ("hide", "first"), [("mine", "ZTF26row2"), ("anybody", "ZTF26row3"), ("nothing", "ZTF26row1")]
)
def test_what_one_or_anybody_decided_is_passed_over(
    client: Client, vera: User, candidates: list[EventCandidate], hide: str, first: str
) -> None:
    give_verdict(candidates[0], Vetting.WATCHING, by=vera)
    give_verdict(candidates[1], Vetting.WATCHING, by=factories.make_observer("ed"))

    assert shown(client.get(f"{PAGE}?hide={hide}").text) == first


def test_who_decided_and_how_far_they_agree_is_told(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    ed = factories.make_observer("ed")
    for candidate, verdict in zip(candidates, ("promising", "rejected"), strict=False):
        give_verdict(candidate, Vetting(verdict), by=ed)
        give_verdict(candidate, Vetting.REJECTED, by=vera)

    page = client.get(f"{PAGE}?candidate={candidates[0].pk}")

    told = words(page.text)
    assert "2 of 4 decided, 2 by you" in told
    assert "50% : the same verdict on 1 of 2 that two or more decided" in told
    assert "People differ on ZTF26row1" in told
    assert re.search(r"Rejected by vera, \d+ s ago", told)
    assert re.search(r"Promising by ed, \d+ s ago", told)


def test_one_goes_on_where_one_stopped_with_the_same_list(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    client.get(f"{PAGE}?order=name&hide=nothing&after={candidates[1].pk}")

    page = client.get(PAGE)

    assert shown(page.text) == "ZTF26row3"
    assert page.context["settings"].query == "order=name&hide=nothing"


def test_the_rest_is_left_to_another_person_who_is_told_and_goes_on_from_there(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    ed = factories.make_observer("ed")
    client.get(f"{PAGE}?hide=nothing&after={candidates[1].pk}")

    client.post(f"{PAGE}hand-over/", {"to": "ed", "note": "two are left"})
    client.force_login(ed)
    page = client.get(PAGE).text

    link = re.search(r'href="([^"]+)">Go on from there', page)
    assert (
        Notification.objects.get(user=ed).title == "vera leaves the candidates of S261120ab to you"
    )
    assert Change.objects.filter(topic="notification", user_id=ed.pk).exists()
    assert "vera leaves the rest to you: two are left." in words(page)
    assert link is not None
    address = link[1].replace("&amp;", "&")
    assert urlsplit(address).query == f"hide=nothing&candidate={candidates[2].pk}"
    assert shown(client.get(address).text) == "ZTF26row3"


@pytest.mark.parametrize("to", ["", "nobody", "vera"])
def test_a_list_is_left_to_a_person_who_is_there(
    client: Client, vera: User, candidates: list[EventCandidate], to: str
) -> None:
    client.get(PAGE)

    answer = client.post(f"{PAGE}hand-over/", {"to": to}, follow=True)

    assert "Choose the person who goes on." in answer.text
    assert ScanPlace.objects.get().handed_to is None


def test_an_empty_list_and_a_decided_one_say_so(
    client: Client, vera: User, event: NonLocalizedEvent
) -> None:
    nothing = client.get(PAGE).text
    candidate = factories.make_candidate(event)
    unfit = client.get(f"{PAGE}?q=nothing+has+this+name").text
    decided = give(client, candidate, "rejected")

    assert "Nothing to scan yet" in nothing
    assert "No candidate fits these filters" in unfit
    assert "Everything is decided You have a verdict on each of these 1" in words(decided)


def test_a_private_candidate_is_scanned_by_those_who_may_see_it_alone(
    client: Client, event: NonLocalizedEvent
) -> None:
    group = factories.make_group()
    hidden = factories.make_target("SECRET26a", private=True, owners=[group])
    candidate = factories.make_candidate(event, hidden)
    member = factories.make_observer("member", groups=[group])
    client.force_login(member)
    own = client.get(PAGE).text
    give(client, candidate, "promising")
    client.get(f"{PAGE}?candidate={candidate.pk}")  # where the member stops

    client.force_login(factories.make_observer("stranger"))
    asked = ("", f"?candidate={candidate.pk}", f"?part=people&candidate={candidate.pk}")
    seen = [client.get(f"{PAGE}{query}").text for query in asked]

    assert shown(own) == "SECRET26a"
    assert not any("SECRET26a" in text for text in seen)
    assert "0 of 0 decided" in words(seen[0])
    assert "member stopped at a candidate that you do not see" in words(seen[0])


def test_what_others_searched_for_is_not_told(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    client.get(f"{PAGE}?q=ZTF26row")

    client.force_login(factories.make_observer("ed"))

    assert "q=ZTF26row" not in client.get(PAGE).text


def test_who_may_not_decide_sees_the_page_without_buttons(
    client: Client, candidates: list[EventCandidate]
) -> None:
    client.force_login(factories.make_user("plain"))

    page = client.get(PAGE).text
    answer = client.post(f"{PAGE}hand-over/", {"to": "plain"})

    assert shown(page) == "ZTF26row1"
    assert 'value="promising"' not in page
    assert "hand-over" not in page
    assert answer.status_code == 403


@pytest.mark.parametrize(
    "query",
    ["candidate=99999999999999999999", "after=-1", "after=", "candidate=x", "hide=odd", "order=odd",
     "profile=7", "profile=x", "region=odd", "up=odd"],
)  # fmt: skip
def test_odd_addresses_are_no_error(
    client: Client, vera: User, candidates: list[EventCandidate], query: str
) -> None:
    assert shown(client.get(f"{PAGE}?{query}").text) == "ZTF26row1"


def test_the_list_of_the_events_page_is_scanned_with_its_filters(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    page = client.get("/events/S261120ab/?q=row3&vetting=new").text
    link = re.search(r'href="([^"]+)">Scan these', page)
    assert link is not None

    scanned = client.get(link[1].replace("&amp;", "&"))

    assert shown(scanned.text) == "ZTF26row3"
    assert scanned.context["progress"].total == 1


def test_an_event_that_was_joined_to_another_is_scanned_there(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    join_events(candidates[0].event, factories.make_event("S261120zz"), by=vera)

    answer = client.get("/events/S261120zz/scan/")

    assert answer.headers["Location"] == PAGE
    assert client.get("/events/S261120no/scan/").status_code == 404


def test_a_page_asks_as_often_for_many_candidates_as_for_two(
    client: Client, vera: User, event: NonLocalizedEvent
) -> None:
    ed, asked = factories.make_observer("ed"), []
    for count in (2, 23):
        for _ in range(count):
            rank = event.candidates.count() + 1
            give_verdict(factories.make_candidate(event, rank=rank), Vetting.WATCHING, by=ed)
        client.get(PAGE)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(PAGE)
        asked.append(len(queries))

    assert page.context["progress"].decided == 25
    assert asked[1] == asked[0] <= MOST_QUERIES


def test_what_is_missed_by_stopping_is_the_chance_of_what_nobody_decided(
    client: Client, vera: User, candidates: list[EventCandidate]
) -> None:
    weights = (5.0, 1.0, 0.9, -8.0)
    for row, weight in zip(candidates, weights, strict=True):
        EventCandidate.objects.filter(pk=row.pk).update(log_weight=weight)
    total = float(np.logaddexp.reduce([*weights, 0.0]))
    log_sum, rest = (float(np.logaddexp.reduce(part)) for part in (weights, weights[1:]))
    candidates[0].event.rankings.update(log_none=0.0, log_sums=[[[], log_sum]])

    before = client.get(PAGE)
    give_verdict(candidates[0], Vetting.WATCHING, by=factories.make_observer("ed"))
    after = client.get(PAGE)
    for candidate in candidates[1:3]:
        give_verdict(candidate, Vetting.REJECTED, by=vera)
    end = client.get(PAGE)

    assert before.context["missed"] == pytest.approx(1 - np.exp(-total))
    assert after.context["missed"] == pytest.approx(np.exp(rest - total))
    assert end.context["missed"] == pytest.approx(np.exp(weights[3] - total))
    assert ["Safe to stop" in page.text for page in (before, after, end)] == [False, False, True]
