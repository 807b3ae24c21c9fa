"""The vetting of candidates as a reader sees it, from the verdicts that the reader may see.

A candidate's row shows the newest verdict of all; where some were given privately, a reader's
filters, lists and exports go by the newest of those that they may see.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.lookups import Exact

from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.kept_queries import AnyOf, Given, kept_query
from tom.strategies.models import Strategy
from tom.targets.models import Visitor
from tom.targets.visible import Reader, reader_of


def vetting_of(user: Visitor, privately: Collection[int]) -> F | Case:
    """A candidate's vetting as a reader sees it, in a query of the candidates of some events.

    `privately` has those of them that are `vetted_privately`. They are read first, for they are
    few: asked of each row again it would cost the database more than all the rest of a list.
    """
    alike: dict[str, list[int]] = defaultdict(list)
    for pk, vetting in told_vettings(privately, user).items():
        alike[vetting].append(pk)
    seen = [When(Q(pk__in=ids), then=Value(vetting)) for vetting, ids in alike.items()]
    return Case(*seen, default=F("vetting")) if seen else F("vetting")


def told_vettings(privately: Collection[int], user: Visitor) -> dict[int, str]:
    """The vetting, as a reader sees it, of each of those that are `vetted_privately`."""
    told = _newest_told(privately, user)
    return {pk: newest.verdict if newest else Vetting.NEW for pk, newest in told.items()}


def not_rejected(vetting: F | Case) -> Q:
    """Candidates without those that are rejected, by their vetting as a reader sees it."""
    return ~Q(Exact(vetting, Vetting.REJECTED))


def show_vettings(
    candidates: Iterable[EventCandidate], user: Visitor, *, privately: Collection[int] | None = None
) -> None:
    """Set on candidates their vetting as a reader sees it.

    `privately` has those of their events that are `vetted_privately`, where somebody asked before.
    In memory alone: never save such a candidate.
    """
    rows = list(candidates)
    if privately is None:
        privately = vetted_privately({row.event_id for row in rows}) if rows else ()
    differing = [row for row in rows if row.pk in privately]
    told = _newest_told({row.pk for row in differing}, user)
    for row in differing:
        newest = told[row.pk]
        row.vetting = newest.verdict if newest else Vetting.NEW
        row.vetted = newest.created if newest else None
        row.vetted_by = newest.by if newest else None


def vetted_privately(events: Collection[int]) -> set[int]:
    """The candidates of events, given by their keys, of which something was said privately."""
    return set(_said_privately(events=list(events)))


@kept_query
def _said_privately(*, events: Given) -> QuerySet[Verdict, Any]:
    said = Verdict.objects.filter(AnyOf("candidate__event", events), is_public=False)
    return said.values_list("candidate", flat=True)


def _newest_told(ids: Collection[int], user: Visitor) -> dict[int, Verdict | None]:
    """The newest verdict on each of these candidates that the user may see; None: there is none."""
    told = _told(ids, user) if ids else {}
    return {pk: next(iter(told.get(pk, [])), None) for pk in sorted(ids)}


def verdicts_on(candidates: Iterable[EventCandidate], user: Visitor) -> dict[int, list[Verdict]]:
    """Each person's present verdict on each of these candidates, the newest first.

    The user may see the candidates: so of what was said publicly all is theirs to know.
    """
    return verdicts_of({row.pk for row in candidates}, user)


def verdicts_of(ids: Collection[int], user: Visitor) -> dict[int, list[Verdict]]:
    """As `verdicts_on`, of candidates by their keys."""
    given = _given(candidates=list(ids))
    if not all(row.is_public for row in given):
        return _told(ids, user)
    newest = {(row.candidate_id, row.by_id): row for row in sorted(given, key=_age)}
    return _by_member(newest.values())


@kept_query
def _given(*, candidates: Given) -> QuerySet[Verdict]:
    rows = Verdict.objects.given().filter(AnyOf("candidate", candidates))
    return rows.select_related("by")


def _age(row: Verdict) -> tuple[datetime, int]:
    return row.created, row.pk


def _told(ids: Iterable[int], user: Visitor) -> dict[int, list[Verdict]]:
    rows = Verdict.objects.visible_to(user).filter(candidate__in=list(ids))
    return _by_member(rows.standing().select_related("by"))


def verdicts_in_list(
    strategy: Strategy, targets: Collection[int], user: User
) -> dict[int, list[Verdict]]:
    """As `verdicts_of`, of targets in a strategy's list without an event; the user may see them."""
    return _told_in_list(user, strategy=strategy.pk, targets=list(targets))


def vettings_in_list(strategy: Strategy, user: User) -> dict[int, str]:
    """The vetting of each target that anybody decided in a list, as the user sees it.

    The user may see the list. Some of the targets may be hidden from them.
    """
    told = _told_in_list(user, strategy=strategy.pk)
    return {pk: said[0].verdict for pk, said in told.items()}


def _told_in_list(user: User, **given: Any) -> dict[int, list[Verdict]]:
    """The verdicts of a list that the user may see: all of them where none was given privately."""
    rows = _standing_in_list(None, **given)
    if not all(row.is_public for row in rows):
        rows = _standing_in_list(reader_of(user), **given)
    return _by_member(rows)


@kept_query
def _standing_in_list(
    reader: Reader | None, *, strategy: Given, targets: Given | None = None
) -> QuerySet[Verdict]:
    rows = Verdict.objects.filter(strategy=strategy)
    if targets is not None:
        rows = rows.filter(AnyOf("target", targets))
    if reader is not None:
        rows = rows.visible_in_lists(reader.person)
    return rows.standing().select_related("by")


def _by_member(standing: Iterable[Verdict]) -> dict[int, list[Verdict]]:
    """The verdicts on each candidate or each target of a list, the newest first."""
    said: dict[int, list[Verdict]] = defaultdict(list)
    for row in sorted(standing, key=_age, reverse=True):
        key = row.candidate_id or row.target_id
        if row.verdict != Vetting.NEW and key is not None:
            said[key].append(row)
    return said


def verdict_of(said: Iterable[Verdict], user: User) -> str:
    """The user's own verdict among these; "" for none."""
    return next((row.verdict for row in said if row.by_id == user.pk), "")
