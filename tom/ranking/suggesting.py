"""What to take spectra of for the scorers' sake: what teaches most, and a share drawn at random.

Only public targets count, by public points and public classes: everybody is told the same. The
share is drawn by lists that explore (`tom.ranking.exploring`).
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.models import F
from tom_targets.base_models import BaseTarget

from tom.ranking.drawn import Drawn, Exploration
from tom.ranking.exploring import order_of_draw
from tom.ranking.teaching import Doubt, choose, doubt_of, standardise
from tom.ranking.weighing import FloatArray
from tom.scoring.feedback import typed_by_people, typed_by_spectra
from tom.scoring.models import OwnScorer
from tom.sky import galactic
from tom.strategies.models import Strategy
from tom.streams.rules import night_of
from tom.targets.models import TargetSummary

RECENT: Final = timedelta(days=14)
MOST_TARGETS: Final = 1_500
"""So many of the targets seen last are compared with each other: it takes a tenth of a second."""
MOST_LABELLED: Final = 1_500
_COLUMNS: Final = (
    *("target_id", "peak_magnitude", "last_magnitude", "n_detections"),
    *("first_detection", "last_detection", "target__ra", "target__dec"),
)


@dataclass(frozen=True)
class Suggestion:
    """A target whose spectrum would teach; `said` is each scorer's likeliest class and its chance.

    `density` is for how many targets without a class it stands, for each that is like it and has
    one. A target that was drawn at random is suggested whatever it tells.
    """

    target: int
    magnitude: float
    doubt: Doubt | None
    density: float | None
    said: Sequence[tuple[str, str, float]]
    is_drawn: bool


def suggest(
    strategies: Collection[Strategy], *, faintest: float, most: int, now: datetime
) -> list[Suggestion]:
    """Suggest up to `most` targets, those drawn at random first.

    Parameters
    ----------
    strategies
        The lists whose draws of tonight count. The largest share that one of them keeps for
        exploration is the share of the places that go to who was drawn.
    faintest
        The AB magnitude when a target was last seen, at most: fainter ones get no spectrum.
    """
    typed = {**typed_by_people(), **typed_by_spectra()}
    public = TargetSummary.objects.exclude(target__permissions=BaseTarget.Permissions.PRIVATE)
    recent = public.filter(
        is_test=False, last_magnitude__lte=faintest, last_detection__gte=now - RECENT
    ).exclude(pk__in=list(typed))
    newest = F("last_detection").desc(nulls_last=True)  # as an index has it
    rows = list(recent.order_by(newest)[:MOST_TARGETS].values(*_COLUMNS))
    labelled = list(public.filter(pk__in=list(typed)[:MOST_LABELLED]).values(*_COLUMNS))
    said = _said([row["target_id"] for row in rows])
    drawn = _drawn(strategies, rows, most=most, now=now)
    fit = [row for row in rows if row["target_id"] in said and row["target_id"] not in drawn]
    figures = standardise(_figures([*fit, *labelled]))
    doubts = [doubt_of(list(said[row["target_id"]].values())) for row in fit]
    total = np.array([each.total for each in doubts])
    chosen = choose(total, figures[: len(fit)], figures[len(fit) :], most=most - len(drawn))
    by_key = {row["target_id"]: row for row in rows}
    return [
        *(_suggestion(by_key[pk], said.get(pk, {}), is_drawn=True) for pk in drawn),
        *(
            _suggestion(fit[each.row], said[fit[each.row]["target_id"]], density=each.density)
            for each in chosen
        ),
    ]


def share_of(strategies: Iterable[Strategy]) -> float:
    """Return the largest share that one of these lists keeps for exploration, 0 to 1."""
    return max((each.explore for each in strategies), default=0.0)


def _drawn(
    strategies: Collection[Strategy], rows: Sequence[Mapping[str, Any]], *, most: int, now: datetime
) -> list[int]:
    """Return who was drawn tonight and can be typed, in the order of the draw, within the share."""
    nights = Exploration.objects.filter(strategy__in=strategies, night=night_of(now))
    seeds = dict(nights.values_list("pk", "seed"))
    drawn = Drawn.objects.filter(exploration__in=seeds).values_list("exploration", "target")
    places = {pk: order_of_draw(seeds[of], pk) for of, pk in drawn}
    fit = [row["target_id"] for row in rows if row["target_id"] in places]
    return sorted(fit, key=lambda pk: places[pk])[: round(share_of(strategies) * most)]


def _figures(rows: Sequence[Mapping[str, Any]]) -> FloatArray:
    """What tells which targets are alike: shape (n, 5), NaN where something is not known."""
    return np.array([_figures_of(row) for row in rows], float).reshape(-1, 5)


def _figures_of(row: Mapping[str, Any]) -> list[float]:
    first, last = row["first_detection"], row["last_detection"]
    days = (last - first) / timedelta(days=1) if first and last else np.nan
    latitude = galactic(row["target__ra"], row["target__dec"])[1]
    return [
        _number(row["peak_magnitude"]),
        _number(row["last_magnitude"]),
        float(np.log10(1 + row["n_detections"])),
        float(np.log10(1 + max(days, 0.0))),
        abs(float(latitude)) / 30,
    ]


def _number(value: float | None) -> float:
    return np.nan if value is None else value


def _said(targets: Sequence[int]) -> dict[int, dict[str, dict[str, float]]]:
    """Return the newest chances that each scorer gives each of these targets, by public points."""
    with connection.cursor() as cursor:
        cursor.execute(NEWEST, [list(targets)])
        rows = cursor.fetchall()
    of_groups = set(OwnScorer.objects.exclude(group=None).values_list("name", flat=True))
    found: dict[int, dict[str, dict[str, float]]] = defaultdict(dict)
    for scorer, target, probability in rows:
        chances = json.loads(probability)
        is_certain = abs(sum(chances.values()) - 1) < 0.01  # likelihood ratios are not
        if scorer not in of_groups and len(chances) > 1 and is_certain:
            found[target][scorer] = chances
    return dict(found)


def _suggestion(
    row: Mapping[str, Any],
    said: Mapping[str, Mapping[str, float]],
    *,
    density: float | None = None,
    is_drawn: bool = False,
) -> Suggestion:
    likeliest = {
        scorer: max(chances, key=lambda name: (chances[name], name))
        for scorer, chances in sorted(said.items())
    }
    return Suggestion(
        target=row["target_id"],
        magnitude=row["last_magnitude"],
        doubt=doubt_of(list(said.values())) if said else None,
        density=density,
        said=[(scorer, name, said[scorer][name]) for scorer, name in likeliest.items()],
        is_drawn=is_drawn,
    )


NEWEST = """
    SELECT DISTINCT ON (s.scorer, s.target_id) s.scorer, s.target_id, s.probability
    FROM scoring_score s
    WHERE s.target_id = ANY(%s::bigint[]) AND s.programs = '{}' AND s.probability IS NOT NULL
    ORDER BY s.scorer, s.target_id, s.created DESC, s.id DESC
"""
