"""The installed scorers, and the light curves that are due for them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any, Final, Protocol

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import transaction
from django.db.models import (
    BigIntegerField,
    Count,
    Exists,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.expressions import Combinable
from django.db.models.functions import Coalesce

from tom.events.locks import hold_events
from tom.events.models import NonLocalizedEvent
from tom.scoring.contract import Batch, Curve, Scorer, ScorerSpec
from tom.scoring.curves import Key, Summary, key_of, mjd_of
from tom.scoring.inputs import base_of
from tom.scoring.loading import load, wanted
from tom.scoring.models import DueScore, Score
from tom.scoring.own_services import added_scorers
from tom.scoring.registry import find_scorers
from tom.strategies.models import Strategy
from tom.strategies.services import strategy_of
from tom.targets.models import DUE_FOR_SCORING, AudienceSummary, TargetSummary

# The classes of what begins to shine with its event, and never before.
BEGINS_WITH_EVENT: Final = frozenset({"kilonova", "gamma-ray burst afterglow"})


class Specified(Protocol):
    """A scorer as its specification tells: an installed one, or one that a person added."""

    @property
    def spec(self) -> ScorerSpec:
        """Its specification."""


@cache
def scorers() -> tuple[Scorer, ...]:
    """Return every installed scorer, loaded once; other processes do the judging."""
    return tuple(scorer_paths().values())


def all_scorers() -> list[Specified]:
    """Return every scorer that judges now: the installed ones, and those that people added."""
    return [*scorers(), *added_scorers()]


def reads_spectra_alone(scorer: Specified) -> bool:
    """Whether a scorer judges spectra one by one (`tom.scoring.spectra`), and no light curves."""
    return set(map(base_of, scorer.spec.inputs)) == {"spectrum"}


def scorer_paths() -> dict[str, Scorer]:
    """Return every installed scorer by the path of its class."""
    return find_scorers(settings.SCORERS, weights=settings.SCORER_WEIGHTS)


def due_summaries(most: int) -> list[Summary]:
    """Return up to `most` changed summaries, public and narrower ones, not yet handed out."""
    public: list[Summary] = list(
        TargetSummary.objects.filter(DUE_FOR_SCORING).order_by("pk")[:most]
    )
    left = most - len(public)
    return [*public, *AudienceSummary.objects.filter(DUE_FOR_SCORING).order_by("pk")[:left]]


def any_due() -> bool:
    """Whether a summary waits to be handed out."""
    return bool(due_summaries(1))


def window_start(event: NonLocalizedEvent, strategy: Strategy) -> datetime | None:
    """Return the time from which detections count as the event's; None: all count.

    It is that of the event itself where nothing that is sought shines before it.
    """
    if event.time is None or strategy.days_before is None:
        return None
    if set(strategy.sought) <= BEGINS_WITH_EVENT:
        return event.time
    return event.time - timedelta(days=strategy.days_before)


def batch_of(
    scorer: Specified,
    summaries: Sequence[Summary],
    curves: Mapping[Key, Curve],
    since: datetime | None,
) -> Batch:
    """Return the batch for a scorer, without the detections before a window's start.

    It has the other inputs that the scorer asks for by name; no others are loaded.
    """
    given = load(wanted(scorer.spec.inputs), summaries)
    if "event" in map(base_of, scorer.spec.inputs):
        start = None if since is None else mjd_of(since)
        given["event"] = {key_of(summary): start for summary in summaries}
    rows = []
    for summary in summaries:
        key = key_of(summary)
        own = {name: found[key] for name, found in given.items()}
        rows.append(replace(curves[key], given=own) if own else curves[key])
    batch = Batch.build(rows)
    return batch if since is None else batch.since(mjd_of(since))


def note_given(name: str, target_ids: Iterable[int], *, program: int | None = None) -> None:
    """Make targets due after a change of an input, if some scorer asks for this input by name.

    With a program, for the audiences alone that read it.
    """
    ids = set(target_ids)
    if not ids or not any(name in wanted(scorer.spec.inputs) for scorer in all_scorers()):
        return
    with transaction.atomic():
        lock_targets(ids)
        narrower = AudienceSummary.objects.filter(target__in=ids)
        if program is None:
            TargetSummary.objects.filter(target__in=ids).update(version=F("version") + 1)
        else:
            narrower = narrower.filter(programs__contains=[program])
        narrower.update(version=F("version") + 1)


def note_outdated(event: NonLocalizedEvent) -> int:
    """Make candidates due that some present scorer has not judged in the event's window.

    Used when the window moved, with the event's time or the strategy of its kind, and for a scorer
    that is new or has a new version. Returns how many were made due.
    """
    start = window_start(event, strategy_of(event))
    public = TargetSummary.objects.filter(
        target__candidacies__event=event, target__candidacies__is_public=True
    )
    narrower = AudienceSummary.objects.filter(
        target__candidacies__event=event, target__candidacies__standings__programs=F("programs")
    )
    with transaction.atomic():
        hold_events()
        return _make_due(public, Value([], ARRAY), start) + _make_due(
            narrower, OuterRef("programs"), start
        )


ARRAY = ArrayField(BigIntegerField())


def _make_due(rows: QuerySet[Any], programs: Combinable | OuterRef, since: datetime | None) -> int:
    """Make summaries due that some present scorer has not judged in the window."""
    scores = Score.objects.filter(target=OuterRef("target"), programs=programs)
    present = all_scorers()
    judged = _judged_by(present, scores, since=since)
    waiting = DueScore.objects.filter(target=OuterRef("target"), programs=programs)
    outdated = (
        rows.filter(Exists(scores))
        .exclude(Exists(waiting))  # for a scorer that rests, say
        .annotate(judged=Coalesce(Subquery(judged), 0))
        .filter(judged__lt=len(present), scored_version=F("version"))
    )
    found = dict(outdated.values_list("pk", "target"))
    lock_targets(found.values())
    due = rows.model._default_manager.filter(pk__in=found, scored_version=F("version"))
    n: int = due.update(version=F("version") + 1)
    return n


def _judged_by(
    those: Sequence[Specified], scores: QuerySet[Score], *, since: datetime | None
) -> QuerySet[Score, int]:
    """Return how many of these scorers judged the outer query's light curve in a window."""
    present = Q(pk=None)
    for scorer in those:
        present |= Q(scorer=scorer.spec.name, version=scorer.spec.version)
    rows = scores.filter(present, since=since).order_by()
    return rows.values("target").values_list(Count("scorer", distinct=True))


def lock_targets(target_ids: Iterable[int]) -> None:
    """Lock the public summaries of targets; the holder may also write the narrower summaries."""
    rows = TargetSummary.objects.filter(pk__in=set(target_ids)).select_for_update(no_key=True)
    list(rows.order_by("pk").values_list("pk"))
