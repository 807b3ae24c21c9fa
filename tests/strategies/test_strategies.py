"""Strategies as rows: what may stand in one, and which makes an event's list."""

import pytest
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from tests import factories
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_targets
from tom.events.models import EventKind
from tom.ranking.services import rank_list_if_due
from tom.strategies.models import MOST_DAYS, SOUGHT, Strategy
from tom.strategies.services import WINDOWS, strategies_of_kinds, strategy_of

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("fields", "wrong"),
    [
        ({"sought": ["kilonovae"]}, "sought"),
        ({"weights": {"real_bogus": 1.1}}, "weights"),
        ({"weights": {"real_bogus": -0.1}}, "weights"),
        ({"weights": {"real_bogus": True}}, "weights"),
        ({"weights": {"real_bogus": float("nan")}}, "weights"),
        ({"weights": ["real_bogus"]}, "weights"),
        ({"days_before": -1.0}, "days_before"),
        ({"days_after": 3.0}, "days_after"),
        ({"first_seen_days": -1.0}, "first_seen_days"),
        ({"ra": 361.0, "dec": 0.0, "radius_deg": 1.0}, "ra"),
        ({"ra": 1.0, "dec": 91.0, "radius_deg": 1.0}, "dec"),
        ({"ra": 1.0, "dec": 0.0, "radius_deg": 181.0}, "radius_deg"),
        ({"ra": 1.0, "dec": 0.0}, "radius_deg"),
        ({"prior": 1.0}, "prior"),
        ({"prior": 0.0}, "prior"),
        ({"level_stored": 0.5, "level_shown": 0.9}, "level_shown"),
        ({"level_stored": 1.5}, "level_stored"),
        ({"level_shown": 0.0}, "level_shown"),
        ({"days_before": 36526.0}, "days_before"),
        ({"kind": "gw", "days_after": 1e300}, "days_after"),
        ({"first_seen_days": 1e9}, "first_seen_days"),
        ({"brighter_than": -1e6}, "brighter_than"),
        ({"brighter_than": 41.0}, "brighter_than"),
        ({"kind": "gw", "with_tests": True}, "with_tests"),
        ({"kind": "gw", "explore": 0.1}, "explore"),
        ({"explore": 1.5}, "explore"),
        ({"kind": "gw", "brighter_than": 18.0}, "brighter_than"),
        ({"kind": "gw", "first_seen_days": 3.0}, "first_seen_days"),
    ],
)
def test_what_could_never_be_ranked_by_is_refused_by_its_field(
    fields: dict[str, object], wrong: str
) -> None:
    Strategy.objects.all().delete()

    with pytest.raises(ValidationError) as error:
        Strategy(name="new", **fields).full_clean()

    assert set(error.value.message_dict) == {wrong}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"kind": "gw", "days_before": 1.0, "days_after": 14.0},
        {"sought": ["kilonova", "supernova Ia"], "weights": {"real_bogus": 0, "other": 1}},
        {"ra": 0.0, "dec": -90.0, "radius_deg": 180.0, "prior": 0.5, "brighter_than": 18.5},
    ],
)
def test_what_can_be_ranked_by_is_taken(fields: dict[str, object]) -> None:
    Strategy.objects.all().delete()

    Strategy(name="new", **fields).full_clean()


def test_the_widest_windows_and_cuts_can_be_ranked_by() -> None:
    widest = {"days_before": MOST_DAYS, "days_after": MOST_DAYS}
    Strategy.objects.all().delete()
    strategy = Strategy(name="gw", kind="gw", **widest)
    strategy.full_clean()
    strategy.save()
    alone = Strategy(
        name="all", days_before=MOST_DAYS, first_seen_days=MOST_DAYS, brighter_than=-30
    )
    alone.full_clean()
    alone.save()
    event = factories.make_event("MS261120ab")
    target = factories.make_target("ZTF26a")

    candidates = match_targets([target.pk])
    done = rank_list_if_due(alone)

    assert candidates
    assert EventCandidate.objects.get().event == event
    assert done


def test_a_kind_of_event_has_one_strategy_and_lists_are_any_number() -> None:
    Strategy.objects.all().delete()
    for name in ("one", "two", "three"):
        Strategy.objects.create(name=name)
    Strategy.objects.create(name="of mergers", kind="gw")

    with pytest.raises(IntegrityError), transaction.atomic():
        Strategy.objects.create(name="of mergers, too", kind="gw")


def test_every_kind_of_event_has_a_strategy_whatever_rows_there_are() -> None:
    Strategy.objects.all().delete()
    Strategy.objects.create(name="of mergers", kind="gw", days_before=2.5)

    found = strategies_of_kinds()

    assert set(found) == set(EventKind) == set(WINDOWS)
    assert found["gw"].days_before == 2.5
    assert found["grb"].days_before == 0.1
    assert found["frb"].sought == [SOUGHT]
    assert strategy_of(factories.make_event(kind="neutrino")).days_before == 1.0  # the factory's


