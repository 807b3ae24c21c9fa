"""A list goes by the verdicts that its reader may see: filters, the best, exports and the API."""

import csv
import io
import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests import factories
from tom.candidates.models import CandidateStanding, EventCandidate, Vetting
from tom.candidates.verdicts import give_verdict, show_public_verdicts
from tom.targets.owners import open_targets

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"
NAMES = ("ZTF26row1", "ZTF26row2")


@pytest.fixture
def people() -> dict[str, User]:
    """Row 1 was rejected by Alice while it was her group's own; now all see both rows."""
    event, group = factories.make_event("S261120ab"), factories.make_group("A")
    alice = factories.make_observer("alice", groups=[group])
    private = factories.make_target("ZTF26row1", private=True, owners=[group])
    first = factories.make_candidate(event, private, rank=1, posterior=0.9)
    factories.make_candidate(event, factories.make_target("ZTF26row2"), rank=2, posterior=0.5)
    give_verdict(first, Vetting.REJECTED, by=alice)
    open_targets([private.pk])
    show_public_verdicts(EventCandidate.objects.all())
    return {
        "alice": alice,
        "colleague": factories.make_observer("albert", groups=[group]),
        "stranger": factories.make_observer("sid"),
    }


def log_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def shown(client: Client, query: str) -> list[str]:
    text = client.get(f"{PAGE}?part=candidates&region=all{query}").text
    return re.findall(r"<b>(ZTF26row\d)</b>", text)


@pytest.mark.parametrize(
    ("query", "group_sees", "others_see"),
    [
        ("", [NAMES[1]], list(NAMES)),
        ("&vetting=new", [NAMES[1]], list(NAMES)),
        ("&vetting=rejected", [NAMES[0]], []),
        ("&vetting=all", list(NAMES), list(NAMES)),
    ],
)
def test_a_filter_goes_by_what_its_reader_may_see(people, query, group_sees, others_see) -> None:
    told = {name: shown(log_in(user), query) for name, user in people.items()}

    assert told == {"alice": group_sees, "colleague": group_sees, "stranger": others_see}


@pytest.mark.parametrize(
    ("name", "expected"), [("colleague", ["rejected", "new"]), ("stranger", ["new", "new"])]
)
def test_tables_and_the_api_tell_what_the_page_does(people, name, expected) -> None:
    client = log_in(people[name])
    table = csv.DictReader(
        io.StringIO(client.get(f"{PAGE}candidates.csv?vetting=all&region=all").text)
    )
    rows = client.get(f"/api{PAGE}candidates/").json()["results"]

    assert [row["vetting"] for row in table] == [row["vetting"] for row in rows] == expected


@pytest.mark.parametrize("address", ["/?part=candidates", f"{PAGE}tell/", f"{PAGE}?part=about"])
def test_a_private_rejection_is_offered_to_others_and_not_to_its_group(people, address) -> None:
    found = {name: NAMES[0] in log_in(user).get(address).text for name, user in people.items()}

    assert found == {"alice": False, "colleague": False, "stranger": True}


def test_the_best_few_leave_out_what_one_s_own_group_rejected(people) -> None:
    EventCandidate.objects.update(credible_level_2d=0.99)

    def best(name: str) -> list[str]:
        text = log_in(people[name]).get(f"{PAGE}?part=candidates&vetting=all").text
        return re.findall(r"<b>(ZTF26row\d)</b>", text)

    assert (best("alice"), best("stranger")) == ([NAMES[1]], list(NAMES))


def test_a_group_whose_points_come_later_is_not_told_what_another_made_of_a_candidate() -> None:
    event, target = factories.make_event("S261120ab"), factories.make_target(NAMES[0])
    candidate = factories.make_candidate(event, target, is_public=False, rank=None)
    people = {}
    for number, name in ((2, "a"), (3, "b")):
        group = factories.make_group(name)
        program = factories.make_program(number, group=group)
        people[name] = factories.make_observer(name, groups=[group])
        CandidateStanding.objects.create(
            candidate=candidate,
            event_id=candidate.event_id,
            programs=[program.pk],
            credible_level_2d=0.1,
            rank=1,
        )
        if name == "a":
            give_verdict(candidate, Vetting.PROMISING, by=people["a"], note="OURS")

    told = {}
    for name, user in people.items():
        client = log_in(user)
        page = client.get(f"{PAGE}?region=all").text + client.get(f"/targets/{target.pk}/").text
        (row,) = client.get(f"/api{PAGE}candidates/").json()["results"]
        told[name] = (row["vetting"], "OURS" in page, 'good">Promising' in page)

    assert told == {"a": ("promising", True, True), "b": ("new", False, False)}
    assert BaseTarget.objects.count() == 1
