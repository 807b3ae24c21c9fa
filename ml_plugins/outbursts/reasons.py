"""What an opinion rests on: how far it moves if a group of features is hidden."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from tom.scoring.contract import Batch, Contribution, FloatArray


def parts_of(
    batch: Batch,
    features: FloatArray,
    *,
    groups: Mapping[str, Sequence[int]],
    log_odds: Callable[[FloatArray], FloatArray],
    what: str,
) -> list[Contribution]:
    """Return a part of each opinion for each group of columns.

    `features` has shape (n, d). `log_odds` takes such features and returns the natural log odds of
    the first class, shape (n,). `what` names that class in a sentence, such as `a Ia`.
    """
    whole = log_odds(features)
    told = []
    for name, columns in groups.items():
        hidden = features.copy()
        hidden[:, list(columns)] = np.nan
        moved = whole - log_odds(hidden)
        told += [
            Contribution(str(object_id), name, float(by), _text(name, float(by), what))
            for object_id, by in zip(batch.object_ids, moved, strict=True)
        ]
    return told


def log_odds_of(chance: FloatArray) -> FloatArray:
    """Return the natural log odds of chances, which are first brought inside 0 to 1."""
    inside = np.clip(chance, 1e-6, 1 - 1e-6)
    return np.asarray(np.log(inside) - np.log1p(-inside))


def _text(name: str, moved: float, what: str) -> str:
    if abs(moved) < 0.05:
        return f"{name}: says little"
    side = "for" if moved > 0 else "against"
    return f"{name}: {np.exp(abs(moved)):.1f} to 1 {side} {what}"
