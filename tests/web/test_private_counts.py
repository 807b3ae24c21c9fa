"""Numbers tell of what is private, too."""

import re

import pytest
from django.contrib.auth.models import Group

from tests.factories import (
    make_candidate,
    make_event,
    make_group,
    make_observer,
    make_target,
    make_user,
)
from tom.web import candidate_rows
from tom.web.templatetags import sky


@pytest.mark.parametrize("page", ["/", "/events/"])
@pytest.mark.django_db
def test_an_event_counts_the_candidates_that_one_may_see(client, page):
    team, member = make_group(), make_user()
    member.groups.add(team)
    event = make_event()
    make_candidate(event, make_target())
    make_candidate(event, make_target(private=True, owners=[team]), rank=2)
    counted = []
    for user in (make_user(), member):
        client.force_login(user)
        counted += [row.n_candidates for row in rows_of(client.get(page))]

    assert counted == [1, 2]


@pytest.mark.parametrize("page", ["/", "/events/"])
@pytest.mark.django_db
def test_the_candidates_of_an_event_are_counted_so_far_and_no_further(client, page, monkeypatch):
    for module in (candidate_rows, sky):
        monkeypatch.setattr(module, "MOST_RANKED", 2)
    for n, name in ((2, "S261120aa"), (4, "S261120ab")):
        event = make_event(name)
        for rank in range(n):
            make_candidate(event, make_target(), rank=rank + 1)
    client.force_login(make_user())

    response = client.get(page)

    assert {row.event_id: row.n_candidates for row in rows_of(response)} == {
        "S261120aa": 2, "S261120ab": 3,
    }  # fmt: skip
    assert [text in response.text for text in (">2</td>", ">2+</td>", ">3</td>")] == [
        True, True, False,
    ]  # fmt: skip


def rows_of(response):
    return response.context["events"] if "events" in response.context else response.context["page"]


@pytest.fixture
def event():
    """An event whose best of three candidates is a team's own."""
    event = make_event("S261120zz")
    team = make_group("team")
    make_candidate(event, make_target("OWN26a", private=True, owners=[team]), rank=1, posterior=0.9)
    make_candidate(event, make_target("OPEN26a"), rank=2, posterior=0.5, vetting="rejected")
    make_candidate(event, make_target("OPEN26b"), rank=3, posterior=0.2)
    return event


PAGE = "/events/S261120zz/"
RANKS_FOR_OTHERS = [
    ("/", "OPEN26b", 2),
    (PAGE, "OPEN26b", 2),
    (f"{PAGE}?vetting=all", "OPEN26a", 1),
    (f"{PAGE}?part=candidates&order=level", "OPEN26b", 2),
    (f"{PAGE}tell/", "OPEN26b", 2),
]


@pytest.mark.parametrize(("page", "name", "rank"), RANKS_FOR_OTHERS)
@pytest.mark.django_db
def test_a_rank_has_no_gap_where_a_hidden_candidate_is(client, event, page, name, rank):
    client.force_login(make_observer())

    row = client.get(page).text.partition("<tbody>")[2].partition(f"<b>{name}</b>")
    cells = row[0].rpartition("<tr")[2] + row[2].partition("</tr>")[0]

    assert re.search(rf'">\s*{rank}\s*</td>', cells)


@pytest.mark.django_db
def test_other_lists_number_what_one_may_see_too(client, event):
    told = []
    for user in (make_observer(), make_observer(groups=[event_team()])):
        client.force_login(user)
        target = event.candidates.get(target__name="OPEN26b").target_id
        lines = client.get(f"{PAGE}candidates.csv").text.splitlines()
        told += [
            [row["rank"] for row in client.get(f"/api{PAGE}candidates/").json()["results"]],
            [line.split(",")[:2] for line in lines[1:]],
            [row.rank for row in client.get(f"/targets/{target}/").context["candidacies"]],
            [f"<title>{n}. OPEN26b" in client.get(PAGE).text for n in (2, 3)],
        ]

    others, team = told[:4], told[4:]
    assert others == [[1, 2], [["2", "OPEN26b"]], [2], [True, False]]
    assert team == [[1, 2, 3], [["1", "OWN26a"], ["3", "OPEN26b"]], [3], [False, True]]


@pytest.mark.django_db
def test_an_empty_table_says_nothing_of_hidden_candidates(client):
    event, team = make_event("S261120yy"), make_group()
    make_candidate(event, make_target(private=True, owners=[team]))
    hint = "Show all that are kept"
    said = []
    for user in (make_user(), make_observer(groups=[team])):
        client.force_login(user)
        said.append(hint in client.get("/events/S261120yy/?vetting=watching").text)

    assert said == [False, True]


def event_team():
    return Group.objects.get(name="team")
