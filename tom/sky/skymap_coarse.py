"""Join cells of a flat map that hold little, so that a map of too many rows has fewer."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tom.sky.arrays import BoolArray, FloatArray, IntArray

# Level, nested pixel, density, and the distance's columns in a 3D map: arrays of one length.
Rows = list[npt.NDArray[Any]]


def join_slight(rows: Rows, *, least: float, coarsest: int) -> Rows:
    """Join four siblings into their parent where they hold less than a probability, and again.

    The parent has their mean density, so that it has their probability. Its distance is that of the
    densest of them.

    Parameters
    ----------
    rows
        Level (uint8), nested pixel (int64), density (1/sr) and, of a 3D map, `distmu`, `distsigma`
        and `distnorm`: arrays of the shape `(n,)`, in any order. No pixel stands in them twice.
    least
        What four siblings must hold to stay, 0 to 1.
    coarsest
        Rows of this level are not joined.
    """
    level, ipix, *columns = rows
    kept = [_picked(rows, level <= coarsest)]
    carried = [ipix[:0], *(column[:0] for column in columns)]
    for at in range(int(level.max(initial=0)), coarsest, -1):
        here = _picked([ipix, *columns], level == at)
        found = [np.concatenate(pair) for pair in zip(carried, here, strict=True)]
        order = np.argsort(found[0], kind="stable")
        found = [column[order] for column in found]
        families = _slight(found[0], found[1], least=least, area_sr=np.pi / 3 / 4**at)
        stays = np.ones(len(order), dtype=np.bool_)
        stays[families] = False
        kept.append([np.full(int(stays.sum()), at, dtype=np.uint8), *_picked(found, stays)])
        carried = _parents(found, families)
    kept.append([np.full(len(carried[0]), coarsest, dtype=np.uint8), *carried])
    return [np.concatenate(column) for column in zip(*kept, strict=True)]


def _picked(columns: Rows, rows: BoolArray) -> Rows:
    return [column[rows] for column in columns]


def _slight(ipix: IntArray, density: FloatArray, *, least: float, area_sr: float) -> IntArray:
    """Return the rows of each four siblings that hold less than `least`, shape `(k, 4)`."""
    first = np.flatnonzero((ipix[:-3] % 4 == 0) & (ipix[3:] == ipix[:-3] + 3))
    families = first[:, np.newaxis] + np.arange(4)
    is_slight = density[families].sum(axis=1) * area_sr < least
    return np.asarray(families[is_slight], dtype=np.int64)


def _parents(rows: Rows, families: IntArray) -> Rows:
    ipix, density, *distance = rows
    densest = families[np.arange(len(families)), np.argmax(density[families], axis=1)]
    mean = density[families].mean(axis=1)
    return [ipix[families[:, 0]] >> 2, mean, *(column[densest] for column in distance)]
