"""Measure `fast_transient` on objects it was not fitted on, at the survey's real depth.

python -m ml_plugins.fast_transient.training.evaluate DATA

Prints the figures of the model card. Intervals are the central 90% of a bootstrap over objects.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ml_plugins.fast_transient import PRIOR, FastTransient
from ml_plugins.fast_transient.model import KILONOVA
from ml_plugins.fast_transient.training import samples
from ml_plugins.fast_transient.training.samples import Sample, Sky
from ml_plugins.fast_transient.training.split import Data, draw_samples, part_of
from ml_plugins.fast_transient.training.train import class_weights
from tom.photometry import magnitudes
from tom.scoring.contract import Batch, BoolArray, FloatArray, Reason
from tom.sky.kilonova import AT2017GFO, absolute_magnitude

SEED = 170817
NUMBER = 1500
N_BOOTSTRAPS = 300
FALSE_POSITIVES = 0.01
N_BINS = 10
# The model of AT2017gfo is compared with its photometry before this age.
EARLY_DAYS = 4.5


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of one class: chance of a kilonova, group, detections, newest magnitude."""

    chance: FloatArray
    group: FloatArray
    n_detections: FloatArray
    magnitude: FloatArray
    n_abstained: int

    def take(self, rows: FloatArray | BoolArray) -> "Scored":
        """Return some of them."""
        return Scored(
            self.chance[rows],
            self.group[rows],
            self.n_detections[rows],
            self.magnitude[rows],
            self.n_abstained,
        )

    def resampled(self, rng: np.random.Generator) -> "Scored":
        """Draw groups with replacement and return all of their samples."""
        order = np.argsort(self.group, kind="stable")
        starts = np.unique(self.group[order], return_index=True)[1]
        members = np.split(order, starts[1:])
        drawn = rng.integers(len(members), size=len(members))
        return self.take(np.concatenate([members[index] for index in drawn]))


def score(scorer: FastTransient, made: list[Sample]) -> Scored:
    """Score the samples the plugin does not abstain from."""
    batch = Batch.build([sample.curve for sample in made])
    kept = np.flatnonzero(scorer.eligible(batch) == Reason.OK)
    chance = scorer.score(batch.take(kept)).probability[:, 0]
    names = np.array([sample.group for sample in made])[kept]
    newest = [_newest_magnitude(batch, int(row)) for row in kept]
    return Scored(
        chance=chance,
        group=np.unique(names, return_inverse=True)[1].astype(float),
        n_detections=batch.n_detections[kept].astype(float),
        magnitude=np.array(newest),
        n_abstained=len(made) - len(kept),
    )


def _newest_magnitude(batch: Batch, index: int) -> float:
    rows = batch.rows(index)
    flux = batch.flux[rows][batch.is_detection[rows]]
    return float(magnitudes(flux[-1]))


def threshold(scored: dict[str, Scored]) -> float:
    """Return the chance that 1% of the unrelated sources exceed, weighted by their shares."""
    chance, weight = _others(scored)
    order = np.argsort(-chance)
    passed = np.cumsum(weight[order]) / weight.sum()
    return float(chance[order][np.searchsorted(passed, FALSE_POSITIVES)])


def area_under_curve(scored: dict[str, Scored], positive: Scored) -> float:
    """Return the chance that a kilonova scores above an unrelated source."""
    chance, weight = _others(scored)
    order = np.argsort(chance)
    below = np.concatenate([[0.0], np.cumsum(weight[order])]) / weight.sum()
    left = below[np.searchsorted(chance[order], positive.chance, "left")]
    right = below[np.searchsorted(chance[order], positive.chance, "right")]
    return float(np.mean((left + right) / 2))


def log_loss(scored: dict[str, Scored]) -> float:
    """Return the weighted natural log loss; `prior_loss` is the loss of the prior alone."""
    weights = class_weights({label: len(part.chance) for label, part in scored.items()})
    total = 0.0
    for label, part in scored.items():
        told = part.chance if label == KILONOVA else 1 - part.chance
        total -= weights[label] * float(np.sum(np.log(told)))
    return total


def calibration_error(scored: dict[str, Scored]) -> float:
    """Return the weighted mean gap between stated and true shares, in bins of equal size."""
    chance, weight, truth = _pooled(scored)
    edges = np.quantile(chance, np.linspace(0, 1, N_BINS + 1)[1:-1])
    place = np.searchsorted(edges, chance)
    gaps = [
        abs(float(np.sum(weight[place == bin_] * (truth[place == bin_] - chance[place == bin_]))))
        for bin_ in range(N_BINS)
    ]
    return float(np.sum(gaps))  # the weights sum to 1


