"""What a ranking rests on beside the facts that it reads, kept with it: it can be made again."""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import datetime
from types import ModuleType
from typing import Any, Self

from django.conf import settings
from django.forms.models import model_to_dict

from tom.candidates.models import CandidateRule
from tom.ranking import opinions
from tom.ranking.terms import TERMS
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.opinions import ranked_class
from tom.scoring.services import scorers


@dataclass(frozen=True)
class Basis:
    """Weights, rule, window, scorers and constants of a ranking, as JSON keeps them.

    Attributes
    ----------
    prior
        Of any one candidate, before any evidence.
    weights
        Weight by a scorer's name; 1 where none is given.
    horizon_mpc
        See `tom.sky.distance_overlap`.
    rule
        The rule by which the candidates were found.
    since
        From when detections count as the event's; None: from ever.
    specs
        What each scorer says it is, by name.
    constants
        Every constant that decides what a term weighs, by module and name.
    """

    prior: float
    weights: dict[str, float]
    horizon_mpc: float
    rule: dict[str, Any]
    since: str | None
    specs: list[dict[str, Any]]
    constants: dict[str, Any]

    @classmethod
    def present(cls, rule: CandidateRule, since: datetime | None) -> Self:
        """Return that of a ranking made now, from the settings and the scorers that are there."""
        return cls.of(
            {
                "prior": settings.CANDIDATE_PRIOR,
                "weights": settings.SCORER_WEIGHTS,
                "horizon_mpc": settings.HOST_HORIZON_MPC,
                "rule": model_to_dict(rule, exclude=["id", "kind"]),
                "since": since and since.isoformat(),
                "specs": [asdict(spec) for spec in sorted(_specs(), key=lambda spec: spec.name)],
                "constants": constants(),
            }
        )

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Return what a ranking has kept.

        Raises
        ------
        TypeError
            If the ranking was made before all of it was kept.
        """
        return cls(**json.loads(json.dumps(kept)))

    @property
    def window_start(self) -> datetime | None:
        """`since` as an aware time."""
        return None if self.since is None else datetime.fromisoformat(self.since)

    def ranked_by(self) -> Iterable[tuple[ScorerSpec, str, float]]:
        """Each scorer that the ranking goes by, with its class and its weight.

        A scorer of weight 0 or of other classes than the sought one is no part of it.
        """
        for fields in self.specs:
            tuples = {name: tuple(fields[name]) for name in ("inputs", "classes", "prior")}
            spec = ScorerSpec(**fields | tuples | {"kind": ScorerKind(fields["kind"])})
            label, weight = ranked_class(spec), self.weights.get(spec.name, 1.0)
            if label is not None and weight > 0:
                yield spec, label, weight


def _specs() -> list[ScorerSpec]:
    return [scorer.spec for scorer in scorers()]


def constants() -> dict[str, Any]:
    """Every constant that decides what a term weighs, by its module's last name and its own."""
    modules: list[Any] = [*TERMS, opinions]
    return {
        f"{module.__name__.rpartition('.')[2]}.{name}": _plain(value)
        for module in modules
        for name, value in sorted(vars(module).items())
        if name.isupper() and not isinstance(value, ModuleType)
    }


def _plain(value: Any) -> Any:
    """As JSON gives it back: a set in order, a tuple as a list."""
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value
