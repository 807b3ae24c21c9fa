"""The evidence on one candidate, as the terms that the ranking fuses."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from tom.candidates.models import CandidateStanding, EventCandidate
from tom.scoring.context import (
    distance_term,
    earlier_activity_term,
    sky_map_term,
    solar_system_term,
    star_term,
)
from tom.scoring.contract import ScorerSpec
from tom.scoring.fusion import Term
from tom.scoring.opinions import opinion_term, ranked_class
from tom.scoring.runner import Outcome
from tom.targets.models import Figures


@dataclass(frozen=True, slots=True)
class EarlierActivity:
    """What shone at the place before the event's window; `epochs` None: nobody looked.

    `sight_age_days`: without an epoch of ours, from the survey's own first sight to the window.
    """

    epochs: int | None
    age_days: float | None
    sight_age_days: float | None = None


def terms_of(
    standing: EventCandidate | CandidateStanding,
    summary: Figures,
    *,
    earlier: EarlierActivity,
    distance_overlap: float | None,
    opinions: Mapping[ScorerSpec, Outcome],
    weights: Mapping[str, float],
) -> list[Term]:
    """Every term on one candidate as one audience knows it, missing ones too."""
    looked = summary.context_time is not None
    return [
        sky_map_term(_density(standing)),
        distance_term(distance_overlap),
        star_term(
            separation_arcsec=_nearest(summary.star_separation_arcsec, looked=looked),
            star_score=summary.star_score,
        ),
        earlier_activity_term(
            epochs=earlier.epochs,
            age_days=earlier.age_days,
            sight_age_days=earlier.sight_age_days,
        ),
        solar_system_term(_nearest(summary.solar_system_separation_arcsec, looked=looked)),
        *_opinion_terms(opinions, weights),
    ]


def _opinion_terms(
    opinions: Mapping[ScorerSpec, Outcome], weights: Mapping[str, float]
) -> list[Term]:
    """A scorer of weight 0 or of other classes than the sought one is no part of the ranking."""
    return [
        opinion_term(spec, outcome, weight=weights.get(spec.name, 1.0))
        for spec, outcome in opinions.items()
        if weights.get(spec.name, 1.0) > 0 and ranked_class(spec)
    ]


def _density(standing: EventCandidate | CandidateStanding) -> float | None:
    """A map holds nothing where it does not reach; without a map nothing is known."""
    if standing.localization_id is None:
        return None
    return standing.probdensity or 0.0


def _nearest(separation: float | None, *, looked: bool) -> float | None:
    """An alert that names no neighbour says that there is none near; no alert says nothing."""
    if separation is None and looked:
        return np.inf
    return separation
