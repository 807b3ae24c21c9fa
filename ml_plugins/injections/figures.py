"""How well scores tell kilonovae from the rest: shares, areas, calibration, intervals."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from ml_plugins.injections.samples import Sample
from ml_plugins.injections.shares import KILONOVA, class_weights
from tom.photometry import magnitudes
from tom.scoring.contract import Batch, BoolArray, FloatArray, IntArray, Reason, Scorer

SEED = 170817
N_BOOTSTRAPS = 300
FALSE_POSITIVES = 0.01
N_BINS = 10


@dataclass(frozen=True, eq=False)
class Scored:
    """Scores of one class: chance of a kilonova, group, detections, newest magnitude."""

    chance: FloatArray
    group: FloatArray
    n_detections: FloatArray
    magnitude: FloatArray
    n_abstained: int

    def take(self, rows: FloatArray | IntArray | BoolArray) -> "Scored":
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


def score(scorer: Scorer, made: Sequence[Sample]) -> Scored:
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
    return intervals(scored, [figure], N_BOOTSTRAPS)[0]


def intervals(
    scored: dict[str, Scored], of: Sequence[Callable[[dict[str, Scored]], float]], draws: int
) -> list[tuple[float, float, float]]:
    """Return several figures as `interval` does, from the same draws."""
    rng = np.random.default_rng(SEED)
    drawn = []
    for _ in range(draws):
        some = {label: part.resampled(rng) for label, part in scored.items()}
        drawn.append([figure(some) for figure in of])
    ends = np.quantile(np.array(drawn), [0.05, 0.95], axis=0).T.tolist()
    return [(figure(scored), *end) for figure, end in zip(of, ends, strict=True)]


def share_above(part: Scored, line: float) -> float:
    """Return the share of samples above a chance."""
    return float(np.mean(part.chance > line))


def found_at_line(scored: dict[str, Scored]) -> float:
    """Return the share of kilonovae found where 1% of the unrelated sources are, too."""
    return share_above(scored[KILONOVA], threshold(scored))


def slices(scored: dict[str, Scored], line: float) -> list[str]:
    """Return a table of the shares above a chance, by detections and by newest magnitude."""
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
                f"{share_above(some, line):.3f} ({len(some.chance)})" if len(some.chance) else "-"
            )
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return lines
