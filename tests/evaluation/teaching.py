"""Whether spectra that are suggested teach a scorer more than others do, on real supernovae.

    .venv/bin/python -m tests.evaluation.teaching ../shared/data/ml

Supernovae of ZTF with a class, by halves: one half is the pool, of which the 60 brightest are known
at first; by the other half it is measured. Each night 10 of the pool are typed, and a forest of 100
trees is grown anew on the features of `ml_plugins.outbursts`. Who is typed: those that
`tom.ranking.teaching` chooses, with and without a fifth at random; those of the highest entropy;
the brightest; anybody. Prints a line for each: macro-F1 and log loss after the last night, their
mean over the splits, and what it gains over anybody, paired by split, with the 95% interval of the
mean (bootstrap over splits).
"""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import f1_score, log_loss

from ml_plugins.outbursts.features import measure, nights_of
from ml_plugins.outbursts.known import Known, read_known
from ml_plugins.sn_type import SnType
from tom.ranking.teaching import choose, doubt_of, standardise

KNOWN, EACH_NIGHT, NIGHTS, SPLITS = 60, 10, 10, 10
Array = npt.NDArray[Any]
Pick = Callable[..., list[int]]


def main() -> None:
    """Measure each way to choose."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    given = parser.parse_args()
    light, labels = given.data / "ztf_bts_lc.parquet", given.data / "ztf_bts_meta.parquet"
    features, figures, truth = measured(read_known(light, labels, classes=SnType.spec.classes))
    found = {
        name: np.array([try_once(features, figures, truth, pick, seed) for seed in range(SPLITS)])
        for name, pick in WAYS.items()
    }
    for name, told in found.items():
        gains = told - found["anybody"]
        line = {"way": name, "objects": len(truth), "splits": SPLITS}
        for at, figure in enumerate(("macro_f1", "log_loss")):
            line[figure] = round(float(told[:, at].mean()), 4)
            line[f"{figure}_gain"] = [round(each, 4) for each in interval(gains[:, at])]
        sys.stdout.write(json.dumps(line) + "\n")


def measured(known: Known) -> tuple[Array, Array, Array]:
    """Return features, what tells who is alike, and the class of those with a night in g and r."""
    nights = [nights_of(known.batch, row) for row in range(len(known.batch))]
    fit = [row for row, seen in enumerate(nights) if {0, 1} <= set(seen.band.tolist())]
    features = np.array([measure(nights[row]) for row in fit])
    figures = np.array(
        [
            [
                -2.5 * np.log10(seen.flux.max()),
                np.log10(len(seen.time)),
                np.log10(1 + np.ptp(seen.time)),
            ]
            for seen in (nights[row] for row in fit)
        ]
    )
    return features, figures, np.array([known.classes[row] for row in fit])


def try_once(
    features: Array, figures: Array, truth: Array, pick: Pick, seed: int
) -> tuple[float, float]:
    """Return macro-F1 and log loss after the last night, in one split."""
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(truth))
    pool, judged = order[: len(order) // 2], order[len(order) // 2 :]
    typed = pool[np.argsort(figures[pool, 0])][:KNOWN].tolist()
    scaled = standardise(figures)
    for _ in range(NIGHTS):
        left = np.array([row for row in pool if row not in set(typed)])
        chance = grown(features, truth, typed).predict_proba(features[left])
        typed += left[pick(chance, scaled[left], scaled[typed], rng=rng)].tolist()
    model = grown(features, truth, typed)
    chance = np.full((len(judged), len(set(truth))), 1e-3)
    names = sorted(set(truth))
    places = [names.index(name) for name in model.classes_]
    chance[:, places] = np.maximum(model.predict_proba(features[judged]), 1e-3)
    chance /= chance.sum(axis=1, keepdims=True)
    told = np.array(names)[chance.argmax(axis=1)]
    return (
        float(f1_score(truth[judged], told, average="macro")),
        float(log_loss(truth[judged], chance, labels=names)),
    )


def grown(features: Array, truth: Array, rows: list[int]) -> RandomForestClassifier:
    """Grow a forest on those that are typed."""
    model = RandomForestClassifier(100, min_samples_leaf=2, random_state=0, n_jobs=1)
    return model.fit(features[rows], truth[rows])


def by_teaching(chance: Array, left: Array, typed: Array, **given: Any) -> list[int]:
    """Those that `tom.ranking.teaching` chooses; `share` of them at random."""
    rng, n_random = given["rng"], round(given.get("share", 0.0) * EACH_NIGHT)
    drawn = rng.permutation(len(left))[:n_random].tolist()
    doubt = entropies(chance)
    doubt[drawn] = 0.0
    return drawn + [each.row for each in choose(doubt, left, typed, most=EACH_NIGHT - n_random)]


def entropies(chance: Array) -> Array:
    """Return the doubt about each row, as the page counts it of one scorer."""
    return np.array([doubt_of([dict(zip("abcdefgh", row, strict=False))]).total for row in chance])


def interval(gains: Array) -> list[float]:
    """Return the mean and its 95% interval."""
    rng = np.random.default_rng(0)
    means = rng.choice(gains, (2000, len(gains))).mean(axis=1)
    return [float(gains.mean()), *np.quantile(means, [0.025, 0.975]).tolist()]


WAYS: dict[str, Pick] = {
    "suggested": by_teaching,
    "suggested, a fifth at random": partial(by_teaching, share=0.2),
    "highest entropy": lambda chance, left, typed, rng: np.argsort(-entropies(chance))[
        :EACH_NIGHT
    ].tolist(),
    "brightest": lambda chance, left, typed, rng: np.argsort(left[:, 0])[:EACH_NIGHT].tolist(),
    "anybody": lambda chance, left, typed, rng: rng.permutation(len(left))[:EACH_NIGHT].tolist(),
}

if __name__ == "__main__":
    main()
