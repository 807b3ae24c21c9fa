"""Compare strategies on past nights, a list at a time; the rows say how far it is.

Each list is a task of its own: so urgent work comes between, and a worker that dies costs one list.
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q
from django.utils import timezone

from tom.ranking.basis import Basis
from tom.ranking.compared import Compared, Comparison
from tom.ranking.yields import Judged, Shown, judge, list_then
from tom.scoring.feedback import TRUTHS
from tom.strategies.models import Strategy

MOST_ATTEMPTS: Final = 3
BROKEN_AFTER: Final = timedelta(minutes=10)
"""A worker that took one up so long ago has died with it."""
KEPT: Final = timedelta(days=60)


def ask_for_comparison(
    strategies: Iterable[Strategy], *, nights: int, k: int, truth: str, by: User
) -> Comparison:
    """Make the rows that say that a comparison is wanted; the caller wakes it."""
    with transaction.atomic():
        made = Comparison.objects.create(made_by=by, nights=nights, k=k, truth=truth)
        Compared.objects.bulk_create(
            Compared(comparison=made, strategy=strategy, basis=basis_of(strategy))
            for strategy in strategies
        )
    return made


def basis_of(strategy: Strategy) -> str:
    """Return the digest of all that a strategy's list depends on besides facts."""
    basis = json.dumps(asdict(Basis.present(strategy, None)), sort_keys=True)
    return hashlib.sha256(basis.encode()).hexdigest()


def under_way(user: User) -> Comparison | None:
    """Return the comparison of a person that is not finished yet; one at a time is theirs."""
    return Comparison.objects.filter(made_by=user, finished=None).first()


def due_comparisons(now: datetime) -> list[int]:
    """The keys of those that nobody works on; one whose workers died too often has failed."""
    idle = _idle(now)
    idle.filter(attempts__gte=MOST_ATTEMPTS).update(
        finished=now, fault="The work was broken off each time. Look whether the workers run."
    )
    return list(idle.filter(attempts__lt=MOST_ATTEMPTS).values_list("pk", flat=True)[:50])


def _idle(now: datetime) -> Any:
    free = Q(begun=None) | Q(begun__lt=now - BROKEN_AFTER) | Q(begun__gt=now)
    return Comparison.objects.filter(free, finished=None)


def work_comparison(pk: int) -> bool:
    """Make the next list of a comparison; return whether more are to be made.

    Safe to call twice: who takes the row makes the list, and nobody else.
    """
    now = timezone.now()
    if not _idle(now).filter(pk=pk).update(begun=now, attempts=F("attempts") + 1):
        return False
    comparison = Comparison.objects.get(pk=pk)
    part = _next_part(comparison)
    if part is None:
        return _release(comparison, finished=now)
    if basis_of(part.strategy) != part.basis:
        fault = f"The settings of {part.strategy}, or a scorer, changed meanwhile. Compare again."
        return _release(comparison, finished=now, fault=fault)
    when = comparison.moments()[len(part.nights)]
    labels = {target: truth.label for target, truth in TRUTHS[comparison.truth]().items()}
    night = judge(list_then(part.strategy, when, k=comparison.k), part.strategy, labels)
    with transaction.atomic():
        held = Comparison.objects.select_for_update().filter(pk=pk, begun=now, finished=None)
        if not held.exists():
            return False  # another worker took it up meanwhile
        part.nights = [*part.nights, as_stored(night)]
        part.save(update_fields=["nights"])
        if _next_part(comparison) is None:
            return _release(comparison, finished=timezone.now())
        return not _release(comparison)


def _next_part(comparison: Comparison) -> Compared | None:
    """The strategy with the fewest lists so far; None: all are made."""
    parts = list(comparison.parts.select_related("strategy"))
    part = min(parts, key=lambda part: len(part.nights), default=None)
    return part if part is not None and len(part.nights) <= comparison.nights else None


def _release(comparison: Comparison, **more: object) -> bool:
    """Let a comparison go; always False: this worker has no more to do with it."""
    rows = Comparison.objects.filter(pk=comparison.pk, finished=None)
    rows.update(begun=None, attempts=0, **more)
    return False


def as_stored(night: Judged) -> dict[str, Any]:
    """Return a night as JSON can keep it."""
    return asdict(night) | {"when": night.when.isoformat()}


def read_night(kept: dict[str, Any]) -> Judged:
    """Return a night from what `as_stored` made of it."""
    return Judged(
        when=datetime.fromisoformat(kept["when"]),
        n_members=kept["n_members"],
        n_sought=kept["n_sought"],
        best=[Shown(*each) for each in kept["best"]],
        brightest=[Shown(*each) for each in kept["brightest"]],
    )


def forget_comparisons(now: datetime) -> None:
    """Delete comparisons past their time."""
    Comparison.objects.filter(created__lt=now - KEPT).delete()
