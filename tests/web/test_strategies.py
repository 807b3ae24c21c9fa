"""The pages on which lists are made and changed, and their history."""

import csv
import re
from collections.abc import Iterator
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests.factories import (
    make_admin,
    make_first_strategies,
    make_group,
    make_lead,
    make_observer,
    make_score,
    make_target,
)
from tests.scoring.own_scorers import keep_next, keep_onnx, onnx_parts
from tom.events.models import EventKind
from tom.ranking.basis import Basis
from tom.ranking.changing import change_strategy, make_strategy, newest_number
from tom.ranking.models import Listing
from tom.ranking.services import rank_list, rank_list_if_due
from tom.ranking.terms import TERMS
from tom.scoring.contract import ScorerKind
from tom.scoring.models import Score
from tom.scoring.services import scorers
from tom.strategies.models import Strategy
from tom.strategies.services import choose_strategy
from tom.strategies.versions import settings_of
from tom.web.strategy_beginnings import BEGINNINGS
from tom.web.strategy_form import TERM_WORDS

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_installed(db: None) -> None:
    make_first_strategies()


FORM = {"name": "Fresh", "kind": "", "sought": ["supernova", "TDE"], "terms": ["star"]}
FORM |= {"active": "on"}
NEW = "/lists/new/"


@pytest.fixture
def lise() -> User:
    return make_lead("lise")


@pytest.fixture
def lead(client: Client, lise: User) -> Client:
    client.force_login(lise)
    return client


def make(who: User, **fields: Any) -> Strategy:
    return make_strategy(settings_of(Strategy(name="Fresh")) | fields, by=who)


def change(strategy: Strategy, by: User, **fields: Any) -> None:
    now = Strategy.objects.get(pk=strategy.pk)
    wanted = settings_of(now) | fields
    change_strategy(now.pk, wanted, by=by, shown=newest_number(now))


def page_of(strategy: Strategy, name: str = "list_change") -> str:
    return reverse(name, args=[strategy.pk])


def filled(client: Client, page: str) -> dict[str, Any]:
    """What a form sends if nobody touches it."""
    form = client.get(page).context["form"]
    values = {name: form[name].value() for name in form.fields}
    sent = {name: value for name, value in values.items() if value not in (None, False)}
    return sent | {name: "on" for name, value in sent.items() if value is True}


def errors(answer: Any) -> dict[str, list[str]]:
    assert answer.status_code == 422
    return {name: list(told) for name, told in answer.context["form"].errors.items()}


