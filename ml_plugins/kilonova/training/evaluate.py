"""Measure `kilonova` on objects it was not fitted on, beside `fast_transient`.

python -m ml_plugins.kilonova.training.evaluate DATA [ARTEFACT]

Prints the figures of the model card. Intervals are the central 90% of a bootstrap over objects.
With an artefact of before: what is gained over it, with 95% of a paired bootstrap over objects.
"""

import itertools
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from ml_plugins.fast_transient import FastTransient
from ml_plugins.injections import figures, samples
from ml_plugins.injections.figures import Scored, score, share_above
from ml_plugins.injections.samples import Placed, Sample, Sky
from ml_plugins.injections.shares import KILONOVA, class_weights
from ml_plugins.injections.split import Data, draw_samples, part_of
from ml_plugins.kilonova import Kilonova
from ml_plugins.kilonova.model import Model
from ml_plugins.kilonova.training.real import found_when
from ml_plugins.kilonova.training.sampling import (
    FAMILY_SHARES,
    draw_kilonovae,
    draw_unrelated,
    each,
    give_host,
    seen_twice,
    take_limits,
)
from tom.scoring.contract import FloatArray, Scorer

NUMBER = 500
NEW_PER_100_DEG2 = 179.0
"""New sources per 100 deg2 of a search to i 22.5: arXiv:1710.02144."""
EFFICIENCY = 0.5
DRAWS = 100
"""So many bootstraps of all classes."""

Made = dict[str, list[Sample]]
Parts = dict[str, Scored]
FIGURES: list[tuple[str, Callable[[Parts], float]]] = [
    ("area", lambda some: figures.area_under_curve(some, some[KILONOVA])),
    ("found at 1%", figures.found_at_line),
    ("log loss", figures.log_loss),
    ("calibration error", figures.calibration_error),
]
HOSTED = "with a host"


def held_out(data: Data, rng: np.random.Generator) -> tuple[Made, Made]:
    """Return the unrelated classes, and kilonovae by family with AT2017gfo and real novae."""
    sky = Sky(part_of(data.transients, "test"), data.depths)
    found = draw_kilonovae(sky, 2 * NUMBER, rng)
    light = samples.published(data.at2017gfo)
    found["AT2017gfo"] = list(samples.injected(sky, light, "AT2017gfo", NUMBER, rng))
    novae = [star for star in data.transients if star.label == "nova"]
    found["nova"] = list(samples.real(novae, 20, rng))
    made = draw_unrelated(data, "test", NUMBER, rng)
    return tuple({label: seen_twice(part) for label, part in of.items()} for of in (made, found))  # type: ignore[return-value]


def scores_of(scorer: Scorer, made: Made) -> Parts:
    """Score every class."""
    return {label: score(scorer, part) for label, part in made.items()}


def together(parts: Sequence[Scored]) -> Scored:
    """Return the samples of several families as those of one class."""
    columns = [
        np.concatenate([getattr(part, name) for part in parts])
        for name in ("chance", "n_detections", "magnitude")
    ]
    group = np.concatenate([part.group + 1e6 * at for at, part in enumerate(parts)])
    return Scored(columns[0], group, columns[1], columns[2], sum(p.n_abstained for p in parts))


def as_bright(parts: Parts, rng: np.random.Generator) -> Parts:
    """Draw unrelated samples again, so that they are as bright as the kilonovae, by half mag."""
    wanted = np.floor(2 * parts[KILONOVA].magnitude)
    found = {KILONOVA: parts[KILONOVA]}
    for label, part in parts.items():
        if label != KILONOVA:
            own = np.floor(2 * part.magnitude)
            share = np.array([np.mean(wanted == at) / np.mean(own == at) for at in own])
            found[label] = part.take(rng.choice(len(own), len(own), p=share / share.sum()))
    return found


def overall(name: str, parts: Parts) -> list[str]:
    """Return a line for each figure of all classes."""
    n = len(parts[KILONOVA].chance)
    found = figures.intervals(parts, [of for _, of in FIGURES], DRAWS)
    return [
        f"| {name} | {what} (n {n}) | {value:.3f} ({low:.3f}-{high:.3f}) |"
        for (what, _), (value, low, high) in zip(FIGURES, found, strict=True)
    ]


def shares(parts: Parts, line: float) -> list[str]:
    """Return the share of each class above a chance."""
    lines = []
    for label, part in parts.items():
        value = figures.interval({KILONOVA: part}, lambda some: share_above(some[KILONOVA], line))
        told = "{:.3f} ({:.3f}-{:.3f})".format(*value)
        lines.append(f"| {label} | {len(part.chance)} | {told} |")
    return lines


def contaminants(parts: Parts) -> str:
    """Return how many unrelated new sources pass where half of the kilonovae do."""

    def passed(some: Parts) -> float:
        line = float(np.quantile(some[KILONOVA].chance, 1 - EFFICIENCY))
        others = {label: part for label, part in some.items() if label != KILONOVA}
        weights = class_weights({k: len(p.chance) for k, p in some.items()})
        above = [np.sum(part.chance > line) * weights[label] for label, part in others.items()]
        of_all = sum(weights[label] * len(part.chance) for label, part in others.items())
        return NEW_PER_100_DEG2 * float(sum(above)) / of_all

    return "{:.2f} ({:.2f}-{:.2f}) of {:.0f}".format(
        *figures.intervals(parts, [passed], DRAWS)[0], NEW_PER_100_DEG2
    )


