"""Which names are of one object, and a split into folds that keeps an object's names together."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from tom.scoring.contract import Curve, IntArray
from tom.scoring.evaluation.columns import Labelled, WrongFileError

SAME_PLACE_ARCSEC: Final = 1.5
"""Two labelled transients that are nearer than this are taken for one."""


def groups_of(objects: Sequence[Labelled], prints: Mapping[str, str]) -> IntArray:
    """Return the group of each object, shape (n,): one group for all names of an object.

    Two names are of one object if they have one alias, one place on the sky, or the same points
    (`prints`: the fingerprint of each name's points).
    """
    parent = list(range(len(objects)))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = parent[parent[row]]
            row = parent[row]
        return row

    seen: dict[str, int] = {}
    for row, each in enumerate(objects):
        for key in _keys(each, prints.get(each.name, "")):
            parent[root(row)] = root(seen.setdefault(key, row))
    for one, other in _near(objects):
        parent[root(one)] = root(other)
    return np.array([root(row) for row in range(len(objects))], np.int64)


def check_folds(objects: Sequence[Labelled], group: IntArray) -> None:
    """Raise WrongFileError if two names of one object are in two folds of the file."""
    folds: dict[int, Labelled] = {}
    for each, of in zip(objects, group.tolist(), strict=True):
        other = folds.setdefault(of, each)
        if other.fold != each.fold:
            message = (
                f"{other.name} and {each.name} are one object in two folds ({other.fold},"
                f" {each.fold}): put them into one"
            )
            raise WrongFileError(message)


def folds_of(objects: Sequence[Labelled], group: IntArray, *, n_folds: int) -> IntArray:
    """Return the fold of each object, shape (n,): the file's own, or by a hash of its group."""
    named = sorted({each.fold for each in objects})
    if len(named) > 1:
        return np.array([named.index(each.fold) for each in objects], np.int64)
    names: dict[int, str] = {}
    for each, of in zip(objects, group.tolist(), strict=True):
        names[of] = min(names.get(of, each.name), each.name)
    places = {of: int(_digest(name), 16) % n_folds for of, name in names.items()}
    return np.array([places[of] for of in group.tolist()], np.int64)


def print_of(curve: Curve) -> str:
    """Return the fingerprint of a curve's points; the same points give the same one."""
    order = curve.order()
    text = "|".join(f"{curve.mjd[k]:.4f}{curve.band[k]}{curve.flux[k]:.5g}" for k in order.tolist())
    return _digest(text)


def trained_on(objects: Sequence[Labelled], hashes: Iterable[str]) -> list[bool]:
    """Say of each object whether its name or its alias is among those of a training set."""
    known = frozenset(hashes)
    return [
        bool(known & {hash_of(name) for name in (each.name, each.alias) if name})
        for each in objects
    ]


def hash_of(name: str) -> str:
    """Return the hash under which a name is listed in a training set: 16 hexadecimal digits."""
    return _digest(name)[:16]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _keys(each: Labelled, points: str) -> list[str]:
    keys = [f"alias {each.alias}"] if each.alias else []
    return [*keys, f"alias {each.name}", *([f"points {points}"] if points else [])]


def _near(objects: Sequence[Labelled]) -> list[tuple[int, int]]:
    """Return pairs of rows that are nearer to each other than `SAME_PLACE_ARCSEC`."""
    ra, dec = np.radians([(each.ra, each.dec) for each in objects]).reshape(-1, 2).T
    known = np.flatnonzero(np.isfinite(ra) & np.isfinite(dec))
    place = np.stack([np.cos(dec) * np.cos(ra), np.cos(dec) * np.sin(ra), np.sin(dec)], axis=1)
    pairs = cKDTree(place[known]).query_pairs(np.radians(SAME_PLACE_ARCSEC / 3600))
    return [(int(known[one]), int(known[other])) for one, other in sorted(pairs)]
