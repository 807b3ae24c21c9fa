"""The fitted model: class densities of the features, and the likelihood ratio they give."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np

from ml_plugins.fast_transient.features import NAMES, Features
from ml_plugins.fast_transient.mixture import Mixture
from ml_plugins.injections.shares import KILONOVA
from tom.scoring.contract import FloatArray

# The largest odds that the samples can support: a hundred, for or against.
MOST = float(np.log(100))


@dataclass(frozen=True, eq=False)
class Model:
    """The density of each class, and the numbers that make their ratio calibrated log odds.

    Attributes
    ----------
    densities : dict of str to Mixture
        One of them is `kilonova`.
    shares : dict of str to float
        Of the other classes among unrelated sources; they sum to 1.
    rise_rate, rise_chance : array, shape (r,)
        Chance that an unrelated source rises at least this fast, mag a day.
    temper : float
        0 to 1: the share of the log ratio of densities that holds on other objects.
    spread : array, shape (d,)
        How far each feature usually moves the log odds (standard deviation).
    """

    densities: dict[str, Mixture]
    shares: dict[str, float]
    rise_rate: FloatArray
    rise_chance: FloatArray
    temper: float
    spread: FloatArray

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the artefact."""
        stored = json.loads(path.read_text(encoding="utf-8"))
        return cls(
            densities={
                label: Mixture(*(np.array(part[key]) for key in ("share", "mean", "covariance")))
                for label, part in stored["densities"].items()
            },
            shares=stored["shares"],
            rise_rate=np.array(stored["rise_rate"]),
            rise_chance=np.array(stored["rise_chance"]),
            temper=stored["temper"],
            spread=np.array(stored["spread"]),
        )

    def write(self, path: Path) -> None:
        """Write the artefact, rounded to the precision of the fit."""
        stored = {
            "densities": {
                label: {
                    "share": _rounded(part.share),
                    "mean": _rounded(part.mean),
                    "covariance": _rounded(part.covariance),
                }
                for label, part in self.densities.items()
            },
            "shares": self.shares,
            "rise_rate": _rounded(self.rise_rate),
            "rise_chance": _rounded(self.rise_chance),
            "temper": round(self.temper, 4),
            "spread": _rounded(self.spread),
        }
        path.write_text(json.dumps(stored, indent=1) + "\n", encoding="utf-8")

    def log_ratio(self, features: Features) -> FloatArray:
        """Return the calibrated log likelihood ratio of a kilonova, natural, shape (n,)."""
        total = self.temper * (self.density_ratio(features) + self.rise_ratio(features))
        return np.clip(total, -MOST, MOST)

    def density_ratio(self, features: Features) -> FloatArray:
        """Return the log ratio of the densities of rates and colour, shape (n,)."""
        least = np.column_stack([features.fade, np.full(len(features.rise), np.nan)])
        logs = {
            label: density.log_density(features.value, features.variance, least)
            for label, density in self.densities.items()
        }
        others = np.stack([logs[label] + np.log(share) for label, share in self.shares.items()])
        ratio: FloatArray = logs[KILONOVA] - np.logaddexp.reduce(others, axis=0)
        return ratio

    def rise_ratio(self, features: Features) -> FloatArray:
        """Return the log ratio for a rise at least this fast, shape (n,); a kilonova always may."""
        rate = np.where(np.isfinite(features.rise), features.rise, -np.inf)
        chance = np.interp(rate, self.rise_rate, self.rise_chance)
        ratio: FloatArray = -np.log(chance)
        return ratio

    def sigma(self, features: Features) -> FloatArray:
        """Return how far unknown features could move the log odds, shape (n,).

        The squares of the features' usual moves are added, each times the share of the feature's
        variance that is not known, and the square of `BASE_SIGMA`.
        """
        mean_variance = np.einsum(
            "k,kjj->j", self.densities[KILONOVA].share, self.densities[KILONOVA].covariance
        )
        with np.errstate(invalid="ignore"):
            known = mean_variance / (mean_variance + features.variance)
        left_open = 1 - np.where(np.isfinite(features.variance), known, 0.0)
        sigma: FloatArray = np.sqrt(BASE_SIGMA**2 + np.sum(self.spread**2 * left_open, axis=1))
        return sigma


# Sigma if every feature is known: the spread between fits to resampled objects is smaller.
BASE_SIGMA = 0.5


def without(features: Features, column: int) -> Features:
    """Return the features with one of them taken as not measured."""
    variance = features.variance.copy()
    variance[:, column] = np.inf
    fade = features.fade.copy()
    if column < fade.shape[1]:
        fade[:, column] = np.nan
    return Features(value=features.value, variance=variance, fade=fade, rise=features.rise)


def contributions(model: Model, features: Features) -> dict[str, FloatArray]:
    """Return, per feature and for the rise, how far it moved the log ratio, shape (n,).

    No feature counts for more than the samples can support.
    """
    whole = model.density_ratio(features)
    parts = {
        name: whole - model.density_ratio(without(features, column))
        for column, name in enumerate(NAMES)
    }
    parts["rise"] = model.rise_ratio(features)
    return {name: np.clip(model.temper * part, -MOST, MOST) for name, part in parts.items()}


def _rounded(values: FloatArray) -> object:
    return np.round(values, 5).tolist()
