"""What was typed into a plan's form, and what is wrong with each field."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from tom.planning.models import Plan
from tom.planning.plain import Task
from tom.web.plan_covered import OTHERS
from tom.web.plan_numbers import (
    ASKED,
    DEEP_ENOUGH,
    DEPTH,
    FIELD,
    LIMITS,
    MOVES,
    SITE,
    VISITS,
    Number,
)

SHAPES: Final = (
    ("circle", "Circle"),
    ("rectangle", "Rectangle"),
    ("polygons", "Polygons (chips with gaps)"),
)
SEARCHES: Final = (("0", "not at all"), ("10", "10 s"), ("60", "60 s"))
TEXTS: Final = (
    *("name", "site_name", "shape", "polygons", "band", "instrument", "start", "end", "grid"),
    *("search", "others", "visit_bands"),
)


@dataclass
class NumberField:
    """A number's field as a page shows it."""

    about: Number
    value: str
    errors: list[str]


@dataclass
class PlanForm:
    """What was typed, what it means, and what is wrong with each field."""

    values: dict[str, str]
    covered_by: list[Plan] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)
    task: Task | None = None

    shapes = SHAPES
    searches = SEARCHES
    others = OTHERS

    def refuse(self, name: str, why: str) -> None:
        """Say what is wrong with a field."""
        self.errors.setdefault(name, []).append(why)

    def fields(self, numbers: Sequence[Number]) -> list[NumberField]:
        """The fields of some numbers."""
        return [
            NumberField(each, self.values.get(each.name, ""), self.errors.get(each.name, []))
            for each in numbers
        ]

    @property
    def site(self) -> list[NumberField]:
        return self.fields(SITE)

    @property
    def view(self) -> list[NumberField]:
        return self.fields(FIELD)

    @property
    def limits(self) -> list[NumberField]:
        return self.fields(LIMITS)

    @property
    def moves(self) -> list[NumberField]:
        return self.fields(MOVES)

    @property
    def asked(self) -> list[NumberField]:
        return self.fields(ASKED)

    @property
    def visits(self) -> list[NumberField]:
        return self.fields(VISITS)

    @property
    def depth(self) -> list[NumberField]:
        return self.fields([DEPTH])

    @property
    def deep_enough(self) -> list[NumberField]:
        return self.fields([DEEP_ENOUGH])

    @property
    def covered_keys(self) -> list[int]:
        return [plan.pk for plan in self.covered_by]
