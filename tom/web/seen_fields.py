"""The fields that telescopes observed for an event, as its maps show them: by camera and depth."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from django.contrib.auth.models import User
from django.http import QueryDict

from tom.events.models import NonLocalizedEvent
from tom.pointings.coverage import Look, looks_of
from tom.pointings.models import Footprint
from tom.web.coverage import find_pointings, looks_after, read_asked
from tom.web.plots.fields import FieldGroup
from tom.web.plots.paper import Ring

# Of more fields than these, the earliest are drawn: a page must stay small.
MOST_DRAWN: Final = 400
# The limiting AB magnitudes at which a field is drawn more strongly.
DEPTH_STEPS: Final = (19.0, 21.0, 23.0)


@dataclass(frozen=True)
class SeenFields:
    """The groups of fields that are drawn, and how many fields there are in all."""

    groups: Sequence[FieldGroup]
    n_fields: int

    @property
    def n_drawn(self) -> int:
        """How many fields are drawn."""
        return sum(len(group.fields) for group in self.groups)

    @property
    def telescopes(self) -> list[tuple[int, str]]:
        """The colour of each telescope, and its name."""
        return [each[1:] for each in sorted({(g.at, g.colour, g.telescope) for g in self.groups})]


def find_fields(event: NonLocalizedEvent, user: User) -> SeenFields:
    """The fields observed after the event that the user may see, each once; two queries."""
    looks = looks_of(find_pointings(event, user, read_asked(QueryDict())))
    deepest = _deepest(looks_after(event, looks))
    drawn = dict(list(deepest.items())[:MOST_DRAWN])
    if not drawn:
        return SeenFields([], 0)
    prints = Footprint.objects.filter(pk__in={footprint for _, footprint in drawn})
    rings = dict(prints.values_list("pk", "rings"))
    members: dict[tuple[str, int], list[tuple[float, list[Ring]]]] = {}
    for (telescope, footprint), depth in drawn.items():
        members.setdefault((telescope, _step(depth)), []).append((depth, rings[footprint]))
    places = {name: at for at, name in enumerate(dict.fromkeys(name for name, _ in drawn))}
    groups = [
        FieldGroup(
            telescope, places[telescope], step,
            max(depth for depth, _ in own), [each for _, each in own],
        )
        for (telescope, step), own in sorted(members.items(), key=lambda item: item[0][1])
    ]  # fmt: skip
    return SeenFields(groups, len(deepest))


def _deepest(looks: Sequence[Look]) -> dict[tuple[str, int], float]:
    """The deepest limit of each telescope's field, in the order of their first times."""
    found: dict[tuple[str, int], float] = {}
    for look in looks:
        key = (look.telescope, look.footprint)
        known = found.get(key, math.nan)
        found[key] = look.depth if math.isnan(known) else max(known, look.depth)  # NaN: known
    return found


def _step(depth: float) -> int:
    return 0 if math.isnan(depth) else 1 + sum(depth >= least for least in DEPTH_STEPS)
