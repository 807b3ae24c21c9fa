"""Fit `fast_transient` on the folder of real data and write its artefact.

python -m ml_plugins.fast_transient.training.train DATA [MODEL]
"""

import hashlib
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import minimize_scalar

from ml_plugins.fast_transient.features import NAMES, Features, measure
from ml_plugins.fast_transient.mixture import Mixture, fit_mixture
from ml_plugins.fast_transient.model import Model, without
from ml_plugins.injections.samples import Sample
from ml_plugins.injections.shares import KILONOVA, PRIOR, SHARES, class_weights
from ml_plugins.injections.sources import Source
from ml_plugins.injections.split import Data, draw_samples, part_of
from tom.scoring.contract import Batch, FloatArray

SEED = 20170817
NUMBER = 2500
N_PARTS = {
    KILONOVA: 8,
    "supernova": 6,
    "dwarf nova": 5,
    "flare": 5,
    "active nucleus": 3,
    "variable": 5,
}
UNLIKE = Mixture(np.ones(1), np.zeros((1, 3)), np.diag([9.0, 9.0, 2.25])[None])
# Injected sources are fitted as a survey deeper by this many mag sees them: otherwise rates would
# be measured for slow sources only. The test is at the real depth.
DEEPER = 1.0
RISE_GRID = np.array([0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0])
FAST_RISERS = ("dwarf nova", "flare", "unlike")


def fit(data: Data, rng: np.random.Generator) -> Model:
    """Fit the densities, then the temper and the usual pull of each feature on other objects."""
    fitted = draw_samples(data, "fit", number=NUMBER, deeper=DEEPER, rng=rng)
    densities = {
        label: _density(measured(made), N_PARTS[label], rng) for label, made in fitted.items()
    }
    raw = Model(
        densities=densities | {"unlike": UNLIKE},
        shares=SHARES,
        rise_rate=RISE_GRID,
        rise_chance=_rise_chance(
            part_of(data.transients, "fit"), measured(fitted["variable"]).rise
        ),
        temper=1.0,
        spread=np.ones(len(NAMES)),
    )
    tuned = draw_samples(data, "tune", number=NUMBER // 2, deeper=0.0, rng=rng)
    return _tempered(raw, {label: measured(made) for label, made in tuned.items()})


def measured(made: list[Sample]) -> Features:
    """Measure the features of samples."""
    return measure(Batch.build([sample.curve for sample in made]))


def _density(features: Features, n_parts: int, rng: np.random.Generator) -> Mixture:
    kept = features.measured.any(axis=1)
    return fit_mixture(features.value[kept], features.variance[kept], n_parts=n_parts, rng=rng)


def _rise_chance(transients: list[Source], variables: FloatArray) -> FloatArray:
    """Return the chance that an unrelated source rises so fast, by class and share.

    Supernovae by their first two visits, when they rise fastest; variables whenever they rise;
    the fast classes always may. Active nuclei are taken as supernovae.
    """
    first = np.array([rate for source in transients for rate in _first_rise(source)])
    fast = sum(SHARES[label] for label in FAST_RISERS)
    variable = SHARES["variable"] * _at_least(variables[np.isfinite(variables)])
    slow = (1 - fast - SHARES["variable"]) * _at_least(first)
    return np.asarray(fast + variable + slow, float)


def _at_least(rates: FloatArray) -> FloatArray:
    """Return the share of rates at or above each step of the grid; 1 at its start."""
    shares = np.array([np.mean(rates >= rate) for rate in RISE_GRID])
    shares[0] = 1.0
    return shares


def _first_rise(source: Source) -> list[float]:
    """Return the rise between the first visits of a band 0.7 to 3 days apart, mag a day."""
    rates = []
    for band in "gr":
        chosen = np.flatnonzero((source.band == band) & (source.flux > 0))
        gap = source.mjd[chosen] - source.mjd[chosen[0]] if len(chosen) else np.empty(0)
        later = np.flatnonzero((gap > 0.7) & (gap < 3))
        if len(later):
            ratio = source.flux[chosen[later[0]]] / source.flux[chosen[0]]
            rates.append(float(2.5 * np.log10(ratio) / gap[later[0]]))
    return rates


def _tempered(model: Model, parts: dict[str, Features]) -> Model:
    """Fit the temper by log loss, and measure how far each feature moves the log odds."""
    weights = class_weights({label: len(part.rise) for label, part in parts.items()})
    ratio = {
        label: model.density_ratio(part) + model.rise_ratio(part) for label, part in parts.items()
    }
    prior = np.log(PRIOR / (1 - PRIOR))

    def loss(temper: float) -> float:
        total = 0.0
        for label, values in ratio.items():
            sign = -1 if label == KILONOVA else 1
            odds = prior + np.clip(temper * values, -np.log(100), np.log(100))
            total += weights[label] * float(np.sum(np.logaddexp(0, sign * odds)))
        return total

    best = minimize_scalar(loss, bounds=(0.1, 1.0), method="bounded")
    spread = [_pull(model, parts, column) for column in range(len(NAMES))]
    return Model(
        densities=model.densities,
        shares=model.shares,
        rise_rate=model.rise_rate,
        rise_chance=model.rise_chance,
        temper=float(best.x),
        spread=np.array(spread) * float(best.x),
    )


def _pull(model: Model, parts: dict[str, Features], column: int) -> float:
    """Return the spread of a measured feature's effect on the log ratio, over all classes."""
    moves = []
    for part in parts.values():
        moved = model.density_ratio(part) - model.density_ratio(without(part, column))
        moves.append(np.clip(moved[part.measured[:, column]], -np.log(100), np.log(100)))
    return float(np.sqrt(np.mean([np.mean(move**2) for move in moves if len(move)])))


def main(arguments: list[str]) -> None:
    """Fit and write; print what the specification must declare."""
    folder = Path(arguments[0])
    path = Path(arguments[1] if len(arguments) > 1 else Path(__file__).parents[1] / "model.json")
    model = fit(Data.read(folder), np.random.default_rng(SEED))
    model.write(path)
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    sys.stdout.write(f"{path}\nsha256 {digest}\ntemper {model.temper:.3f}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