def words_of(page: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


# --- The form -----------------------------------------------------------------------------------
def test_a_lead_makes_a_list_with_classes_as_people_write_them(lead: Client) -> None:
    answer = lead.post(NEW, FORM | {"sought": ["SN Ia, kn", "", "tde"], "note": "a try"})

    made = Strategy.objects.get(name="Fresh")
    assert answer.url == page_of(made, "list_versions")
    assert made.sought == ["supernova Ia", "kilonova", "tde"]
    assert (made.terms, made.made_by.username) == (["star"], "lise")
    assert made.versions.get().note == "a try"
    assert made in Strategy.objects.due()


def test_all_that_a_form_takes_is_kept_and_shown_again(lead: Client, lise: User) -> None:
    group = make_group("ours")
    lise.groups.add(group)
    told = {"prior": "0.01", "days_before": "7.5", "brighter_than": "18.5", "explore": "0.2"}
    told |= {"first_seen_days": "3", "place": "12:30:00 -05:30:00", "radius_deg": "2"}
    told |= {"weight_fast_transient": "0.25", "group": str(group.pk), "with_tests": "on"}

    lead.post(NEW, FORM | told)

    made = Strategy.objects.get(name="Fresh")
    kept = settings_of(made)
    assert (kept["ra"], kept["dec"], kept["radius_deg"]) == (187.5, -5.5, 2.0)
    assert kept["weights"] == {"fast_transient": 0.25}
    assert (kept["group"], kept["with_tests"], kept["explore"]) == (group.pk, True, 0.2)
    again = lead.post(page_of(made), filled(lead, page_of(made)))
    assert again.status_code == 302
    assert settings_of(Strategy.objects.get(pk=made.pk)) == kept
    assert newest_number(made) == 1  # nothing was changed


def test_the_form_of_each_first_strategy_saved_untouched_changes_nothing(lead: Client) -> None:
    for strategy in Strategy.objects.all():
        before = settings_of(strategy)

        answer = lead.post(page_of(strategy), filled(lead, page_of(strategy)))

        assert answer.status_code == 302
        assert settings_of(Strategy.objects.get(pk=strategy.pk)) == before
        assert newest_number(strategy) == 1


def test_what_belongs_to_the_other_kind_of_list_is_not_kept(lead: Client) -> None:
    Strategy.objects.filter(kind="grb").delete()
    of_both = {"days_after": "3", "level_stored": "0.8", "level_shown": "0.7", "explore": "0.5"}
    of_both |= {"brighter_than": "18", "place": "nowhere", "radius_deg": "1", "prior": "0.1"}

    lead.post(NEW, FORM | of_both | {"name": "of bursts", "kind": "grb", "active": ""})
    lead.post(NEW, FORM | of_both | {"name": "alone", "place": ""} | {"radius_deg": ""})

    burst, alone = Strategy.objects.get(name="of bursts"), Strategy.objects.get(name="alone")
    assert (burst.days_after, burst.level_stored, burst.active) == (3.0, 0.8, True)
    assert (burst.brighter_than, burst.ra, burst.prior, burst.explore) == (None, None, None, 0.0)
    assert (alone.days_after, alone.level_stored, alone.level_shown) == (None, 0.99, 0.9)
    assert (alone.brighter_than, alone.explore) == (18.0, 0.5)


@pytest.mark.parametrize(
    ("fields", "name", "told"),
    [
        ({"sought": ["", " "]}, "sought", "Name at least one class."),
        ({"sought": ["supernovas"]}, "sought", "no class “supernovas”. Do you mean supernova?"),
        ({"sought": ["xyz"]}, "sought", "Choose among those that the field offers."),
        ({"sought": ["tde,"] * 21}, "sought", "at most 20"),
        ({"terms": ["stars"]}, "terms", "stars is not one of the available choices"),
        ({"terms": ["star", "sky map"]}, "terms", "knows no sky map: choose among star, minor"),
        ({"weight_fast_transient": "1.5"}, "weight_fast_transient", "less than or equal to 1"),
        ({"weight_fast_transient": "nan"}, "weight_fast_transient", "Enter a number"),
        ({"prior": "1"}, "prior", "at least 1e-12 and less than 1"),
        ({"prior": "a lot"}, "prior", "Enter a number"),
        ({"place": "here", "radius_deg": "1"}, "place", "This is not a position"),
        ({"place": "12:30:00 -05:30:00"}, "radius_deg", "A region needs its radius."),
        ({"radius_deg": "1"}, "place", "A region needs its middle."),
        ({"place": "10 10", "radius_deg": "181"}, "radius_deg", "less than or equal to 180"),
        ({"kind": "gw"}, "kind", "This kind of event has a strategy: change that."),
        ({"name": "Infants"}, "name", "Another list has this name: choose another one."),
        ({"group": "1000000"}, "group", "not one of the available choices"),
        ({"explore": "2"}, "explore", "less than or equal to 1"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    lead: Client, fields: dict[str, Any], name: str, told: str
) -> None:
    answer = lead.post(NEW, FORM | fields)

    assert set(errors(answer)) == {name}
    assert told in " ".join(errors(answer)[name])
    assert unescape(errors(answer)[name][0]) in words_of(answer.text)
    assert not Strategy.objects.filter(name="Fresh").exists()


def test_what_was_typed_stays_in_a_refused_form(lead: Client) -> None:
    typed = {"name": "Fresh", "prior": "a lot", "place": "here", "radius_deg": "about 1"}
    typed |= {"weight_fast_transient": "two", "brighter_than": "very", "note": "a try"}

    answer = lead.post(NEW, {**typed, "sought": ["supernovas", "SN Ia"], "terms": ["star"]})

    assert len(errors(answer)) == 6
    for value in (*typed.values(), "supernovas", "SN Ia"):
        assert f'value="{value}"' in answer.text
    boxes = {box.name: "checked" in box.tag for box in answer.context["form"].term_boxes}
    assert [name for name, is_ticked in boxes.items() if is_ticked] == ["star"]


def test_levels_that_cannot_be_are_refused_for_a_kind_of_event(lead: Client) -> None:
    strategy = Strategy.objects.get(kind="gw")
    form = filled(lead, page_of(strategy))

    answer = lead.post(page_of(strategy), form | {"level_stored": "0.5", "level_shown": "0.9"})

    assert set(errors(answer)) == {"level_shown"}


def test_a_strategy_is_changed_under_its_own_name_and_heading(lead: Client, lise: User) -> None:
    made = make(lise)

    answer = lead.post(page_of(made), filled(lead, page_of(made)) | {"name": "Infants"})

    assert "name" in errors(answer)
    assert f'<a href="{page_of(made, "list_versions")}">Fresh</a>' in answer.text


def test_a_scorer_has_its_row_with_the_weight_of_the_site(
    lead: Client, lise: User, settings: Any
) -> None:
    settings.SCORER_WEIGHTS = {"fast_transient": 0.75}

    new, other = (
        {row.scorer.name: row for row in lead.get(page).context["form"].scorer_rows}
        for page in (NEW, page_of(make(lise, sought=["tde"])))
    )

    assert 'placeholder="0.75"' in str(new["fast_transient"].field)
    assert new["fast_transient"].counts == ("kilonova",)
    assert other["fast_transient"].counts == ()


def test_a_scorer_of_another_group_is_neither_told_nor_loses_its_weight(
    lead: Client, lise: User
) -> None:
    ours = make_group("ours")
    keep_onnx("own_hidden", group=ours, by=make_admin())
    made = make(lise, weights={"own_hidden": 0.5, "gone": 0.25})

    page = lead.get(page_of(made)).text
    lead.post(page_of(made), filled(lead, page_of(made)) | {"weight_gone": "", "prior": "0.1"})

    assert "own_hidden" not in page
    assert "It is not here, or it weighs in no list." in page
    made.refresh_from_db()
    assert (made.weights, made.prior) == ({"own_hidden": 0.5}, 0.1)
    assert "own hidden" not in lead.get(page_of(made, "list_versions")).text
    lise.groups.add(ours)
    lise = User.objects.get(pk=lise.pk)
    assert "own_hidden" in lead.get(page_of(made)).text
    assert "weight of own hidden" in lead.get(page_of(made, "list_versions")).text


def test_a_copy_has_the_settings_of_the_other_and_begins_switched_off(
    lead: Client, lise: User
) -> None:
    made = make(lise, sought=["tde"], ra=10.123456789, dec=-5.0, radius_deg=2.0)
    page = f"{NEW}?from={made.pk}"

    form = filled(lead, page)
    lead.post(page, form)

    copy = Strategy.objects.get(name="Fresh, a copy")
    same = settings_of(made) | {"name": copy.name, "active": False}
    assert settings_of(copy) == same
    assert Strategy.objects.filter(name="Fresh").count() == 1
    assert "Fresh, a copy" in words_of(lead.get("/lists/").text)


def test_a_copy_of_an_events_strategy_is_a_list_without_an_event(lead: Client) -> None:
    strategy = Strategy.objects.get(kind="neutrino")
    page = f"{NEW}?from={strategy.pk}"

    answer = lead.post(page, filled(lead, page))

    assert answer.status_code == 302
    copy = Strategy.objects.get(name=f"{strategy.name}, a copy")
    assert (copy.kind, copy.sought, copy.terms) == ("", ["tde", "agn"], ["star", "minor planet"])


def test_the_form_offers_each_class_and_says_what_each_term_weighs(lead: Client) -> None:
    page = lead.get(NEW).text

    assert '<option value="supernova Ia">supernova, explosive, transient, real</option>' in page
    assert set(TERM_WORDS) == {term.NAME for term in TERMS}
    for says in TERM_WORDS.values():
        assert says in page


# --- History ------------------------------------------------------------------------------------
def test_the_history_says_who_changed_what_and_why(lead: Client, lise: User) -> None:
    made = make(lise)
    page = page_of(made)
    told = {"sought": ["tde"], "weight_fast_transient": "0.5", "place": "10 20", "radius_deg": "1"}

    lead.post(page, filled(lead, page) | told | {"note": "what slept"})
    shown = words_of(lead.get(page_of(made, "list_versions")).text)

    assert "looks for: kilonova → tde" in shown
    assert "weight of fast transient: as the site weighs it → 0.5" in shown
    assert "region: all the sky → 1° around 00:40:00.00 +20:00:00.0" in shown
    assert "Version 2 in force lise," in shown
    assert "“what slept”" in shown
    assert shown.index("Version 2") < shown.index("Version 1")
    assert "The first one." in shown


def test_a_save_is_undone_and_the_undo_too(lead: Client, lise: User) -> None:
    made = make(lise)
    change(made, lise, prior=0.25)
    versions = page_of(made, "list_versions")

    def undo() -> float | None:
        page = lead.get(versions).text
        action = re.search(r'action="([^"]+)">(?:(?!</form>).)*Undo', page, re.DOTALL)
        shown = re.search(r'name="shown" value="(\d+)"', page)
        assert action is not None
        assert shown is not None
        action = re.findall(r'action="([^"]+bring-back/)"', page)[0]
        assert lead.post(action, {"shown": shown[1]}).url == versions
        made.refresh_from_db()
        return made.prior

    assert [undo(), undo()] == [None, 0.25]
    assert newest_number(made) == 4


def test_an_older_version_is_brought_back(lead: Client, lise: User) -> None:
    made = make(lise)
    for prior in (0.25, 0.5):
        change(made, lise, prior=prior)

    answer = lead.post(reverse("list_bring_back", args=[made.pk, 1]), {"shown": "3"}, follow=True)

    made.refresh_from_db()
    assert made.prior is None
    assert "Saved as version 4" in answer.text
    assert "as version 1" in words_of(answer.text)


@pytest.mark.parametrize("shown", ["1", "", "x", "9" * 30])
def test_who_brings_back_what_was_changed_meanwhile_is_told(
    lead: Client, lise: User, shown: str
) -> None:
    made = make(lise)
    change(made, lise, prior=0.5)

    bring_back = reverse("list_bring_back", args=[made.pk, 1])
    answer = lead.post(bring_back, {"shown": shown}, follow=True)

    assert "Somebody changed this strategy meanwhile" in answer.text
    made.refresh_from_db()
    assert made.prior == 0.5


def test_a_version_that_can_be_no_more_is_told_with_the_reason(lead: Client, lise: User) -> None:
    made = make(lise)
    change(made, lise, name="Fresher")
    make(lise)

    bring_back = reverse("list_bring_back", args=[made.pk, 1])
    answer = lead.post(bring_back, {"shown": "2"}, follow=True)

    assert "Version 1 cannot be brought back: " in answer.text
    assert Strategy.objects.get(pk=made.pk).name == "Fresher"


def test_of_two_who_change_a_strategy_at_once_the_second_is_told(lead: Client, lise: User) -> None:
    made = make(lise)
    page = page_of(made)
    first, second = filled(lead, page), filled(lead, page)

    lead.post(page, first | {"prior": "0.1"})
    answer = lead.post(page, second | {"prior": "0.9"})
    without = lead.post(page, {**second, "shown": "", "prior": "0.9"})

    made.refresh_from_db()
    assert made.prior == 0.1
    for refused in (answer, without):
        assert "Somebody changed this strategy meanwhile" in str(errors(refused))
        assert 'value="0.9"' in refused.text
    lead.post(page, filled(lead, page) | {"prior": "0.9"})
    made.refresh_from_db()
    assert made.prior == 0.9


def test_a_page_of_many_versions_asks_as_often_as_one_of_few(lead: Client, lise: User) -> None:
    made = make(lise)
    groups = [make_group() for _ in range(30)]

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert lead.get(page_of(made, "list_versions")).status_code == 200
        return len(asked)

    for group in groups[:2]:
        change(made, lise, group=group.pk)
    change(made, lise, group=None)
    queries()
    few = queries()
    for group in groups[2:]:
        change(made, lise, group=group.pk)
    change(made, lise, group=None)

    assert queries() == few
    last = words_of(lead.get(page_of(made, "list_versions") + "?page=2").text)
    assert "The first one." in last
    assert "seen by: everyone → " in last


def test_a_strategy_without_a_version_shows_its_settings(lead: Client) -> None:
    made = Strategy.objects.create(name="Fresh", sought=["tde"])

    page = words_of(lead.get(page_of(made, "list_versions")).text)

    assert "looks for tde" in page
    assert "No version was kept yet." in page


# --- Deleted ------------------------------------------------------------------------------------
def test_only_a_list_that_ranked_nothing_can_be_deleted(lead: Client, lise: User) -> None:
    new, used = make(lise, name="New"), make(lise, name="Used")
    make_target("ZTF26a")
    rank_list_if_due(used)

    offered = ["Delete it" in lead.get(page_of(row, "list_versions")).text for row in (new, used)]
    answers = [lead.post(page_of(row, "list_delete"), follow=True) for row in (new, used)]

    assert offered == [True, False]
    assert "New is deleted." in answers[0].text
    assert "Used has rankings or verdicts, which keep it." in answers[1].text
    assert list(Strategy.objects.filter(name__in=("New", "Used"))) == [used]


# --- Who may ------------------------------------------------------------------------------------
ROUTES = ("list_change", "list_versions", "list_delete", "list_bring_back")


def answers_of(client: Client, strategy: Strategy) -> dict[str, set[int]]:
    """How each page of a strategy answers somebody."""
    found = {}
    for name in ROUTES:
        keys = [strategy.pk, 1] if name == "list_bring_back" else [strategy.pk]
        page = reverse(name, args=keys)
        statuses = {client.get(page).status_code, client.post(page, {"shown": "0"}).status_code}
        found[name] = statuses - {405}
    return found


def test_who_may_not_see_a_list_finds_nothing_of_it(lead: Client, lise: User) -> None:
    hidden = make(lise, name="theirs", group=make_group("theirs").pk)

    assert list(answers_of(lead, hidden).values()) == [{404}] * 4
    assert lead.get(f"{NEW}?from={hidden.pk}").status_code == 404
    assert Strategy.objects.filter(pk=hidden.pk).exists()


def test_who_may_only_read_sees_settings_and_history_and_is_told_whom_to_ask(
    client: Client, lise: User
) -> None:
    made = make(lise)
    client.force_login(make_observer("olga"))

    answers = answers_of(client, made)
    page = client.get(page_of(made, "list_versions")).text

    assert answers.pop("list_versions") == {200}
    assert list(answers.values()) == [{403}] * 3
    assert client.get(NEW).status_code == client.post(NEW, FORM).status_code == 403
    assert "Leads may: ask lise." in page
    assert "Bring back" not in page
    assert page_of(made) not in page + client.get("/lists/").text
    assert not Strategy.objects.filter(name="Fresh", prior=0.9).exists()


@pytest.mark.parametrize(
    ("right", "opened"),
    [
        ("add_strategy", {"list_new"}),
        ("change_strategy", {"list_change", "list_bring_back"}),
        ("delete_strategy", {"list_delete"}),
    ],
)
def test_each_right_alone_opens_its_own_pages(
    client: Client, lise: User, right: str, opened: set[str]
) -> None:
    made = make(lise)
    olga = make_observer("olga")
    olga.user_permissions.add(Permission.objects.get(codename=right))
    client.force_login(olga)

    page = client.get(page_of(made, "list_versions")).text
    answers = {"list_new": {client.get(NEW).status_code}} | answers_of(client, made)

    assert {name for name, found in answers.items() if found != {403}} == opened | {"list_versions"}
    is_shown = [text in page for text in ("?from=", "Delete Fresh", page_of(made))]
    assert is_shown == [f"{each}_strategy" == right for each in ("add", "delete", "change")]


def test_a_list_that_is_switched_off_is_found_by_those_who_may_change_it(
    client: Client, lise: User
) -> None:
    make(lise, name="Resting", active=False)
    seen = []
    for user in (lise, make_observer("olga")):
        client.force_login(user)
        seen.append("Resting" in client.get("/lists/").text)

    assert seen == [True, False]


def test_a_list_leads_to_its_settings_and_their_change(lead: Client, lise: User) -> None:
    made = make(lise)

    shown = lead.get(reverse("ranked_list", args=[made.pk])).text + lead.get("/lists/").text

    for name in ("list_versions", "list_change"):
        assert shown.count(f'href="{page_of(made, name)}"') == 2
    assert f'href="{NEW}"' in shown


def test_the_administration_has_no_strategies(client: Client) -> None:
    client.force_login(make_admin())

    assert "trateg" not in client.get("/admin/").text


# --- In the order of a number -------------------------------------------------------------------
@pytest.fixture
def anomaly(settings: Settings) -> Iterator[None]:
    settings.SCORERS = [*settings.SCORERS, "ml_plugins.anomaly.Anomaly"]
    scorers.cache_clear()
    yield
    scorers.cache_clear()


def choices(page: Any, name: str) -> list[str]:
    return [value for value, _ in page.context["form"].fields[name].choices]


def test_a_list_is_made_in_the_order_of_a_number_for_the_class(lead: Client, anomaly: None) -> None:
    page = lead.get(NEW)
    assert choices(page, "by") == ["", "anomaly"]
    assert "fast_transient" in choices(page, "within")
    assert "anomaly" not in choices(page, "within")

    answer = lead.post(NEW, FORM | {"by": "anomaly", "within": "fast_transient"})

    made = Strategy.objects.get(name="Fresh")
    assert (made.by, made.within) == ("anomaly", "fast_transient")
    told = words_of(lead.get(answer.url).text)
    assert "the number of anomaly, for the class that fast transient says" in told
    assert "by anomaly, for its class" in words_of(lead.get("/lists/").text)


@pytest.mark.parametrize("like", BEGINNINGS)
def test_a_new_list_may_begin_with_usual_settings(lead: Client, like: str) -> None:
    begun = BEGINNINGS[like]
    page = f"{NEW}?like={like}"
    assert begun.name in lead.get(NEW).text

    lead.post(page, filled(lead, page) | {"active": "on"})

    made = Strategy.objects.get(name=begun.name)
    assert {name: getattr(made, name) for name in begun.settings} == begun.settings


def test_an_unknown_beginning_is_an_empty_form(lead: Client) -> None:
    assert lead.get(f"{NEW}?like=nonsense").context["form"]["name"].value() == ""


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"by": "fast_transient"}, "by"),
        ({"by": "gone"}, "by"),
        ({"by": "anomaly", "within": "real_bogus_"}, "within"),
        ({"within": "fast_transient"}, "within"),
    ],
)
def test_an_order_that_no_scorer_gives_is_refused(
    lead: Client, anomaly: None, typed: dict[str, str], field: str
) -> None:
    assert list(errors(lead.post(NEW, FORM | typed))) == [field]