def by_truth(made: Sequence[Sample], chance: FloatArray, line: float) -> list[str]:
    """Return the share found by distance and by age, of placed kilonovae."""
    lights = [sample.light for sample in made]
    placed = [light for light in lights if isinstance(light, Placed)]
    megaparsec = np.array([light.megaparsec for light in placed])
    now = np.array([sample.curve.as_of_mjd for sample in made])
    days = now - np.array([light.merger for light in placed])
    lines = []
    for what, of, edges in (
        ("Mpc", megaparsec, (0, 80, 140, 200)),
        ("days", days, (0, 1, 2, 4, 6.1)),
    ):
        for low, high in itertools.pairwise(edges):
            inside = (of >= low) & (of < high)
            told = f"{np.mean(chance[inside] > line):.3f} ({inside.sum()})" if inside.any() else "-"
            lines.append(f"| {low} to {high} {what} | {told} |")
    return lines


def world(name: str, scorer: Scorer, others: Made, found: Made) -> tuple[list[str], float]:
    """Return the tables of one world, and its line of 1% false positives."""
    families = [label for label in found if label not in {"AT2017gfo", "nova"}]
    parts, kinds = scores_of(scorer, others), scores_of(scorer, found)
    positive = together([kinds[label] for label in families])
    everything = {KILONOVA: positive} | parts
    line = figures.threshold(everything)
    matched = as_bright(everything, np.random.default_rng(figures.SEED))
    lines = [*overall(name, everything), *overall(f"{name}, as bright", matched)]
    lines += [f"line {line:.3f}", *shares(parts | kinds, line)]
    lines += [f"contaminants per 100 deg2: {contaminants(everything)}"]
    if isinstance(scorer, Kilonova):
        made = [sample for label in families for sample in found[label]]
        lines += by_truth(made, positive.chance, line)
        lines += figures.slices({KILONOVA: positive}, line)
        lines += [f"| {a:.3f} | {b:.3f} | {n} |" for a, b, n in figures.reliability(everything)]
    return lines, line


def beside(ours: Scorer, theirs: Scorer, data: Data, rng: np.random.Generator) -> list[str]:
    """Measure both on the samples of `fast_transient`'s own card that both judge."""
    made = draw_samples(data, "test", number=NUMBER, deeper=0.0, rng=rng)
    kept = {
        label: [sample for sample in part if _judges(theirs, sample)]
        for label, part in made.items()
    }
    lines = []
    for name, scorer in (("kilonova", ours), ("fast_transient", theirs)):
        lines += overall(f"{name}, on fast_transient's test", scores_of(scorer, kept))
    hosted = {label: [give_host(one, rng) for one in part] for label, part in kept.items()}
    return lines + overall("with a host, the same", scores_of(ours, hosted))


def worlds(data: Data, rng: np.random.Generator) -> Iterator[tuple[str, tuple[Made, Made]]]:
    """Yield the samples of the test as they are, without their limits, and with a host."""
    others, found = held_out(data, rng)
    yield "alone", (others, found)
    yield "without limits", (each(others, take_limits), each(found, take_limits))

    def hosted(one: Sample) -> Sample:
        return give_host(one, rng)

    yield HOSTED, (each(others, hosted), each(found, hosted))


def compared(data: Data, before: Path, rng: np.random.Generator) -> Iterator[str]:
    """Yield what the plugin gains over an artefact of before, on the same samples."""
    models = [Model.read(path) for path in (before, Path(__file__).parents[1] / "model.json")]
    scorers = [Kilonova.of(model) for model in models]
    for name, (others, found) in worlds(data, rng):
        families = [found[label] for label in FAMILY_SHARES]
        both = [
            {KILONOVA: together([score(one, part) for part in families])} | scores_of(one, others)
            for one in scorers
        ]
        yield from gains(name, both[0], both[1])


def gains(name: str, before: Parts, after: Parts) -> list[str]:
    """Return a line for each figure: before, after, and the gain with 95% of paired draws."""
    drawn = []
    for draw in range(figures.N_BOOTSTRAPS):
        some = []
        for parts in (before, after):
            rng = np.random.default_rng([figures.SEED, draw])  # the same objects of both
            resampled = {label: part.resampled(rng) for label, part in parts.items()}
            some.append([of(resampled) for _, of in FIGURES])
        drawn.append(np.subtract(some[1], some[0]))
    low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
    n = len(before[KILONOVA].chance)
    return [
        f"| {name} | {what} (n {n}) | {of(before):.3f} | {of(after):.3f} | "
        f"{of(after) - of(before):+.3f} ({low[at]:+.3f} to {high[at]:+.3f}) |"
        for at, (what, of) in enumerate(FIGURES)
    ]


def _judges(scorer: Scorer, sample: Sample) -> bool:
    return score(scorer, [sample]).n_abstained == 0


def report(data: Data, folder: Path, rng: np.random.Generator) -> Iterator[str]:
    """Yield the lines of the card's tables."""
    ours, theirs = Kilonova(), FastTransient()
    plugins = Path(__file__).parents[2]
    ours.setup(plugins / "kilonova")
    theirs.setup(plugins / "fast_transient")
    for name, (others, found) in worlds(data, rng):
        more, line = world(name, ours, others, found)
        yield from ("", *more, *found_when(ours, folder, line, hosted=name == HOSTED))
    yield from ("", *world("fast_transient", theirs, others, found)[0])
    yield from ("", *beside(ours, theirs, data, rng))


def main(arguments: list[str]) -> None:
    """Print the figures, or what is gained over an artefact."""
    folder, *before = map(Path, arguments)
    data, rng = Data.read(folder), np.random.default_rng(figures.SEED)
    for line in compared(data, before[0], rng) if before else report(data, folder, rng):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
