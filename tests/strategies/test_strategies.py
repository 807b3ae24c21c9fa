"""Strategies as rows: what may stand in one, and which makes an event's list."""

from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import AnonymousUser, User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from tests import factories
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_targets
from tom.events.models import EventKind
from tom.ranking.changing import whole
from tom.ranking.services import rank_list_if_due
from tom.strategies.models import MOST_DAYS, SOUGHT, Strategy
from tom.strategies.services import WINDOWS, strategies_of_kinds, strategy_of
from tom.strategies.versions import SETTINGS, settings_of

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _as_installed(db: None) -> None:
    factories.make_first_strategies()


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


def test_an_upgrade_keeps_what_each_strategy_says_as_its_first_version() -> None:
    group = factories.make_group("ours")
    kept = Strategy.objects.create(name="kept", group=group, weights={"real_bogus": 0.5}, ra=10.0,
                                   dec=-5.0, radius_deg=2.0)  # fmt: skip
    before = Strategy.objects.create(name="has versions")
    before.versions.create(number=4, chosen=settings_of(before))
    migration = import_module("tom.strategies.migrations.0010_first_versions")

    for _ in range(2):  # a second run finds nothing to do
        migration.keep_first_versions(apps, None)

    version = kept.versions.get()
    assert (version.number, version.by) == (1, None)
    assert whole(version.chosen) == settings_of(kept)
    assert [row.number for row in before.versions.all()] == [4]
    of_kinds = Strategy.objects.exclude(kind="")
    assert of_kinds.count() == of_kinds.filter(versions__number=1).count() == 5


def test_versions_keep_every_setting_that_people_choose() -> None:
    fixed = {"id", "made_by", "created", "ranked"}

    assert {field.name for field in Strategy._meta.concrete_fields} - fixed == set(SETTINGS)
