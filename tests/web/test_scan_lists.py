"""Scanning a list without an event: verdicts on targets in it, who sees them, what they hide."""

import re
from dataclasses import dataclass

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.ranking.test_lists import make_strategy, rank
from tests.ranking.test_replay import add_point
from tests.web.test_scanning import HX, MOST_QUERIES, shown, words
from tom.candidates.models import ScanPlace, Verdict, Vetting
from tom.candidates.verdicts import give_verdict, give_verdict_in_list
from tom.changes.models import Change
from tom.joining.services import join_targets, undo
from tom.reports.notifications.models import Notification
from tom.strategies.models import Strategy
from tom.targets.audiences import ensure_audiences
from tom.targets.summary import refresh_audiences, refresh_summaries

pytestmark = pytest.mark.django_db


@dataclass(frozen=True)
class Bright:
    """A list of three public targets, in the order of their names."""

    strategy: Strategy
    targets: list[BaseTarget]

    @property
    def page(self) -> str:
        return reverse("list_scan", args=[self.strategy.pk])

    def give(self, client: Client, at: int, vetting: str, **values: str) -> str:
        path = reverse("list_vet", args=[self.strategy.pk, self.targets[at].pk])
        answer = client.post(path, {"vetting": vetting, "on": "scan"} | values, headers=HX)
        assert answer.status_code == 200
        return answer.text

    def say(self, at: int, verdict: str, *, by: User) -> Verdict:
        return give_verdict_in_list(
            self.strategy, self.targets[at], Vetting(verdict), by=by, is_public=True
        )


@pytest.fixture
def bright() -> Bright:
    strategy = make_strategy(name="Bright things")
    targets = [factories.make_target(f"ZTF26row{number}") for number in (1, 2, 3)]
    rank(strategy)
    return Bright(strategy, targets)


@pytest.fixture
def vera(client: Client) -> User:
    person = factories.make_observer("vera")
    client.force_login(person)
    return person


def test_a_verdict_in_a_list_is_kept_and_answered_with_the_next_target(
    client: Client, vera: User, bright: Bright
) -> None:
    first = shown(client.get(bright.page).text)
    second = bright.give(client, 0, "rejected", reason="star", note="a known one")

    verdict = Verdict.objects.get()
    assert (first, shown(second)) == ("ZTF26row1", "ZTF26row2")
    assert (verdict.strategy, verdict.target, verdict.candidate) == (
        bright.strategy, bright.targets[0], None,
    )  # fmt: skip
    assert verdict.why == "Star or variable star: a known one"
    assert "1 of 3 decided, 1 by you" in words(second)
    key = f"list-{bright.strategy.pk}"
    assert Change.objects.filter(topic="ranking", key=key).exists()
    assert f'hx-trigger="sse:ranking:{key}"' in second


def test_a_verdict_that_is_sent_twice_is_stored_once(
    client: Client, vera: User, bright: Bright
) -> None:
    for _ in range(2):
        bright.give(client, 0, "watching", key="0123456789abcdef0123456789abcdef")

    assert Verdict.objects.count() == 1


def test_undo_takes_the_last_verdict_back_in_whatever_list_it_was(
    client: Client, vera: User, bright: Bright
) -> None:
    candidate = factories.make_candidate(factories.make_event(), bright.targets[2])
    give_verdict(candidate, Vetting.WATCHING, by=vera)
    client.get(bright.page)
    bright.give(client, 0, "promising")

    of_list = client.post("/verdicts/undo/", headers=HX).text
    page = client.get(f"{bright.page}?part=scan").text
    of_event = client.post("/verdicts/undo/", headers=HX).text

    assert "ZTF26row1 of Bright things" in words(of_list)
    assert shown(page) == "ZTF26row1"
    assert "0 of 3 decided" in words(page)
    assert "ZTF26row3 of S26" in words(of_event)
    assert "You have no verdict" in client.post("/verdicts/undo/", headers=HX).text


def undo_form(page: str) -> dict[str, str]:
    """What a page's form for taking a verdict back names."""
    form = re.search(r'<form\s+id="undo-verdict".*?</form>', page, re.DOTALL)
    assert form is not None
    return dict(re.findall(r'type="hidden" name="(event|list)" value="([^"]+)"', form[0]))


