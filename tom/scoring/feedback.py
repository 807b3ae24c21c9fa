"""What scorers said of objects before anybody knew their class, beside what they turned out to be.

Two things tell what an object is. One is a class from a spectrum: of a sender whose classes rest on
them (`Survey.types_objects`), or of a person who took it from an uploaded one. The other is the
reason for which people rejected a target. All of it is public: of private points, private targets
and private verdicts nothing counts, so every reader is told the same.
"""

import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Q
from tom_targets.base_models import BaseTarget

from tom.candidates.models import Verdict, VerdictReason
from tom.forms.registry import surveys
from tom.scoring.contract import FloatArray
from tom.scoring.models import OwnScorer
from tom.targets.classified import Classification
from tom.targets.models import TargetSummary
from tom.targets.objects import SurveyObject

# The newest objects with a class: more would take seconds.
MOST_OBJECTS: Final = 5_000
# What a rejected target is, by the reason; the other reasons say nothing of its class.
SAID_BY_REASON: Final[Mapping[str, str]] = MappingProxyType(
    {
        VerdictReason.STAR: "variable",
        VerdictReason.MOVING: "asteroid",
        VerdictReason.NUCLEUS: "agn",
        VerdictReason.ARTEFACT: "bogus",
        VerdictReason.SUPERNOVA: "supernova",
    }
)
# Magnitudes at peak, by which it is told who got a spectrum. What is outside counts to an end.
EDGES: Final = (15.0, 16.0, 17.0, 17.5, 18.0, 18.5, 19.0, 19.5, 20.0, 20.5, 21.0, 22.0)


class Truth(NamedTuple):
    """What an object turned out to be, and since when that is known."""

    label: str
    since: datetime


@dataclass(frozen=True, eq=False)
class Said:
    """What one version of a scorer said of n objects, in each case before their class was known.

    Attributes
    ----------
    labels : sequence of str, length n
        What each object turned out to be: one of our classes.
    classes : tuple of str, length k
    chance : array of float, shape (n, k)
        Probabilities; rows sum to 1.
    targets : array of int, shape (n,)
    told : sequence of datetime, length n
        When the scorer said it.
    n_silent : int
        Of so many further objects it had said nothing: it abstained.
    """

    scorer: str
    version: str
    labels: Sequence[str]
    classes: tuple[str, ...]
    chance: FloatArray
    targets: Sequence[int]
    told: Sequence[datetime]
    n_silent: int


def typed_by_spectra() -> dict[int, Truth]:
    """The class of each public target that a sender gave whose classes rest on spectra.

    Or that a person took from a public spectrum. The newest word counts; it is known since the
    first word.
    """
    authors = [survey.name for survey in surveys().values() if survey.types_objects]
    by_spectra = Q(author__in=authors) | Q(from_spectrum=True)
    standing = Classification.objects.standing()
    rows = standing.filter(by_spectra, program=None, is_test=False)
    words = rows.exclude(says="").order_by("-time", "-pk")[:MOST_OBJECTS]
    columns = words.values_list("survey", "object_id", "says", "stored", "time")
    found: dict[tuple[str, str], Truth] = {}
    for survey, object_id, says, stored, time in columns:
        newest = found.get((survey, object_id))
        label = newest.label if newest else says
        found[survey, object_id] = Truth(label, stored or time)
    return _by_target(found)


def _by_target(found: Mapping[tuple[str, str], Truth]) -> dict[int, Truth]:
    ids = [object_id for _, object_id in found]
    objects = SurveyObject.objects.filter(object_id__in=ids).exclude(
        target__permissions=BaseTarget.Permissions.PRIVATE
    )
    rows = objects.values_list("survey", "object_id", "target")
    return {
        target: found[survey, object_id]
        for survey, object_id, target in rows
        if (survey, object_id) in found
    }


def typed_by_people() -> dict[int, Truth]:
    """The class of each public target that the newest rejection with a reason names."""
    said = Verdict.objects.given().filter(is_public=True, reason__in=SAID_BY_REASON)
    newest = said.select_related("candidate__target", "target").order_by("-created", "-pk")
    found: dict[int, Truth] = {}
    for row in newest[:MOST_OBJECTS]:
        if row.on.permissions != BaseTarget.Permissions.PRIVATE:
            label = found[row.on.pk].label if row.on.pk in found else SAID_BY_REASON[row.reason]
            found[row.on.pk] = Truth(label, row.created)
    return found


