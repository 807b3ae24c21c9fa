"""Labels of objects as columns of a scorer's classes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from tom.scoring.contract import FloatArray, IntArray
from tom.taxonomy import find_class, lineage

OTHER: Final = "other"


@dataclass(frozen=True, eq=False)
class Classes:
    """The classes that figures are counted by.

    Attributes
    ----------
    names : tuple of str, length k
    truth : array of int, shape (n,)
        The column of each object's class; -1: the scorer has no such class.
    column : array of int, shape (number of the scorer's classes,)
        The column to which each of the scorer's classes counts.
    """

    names: tuple[str, ...]
    truth: IntArray
    column: IntArray

    def merge(self, chance: FloatArray) -> FloatArray:
        """Return the chances of these classes, shape (n, k), from those of the scorer's."""
        merged = np.zeros((len(chance), len(self.names)))
        np.add.at(merged.T, self.column, chance.T)
        return merged


def class_of(label: str, classes: Sequence[str]) -> str | None:
    """Return the scorer's class of a label: itself or the nearest wider one; None: it has none.

    A label that is wider than each of the scorer's classes has none: `supernova` may be any of its
    types. If the scorer has a class `other`, all that is of no other class belongs to it.
    """
    found = find_class(label)
    wider = (label,) if found is None else (label, *lineage(found))
    for name in wider:
        if name in classes:
            return name
    holds = found is not None and any(found in lineage(name) for name in classes)
    return OTHER if OTHER in classes and not holds else None


def classes_of(labels: Sequence[str], spec_classes: Sequence[str]) -> Classes:
    """Return the classes to count by.

    A class of the scorer that no label has counts to the nearest wider class that a label has: a
    IIn of a file that knows only II is a II.
    """
    told = [class_of(label, spec_classes) for label in labels]
    there = {name for name in told if name is not None}
    target = {name: _counts_to(name, there) for name in spec_classes}
    names = tuple(name for name in spec_classes if target[name] == name)
    truth = [names.index(name) if name is not None else -1 for name in told]
    column = [names.index(target[name]) for name in spec_classes]
    return Classes(names, np.array(truth, np.int64), np.array(column, np.int64))


def _counts_to(name: str, there: set[str]) -> str:
    return next((wider for wider in lineage(name) if wider in there), name)