def reliability(scored: dict[str, Scored]) -> list[tuple[float, float, int]]:
    """Return, per bin of stated chance: its mean, the true share (weighted), the samples."""
    chance, weight, truth = _pooled(scored)
    rows = []
    for low, high in ((0, 0.01), (0.01, 0.05), (0.05, 0.2), (0.2, 0.5), (0.5, 1)):
        inside = (chance > low) & (chance <= high)
        total = max(float(weight[inside].sum()), 1e-12)
        said = float(np.sum(weight[inside] * chance[inside])) / total
        true = float(np.sum(weight[inside] * truth[inside])) / total
        rows.append((said, true, int(inside.sum())))
    return rows


def _others(scored: dict[str, Scored]) -> tuple[FloatArray, FloatArray]:
    weights = class_weights({label: len(part.chance) for label, part in scored.items()})
    labels = [label for label in scored if label != KILONOVA]
    chance = np.concatenate([scored[label].chance for label in labels])
    weight = np.concatenate(
        [np.full(len(scored[label].chance), weights[label]) for label in labels]
    )
    return chance, weight


def _pooled(scored: dict[str, Scored]) -> tuple[FloatArray, FloatArray, FloatArray]:
    chance, weight = _others(scored)
    found = scored[KILONOVA].chance
    weights = class_weights({label: len(part.chance) for label, part in scored.items()})
    return (
        np.concatenate([chance, found]),
        np.concatenate([weight, np.full(len(found), weights[KILONOVA])]),
        np.concatenate([np.zeros(len(chance)), np.ones(len(found))]),
    )


def interval(
    scored: dict[str, Scored], figure: Callable[[dict[str, Scored]], float]
) -> tuple[float, float, float]:
    """Return a figure and the central 90% of its bootstrap over objects, class by class."""
    rng = np.random.default_rng(SEED)
    drawn = [
        figure({label: part.resampled(rng) for label, part in scored.items()})
        for _ in range(N_BOOTSTRAPS)
    ]
    low, high = np.quantile(drawn, [0.05, 0.95])
    return figure(scored), float(low), float(high)


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
            {KILONOVA: part}, lambda drawn: _share_above(drawn[KILONOVA], line)
        )
        n_groups = len(np.unique(part.group))
        lines.append(
            f"| {label} | {len(part.chance)} | {n_groups} | {part.n_abstained} "
            f"| {value:.3f} | {low:.3f}-{high:.3f} |"
        )
    lines += _slices(everything, line)
    lines.append("\nreliability: said, true, samples")
    lines += [f"| {said:.3f} | {true:.3f} | {n} |" for said, true, n in reliability(scored)]
    return lines


def _overall(scored: dict[str, Scored], at2017gfo: Scored) -> list[str]:
    others = {label: part for label, part in scored.items() if label != KILONOVA}
    real = others | {KILONOVA: at2017gfo}
    figures: list[tuple[str, dict[str, Scored], Callable[[dict[str, Scored]], float]]] = [
        ("AUC, model kilonovae", scored, lambda s: area_under_curve(s, s[KILONOVA])),
        ("AUC, AT2017gfo", real, lambda s: area_under_curve(s, s[KILONOVA])),
        ("found at 1% false positives, model", scored, _found),
        ("found at 1% false positives, AT2017gfo", real, _found),
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


def _found(scored: dict[str, Scored]) -> float:
    return _share_above(scored[KILONOVA], threshold(scored))


def _share_above(part: Scored, line: float) -> float:
    return float(np.mean(part.chance > line))


def _slices(scored: dict[str, Scored], line: float) -> list[str]:
    bounds: dict[str, Callable[[Scored], BoolArray]] = {
        "2 detections": lambda s: s.n_detections == 2,
        "3-4 detections": lambda s: (s.n_detections > 2) & (s.n_detections < 5),
        "5 or more": lambda s: s.n_detections >= 5,
        "brighter than 19": lambda s: s.magnitude < 19,
        "19 to 20": lambda s: (s.magnitude >= 19) & (s.magnitude < 20),
        "20 or fainter": lambda s: s.magnitude >= 20,
    }
    lines = ["\nshare above the same threshold, by epoch and magnitude: share (samples)"]
    lines.append("| | " + " | ".join(bounds) + " |")
    for label, part in scored.items():
        cells = []
        for inside in bounds.values():
            some = part.take(inside(part))
            cells.append(
                f"{_share_above(some, line):.3f} ({len(some.chance)})" if len(some.chance) else "-"
            )
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines


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
