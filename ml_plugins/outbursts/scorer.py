"""What scorers by boosted trees have in common."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Generic, TypeVar

import numpy as np

from ml_plugins.outbursts.reasons import log_odds_of, parts_of
from ml_plugins.outbursts.recipe import Look, Recipe
from ml_plugins.outbursts.trees import Trees
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

LookT = TypeVar("LookT", bound=Look)


class TreeScorer(ABC, Generic[LookT]):
    """A scorer whose trees judge features of a look at each object.

    Attributes
    ----------
    spec : ScorerSpec
        Its artefact is what `Trees` reads.
    recipe : Recipe
        How the trees are fitted.
    groups : mapping of str to columns
        Features that are explained together.
    what : str
        The first class in a sentence: `a Ia`.
    """

    spec: ScorerSpec
    recipe: ClassVar[Recipe]
    groups: ClassVar[Mapping[str, Sequence[int]]]
    what: ClassVar[str]

    @abstractmethod
    def look(self, batch: Batch, row: int) -> LookT:
        """Return what is read of one object."""

    @abstractmethod
    def reason(self, look: LookT) -> Reason:
        """Return why an object is not judged; `Reason.OK`: it is."""

    @abstractmethod
    def measure(self, look: LookT) -> FloatArray:
        """Return the features of an object that is judged, shape (d,)."""

    def setup(self, artefacts: Path) -> None:
        """Read the trees."""
        self._trees = Trees.read(artefacts / "model.json")

    def eligible(self, batch: Batch) -> IntArray:
        """Return why each object is not judged, shape (n,)."""
        reasons = [self.reason(self.look(batch, row)) for row in range(len(batch))]
        return np.array(reasons, np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the chances of the classes, and how far they may move at the object's age."""
        looks = [self.look(batch, row) for row in range(len(batch))]
        age = np.array([np.ptp(look.time) for look in looks], float)
        chance = self._trees.chances(self._features(looks))
        return ScoreBatch(probability=chance, sigma=self._trees.sigma(age))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return how far each group of features moved each opinion on the first class."""
        features = self._features([self.look(batch, row) for row in range(len(batch))])
        return parts_of(
            batch, features, groups=self.groups, log_odds=self._log_odds, what=self.what
        )

    def fit(self, batch: Batch, labels: Sequence[str]) -> bytes:
        """Return the artefact fitted to these objects; needs scikit-learn.

        Raises
        ------
        ValueError
            If a class has no object, or too few that say enough.
        """
        from ml_plugins.outbursts.boosting import fit

        looks = [self.look(batch, row) for row in range(len(batch))]
        return fit(looks, labels, measure=self.measure, recipe=self.recipe)

    def _features(self, looks: Sequence[LookT]) -> FloatArray:
        width = 1 + max(column for columns in self.groups.values() for column in columns)
        return np.array([self.measure(look) for look in looks], float).reshape(-1, width)

    def _log_odds(self, features: FloatArray) -> FloatArray:
        return log_odds_of(self._trees.chances(features)[:, 0])