def test_the_list_of_an_event_is_in_no_such_order(lead: Client, anomaly: None) -> None:
    Strategy.objects.filter(kind=EventKind.GRB).delete()

    lead.post(NEW, FORM | {"kind": EventKind.GRB.value, "terms": [], "by": "anomaly"})

    assert Strategy.objects.get(kind=EventKind.GRB).by == ""


def test_a_scorer_of_a_group_orders_the_lists_of_that_group_alone(lead: Client, lise: User) -> None:
    group = make_group("hunters")
    lise.groups.add(group)
    odd = keep_onnx("own_odd", by=lise, group=group)
    parts = onnx_parts(name="own_odd", version="1.1.0", kind=ScorerKind.ANOMALY)
    keep_next(odd, parts, by=lise)
    answer = lead.post(NEW, FORM | {"by": "own_odd"})
    assert errors(answer)["by"] == ["This scorer is a group's: let that group alone see the list."]

    lead.post(NEW, FORM | {"by": "own_odd", "group": str(group.pk)})

    made = Strategy.objects.get(name="Fresh")
    assert [spec["name"] for spec in Basis.present(made, None).specs].count("own_odd") == 1
    made.group = None
    assert "own_odd" not in [spec["name"] for spec in Basis.present(made, None).specs]
    lise.groups.remove(group)
    assert "own_odd" not in lead.get(NEW).text


