"""Each save of a strategy keeps a version, and what follows from the settings follows at once."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Model
from django.utils import timezone

from tests import factories
from tests.connections import WAIT_SECONDS, begin
from tom.candidates.models import Vetting
from tom.candidates.verdicts import give_verdict_in_list
from tom.events.models import NonLocalizedEvent
from tom.ranking.changing import (
    ChangedMeanwhileError,
    StillRankedError,
    TakenError,
    bring_back,
    change_strategy,
    delete_strategy,
    make_strategy,
    newest_number,
)
from tom.ranking.models import Ranking
from tom.ranking.services import rank_list_if_due
from tom.strategies.models import Strategy, StrategyVersion
from tom.strategies.versions import settings_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def lise() -> User:
    return factories.make_lead("lise")


def settings(**fields: Any) -> dict[str, Any]:
    return settings_of(Strategy(name="Fresh")) | fields


def make(lise: User, **fields: Any) -> Strategy:
    return make_strategy(settings(**fields), by=lise)


def change(strategy: Strategy, by: User, **fields: Any) -> StrategyVersion | None:
    """Change some settings of the strategy as it is now."""
    now = Strategy.objects.get(pk=strategy.pk)
    wanted = settings_of(now) | fields
    return change_strategy(now.pk, wanted, by=by, shown=newest_number(now))


def numbers(strategy: Strategy) -> list[int]:
    return list(strategy.versions.order_by("number").values_list("number", flat=True))


def fresh(row: Model) -> Any:
    row.refresh_from_db()
    return row


# --- Made and changed ---------------------------------------------------------------------------
def test_a_new_strategy_has_its_maker_and_its_first_version_and_is_ranked_at_once(
    lise: User,
) -> None:
    made = make_strategy(settings(sought=["tde"], prior=0.1), by=lise, note="to try")

    version = made.versions.get()
    assert (version.number, version.by, version.note) == (1, lise, "to try")
    assert version.chosen == settings(sought=["tde"], prior=0.1) == settings_of(fresh(made))
    assert made.made_by == lise
    assert made in Strategy.objects.due()


def test_a_change_is_a_version_with_who_made_it_and_why(lise: User) -> None:
    made = make(lise)
    olga = factories.make_observer("olga")
    wanted = settings(weights={"real_bogus": 0.5})

    version = change_strategy(made.pk, wanted, by=olga, shown=1, note="it slept")

    assert version is not None
    assert (version.number, version.by, version.note) == (2, olga, "it slept")
    assert version.chosen == wanted == settings_of(fresh(made))
    assert made.made_by == lise


def test_a_changed_list_is_ranked_at_once(lise: User) -> None:
    made = make(lise)
    Strategy.objects.update(ranked=timezone.now())

    change(made, lise, prior=0.2)

    assert made in Strategy.objects.due()


def test_a_save_that_changes_nothing_keeps_no_version_and_ranks_nothing(lise: User) -> None:
    made = make(lise)
    Strategy.objects.update(ranked=timezone.now())

    assert change(made, lise) is None
    assert numbers(made) == [1]
    assert made not in Strategy.objects.due()


def events_due() -> set[str]:
    rows = NonLocalizedEvent.objects.due_for_ranking().filter(match_due=True)
    return set(rows.values_list("event_id", flat=True))


@pytest.fixture
def events() -> None:
    """Two recent events of two kinds and an old one, of which none is due."""
    for event_id, kind, days in (("S1", "gw", 2), ("G1", "grb", 2), ("S0", "gw", 200)):
        factories.make_event(event_id, kind=kind, time=timezone.now() - timedelta(days=days))
    NonLocalizedEvent.objects.update(match_due=False)


@pytest.mark.usefixtures("events")
def test_recent_events_of_the_kind_are_matched_anew(lise: User) -> None:
    change(Strategy.objects.get(kind="gw"), lise, days_before=3.0)

    assert events_due() == {"S1"}


@pytest.mark.usefixtures("events")
def test_events_of_the_kind_that_a_strategy_had_before_are_matched_anew_too(lise: User) -> None:
    Strategy.objects.filter(kind="grb").delete()

    change(Strategy.objects.get(kind="gw"), lise, kind="grb")

    assert events_due() == {"S1", "G1"}


@pytest.mark.usefixtures("events")
def test_a_strategy_made_for_a_kind_or_deleted_has_its_events_matched_anew(lise: User) -> None:
    Strategy.objects.filter(kind="grb").delete()
    made = make(lise, kind="grb")
    assert events_due() == {"G1"}
    NonLocalizedEvent.objects.update(match_due=False)

    delete_strategy(made)

    assert events_due() == {"G1"}


@pytest.mark.parametrize("fields", [{"sought": ["kilonovae"]}, {"prior": 2.0}, {"group": 10**6}])
def test_settings_that_no_ranking_could_use_are_refused(lise: User, fields: dict[str, Any]) -> None:
    made = make(lise)

    with pytest.raises(ValidationError):
        change(made, lise, **fields)

    assert settings_of(fresh(made)) == settings()
    assert numbers(made) == [1]


# --- History ------------------------------------------------------------------------------------
def test_an_earlier_version_is_brought_back_as_a_new_one(lise: User) -> None:
    made = make(lise)
    group = factories.make_group("ours")
    change(made, lise, ra=10.0, dec=-5.0, radius_deg=2.0, group=group.pk)
    change(made, lise, name="Fresher", terms=["star"], group=None)
    olga = factories.make_observer("olga")

    version = bring_back(made.versions.get(number=2), by=olga, shown=3)

    assert version is not None
    assert (version.number, version.brings_back, version.by) == (4, 2, olga)
    assert settings_of(fresh(made)) == made.versions.get(number=2).chosen
    assert fresh(made).group == group
    assert made in Strategy.objects.due()


def test_to_bring_back_what_is_in_force_changes_nothing(lise: User) -> None:
    made = make(lise)

    assert bring_back(made.versions.get(), by=lise, shown=1) is None
    assert numbers(made) == [1]


def test_a_version_of_before_a_setting_was_there_brings_back_what_that_is_at_first(
    lise: User,
) -> None:
    made = make(lise, explore=0.3)
    old = made.versions.get()
    del old.chosen["explore"]
    old.save()
    change(made, lise, prior=0.2)

    bring_back(old, by=lise, shown=newest_number(made))

    assert (fresh(made).explore, made.prior) == (0.0, None)


def test_a_version_that_can_be_no_more_is_refused_and_nothing_changes(lise: User) -> None:
    group = factories.make_group("ours")
    made = make(lise, group=group.pk)
    change(made, lise, group=None)
    group.delete()

    with pytest.raises(ValidationError):
        bring_back(made.versions.get(number=1), by=lise, shown=2)

    assert numbers(made) == [1, 2]


def test_settings_that_came_by_another_way_are_kept_before_they_are_changed(lise: User) -> None:
    without = Strategy.objects.create(name="no version", prior=0.3)
    made = make(lise)
    Strategy.objects.filter(pk=made.pk).update(prior=0.4)

    for row in (without, made):
        change(row, lise, prior=0.5)

    priors = [
        list(row.versions.order_by("number").values_list("number", "chosen__prior", "by"))
        for row in (without, made)
    ]
    assert priors == [
        [(1, 0.3, None), (2, 0.5, lise.pk)],
        [(1, None, lise.pk), (2, 0.4, None), (3, 0.5, lise.pk)],
    ]


# --- Two at once --------------------------------------------------------------------------------
def test_who_saw_an_earlier_version_overwrites_nothing(lise: User) -> None:
    made = make(lise)
    change(made, lise, prior=0.1)

    with pytest.raises(ChangedMeanwhileError):
        change_strategy(made.pk, settings(prior=0.9), by=lise, shown=1)
    with pytest.raises(ChangedMeanwhileError):
        bring_back(made.versions.get(number=1), by=lise, shown=1)

    assert fresh(made).prior == 0.1
    assert numbers(made) == [1, 2]


@pytest.mark.django_db(transaction=True)
def test_of_two_who_save_in_the_same_moment_one_is_refused(lise: User) -> None:
    made = make(lise)

    save = partial(change_strategy, made.pk, by=lise, shown=1)
    with transaction.atomic():
        save(settings(prior=0.1))
        second = begin(partial(save, settings(prior=0.2)))

    assert isinstance(second.exception(WAIT_SECONDS), ChangedMeanwhileError)
    assert fresh(made).prior == 0.1
    assert numbers(made) == [1, 2]


def test_a_name_that_another_one_took_in_the_same_moment_is_told(
    lise: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(lise)
    monkeypatch.setattr(Strategy, "full_clean", lambda _self: None)  # as before the other's commit

    with pytest.raises(TakenError):
        make(lise)
    with pytest.raises(TakenError):
        change(make(lise, name="Other"), lise, name="Fresh")


# --- Deleted ------------------------------------------------------------------------------------
def test_only_a_strategy_without_rankings_is_deleted(lise: User) -> None:
    new, used = make(lise, name="New"), make(lise, name="Used")
    factories.make_target("ZTF26a")
    rank_list_if_due(used)
    assert Ranking.objects.filter(strategy=used).exists()

    delete_strategy(new)
    with pytest.raises(StillRankedError):
        delete_strategy(used)

    assert list(Strategy.objects.filter(name__in=("New", "Used"))) == [used]
    assert StrategyVersion.objects.filter(strategy=used).exists()


def test_a_list_whose_rankings_are_forgotten_is_kept_by_its_verdicts(lise: User) -> None:
    made = make(lise)
    target = factories.make_target("ZTF26a")
    give_verdict_in_list(made, target, Vetting.REJECTED, by=lise, is_public=True)

    with pytest.raises(StillRankedError):
        delete_strategy(made)

    assert Strategy.objects.filter(pk=made.pk).exists()
