"""Try a scorer that a person brings before it is kept: on made objects, and on some of the site."""

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
from tom_targets.base_models import BaseTarget

from tom.scoring.contract import (
    Batch,
    Curve,
    InvalidSpecError,
    ScorerKind,
    ScorerSpec,
    check_names,
)
from tom.scoring.curves import curves_of, key_of
from tom.scoring.host import Host, ScorerDiedError
from tom.scoring.own import Parts
from tom.scoring.own_services import Added
from tom.scoring.runner import Opinion, Outcome
from tom.scoring.services import batch_of
from tom.targets.models import TargetSummary

PATIENCE_SECONDS: Final = 5.0
MADE: Final = 4
OF_THE_SITE: Final = 5
SAME: Final = 1e-6
"""How far two answers about one object may lie apart."""
START_MJD: Final = 61000.0
PEAK_NJY: Final = 100_000.0


class UselessError(ValueError):
    """A scorer cannot be kept; the text says why, to who brought it."""


@dataclass(frozen=True)
class Trial:
    """What a trial found: objects asked about, opinions given, seconds for each object."""

    asked: int
    opinions: int
    seconds_per_object: float
    examples: list[dict[str, float]]
    reasons: list[str]

    def as_json(self) -> dict[str, Any]:
        """Return it as it is stored."""
        return asdict(self)


def try_scorer(parts: Parts) -> Trial:
    """Try a scorer in a process of its own, as it will judge.

    Raises
    ------
    UselessError
        If a class of it has another name here, it cannot be loaded, takes too long or too much
        memory, fails on an object, breaks the contract, answers otherwise if it is asked again, or
        has no opinion on a made object, though it must have one.
    """
    _check_classes(parts.spec)
    host = Host.of_own(parts, patience_seconds=PATIENCE_SECONDS)
    try:
        return _try(host, [made_batch(), *_batches_of_site(parts)])
    except ScorerDiedError as error:
        raise UselessError(str(error)) from error
    finally:
        host.stop()


def _check_classes(spec: ScorerSpec) -> None:
    if spec.kind == ScorerKind.RANK:  # the classes may be a filter's tags
        return
    try:
        check_names(spec)
    except InvalidSpecError as error:
        raise UselessError(str(error)) from error


def _try(host: Host, batches: Sequence[Batch]) -> Trial:
    host.judge(batches[0].take([]))  # what it loads first is no part of its time
    since = time.monotonic()
    told = [_judge(host, batch) for batch in batches]
    seconds = time.monotonic() - since
    for batch, outcomes in zip(batches, told, strict=True):
        every = np.arange(len(batch))
        for rows in (every[::-1], every[: (len(batch) + 1) // 2]):
            again = _judge(host, batch.take(rows))
            if not all(map(_same, [outcomes[row] for row in rows], again)):
                message = "it answers otherwise if it is asked again, or about fewer objects"
                raise UselessError(message)
    flat = [outcome for outcomes in told for outcome in outcomes]
    opinions = [each for each in flat if isinstance(each, Opinion)]
    reasons = sorted({each.detail for each in flat if not isinstance(each, Opinion)})
    if not opinions and host.spec.kind != ScorerKind.RANK:
        message = f"it had no opinion on any of {len(flat)} objects: {reasons[0]}"
        raise UselessError(message)
    examples = [dict(zip(host.spec.classes, each.probability, strict=True)) for each in opinions]
    return Trial(len(flat), len(opinions), seconds / len(flat), examples[:3], reasons)


def _judge(host: Host, batch: Batch) -> list[Outcome]:
    try:
        outcomes = host.judge(batch)
    except ScorerDiedError:
        _name_fatal(host, batch)
        raise
    failed = [each for each in outcomes if not isinstance(each, Opinion) and each.is_failure]
    if failed:
        said = failed[0].detail or failed[0].reason.text
        message = f"on {_called(failed[0].object_id)}: {said}"
        raise UselessError(message)
    return outcomes


def _name_fatal(host: Host, batch: Batch) -> None:
    """Ask about each object by itself, in a new process if need be, until one ends it.

    Raises
    ------
    UselessError
        If one does; the text names it. Otherwise they end it together only.
    """
    for row, object_id in enumerate(batch.object_ids.tolist()):
        try:
            host.judge(batch.take([row]))
        except ScorerDiedError as error:
            message = f"on {_called(object_id)}: {error}"
            raise UselessError(message) from error


def _called(object_id: str) -> str:
    """Return what a person calls an object of a trial: one of the site by its target's number."""
    number = object_id.partition(":")[0]
    return f"target {number}" if number.isdecimal() else f"the object {object_id!r}"


def _same(one: Outcome, other: Outcome) -> bool:
    if not isinstance(one, Opinion) or not isinstance(other, Opinion):
        return one == other
    return np.allclose(one.probability, other.probability, rtol=0, atol=SAME)


def made_batch() -> Batch:
    """Return objects with ten detections in g and r, three stamps, and nothing else."""
    rng = np.random.default_rng(9)
    return Batch.build([_made(number, rng) for number in range(MADE)])


def _made(number: int, rng: np.random.Generator) -> Curve:
    day = np.sort(rng.uniform(0, 25, 10))
    flux = PEAK_NJY * np.exp(-0.5 * ((day - 10) / 8) ** 2) * rng.uniform(0.9, 1.1, 10)
    kinds = ("science", "template", "difference")
    return Curve(
        object_id=f"made {number}",
        mjd=(START_MJD + day).tolist(),
        flux=flux.tolist(),
        flux_error=[PEAK_NJY / 30] * len(day),
        band=["g", "r"] * (len(day) // 2),
        kind=["alert"] * len(day),
        as_of_mjd=START_MJD + float(day[-1]),
        ra=150.0 + number,
        dec=20.0,
        ebv=0.03,
        ebv_sigma=0.01,
        alert_values={"drb": 0.9, "rb": 0.8},
        given={"cutouts": {kind: rng.normal(size=(63, 63)) for kind in kinds}},
    )


def _batches_of_site(parts: Parts) -> list[Batch]:
    """Return some of the newest public targets, as the scorer would get them."""
    rows = TargetSummary.objects.exclude(target__permissions=BaseTarget.Permissions.PRIVATE)
    summaries = list(rows.order_by("-pk")[:OF_THE_SITE])
    curves = curves_of(summaries)
    present = [row for row in summaries if key_of(row) in curves]
    return [batch_of(Added(0, parts.spec, None), present, curves, None)] if present else []
