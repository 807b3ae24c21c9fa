"""How likely each class is for each object: its templates, its host's distance, its place."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np

from ml_plugins.injections.shares import KILONOVA, PRIOR
from ml_plugins.kilonova.points import Points, points_of
from ml_plugins.kilonova.shape import shape_of
from ml_plugins.kilonova.templates import Fit, Templates
from ml_plugins.outbursts.trees import Trees
from tom.scoring.contract import Batch, FloatArray, Host
from tom.sky import galactic
from tom.sky.counts import USUAL_DEPTH, USUAL_SLOPE, count_density
from tom.sky.dwarfs import dwarf_density, mean_density

FAMILIES = ("two components", "blue", "red", "with an afterglow")
"""The families of kilonovae, as `Templates.family` numbers them."""
CLASSES = {
    KILONOVA: "kilonova",
    "supernova": "supernova",
    "dwarf nova": "cataclysmic variable",
    "flare": "stellar flare",
    "active nucleus": "agn",
    "variable": "periodic variable",
}
"""The classes of the samples, and their names in `tom.taxonomy`."""
PRIORS = (PRIOR, 0.44, 0.137, 0.098, 0.098, 0.177)
"""Their shares: those of `ml_plugins.injections.shares`, to 0.001."""
GALACTIC = ("dwarf nova", "flare", "variable")
"""The classes of stars: they are as dense as dwarfs are at a place."""
FAMILY_OFF = 0.33
"""How many magnitudes the models as a whole may be off: as `tom.ranking.lights` has it."""
CHANCE_HOST = 0.1
"""The chance that what is taken for the host is none, or its distance wrong."""
HOST_ERROR = 0.15
"""The fractional error of a distance that has none."""
DEPTH_WIDTH = 0.5
"""How gradually surveys lose sources, magnitudes."""
MOST = 0.005
"""The share of sources of which nothing here is true: it bounds all odds."""
LEAST_CHANCE = 1e-9
FURTHEST = 40.0
"""Larger log ratios say no more than this."""


class Distances(NamedTuple):
    """Of n hosts the distance modulus and its error, shape (n,); NaN: not known."""

    modulus: FloatArray
    error: FloatArray


class Evidence(NamedTuple):
    """The log density of n objects' points for each class, shape (n, classes).

    `families` is that for each family of kilonovae, shape (n, families), with its share. `host` is
    how far the host's distance moved the kilonovae's, shape (n,); NaN: there is no host. `shape` is
    what `shape_of` the points says.
    """

    classes: FloatArray
    families: FloatArray
    host: FloatArray
    shape: FloatArray


@dataclass(frozen=True, eq=False)
class Model:
    """The templates, and the trees that make their densities calibrated chances.

    `templates` are by class, kilonovae first. The trees are of `CLASSES`, in their order. The
    host's distance usually moves the log odds of a kilonova by `host_pull`.
    """

    templates: dict[str, Templates]
    trees: Trees
    host_pull: float

    @classmethod
    def read(cls, path: Path) -> Self:
        """Read the artefact."""
        told = json.loads(path.read_text(encoding="ascii"))
        templates = {label: Templates.of(part) for label, part in told["templates"].items()}
        return cls(templates, Trees.of(told), told["host_pull"])

    def evidence(self, batch: Batch) -> Evidence:
        """Weigh every object of a batch."""
        return weigh(self.templates, batch)

    def chances(self, batch: Batch) -> FloatArray:
        """Return the chance of each class, shape (n, classes)."""
        evidence = weigh(self.templates, batch)
        logs = np.log(np.maximum(self.trees.chances(features_of(evidence)), LEAST_CHANCE))
        logs += place_of(batch)
        chance = np.exp(logs - log_sum(logs)[:, None])
        return np.asarray((1 - MOST) * chance + MOST * np.array(PRIORS))


def weigh(templates: Mapping[str, Templates], batch: Batch) -> Evidence:
    """Find how likely the templates of each class are for each object of a batch."""
    points, n = points_of(batch), len(batch)
    fits = {label: some.fit(points, n) for label, some in templates.items()}
    logs = {label: _log_mean(fit.log_density) for label, fit in fits.items()}
    alone, fit, distances = logs[KILONOVA], fits[KILONOVA], distances_of(batch)
    host = _log_of_host(fit, distances, newest_magnitude(points, n))
    families = _by_family(fit.log_density + host, templates[KILONOVA])
    logs[KILONOVA] = log_sum(families)
    moved = np.where(np.isfinite(distances.modulus), logs[KILONOVA] - alone, np.nan)
    classes = np.stack(list(logs.values()), axis=1)
    return Evidence(classes, families, moved, shape_of(points, n))


def features_of(evidence: Evidence) -> FloatArray:
    """Return what the trees read, shape (n, d): log ratios to kilonovae as a whole.

    Of each other class, of each family of kilonovae, and how far the host moved these (NaN: there
    is none); then the shape. The number of points is not among them: it would teach how a sample
    was made.
    """
    whole = evidence.classes[:, :1]
    classes = np.clip(evidence.classes[:, 1:] - whole, -FURTHEST, FURTHEST)
    families = np.maximum(evidence.families - whole, -FURTHEST)
    return np.concatenate([classes, families, evidence.host[:, None], evidence.shape], axis=1)


def place_of(batch: Batch) -> FloatArray:
    """Return the log of how dense each class is at each place over its mean, (n, classes)."""
    factor = np.zeros((len(batch), len(CLASSES)))
    known = np.isfinite(batch.ra) & np.isfinite(batch.dec)
    there = dwarf_density(*galactic(batch.ra[known], batch.dec[known])) / mean_density()
    for column, label in enumerate(CLASSES):
        if label in GALACTIC:
            factor[known, column] = np.log(there)
    return factor


def distances_of(batch: Batch) -> Distances:
    """Read the hosts that a batch was given."""
    hosts: Sequence[Host | None] = batch.given.get("host", (None,) * len(batch))
    distance = np.array([np.nan if host is None else host.distance_mpc for host in hosts], float)
    error = np.array([np.nan if host is None else host.error_mpc for host in hosts], float)
    with np.errstate(invalid="ignore", divide="ignore"):
        known = np.where(distance > 0, distance, np.nan)
        fraction = np.where(error > 0, error / known, HOST_ERROR)
    return Distances(5 * np.log10(known) + 25, 5 / np.log(10) * fraction)


def newest_magnitude(points: Points, n: int) -> FloatArray:
    """Return the magnitude of each newest detection, shape (n,); NaN: there is none."""
    newest = np.full(n, np.nan)
    seen = points.is_detection
    newest[points.row[seen]] = points.magnitude[seen]  # in order of time: the last one stays
    return newest


def _log_of_host(fit: Fit, host: Distances, magnitude: FloatArray) -> FloatArray:
    """Return how the host's distance changes each template's log density, shape (n, k).

    A template that is brought to the points is as far as its modulus says. That is compared with
    the host's, and the density of magnitudes of unrelated sources takes the flat prior's place.
    """
    variance = fit.variance + host.error**2 + FAMILY_OFF**2
    off = fit.modulus - host.modulus[:, None]
    likely = np.exp(-0.5 * off**2 / variance[:, None]) / np.sqrt(2 * np.pi * variance)[:, None]
    usual = count_density(magnitude, slope=USUAL_SLOPE, depth=USUAL_DEPTH, width=DEPTH_WIDTH)
    ratio = likely / usual[:, None]
    known = np.isfinite(ratio)
    return np.where(known, np.log((1 - CHANCE_HOST) * np.where(known, ratio, 0) + CHANCE_HOST), 0.0)


def _by_family(logs: FloatArray, templates: Templates) -> FloatArray:
    """Return the log density of each family times its share of the templates."""
    whole = np.log(logs.shape[1])
    return np.stack(
        [log_sum(logs[:, templates.family == at]) - whole for at in range(len(FAMILIES))], axis=1
    )


def _log_mean(logs: FloatArray) -> FloatArray:
    return np.asarray(log_sum(logs) - np.log(logs.shape[1]))


def log_sum(logs: FloatArray) -> FloatArray:
    """Return the log of the sum of exponentials of each row, shape (n,)."""
    most = logs.max(axis=1)
    return np.asarray(most + np.log(np.exp(logs - most[:, None]).sum(axis=1)))
