"""Evidence that depends on what kind of source a member is, if it is not the counterpart.

A source is of one of the kinds of `tom.ranking.curves`. What is seen of it and around it depends on
its kind: most flares have a star at the same place, most minor planets are dark before. So the
ratio of a datum d after other data D is

    p(d | counterpart) / sum over the kinds of P(kind | D) p(d | kind)

and the datum then changes the chances of the kinds by Bayes' rule. The product of the ratios of all
data is the ratio of the counterpart to the mixture of the kinds; their order does not change it.
"""

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any, Final, NamedTuple

import numpy as np

from tom.ranking.columns import Columns
from tom.ranking.curves import KINDS
from tom.ranking.terms import distance, earlier_activity, minor_planet, star
from tom.ranking.weighing import BoolArray, FloatArray, Share, Weighed

ARTEFACT: Final = list(KINDS).index("artefact")


def _sure(share: float) -> Share:
    return Share(share, share, share)


# The terms that depend on the kind, and what makes their `source` of an entry of their `OF_KIND`.
OF_KINDS: Final[Mapping[ModuleType, Any]] = {
    distance: _sure,
    star: star.sure,
    earlier_activity: _sure,
    minor_planet: _sure,
}


class Given(NamedTuple):
    """A term, and the chances of the kinds after its datum, shape (n, kinds)."""

    term: Weighed
    kinds: FloatArray


def weigh(module: ModuleType, columns: Columns, kinds: FloatArray) -> Given:
    """Weigh a term of `OF_KINDS`; `kinds` has the chances of the kinds before, shape (n, kinds)."""
    return given(module.weigh(**module.read(columns)), logs_of(module, columns), kinds)


def logs_of(module: ModuleType, columns: Columns) -> FloatArray:
    """Return the natural log of P(datum | kind) / P(datum | counterpart), shape (n, kinds).

    0: the datum is missing.
    """
    read, make = module.read(columns), OF_KINDS[module]
    shares = [module.OF_KIND[kind] for kind in KINDS]  # some kinds have the same
    said = {share: module.weigh(**read, source=make(share)).log_lr for share in set(shares)}
    return np.asarray(-np.stack([said[share] for share in shares], axis=1))


def surroundings(columns: Columns) -> FloatArray:
    """Return the sum of `logs_of` all terms of `OF_KINDS`, shape (n, kinds)."""
    return np.asarray(sum(logs_of(module, columns) for module in OF_KINDS))


def given(term: Weighed, logs: FloatArray, kinds: FloatArray) -> Given:
    """Return the term against the mixture of the kinds. Its interval keeps its widths."""
    likely = kinds * np.exp(logs)
    total = likely.sum(1)
    log_lr = np.where(term.missing, 0.0, -np.log(total))
    off = log_lr - term.log_lr
    low, high = np.minimum(term.low + off, log_lr), np.maximum(term.high + off, log_lr)
    moved = replace(term, log_lr=log_lr, low=low, high=high)
    return Given(moved, np.where(term.missing[:, None], kinds, likely / total[:, None]))


def reality(log_real: FloatArray, missing: BoolArray) -> FloatArray:
    """Return the logs as of `logs_of` of what a scorer of reality said, shape (n, kinds).

    `log_real` is the natural log of P(datum | real) / P(datum | bogus), shape (n,): all kinds but
    artefacts are real, as a counterpart is.
    """
    logs = np.zeros((len(log_real), len(KINDS)))
    logs[:, ARTEFACT] = np.where(missing, 0.0, -log_real)
    return logs