def test_undo_on_a_page_of_a_list_takes_back_the_last_verdict_of_that_list(
    client: Client, vera: User, bright: Bright
) -> None:
    event = factories.make_event("S261120ab")
    candidate = factories.make_candidate(event, bright.targets[2])
    other = factories.make_candidate(factories.make_event("S261120zz"), bright.targets[2])
    pages = [bright.page, "/events/S261120ab/scan/", "/events/S261120ab/"]
    forms = [undo_form(client.get(page).text) for page in pages]
    bright.give(client, 0, "promising")
    for each in (candidate, other):
        give_verdict(each, Vetting.WATCHING, by=vera)

    told = [client.post("/verdicts/undo/", form, headers=HX).text for form in forms]

    assert "ZTF26row1 of Bright things" in words(told[0])
    assert shown(client.get(f"{bright.page}?part=scan").text) == "ZTF26row1"
    assert "ZTF26row3 of S261120ab" in words(told[1])
    assert "You have no verdict in S261120ab to take back." in words(told[2])
    assert Verdict.objects.given().get().candidate == other
    target = reverse("targets:detail", args=[other.target_id])
    assert undo_form(client.get(f"{target}?event=S261120zz").text) == {"event": "S261120zz"}
    assert undo_form(client.get("/targets/").text) == {}


def test_each_page_of_one_list_takes_a_verdict_of_that_list_back(
    client: Client, vera: User, bright: Bright
) -> None:
    event = factories.make_event("S261120ab")
    candidate = factories.make_candidate(event, bright.targets[2])
    key = bright.strategy.pk
    of_list = ["", "past/", f"targets/{bright.targets[0].pk}/history/", "versions/"]
    of_event = ["", "past/", f"candidates/{candidate.pk}/history/", "coverage/", "galaxies/"]

    forms = [undo_form(client.get(f"/lists/{key}/{page}").text) for page in of_list]
    others = [undo_form(client.get(f"/events/S261120ab/{page}").text) for page in of_event]

    assert forms == [{"list": str(key)}] * len(of_list)
    assert others == [{"event": "S261120ab"}] * len(of_event)


def test_without_a_script_undo_leads_back_to_the_target_too(
    client: Client, vera: User, bright: Bright
) -> None:
    form = undo_form(client.get(bright.page).text)
    bright.give(client, 0, "promising")
    here = f"http://testserver{bright.page}?hide=nothing&after={bright.targets[1].pk}"

    pages = [
        client.post("/verdicts/undo/", form, headers={"Referer": here}, follow=True).text
        for _ in range(2)
    ]

    assert [shown(page) for page in pages] == ["ZTF26row1", "ZTF26row1"]
    assert "Taken back: “promising” for ZTF26row1 of Bright things." in words(pages[0])
    assert "You have no verdict in Bright things to take back." in words(pages[1])


def test_no_verdict_is_taken_back_in_a_list_that_one_may_not_see(
    client: Client, vera: User, bright: Bright
) -> None:
    Strategy.objects.filter(pk=bright.strategy.pk).update(group=factories.make_group())

    for named in ({"list": bright.strategy.pk}, {"list": "x"}, {"event": "S261120no"}):
        assert client.post("/verdicts/undo/", named, headers=HX).status_code == 404