def test_a_list_is_seen_by_everyone_or_by_its_group() -> None:
    group = factories.make_group("ours")
    Strategy.objects.all().delete()
    Strategy.objects.create(name="for all")
    Strategy.objects.create(name="for us", group=group)

    def seen(user: User | AnonymousUser) -> list[str]:
        rows = Strategy.objects.visible_to(user).order_by("name")
        return list(rows.values_list("name", flat=True))

    assert seen(factories.make_observer("member", groups=[group])) == ["for all", "for us"]
    assert seen(factories.make_observer("stranger")) == ["for all"]
    assert seen(factories.make_admin()) == ["for all", "for us"]


# --- In the browser ---------------------------------------------------------------------------
FORM = {
    "sought": "supernova, tde",
    "weights": "{}",
    "terms": "star",
    "level_stored": "0.99",
    "level_shown": "0.9",
    "active": "on",
}


@pytest.fixture
def admin(client: Client) -> Client:
    client.force_login(factories.make_admin("root"))
    return client


def test_an_administrator_makes_a_list_which_is_ranked_at_once(admin: Client) -> None:
    answer = admin.post(reverse("admin:strategies_strategy_add"), {**FORM, "name": "Fresh"})

    made = Strategy.objects.get(name="Fresh")
    assert answer.status_code == 302
    assert (made.sought, made.terms, made.made_by.username) == (
        ["supernova", "tde"],
        ["star"],
        "root",
    )
    assert made in Strategy.objects.due()


def test_a_changed_list_is_ranked_at_once(admin: Client) -> None:
    made = Strategy.objects.create(name="Fresh", ranked=timezone.now())

    admin.post(
        reverse("admin:strategies_strategy_change", args=[made.pk]), {**FORM, "name": "Fresh"}
    )

    assert made in Strategy.objects.due()


@pytest.mark.parametrize(
    ("field", "value", "told"),
    [
        ("terms", "star, stars", "there is no term &#x27;stars&#x27;: choose among sky map,"),
        ("terms", "star, sky map", "a list without an event knows no &#x27;sky map&#x27;"),
        ("weights", '{"real_bogos": 1}', "there is no scorer &#x27;real_bogos&#x27;"),
        ("sought", "supernovae", "the taxonomy has no class &#x27;supernovae&#x27;"),
        ("sought", "SN Ia", "no class &#x27;SN Ia&#x27;: write &#x27;supernova Ia&#x27;"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(
    admin: Client, field: str, value: str, told: str
) -> None:
    form = {**FORM, "name": "Fresh", field: value}

    answer = admin.post(reverse("admin:strategies_strategy_add"), form)

    assert told in answer.text
    assert not Strategy.objects.filter(name="Fresh").exists()


def test_only_a_strategy_without_rankings_can_be_deleted(admin: Client) -> None:
    new, used = Strategy.objects.create(name="New"), Strategy.objects.create(name="Used")
    factories.make_target("ZTF26a")
    rank_list_if_due(used)

    answers = [
        admin.post(reverse("admin:strategies_strategy_delete", args=[row.pk]), {"post": "yes"})
        for row in (new, used)
    ]

    assert [answer.status_code for answer in answers] == [302, 403]
    assert "Nobody may do it here: what it would change is in use." in answers[1].text
    assert not Strategy.objects.filter(name="New").exists()
    assert Strategy.objects.filter(name="Used").exists()


def shown_in(client: Client, strategy: Strategy) -> dict[str, str]:
    """The form of a strategy as its page shows it, and whose change would be saved."""
    page = client.get(reverse("admin:strategies_strategy_change", args=[strategy.pk]))
    return {
        **FORM,
        "name": strategy.name,
        "as_shown": page.context["adminform"].form["as_shown"].value(),
    }


def test_of_two_who_change_a_strategy_at_once_the_second_is_told(admin: Client) -> None:
    made = Strategy.objects.create(name="Fresh")
    page = reverse("admin:strategies_strategy_change", args=[made.pk])
    first, second = shown_in(admin, made), shown_in(admin, made)

    admin.post(page, {**first, "prior": "0.1"})
    answer = admin.post(page, {**second, "prior": "0.9"})

    made.refresh_from_db()
    assert made.prior == 0.1
    assert "Somebody changed this strategy meanwhile" in answer.text
    admin.post(page, {**shown_in(admin, made), "prior": "0.9"})
    made.refresh_from_db()
    assert made.prior == 0.9


def test_a_copy_of_a_strategy_needs_another_name(admin: Client) -> None:
    made = Strategy.objects.create(name="Fresh")
    page = reverse("admin:strategies_strategy_change", args=[made.pk])
    form = shown_in(admin, made) | {"_saveasnew": "Save as new", "sought": "tde"}

    refused = admin.post(page, form)
    taken = admin.post(page, form | {"name": "Fresher"})

    assert "already exists" in refused.text
    assert taken.status_code == 302
    assert list(Strategy.objects.get(name="Fresher").sought) == ["tde"]
    assert list(Strategy.objects.get(name="Fresh").sought) == ["kilonova"]