def test_a_scorer_that_is_gone_stays_chosen_until_another_one_is(lead: Client, lise: User) -> None:
    made = make(lise, by="gone")

    page = lead.get(page_of(made))

    assert choices(page, "by") == ["", "gone"]
    assert "the number of gone, which is not here" in words_of(page.text)
    assert lead.post(page_of(made), filled(lead, page_of(made))).status_code == 302


def test_every_page_of_such_a_list_has_its_numbers(
    client: Client, lise: User, anomaly: None
) -> None:
    target = make_target("ZTF26odd")
    for value in (0.625, 0.75):
        Score.objects.filter(target=target, scorer="anomaly").delete()
        score = make_score(target, scorer="anomaly")
        Score.objects.filter(pk=score.pk).update(probability={"unusual": value})
        strategy = Strategy.objects.filter(name="Fresh").first() or make(lise, by="anomaly")
        rank_list(Listing(None, strategy), Basis.present(strategy, None))
    client.force_login(lise)
    choose_strategy(lise, strategy)
    now = f"{timezone.now():%Y-%m-%dT%H:%M:%S.%fZ}"
    pages = {
        page: words_of(client.get(page).text)
        for page in (
            f"/lists/{strategy.pk}/",
            f"/lists/{strategy.pk}/scan/",
            f"/lists/{strategy.pk}/past/?at={now}",
            f"/lists/{strategy.pk}/targets/{target.pk}/history/",
            f"/targets/?order=list-{strategy.pk}",
            "/",
        )
    }

    assert [page for page, told in pages.items() if "0.750" not in told] == []
    assert [page for page, told in pages.items() if "anomaly" not in told.lower()] == []
    assert "0.625 → 0.750" in pages[f"/lists/{strategy.pk}/targets/{target.pk}/history/"]
    table = client.get(f"/lists/{strategy.pk}/past.csv?at={now}").text.lstrip("\ufeff")
    (told,) = csv.DictReader(table.splitlines())
    assert (told["posterior"], told["number"]) == ("", "0.75")
    (row,) = client.get(f"/api/lists/{strategy.pk}/targets/").json()["results"]
    assert (row["posterior"], row["number"]) == (None, 0.75)