def test_a_reason_that_compares_with_an_event_is_none_in_a_list_without_one(
    client: Client, vera: User, bright: Bright
) -> None:
    page = client.get(bright.page).text
    path = reverse("list_vet", args=[bright.strategy.pk, bright.targets[0].pk])

    for reason in ("earlier", "distance"):
        answer = client.post(path, {"vetting": "rejected", "on": "scan", "reason": reason})
        assert (answer.status_code, answer.text) == (400, "no such reason")
    assert not Verdict.objects.exists()
    offered = re.findall(r'name="reason" value="(\w+)" data-reason="(\d)"', page)
    assert offered == [
        ("star", "1"), ("moving", "2"), ("nucleus", "3"), ("artefact", "5"), ("supernova", "7"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("hide", "first"), [("mine", "ZTF26row2"), ("anybody", "ZTF26row3"), ("nothing", "ZTF26row1")]
)
def test_what_is_decided_in_this_list_is_passed_over(
    client: Client, vera: User, bright: Bright, hide: str, first: str
) -> None:
    bright.say(0, "watching", by=vera)
    bright.say(1, "watching", by=factories.make_observer("ed"))
    other = make_strategy(name="another list")
    give_verdict_in_list(other, bright.targets[2], Vetting.REJECTED, by=vera, is_public=True)

    assert shown(client.get(f"{bright.page}?hide={hide}").text) == first


def test_agreement_and_who_decided_are_told(client: Client, vera: User, bright: Bright) -> None:
    ed = factories.make_observer("ed")
    for at, verdict in enumerate(("promising", "rejected")):
        bright.say(at, verdict, by=ed)
        bright.say(at, "rejected", by=vera)

    told = words(client.get(f"{bright.page}?candidate={bright.targets[0].pk}").text)

    assert "50% : the same verdict on 1 of 2 that two or more decided" in told
    assert "People differ on ZTF26row1" in told
    assert re.search(r"Promising by ed, \d+ s ago", told)


def test_the_rest_of_a_list_is_left_to_another_person(
    client: Client, vera: User, bright: Bright
) -> None:
    ed = factories.make_observer("ed")
    client.get(f"{bright.page}?hide=nothing&after={bright.targets[0].pk}")

    client.post(f"{bright.page}hand-over/", {"to": "ed", "note": "two are left"})
    client.force_login(ed)
    news = Notification.objects.get(user=ed)
    page = client.get(bright.page).text
    link = re.search(r'href="([^"]+)">Go on from there', page)

    assert news.title == "vera leaves the list Bright things to you"
    answer = client.post(f"/notifications/{news.pk}/")
    assert answer.headers["Location"] == bright.page
    assert link is not None
    assert shown(client.get(link[1].replace("&amp;", "&")).text) == "ZTF26row2"


def offered(page: str) -> list[str]:
    """To whom a page offers to hand the list over."""
    choices = re.search(r'<select name="to".*?</select>', page, re.DOTALL)
    assert choices is not None
    return re.findall(r"<option>(\w+)</option>", choices[0])


def test_a_list_is_handed_to_those_alone_who_see_it_and_give_verdicts(
    client: Client, vera: User, bright: Bright
) -> None:
    group = factories.make_group()
    vera.groups.add(group)
    mia = factories.make_observer("mia", groups=[group])
    factories.make_observer("olaf")
    factories.make_admin("root")
    factories.make_user("rea").groups.add(group)
    public = offered(client.get(bright.page).text)
    Strategy.objects.filter(pk=bright.strategy.pk).update(group=group)

    private = offered(client.get(bright.page).text)
    told = [
        client.post(f"{bright.page}hand-over/", {"to": name}, follow=True).text
        for name in ("olaf", "rea")
    ]

    assert public == ["mia", "olaf", "root"]
    assert private == ["mia", "root"]
    assert all("Choose the person who goes on." in page for page in told)
    assert not Notification.objects.exists()
    client.post(f"{bright.page}hand-over/", {"to": "mia"})
    client.force_login(mia)
    assert '<span class="badge-x">List</span>' in client.get("/notifications/").text


def test_who_may_give_no_verdicts_is_not_told_as_one_to_go_on_from(
    client: Client, vera: User, bright: Bright
) -> None:
    client.force_login(factories.make_user("rea"))
    client.get(bright.page)
    client.force_login(factories.make_observer("ed"))
    client.get(bright.page)
    client.force_login(vera)

    page = words(client.get(bright.page).text)

    assert "ed stopped at ZTF26row1" in page
    assert "rea" not in page.split()


def test_the_list_shows_the_verdicts_and_hides_what_is_rejected(
    client: Client, vera: User, bright: Bright
) -> None:
    bright.say(0, "rejected", by=vera)
    bright.say(1, "promising", by=vera)
    page = reverse("ranked_list", args=[bright.strategy.pk])
    named = {
        asked: re.findall(r"<b>(ZTF26\w+)</b>", client.get(page, {"vetting": asked}).text)
        for asked in ("", "all", "new", "promising", "rejected", "watching")
    }

    assert named == {
        "": ["ZTF26row2", "ZTF26row3"],
        "all": ["ZTF26row1", "ZTF26row2", "ZTF26row3"],
        "new": ["ZTF26row3"],
        "promising": ["ZTF26row2"],
        "rejected": ["ZTF26row1"],
        "watching": [],
    }
    text = client.get(page).text
    assert re.search(r"Promising by vera, \d+ s ago", words(text))
    assert re.search(r'rank">2</td>', text)  # its rank among all
    assert "No target of this list fits" in client.get(page, {"vetting": "watching"}).text


def test_the_api_tells_the_vetting_in_a_list(client: Client, vera: User, bright: Bright) -> None:
    bright.say(1, "promising", by=vera)

    rows = client.get(f"/api/lists/{bright.strategy.pk}/targets/").json()["results"]

    assert [row["vetting"] for row in rows] == ["new", "promising", "new"]
    assert [row["vetted"] is None for row in rows] == [True, False, True]


def test_a_verdict_on_a_private_target_is_told_to_its_readers_alone(
    client: Client, bright: Bright
) -> None:
    group = factories.make_group()
    hidden = factories.make_target("ZTF26secret", private=True, owners=[group])
    rank(bright.strategy)
    member = factories.make_observer("member", groups=[group])
    client.force_login(member)
    path = reverse("list_vet", args=[bright.strategy.pk, hidden.pk])
    client.post(path, {"vetting": "promising", "note": "a secret"}, headers=HX)
    stranger = factories.make_observer("stranger")

    assert not Verdict.objects.get().is_public
    BaseTarget.objects.filter(pk=hidden.pk).update(permissions="PUBLIC")
    pages = {}
    for user in (member, stranger):
        client.force_login(user)
        pages[user] = client.get(f"{bright.page}?hide=nothing&candidate={hidden.pk}").text

    assert "a secret" in pages[member]
    assert "a secret" not in pages[stranger]
    assert "0 of 4 decided" in words(pages[stranger])


def test_a_verdict_on_what_a_program_alone_puts_in_the_list_is_its_readers(
    client: Client,
) -> None:
    """The target is public, but what is bright is a private point."""
    group = factories.make_group()
    program = factories.make_program(2, group=group)
    strategy = make_strategy(name="Bright things", brighter_than=16.0)
    target = factories.make_target("ZTF26a")
    add_point("ZTF26a", 4.2, program=program, flux=3e6)
    refresh_audiences(row.pk for row in ensure_audiences([target.pk]))
    refresh_summaries([target.pk])
    rank(strategy)
    member, other = (factories.make_observer(name, groups=[group]) for name in ("member", "other"))
    client.force_login(member)
    path = reverse("list_vet", args=[strategy.pk, target.pk])
    assert client.post(path, {"vetting": "promising"}, headers=HX).status_code == 200
    row = Verdict.objects.get()
    stranger = factories.make_observer("stranger")
    client.force_login(stranger)

    assert not row.is_public
    assert client.post(path, {"vetting": "promising"}, headers=HX).status_code == 404
    seen = [Verdict.objects.visible_in_lists(user).exists() for user in (member, other, stranger)]
    assert seen == [True, True, False]


def test_nobody_scans_a_list_of_another_group(client: Client, vera: User) -> None:
    strategy = make_strategy(name="ours", group=factories.make_group())
    target = factories.make_target()
    rank(strategy)

    assert client.get(reverse("list_scan", args=[strategy.pk])).status_code == 404
    path = reverse("list_vet", args=[strategy.pk, target.pk])
    assert client.post(path, {"vetting": "rejected"}).status_code == 404


@pytest.mark.parametrize(
    "values", [{"vetting": "odd"}, {"vetting": "rejected", "reason": "odd"},
               {"vetting": "rejected", "note": "x" * 301}, {}]
)  # fmt: skip
def test_an_odd_verdict_is_refused(
    client: Client, vera: User, bright: Bright, values: dict[str, str]
) -> None:
    path = reverse("list_vet", args=[bright.strategy.pk, bright.targets[0].pk])

    assert client.post(path, values).status_code == 400
    assert not Verdict.objects.exists()


def test_an_empty_list_says_so(client: Client, vera: User) -> None:
    strategy = make_strategy(name="Bright things", brighter_than=-20.0)
    rank(strategy)

    text = client.get(reverse("list_scan", args=[strategy.pk])).text

    assert "Nothing to scan yet" in text


def test_a_verdict_is_on_one_thing(vera: User, bright: Bright) -> None:
    candidate = factories.make_candidate(factories.make_event())
    both = {"strategy": bright.strategy, "target": bright.targets[0], "candidate": candidate}
    for columns in (both, {}, {"strategy": bright.strategy}, {"target": bright.targets[0]}):
        wrong = pytest.raises(IntegrityError, match="candidates_verdict_on_one_thing")
        with wrong, transaction.atomic():
            Verdict.objects.create(by=vera, verdict="rejected", **columns)


def test_verdicts_in_lists_follow_a_target_that_joins_another(
    client: Client, vera: User, bright: Bright
) -> None:
    bright.say(1, "promising", by=vera)
    joined = join_targets(bright.targets[0], bright.targets[1], by=vera)

    assert Verdict.objects.get().target == bright.targets[0]
    undo(joined, by=vera)
    assert Verdict.objects.get().target == bright.targets[1]


def test_a_page_asks_as_often_for_many_targets_as_for_two(
    client: Client, vera: User, bright: Bright
) -> None:
    ed, asked = factories.make_observer("ed"), []
    for count in (2, 20):
        targets = [factories.make_target() for _ in range(count)]
        rank(bright.strategy)
        for target in targets:
            give_verdict_in_list(bright.strategy, target, Vetting.WATCHING, by=ed, is_public=True)
        client.get(bright.page)
        with CaptureQueriesContext(connection) as queries:
            page = client.get(bright.page)
        asked.append(len(queries))

    assert page.context["progress"].decided == 22
    assert asked[1] == asked[0] <= MOST_QUERIES
    assert ScanPlace.objects.get().target is not None
