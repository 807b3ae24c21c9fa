"""The inputs of a ranking besides the facts; they are stored so that it can be repeated."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from types import ModuleType
from typing import Any, Self

from django.conf import settings
from django.forms.models import model_to_dict

from tom.events.models import NonLocalizedEvent
from tom.ranking import beside, curves, expected, fields, lights, means, numbered, opinions, reach
from tom.ranking.hosts import listed
from tom.ranking.terms import (
    TERMS,
    brightness,
    distance,
    earlier_activity,
    later_light,
    minor_planet,
    sky_map,
    star,
)
from tom.ranking.visits import images
from tom.scoring.contract import ScorerSpec
from tom.scoring.opinions import ranked_classes
from tom.scoring.own import spec_of
from tom.scoring.own_services import named_specs, weighing_specs
from tom.scoring.services import scorers
from tom.strategies.models import Strategy, kilonova
from tom.taxonomy import ROOTS, within


@dataclass(frozen=True)
class Basis:
    """Strategy, window, scorers and constants of a ranking, as stored in JSON.

    Attributes
    ----------
    prior
        Probability (0 to 1) of any one member, before all evidence; of an event's list that of any
        source over the whole sky.
    weights
        Weight (0 to 1) by a scorer's name; 1 if none is given.
    horizon_mpc
        Mpc; see `tom.sky.distance_overlap`.
    rule
        The fields of the strategy that select the members (`RULE`).
    since
        Detections from this time on count as the event's (ISO 8601); None: all count.
    specs
        The specification of each scorer, sorted by name.
    constants
        Every constant that a term's weight depends on, by module and name.
    sought
        The classes that are sought.
    terms
        The names of the terms in addition to the scorers; empty: all.
    expected
        What is expected of the event (`tom.ranking.expected`); None: a list without an event.
    brightness
        What was learnt of the list's own magnitudes (`tom.ranking.lights`); None: nothing, or no
        kilonova is sought. Then brightness is no term.
    galaxies
        The loaded catalogues (`tom.ranking.hosts.listed`); None: none was, or not yet stored.
    means
        The mean ratio of each term over the list (`tom.ranking.means`); None: of no event's list.
    by, within
        The scorer whose number puts the list in order, and the one that says of which class each
        target is (`tom.ranking.numbered`); "": the list is in the order of chances.
    usual
        What number is usual for each class; None: not compared, or not found yet.
    """

    prior: float
    weights: dict[str, float]
    horizon_mpc: float
    rule: dict[str, Any]
    since: str | None
    specs: list[dict[str, Any]]
    constants: dict[str, Any]
    # The defaults serve rankings that were made before strategies were rows.
    sought: list[str] = field(default_factory=kilonova)
    terms: list[str] = field(default_factory=list)
    expected: dict[str, Any] | None = None
    brightness: dict[str, Any] | None = None
    means: dict[str, Any] | None = None
    galaxies: dict[str, Any] | None = None
    by: str = ""
    within: str = ""
    usual: dict[str, Any] | None = None

    @classmethod
    def present(cls, strategy: Strategy, since: datetime | None) -> Self:
        """Return the basis of a ranking made now, from the settings and the installed scorers."""
        return cls.of(
            {
                "prior": strategy.prior or settings.CANDIDATE_PRIOR,
                "weights": settings.SCORER_WEIGHTS | strategy.weights,
                "horizon_mpc": settings.HOST_HORIZON_MPC,
                "rule": model_to_dict(strategy, fields=RULE),
                "since": since and since.isoformat(),
                "specs": [
                    asdict(spec) for spec in sorted(_specs(strategy), key=lambda spec: spec.name)
                ],
                "constants": constants(is_by_number=bool(strategy.by)),
                "sought": strategy.sought,
                "terms": strategy.terms or _all_terms(strategy, since),
                "galaxies": listed(),
                "by": strategy.by,
                "within": strategy.within,
            }
        )

    @classmethod
    def of(cls, kept: dict[str, Any]) -> Self:
        """Return the basis that a ranking has stored.

        Raises
        ------
        TypeError
            If the ranking was made before all fields were stored.
        """
        return cls(**json.loads(json.dumps(kept)))

    def about(
        self,
        event: NonLocalizedEvent | None,
        learnt: dict[str, Any] | None = None,
        *,
        is_looked_at: bool = True,
    ) -> "Basis":
        """Return this basis with what is expected of an event now; None: a list without one.

        `learnt` is what the list's own magnitudes say; the rest is as in `expected.expect`.
        """
        if event is None:
            return self
        told = expected.expect(
            event,
            level=self.rule["level_stored"],
            brightness=learnt,
            is_looked_at=is_looked_at,
        )
        return replace(self, expected=told, prior=expected.prior_of(told), brightness=learnt)

    @property
    def event_time(self) -> datetime | None:
        """The time from which first detections count; None: brightness is no term."""
        learnt = self.brightness
        return None if learnt is None else datetime.fromisoformat(learnt["event_time"])

    @property
    def window_start(self) -> datetime | None:
        """`since` as an aware time."""
        return None if self.since is None else datetime.fromisoformat(self.since)

    @property
    def weighed_terms(self) -> list[ModuleType]:
        """The modules of the terms that are weighed."""
        named = [term for term in TERMS if not self.terms or term.NAME in self.terms]
        return [term for term in named if term not in OF_LIGHT or self.brightness is not None]

    @property
    def weighs_brightness(self) -> bool:
        """Whether the brightness of a kilonova can be a term at all."""
        is_named = not self.terms or any(term.NAME in self.terms for term in OF_LIGHT)
        return is_named and lights.SOUGHT in self.sought

    def spec_of(self, name: str) -> ScorerSpec | None:
        """The specification of a scorer that was there; None: it was not."""
        return next((spec_of(kept) for kept in self.specs if kept["name"] == name), None)

    def ranked_by(self) -> Iterable[tuple[ScorerSpec, tuple[str, ...], float]]:
        """Yield the specification, the classes and the weight of each scorer that is used.

        A scorer is not used if its weight is 0 or if it lacks one of the sought classes.
        """
        for kept in self.specs:
            spec = spec_of(kept)
            labels, weight = ranked_classes(spec, self.sought), self.weights.get(spec.name, 1.0)
            if labels and weight > 0:
                yield spec, labels, weight


# The terms of what was seen since the merger: of a kilonova alone.
OF_LIGHT = (brightness, later_light)
# Those of an event's map, and of what was seen before an event's window.
OF_MAP = (sky_map, distance)
OF_WINDOW = (earlier_activity,)
# What the terms of surroundings and of earlier light take for the cause of what is not sought.
AGAINST = {
    star.NAME: ("variable", "nova"),
    minor_planet.NAME: ("asteroid",),
    earlier_activity.NAME: ("variable", "agn"),
}
# The fields of a strategy that select the members of its lists.
RULE = (
    *("level_stored", "level_shown", "days_before", "days_after", "brighter_than"),
    *("first_seen_days", "ra", "dec", "radius_deg", "watched", "with_tests"),
)


def of_lists_without_event() -> list[str]:
    """Return the names of the terms that tell of a source where there is no event."""
    return [term.NAME for term in TERMS if term not in (*OF_LIGHT, *OF_MAP, *OF_WINDOW)]


def _all_terms(strategy: Strategy, since: datetime | None) -> list[str]:
    """Return the names of all terms that can say anything; empty: all that there are.

    A term of an event's map or window is never known where there is none. It would say nothing, and
    widen each interval. One that speaks against what is sought would put that last.
    """
    known = [term.NAME for term in TERMS]
    if not strategy.kind:
        known = of_lists_without_event()
    elif since is None:
        known = [term.NAME for term in TERMS if term not in OF_WINDOW]
    fair = [name for name in known if not speaks_against(name, strategy.sought)]
    told = fair or known
    return [] if len(told) == len(TERMS) else told


def speaks_against(term: str, sought: Iterable[str]) -> bool:
    """Whether a term takes what is sought for the more likely cause that is not sought."""
    kinds = AGAINST.get(term, ())
    against = {label for kind in kinds for label in within(kind)}
    return bool(kinds) and any(label in against or label in ROOTS for label in sought)


def _specs(strategy: Strategy) -> list[ScorerSpec]:
    specs = [*(scorer.spec for scorer in scorers()), *weighing_specs(strategy)]
    known = {spec.name for spec in specs}
    return [*specs, *(spec for spec in named_specs(strategy) if spec.name not in known)]


def constants(*, is_by_number: bool = False) -> dict[str, Any]:
    """Return every constant that a term's weight depends on, by "module.NAME".

    Those of a list in the order of a number are of such a list alone.
    """
    modules = [*TERMS, opinions, expected, lights, curves, reach, beside, fields, means]
    modules += [numbered] if is_by_number else []
    return {"surveys.image": {name: _plain(asdict(of)) for name, of in images().items()}} | {
        f"{module.__name__.rpartition('.')[2]}.{name}": _plain(value)
        for module in modules
        for name, value in sorted(vars(module).items())
        if name.isupper() and not isinstance(value, ModuleType)
    }


def _plain(value: Any) -> Any:
    """Return a value as JSON gives it back: a set as a sorted list, a tuple as a list."""
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value
