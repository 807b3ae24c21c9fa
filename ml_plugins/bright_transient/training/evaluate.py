"""Measure BTSbot's policies with the scores of `bright_transient`, alert by alert.

python -m ml_plugins.bright_transient.training.evaluate FOLDER

FOLDER is one that `files` wrote. Beside each policy stands brightest-first: as many alerts brighter
than the magnitude at which it saves as many objects as the policy.
"""

import sys
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np

from ml_plugins.bright_transient import CLASSES, BrightTransient
from ml_plugins.bright_transient.policies import POLICIES, Policy
from tom.photometry import magnitudes
from tom.scoring.contract import Batch, BoolArray, Curve, FloatArray, IntArray, Reason
from tom.scoring.evaluation.columns import read_labels
from tom.scoring.evaluation.light import open_light

SEED: Final = 20261128
DRAWS: Final = 500
PEAKS: Final = (-np.inf, 17.0, 17.5, 18.0, 18.5, 19.0)
BRIGHT: Final = 18.5
"""The magnitude at peak that the Bright Transient Survey wants complete."""


class Seen(NamedTuple):
    """One object: class, real object, and of its alerts days since the first, magnitude, score."""

    label: str
    owner: str
    day: FloatArray
    magnitude: FloatArray
    score: FloatArray

    @property
    def peak(self) -> float:
        """The brightest alert."""
        return float(self.magnitude.min())


def read_seen(folder: Path, scorer: BrightTransient) -> list[Seen]:
    """Judge each alert of the test as it came."""
    known = {each.name: each for each in read_labels(folder / "test_meta.parquet")}
    light = open_light(folder / "test_lc.parquet")
    chunks = light.curves(list(known.values()), most=200)
    return [
        _seen(scorer, curve, known[curve.object_id].label, known[curve.object_id].alias)
        for chunk in chunks
        for curve in chunk
    ]


def _seen(scorer: BrightTransient, curve: Curve, label: str, owner: str) -> Seen:
    time = np.array(curve.mjd)
    batch = Batch.build([replace(curve, as_of_mjd=float(mjd)) for mjd in time])
    judged = np.flatnonzero(scorer.eligible(batch) == Reason.OK)
    score = np.full(len(time), np.nan)
    score[judged] = scorer.score(batch.take(judged)).probability[:, 0]
    return Seen(label, owner, time - time[0], np.asarray(magnitudes(np.array(curve.flux))), score)


def main(arguments: list[str]) -> None:
    """Print the figures of the card."""
    scorer = BrightTransient()
    scorer.setup(Path(__file__).parents[1])
    seen = read_seen(Path(arguments[0]), scorer)
    for name, policy in POLICIES.items():
        saved = [policy.first(each.score) for each in seen]
        line, brightest = _brightest_first(seen, saved, policy)
        _tell(name, seen, saved)
        _tell(f"brightest first, {policy.alerts} below {line:.2f} mag", seen, brightest)


def _brightest_first(
    seen: list[Seen], saved: list[int | None], policy: Policy
) -> tuple[float, list[int | None]]:
    """Return a magnitude, and the saves by it; as many objects are saved as by the policy."""
    number = sum(at is not None for at in saved)
    reached = [
        np.sort(each.magnitude)[policy.alerts - 1] if len(each.day) >= policy.alerts else np.inf
        for each in seen
    ]
    line = float(np.sort(reached)[number - 1])
    by_light = Policy(policy.alerts, -line)
    return line, [by_light.first(-each.magnitude) for each in seen]


def _tell(name: str, seen: list[Seen], saved: list[int | None]) -> None:
    real = np.array([each.label == CLASSES[0] for each in seen])
    peak = np.array([each.peak for each in seen])
    done = np.array([at is not None for at in saved])
    hours = np.array(
        [np.nan if at is None else 24 * each.day[at] for each, at in zip(seen, saved, strict=True)]
    )
    owner = np.unique([each.owner for each in seen], return_inverse=True)[1]
    _write(name)
    for what, rows in (("all", peak < np.inf), (f"peak below {BRIGHT}", peak <= BRIGHT)):
        among = np.flatnonzero(rows & done)
        _line(f"purity, {what}", real, among, owner, np.mean)
    for low, high in (*pairwise(PEAKS), (-np.inf, BRIGHT), (-np.inf, np.inf)):
        rows = real & (peak > low) & (peak <= high)
        _line(f"completeness, peak {low:g} to {high:g}", done, np.flatnonzero(rows), owner, np.mean)
        _line("  hours to the save", hours, np.flatnonzero(rows & done), owner, np.median)
    for label in CLASSES[1:]:
        others = np.flatnonzero([each.label == label for each in seen])
        _line(f"saved of {label}", done, others, owner, np.mean)


def _line(
    what: str,
    values: FloatArray | BoolArray,
    rows: IntArray,
    owner: IntArray,
    figure: Callable[[FloatArray], float],
) -> None:
    """Print a figure with 95% by draws of objects; all moments of one object are drawn together."""
    rng = np.random.default_rng(SEED)
    chosen, place = np.asarray(values[rows], float), np.unique(owner[rows], return_inverse=True)[1]
    members = [np.flatnonzero(place == k) for k in range(place.max() + 1)] if len(rows) else []
    if not members:
        _write(f"  {what}: n 0")
        return
    draws = rng.integers(0, len(members), (DRAWS, len(members)))
    drawn = [figure(chosen[np.concatenate([members[k] for k in draw])]) for draw in draws]
    low, high = np.quantile(drawn, [0.025, 0.975])
    _write(f"  {what}: {figure(chosen):.3f} ({low:.3f}-{high:.3f}; n {len(rows)})")


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
