"""Ask a scorer about labelled light curves, through the process that judges on the site.

A scorer that can be fitted (`contract.Trainable`) and was fitted on the objects of the file is
fitted again for each fold, on the other folds alone.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from tom.photometry import magnitudes
from tom.scoring.contract import Batch, Curve, FloatArray, Scorer, Trainable
from tom.scoring.evaluation.columns import Labelled, WrongFileError
from tom.scoring.evaluation.light import LightFile
from tom.scoring.host import Host
from tom.scoring.inputs import base_of
from tom.scoring.runner import Opinion, Outcome

EPOCHS: Final = (3.0, 7.0, 14.0, 30.0)
"""Days after the first detection at which each light curve is judged, in addition to its end."""
NO_POINTS: Final = "no points in the file"
MOST_FITTED: Final = 50_000
"""The most objects of which a scorer is fitted here: they are in memory together."""


class Limits(NamedTuple):
    """What a scorer's process may use: see `Host`."""

    memory_mb: int
    patience_seconds: float


@dataclass(frozen=True, eq=False)
class Judged:
    """A scorer's answers on n objects at one epoch.

    Attributes
    ----------
    names : list of str, length n
    chance : array, shape (n, n_classes)
        NaN: it abstained.
    reason : list of str, length n
        Why it abstained; "": it did not.
    magnitude : array, shape (n,)
        The brightest AB magnitude of a detection in the points that it saw; NaN: none.
    """

    names: list[str]
    chance: FloatArray
    reason: list[str]
    magnitude: FloatArray

    def pick(self, names: Sequence[str]) -> "Judged":
        """Return the answers on these objects, in this order; without points: an abstention."""
        place = {name: row for row, name in enumerate(self.names)}
        rows = [place.get(name, -1) for name in names]
        blank = np.full((1, self.chance.shape[1]), np.nan)
        return Judged(
            list(names),
            np.concatenate([self.chance, blank])[rows],
            [self.reason[row] if row >= 0 else NO_POINTS for row in rows],
            np.append(self.magnitude, np.nan)[rows],
        )


class Part(NamedTuple):
    """Objects to judge, and those on which to fit for it; None: as the scorer is shipped.

    `name` tells it from others, if there are any.
    """

    judged: list[Labelled]
    fitted: list[tuple[Labelled, str]] | None
    name: str = ""


def judge_parts(
    scorer: Scorer,
    path: str,
    light: LightFile,
    parts: Sequence[Part],
    limits: Limits,
    tell: Callable[[str], None],
) -> dict[float, Judged]:
    """Return the answers on all parts, by epoch; the epoch infinity is a light curve's end.

    `tell` is given a line after each part that has a name: a fit takes long.

    Raises
    ------
    ScorerDiedError
        If the scorer's process ended, took too long, or broke the contract.
    WrongFileError
        If there are too many objects to fit on, or too few.
    """
    found: dict[float, list[tuple[list[Curve], list[Outcome]]]] = {}
    for part in parts:
        since = time.monotonic()
        with _host(scorer, path, light, part, limits) as host:
            for curves in _curves(scorer, light, part.judged, most=scorer.spec.batch_size):
                for days in (*EPOCHS, np.inf):
                    seen = [cut(curve, days) for curve in curves]
                    found.setdefault(days, []).append((seen, host.judge(Batch.build(seen))))
        if part.name:
            tell(f"{scorer.spec.name}: {part.name}, {time.monotonic() - since:.0f} s")
    width = len(scorer.spec.classes)
    return {days: _gathered(answers, width) for days, answers in found.items()}


def cut(curve: Curve, days: float) -> Curve:
    """Return a curve as it was some days after its first detection: without any later point."""
    mjd, kind = np.asarray(curve.mjd), np.asarray(curve.kind)
    first = mjd[kind == "alert"].min() if np.any(kind == "alert") else mjd.min()
    kept = np.flatnonzero(mjd <= first + days).tolist()
    if len(kept) == len(mjd):
        return curve
    return replace(
        curve,
        mjd=mjd[kept].tolist(),
        flux=[curve.flux[row] for row in kept],
        flux_error=[curve.flux_error[row] for row in kept],
        band=[curve.band[row] for row in kept],
        kind=kind[kept].tolist(),
        survey=[curve.survey[row] for row in kept],
        as_of_mjd=float(mjd[kept].max()),
    )


def _curves(
    scorer: Scorer, light: LightFile, objects: Sequence[Labelled], *, most: int
) -> Iterator[list[Curve]]:
    """Yield the curves of these objects with those other inputs that the scorer asks for."""
    asked = {base_of(name) for name in scorer.spec.inputs}
    for curves in light.curves(objects, most=most):
        yield [
            replace(curve, given={name: curve.given[name] for name in asked & set(curve.given)})
            for curve in curves
        ]


@contextmanager
def _host(
    scorer: Scorer, path: str, light: LightFile, part: Part, limits: Limits
) -> Iterator[Host]:
    """Start the scorer's process, with an artefact fitted for the part if it needs one."""
    with tempfile.TemporaryDirectory(prefix="counterpart-evaluate-") as folder:
        artefacts = None if part.fitted is None else Path(folder)
        if part.fitted is not None:
            with _named(part):
                _fit(scorer, light, part.fitted, Path(folder))
        host = Host(path, scorer.spec, *limits, artefacts=artefacts)
        try:
            yield host
        finally:
            host.stop()


@contextmanager
def _named(part: Part) -> Iterator[None]:
    """Say in a refusal which part it is of."""
    try:
        yield
    except WrongFileError as error:
        message = f"{part.name}: {error}" if part.name else str(error)
        raise WrongFileError(message) from error


def _fit(
    scorer: Scorer, light: LightFile, fitted: list[tuple[Labelled, str]], folder: Path
) -> None:
    if len(fitted) > MOST_FITTED:
        message = f"at most {MOST_FITTED} objects can be fitted on; the file gives {len(fitted)}"
        raise WrongFileError(message)
    if not isinstance(scorer, Trainable) or scorer.spec.artefact is None:
        message = f"scorer {scorer.spec.name!r} cannot be fitted here"
        raise WrongFileError(message)
    label = {each.name: name for each, name in fitted}
    if not fitted:
        message = "no object is left to fit on: give more, or --split shipped"
        raise WrongFileError(message)
    (curves,) = _curves(scorer, light, [each for each, _ in fitted], most=len(fitted))
    labels = [label[curve.object_id] for curve in curves]
    try:
        artefact = scorer.fit(Batch.build(curves), labels)
    except ValueError as error:
        message = f"scorer {scorer.spec.name!r} cannot be fitted to these objects: {error}"
        raise WrongFileError(message) from error
    (folder / scorer.spec.artefact).write_bytes(artefact)


def _gathered(answers: Sequence[tuple[list[Curve], list[Outcome]]], width: int) -> Judged:
    curves = [curve for chunk, _ in answers for curve in chunk]
    outcomes = [outcome for _, chunk in answers for outcome in chunk]
    blank = (np.nan,) * width
    return Judged(
        names=[curve.object_id for curve in curves],
        chance=np.array(
            [each.probability if isinstance(each, Opinion) else blank for each in outcomes], float
        ).reshape(-1, width),
        reason=["" if isinstance(each, Opinion) else each.reason.text for each in outcomes],
        magnitude=np.array([_brightest(curve) for curve in curves], float),
    )


def _brightest(curve: Curve) -> float:
    flux = [f for f, kind in zip(curve.flux, curve.kind, strict=True) if kind == "alert"]
    return float(magnitudes(max(flux))) if flux else float("nan")
