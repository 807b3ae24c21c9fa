"""Strategies as people make, change, bring back and delete them: each save keeps a version.

It stands here, not with the strategies: a change matches events anew, and rankings keep a strategy.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from tom.candidates.services import match_anew
from tom.ranking.models import Ranking
from tom.strategies.models import Strategy, StrategyVersion
from tom.strategies.versions import SETTINGS, columns_of, settings_of

MATCHED_ANEW: Final = timedelta(days=30)
"""The events of so long ago follow a changed strategy."""


class ChangedMeanwhileError(Exception):
    """Somebody changed the strategy since it was shown: look at it again."""


class TakenError(Exception):
    """Another strategy was given the name, or the kind of event, in the same moment."""


class StillRankedError(Exception):
    """The strategy has rankings or verdicts, which keep it: switch it off."""


def make_strategy(settings: Mapping[str, Any], *, by: User, note: str = "") -> Strategy:
    """Keep a new strategy with its first version; its list is ranked at once.

    Raises
    ------
    ValidationError
        If no ranking could use the settings.
    TakenError
    """
    strategy = Strategy(made_by=by)
    with _unless_taken(), transaction.atomic():
        _take(strategy, settings)
        strategy.save()
        _keep(strategy, 1, by=by, note=note)
        _match_anew(strategy.kind)
    return strategy


def change_strategy(
    pk: int,
    settings: Mapping[str, Any],
    *,
    by: User,
    shown: int,
    note: str = "",
    brings_back: int | None = None,
) -> StrategyVersion | None:
    """Give a strategy other settings and keep them as a version; None: nothing is other.

    Its list is ranked at once, and the events of its kind are matched anew. `shown` is the number
    of the version that the person saw.

    Raises
    ------
    ValidationError
        If no ranking could use the settings.
    ChangedMeanwhileError
        If another version came since.
    TakenError
    """
    before = Strategy.objects.get(pk=pk)
    if settings_of(before) == settings:
        return None
    with _unless_taken(), transaction.atomic():
        # The events first: whoever ranks one holds it, and then asks for its strategy.
        _match_anew(before.kind, str(settings["kind"]))
        strategy = Strategy.objects.select_for_update(no_key=True).get(pk=pk)
        if newest_number(strategy) != shown:
            raise ChangedMeanwhileError
        number = _catch_up(strategy, shown)
        _take(strategy, settings)
        strategy.save(update_fields=[*SETTINGS, "ranked"])
        return _keep(strategy, number + 1, by=by, note=note, brings_back=brings_back)


def bring_back(version: StrategyVersion, *, by: User, shown: int) -> StrategyVersion | None:
    """Give a strategy the settings of an earlier version, as a new one; as in `change_strategy`."""
    wanted = whole(version.chosen)
    pk = version.strategy_id
    return change_strategy(pk, wanted, by=by, shown=shown, brings_back=version.number)


def delete_strategy(strategy: Strategy) -> None:
    """Delete a strategy that ranked nothing, with its versions.

    Raises
    ------
    StillRankedError
        If it has a ranking, or a verdict in its list.
    """
    with transaction.atomic():
        _match_anew(strategy.kind)
        # No ranking of it can be stored while it is locked.
        row = Strategy.objects.select_for_update().get(pk=strategy.pk)
        # Asked first: to delete it would read each place of its rankings before it refuses.
        if Ranking.objects.filter(strategy=row).exists():
            raise StillRankedError
        try:
            row.delete()
        except ProtectedError as error:
            raise StillRankedError from error


def newest_number(strategy: Strategy) -> int:
    """Return the number of the newest version; 0: none was kept yet."""
    newest = strategy.versions.order_by("-number").values_list("number", flat=True)
    return newest.first() or 0


def whole(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings of a version; those that came later than it are as they are at first."""
    first = settings_of(Strategy())
    return {name: settings.get(name, first[name]) for name in SETTINGS}


def _take(strategy: Strategy, settings: Mapping[str, Any]) -> None:
    """Set and judge the settings; raises ValidationError."""
    for name, value in columns_of(settings).items():
        setattr(strategy, name, value)
    strategy.ranked = None  # a list without an event is ranked at once
    strategy.full_clean()


def _catch_up(strategy: Strategy, newest: int) -> int:
    """Keep the settings that are in force if no version has them; return the newest number."""
    kept = strategy.versions.filter(number=newest).first()
    if kept is not None and whole(kept.chosen) == settings_of(strategy):
        return newest
    return _keep(strategy, newest + 1, by=None, note="").number


def _keep(
    strategy: Strategy,
    number: int,
    *,
    by: User | None,
    note: str,
    brings_back: int | None = None,
) -> StrategyVersion:
    return strategy.versions.create(
        number=number,
        chosen=settings_of(strategy),
        by=by,
        note=note,
        brings_back=brings_back,
    )


def _match_anew(*kinds: str) -> None:
    for kind in sorted({kind for kind in kinds if kind}):
        match_anew(kind, since=timezone.now() - MATCHED_ANEW)


@contextmanager
def _unless_taken() -> Iterator[None]:
    try:
        yield
    except IntegrityError as error:
        raise TakenError from error
