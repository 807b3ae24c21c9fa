"""Draw the templates of `kilonova`, fit the trees on their densities, and write its artefact.

python -m ml_plugins.kilonova.training.train DATA [MODEL]
"""

import hashlib
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier
from threadpoolctl import threadpool_limits

from ml_plugins.injections.samples import Sample
from ml_plugins.injections.shares import class_weights
from ml_plugins.injections.split import Data
from ml_plugins.kilonova.model import CLASSES, features_of, weigh
from ml_plugins.kilonova.templates import Templates
from ml_plugins.kilonova.training.drawing import draw_templates
from ml_plugins.kilonova.training.sampling import (
    draw_all,
    each,
    give_host,
    seen_twice,
    take_limits,
)
from ml_plugins.outbursts.fitted import boosted_numbers
from ml_plugins.outbursts.trees import Trees
from tom.scoring.contract import Batch, FloatArray, IntArray

SEED = 20170817
NUMBER = 2000
PARAMETERS = {
    "max_iter": 120,
    "learning_rate": 0.08,
    "max_leaf_nodes": 6,
    "min_samples_leaf": 30,
    "l2_regularization": 5.0,
    "early_stopping": False,
    "random_state": SEED,
}


class Rows(NamedTuple):
    """Samples for the trees: features (n, d), numbers of `CLASSES` and weights, shape (n,)."""

    features: FloatArray
    truth: IntArray
    weight: FloatArray


def fit(data: Data, rng: np.random.Generator) -> dict[str, Any]:
    """Return the artefact: templates from one part of the objects, trees from another."""
    templates = draw_templates(data, rng)
    made = {label: seen_twice(part) for label, part in draw_all(data, "tune", NUMBER, rng).items()}
    worlds = [made, each(made, lambda one: give_host(one, rng))]
    # Some streams tell no limits. And the real light curves have none: that is to teach nothing.
    worlds += [each(world, take_limits) for world in worlds]
    alone, hosted, *others = (rows_of(templates, world) for world in worlds)
    rows = Rows(*(np.concatenate(parts) for parts in zip(alone, hosted, *others, strict=True)))
    with threadpool_limits(1):
        model = HistGradientBoostingClassifier(**PARAMETERS)
        model.fit(rows.features, rows.truth, sample_weight=rows.weight * len(rows.weight))
    told = {"classes": list(CLASSES), **boosted_numbers(model)}
    return {
        **told,
        "host_pull": round(_pull(Trees.of(told), alone.features, hosted.features), 3),
        "templates": {label: part.told() for label, part in templates.items()},
    }


def rows_of(templates: dict[str, Templates], made: Mapping[str, Sequence[Sample]]) -> Rows:
    """Weigh samples of each class; together a class weighs as its prior."""
    features, truth, weight = [], [], []
    weights = class_weights({label: len(made[label]) for label in CLASSES})
    for number, label in enumerate(CLASSES):
        batch = Batch.build([sample.curve for sample in made[label]])
        features.append(features_of(weigh(templates, batch)))
        truth.append(np.full(len(batch), number))
        weight.append(np.full(len(batch), weights[label]))
    return Rows(np.concatenate(features), np.concatenate(truth), np.concatenate(weight))


def _pull(trees: Trees, alone: FloatArray, hosted: FloatArray) -> float:
    """How far hosts moved the log odds of kilonovae: the root mean square."""
    chances = (np.clip(trees.chances(of)[:, 0], 1e-4, 1 - 1e-4) for of in (alone, hosted))
    first, then = (np.log(chance / (1 - chance)) for chance in chances)
    return float(np.sqrt(np.mean((then - first) ** 2)))


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    path = Path(arguments[1] if len(arguments) > 1 else Path(__file__).parents[1] / "model.json")
    told = fit(Data.read(Path(arguments[0])), np.random.default_rng(SEED))
    path.write_text(json.dumps(told, separators=(",", ":")) + "\n", encoding="ascii")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sys.stdout.write(f"{path}\nsha256 {digest}\nhost pull {told['host_pull']}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
