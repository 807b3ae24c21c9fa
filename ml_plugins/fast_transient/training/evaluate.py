"""Measure `fast_transient` on objects it was not fitted on, at the survey's real depth.

python -m ml_plugins.fast_transient.training.evaluate DATA

Prints the figures of the model card. Intervals are the central 90% of a bootstrap over objects.
"""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np

from ml_plugins.fast_transient import FastTransient
from ml_plugins.injections import samples
from ml_plugins.injections.figures import (
    SEED,
    Scored,
    area_under_curve,
    calibration_error,
    found_at_line,
    interval,
    log_loss,
    reliability,
    score,
    share_above,
    slices,
    threshold,
)
from ml_plugins.injections.samples import Sample, Sky
from ml_plugins.injections.shares import KILONOVA, PRIOR
from ml_plugins.injections.split import Data, draw_samples, part_of
from tom.sky.kilonova import AT2017GFO, absolute_magnitude

NUMBER = 1500
# The model of AT2017gfo is compared with its photometry before this age.
EARLY_DAYS = 4.5


def held_out(data: Data, rng: np.random.Generator) -> tuple[dict[str, list[Sample]], ...]:
    """Return the test classes, and the real sources kept apart: AT2017gfo and novae."""
    classes = draw_samples(data, "test", number=NUMBER, deeper=0.0, rng=rng)
    sky = Sky(part_of(data.transients, "test"), data.depths)
    placed = samples.injected(sky, samples.published(data.at2017gfo), "AT2017gfo", NUMBER, rng)
    novae = [source for source in data.transients if source.label == "nova"]
    return classes, {
        "AT2017gfo": list(placed),
        "nova": list(samples.real(novae, 20, rng)),
    }


def report(scorer: FastTransient, data: Data, rng: np.random.Generator) -> list[str]:
    """Return the lines of the card's tables."""
    classes, apart = held_out(data, rng)
    scored = {label: score(scorer, made) for label, made in classes.items()}
    other = {label: score(scorer, made) for label, made in apart.items()}
    everything = scored | other
    lines = ["overall: figure, 90% interval"]
    lines += _overall(scored, other["AT2017gfo"])
    line = threshold(scored)
    lines.append(f"\nshare above the threshold of 1% false positives ({line:.3f})")
    for label, part in everything.items():
        value, low, high = interval(
            {KILONOVA: part}, lambda drawn: share_above(drawn[KILONOVA], line)
        )
        n_groups = len(np.unique(part.group))
        lines.append(
            f"| {label} | {len(part.chance)} | {n_groups} | {part.n_abstained} "
            f"| {value:.3f} | {low:.3f}-{high:.3f} |"
        )
    lines += slices(everything, line)
    lines.append("\nreliability: said, true, samples")
    lines += [f"| {said:.3f} | {true:.3f} | {n} |" for said, true, n in reliability(scored)]
    return lines


def _overall(scored: dict[str, Scored], at2017gfo: Scored) -> list[str]:
    others = {label: part for label, part in scored.items() if label != KILONOVA}
    real = others | {KILONOVA: at2017gfo}
    figures: list[tuple[str, dict[str, Scored], Callable[[dict[str, Scored]], float]]] = [
        ("AUC, model kilonovae", scored, lambda s: area_under_curve(s, s[KILONOVA])),
        ("AUC, AT2017gfo", real, lambda s: area_under_curve(s, s[KILONOVA])),
        ("found at 1% false positives, model", scored, found_at_line),
        ("found at 1% false positives, AT2017gfo", real, found_at_line),
        ("log loss, model", scored, log_loss),
        ("log loss, AT2017gfo", real, log_loss),
        ("calibration error, model", scored, calibration_error),
        ("calibration error, AT2017gfo", real, calibration_error),
    ]
    lines = []
    for name, kinds, figure in figures:
        value, low, high = interval(kinds, figure)
        lines.append(f"| {name} | {value:.4f} | {low:.4f}-{high:.4f} |")
    prior_loss = -PRIOR * np.log(PRIOR) - (1 - PRIOR) * np.log(1 - PRIOR)
    return [*lines, f"| log loss of the prior | {prior_loss:.4f} | |"]


def offsets(data: Data) -> list[str]:
    """Return the difference between AT2017gfo's photometry and its model, per band, mag."""
    lines = ["\nAT2017gfo before 4.5 days, seen less model: mean, scatter (points)"]
    for band, (days, seen) in data.at2017gfo.items():
        early = days < EARLY_DAYS
        off = seen[early] - absolute_magnitude(AT2017GFO, days[early], band)
        lines.append(f"| {band} | {off.mean():+.2f} | {off.std():.2f} ({len(off)}) |")
    return lines


def main(arguments: list[str]) -> None:
    """Print the figures."""
    scorer = FastTransient()
    scorer.setup(Path(__file__).parents[1])
    data = Data.read(Path(arguments[0]))
    lines = report(scorer, data, np.random.default_rng(SEED)) + offsets(data)
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