# What tells what an object is.
TRUTHS: Final[Mapping[str, Callable[[], dict[int, Truth]]]] = MappingProxyType(
    {"spectra": typed_by_spectra, "people": typed_by_people}
)


def said_before(truths: Mapping[int, Truth]) -> list[Said]:
    """What each version of each scorer last said of these targets before their class was known.

    Scorers whose answers are no probabilities are left out, and those of a group: the page is
    everybody's. Sorted by scorer and version.
    """
    if not truths:
        return []
    parameters: list[Any] = [list(truths), [truth.since for truth in truths.values()]]
    with connection.cursor() as cursor:
        cursor.execute(LAST_SAID, parameters)
        rows = cursor.fetchall()
    by_scorer = defaultdict(list)
    of_groups = set(OwnScorer.objects.exclude(group=None).values_list("name", flat=True))
    for scorer, version, target, told, probability in rows:
        if scorer in of_groups:
            continue
        chances = None if probability is None else json.loads(probability)
        by_scorer[scorer, version].append((target, told, chances))
    made = (_said(*name, rows, truths) for name, rows in sorted(by_scorer.items()))
    return [said for said in made if said is not None]


def _said(
    scorer: str,
    version: str,
    rows: Sequence[tuple[int, datetime, dict[str, float] | None]],
    truths: Mapping[int, Truth],
) -> Said | None:
    answers = [(target, told, chances) for target, told, chances in rows if chances is not None]
    if not answers:
        return None
    classes = tuple(sorted({name for _, _, chances in answers for name in chances}))
    chance = np.array([[chances.get(name, 0.0) for name in classes] for *_, chances in answers])
    if not np.allclose(chance.sum(axis=1), 1.0, atol=0.01):
        return None  # likelihood ratios
    return Said(
        scorer=scorer,
        version=version,
        labels=[truths[target].label for target, *_ in answers],
        classes=classes,
        chance=chance,
        targets=[target for target, *_ in answers],
        told=[told for _, told, _ in answers],
        n_silent=len(rows) - len(answers),
    )


def selection_weights(targets: Sequence[int]) -> tuple[FloatArray, float]:
    """For how many public targets each of these stands, by its magnitude at peak.

    Returns the weights, shape (n,), and the share of all public targets whose magnitude some of
    these have, 0 to 1. A target without a magnitude stands for none. Inverse-propensity weights
    (Horvitz & Thompson 1952, https://doi.org/10.1080/01621459.1952.10483446).
    """
    peaks = dict(
        TargetSummary.objects.filter(target__in=targets).values_list("target", "peak_magnitude")
    )
    with connection.cursor() as cursor:
        cursor.execute(BY_MAGNITUDE, [list(EDGES)])
        there = dict(cursor.fetchall())
    bins = [_bin(peaks.get(target)) for target in targets]
    ours = defaultdict(int, {each: bins.count(each) for each in set(bins)})
    weights = [0.0 if each is None else there.get(each, 0) / ours[each] for each in bins]
    total = sum(there.values())
    covered = sum(n for each, n in there.items() if ours[each]) / total if total else 0.0
    return np.array(weights, float), covered


def _bin(magnitude: float | None) -> int | None:
    """The number of edges that a magnitude has reached, as `width_bucket` counts."""
    return None if magnitude is None else int(np.searchsorted(EDGES, magnitude, side="right"))


LAST_SAID = """
    SELECT DISTINCT ON (s.scorer, s.version, s.target_id)
        s.scorer, s.version, s.target_id, s.created, s.probability
    FROM unnest(%s::bigint[], %s::timestamptz[]) AS e (target, since)
    JOIN scoring_score s ON s.target_id = e.target AND s.created < e.since
    WHERE s.programs = '{}'
    ORDER BY s.scorer, s.version, s.target_id, s.created DESC, s.id DESC
"""
BY_MAGNITUDE = """
    SELECT width_bucket(s.peak_magnitude, %s::float8[]), count(*)
    FROM targets_targetsummary s JOIN tom_targets_basetarget t ON t.id = s.target_id
    WHERE s.peak_magnitude IS NOT NULL AND NOT s.is_test AND t.permissions <> 'PRIVATE'
    GROUP BY 1
"""