# --- What is refused, and how ---------------------------------------------------------------------
@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"days_before": "0"}, "days_before"),
        ({"first_seen_days": "0"}, "first_seen_days"),
        ({"place": "10 10", "radius_deg": "0"}, "radius_deg"),
        ({"prior": "1e-320"}, "prior"),
        ({"name": "in\u200bfants"}, "name"),
        ({"name": "\u202eabc"}, "name"),
        ({"name": "infants"}, "name"),
    ],
)
def test_what_could_hold_nothing_or_misleads_is_refused(
    lead: Client, typed: dict[str, str], field: str
) -> None:
    answer = lead.post(NEW, FORM | typed)

    assert list(errors(answer)) == [field]
    label = answer.context["form"][field].label
    assert f'<a href="#id_{field}">{label}</a>' in answer.text


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("tidal disruption", "tde"), ("tidal disruptoin", "tde"), ("kilonva", "kilonova")],
)
def test_a_misspelt_class_is_told_what_it_may_mean(lead: Client, typed: str, meant: str) -> None:
    (told,) = errors(lead.post(NEW, FORM | {"sought": [typed]}))["sought"]

    assert f"Do you mean {meant}?" in told


def test_after_a_clash_the_next_save_replaces_what_somebody_saved(lead: Client, lise: User) -> None:
    made = make(lise)
    page = page_of(made)
    typed = filled(lead, page) | {"days_before": "7"}
    change(made, make_lead("kurt"), days_before=3.0)

    clash = lead.post(page, typed)

    assert "kurt saved" in words_of(clash.text)
    assert f'<a href="{page_of(made, "list_versions")}">version 2</a>' in clash.text
    made.refresh_from_db()
    assert made.days_before == 3.0
    (shown,) = re.findall(r'name="shown" value="(\d+)"', clash.text)
    assert lead.post(page, typed | {"shown": shown}).status_code == 302
    made.refresh_from_db()
    assert made.days_before == 7.0


def test_a_list_saved_as_a_new_one_needs_no_other_name(lead: Client, lise: User) -> None:
    made = make(lise)

    lead.post(f"{NEW}?from={made.pk}", filled(lead, page_of(made)))

    assert Strategy.objects.filter(name="Fresh, a copy").count() == 1


def test_the_badges_of_scorers_are_for_the_classes_in_the_form(lead: Client) -> None:
    assert "The badges are for kilonova:" in words_of(lead.get(NEW).text)

    refused = lead.post(NEW, FORM | {"sought": ["tde"], "prior": "7"})

    assert "The badges are for tde:" in words_of(refused.text)
    counted = {row.scorer.name: row.counts for row in refused.context["form"].scorer_rows}
    assert counted == {"fast_transient": (), "real_bogus": ("real",)}


def test_a_list_says_for_which_classes_no_scorer_is_here(lead: Client, lise: User) -> None:
    make_target("ZTF26a")
    for strategy in (made := make(lise, sought=["tde"]), known := make(lise, name="of kilonovae")):
        rank_list_if_due(strategy)

    assert "No scorer here tells tde from others" in words_of(lead.get(f"/lists/{made.pk}/").text)
    assert "No scorer here" not in words_of(lead.get(f"/lists/{known.pk}/").text)
