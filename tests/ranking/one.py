"""Terms on one candidate, by plain numbers; None is what is not known."""

from typing import Any

import numpy as np

from tom.ranking import opinions
from tom.ranking.pooling import Posterior, fuse
from tom.ranking.terms import brightness, distance, earlier_activity, minor_planet, sky_map, star
from tom.ranking.weighing import FloatArray, Share, Term, Weighed, logistic
from tom.scoring.contract import ScorerSpec
from tom.scoring.opinions import ranked_classes
from tom.scoring.runner import Abstention, Opinion
from tom.strategies.models import SOUGHT


def col(*values: float | None) -> FloatArray:
    """A column; None becomes NaN."""
    return np.array(values, float)


def sky_map_term(probdensity: float | None) -> Term:
    return sky_map.weigh(probdensity=col(probdensity)).term(0)


def distance_term(
    overlap: float | None,
    host_share: float | None = None,
    *,
    elsewhere: float | None = None,
    light: float | None = None,
    in_3d: float = 1.0,
    source: float = 1.0,
) -> Term:
    columns = {
        "overlap": overlap,
        "host_share": host_share,
        "elsewhere": elsewhere,
        "light": light,
        "in_3d": in_3d,
    }
    given = {name: col(value) for name, value in columns.items()}
    return distance.weigh(**given, source=Share(source, source, source)).term(0)


def brightness_term(ratio: float | None, magnitude: float | None = 19.0) -> Term:
    known = {"magnitude": magnitude, "days": 0.6, "distance_mpc": 80.0}
    columns = dict.fromkeys(("ratio", "low", "high"), ratio) | known
    return brightness.weigh(**{name: col(value) for name, value in columns.items()}).term(0)


def star_term(*, separation_arcsec: float | None, star_score: float | None) -> Term:
    columns = {"separation_arcsec": col(separation_arcsec), "star_score": col(star_score)}
    return star.weigh(**columns).term(0)


def earlier_activity_term(
    *,
    epochs: int | None,
    age_days: float | None,
    sight_age_days: float | None = None,
    stacked: float | None = None,
    unseen: float | None = 0.0,
) -> Term:
    columns = {"epochs": epochs, "age_days": age_days, "sight_age_days": sight_age_days}
    columns |= {"stacked": stacked, "unseen": unseen}
    return earlier_activity.weigh(**{k: col(v) for k, v in columns.items()}).term(0)


def solar_system_term(separation_arcsec: float | None) -> Term:
    return minor_planet.weigh(separation_arcsec=col(separation_arcsec)).term(0)


def opinion_term(spec: ScorerSpec, outcome: Opinion | Abstention, **options: Any) -> Term:
    return weigh_opinion(spec, outcome, **options).term(0)


def weigh_opinion(spec: ScorerSpec, outcome: Opinion | Abstention, **options: Any) -> Weighed:
    sought = options.setdefault("sought", [SOUGHT])
    labels = ranked_classes(spec, sought)
    if isinstance(outcome, Opinion):
        said = dict(zip(spec.classes, outcome.probability, strict=True))
        values, sigma, silence = [said[label] for label in labels], outcome.sigma, ""
    else:
        values, sigma, silence = [None for _ in labels], None, outcome.detail or outcome.reason.text
    value = opinions.either(spec, labels, np.array(values, float)[:, None]) if labels else col(None)
    return opinions.weigh(spec, value, col(sigma), [silence], **options)


def as_column(term: Term) -> Weighed:
    """A term as that of one candidate."""
    return Weighed(
        name=term.name,
        inputs=term.inputs,
        log_lr=col(term.log_lr),
        low=col(term.log_lr_low),
        high=col(term.log_lr_high),
        value=col(term.value),
        missing=np.array([term.missing]),
        reason=lambda row: term.reason,
        mark=np.zeros(1, np.int64),
    )


def fuse_one(prior: float, *terms: Term) -> Posterior:
    """The posterior of one candidate; with no term, of the prior alone."""
    nothing = Term("nothing", 0.0, 0.0, 0.0, frozenset({"nothing"}), "")
    return fuse(prior, [as_column(term) for term in terms or (nothing,)])


def chance_of(posterior: Posterior) -> float:
    """The chance of one candidate that does not depend on others."""
    return logistic(float(posterior.log_weight[0]))
