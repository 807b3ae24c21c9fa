"""Fields of view as a layer of the map of an event: by camera, the deeper the stronger."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from tom.web.plots.paper import Ring

# So many colours are there for telescopes.
COLOURS: Final = 6


@dataclass(frozen=True)
class FieldGroup:
    """The fields of one telescope with depths of one step.

    `at` counts the telescopes from 0. `step` is 0 where no depth is known; it grows with the depth.
    `deepest` is a limiting AB magnitude, or NaN. Each field has one ring or more, of ICRS degrees.
    """

    telescope: str
    at: int
    step: int
    deepest: float
    fields: Sequence[Sequence[Ring]]

    @property
    def colour(self) -> int:
        """The number of its telescope's colour."""
        return self.at % COLOURS

    @property
    def rings(self) -> list[Ring]:
        """The outlines of all fields."""
        return [ring for field in self.fields for ring in field]

    @property
    def title(self) -> str:
        """What a reader is told of the fields."""
        count = len(self.fields)
        fields = f"{self.telescope}: {count} field{'' if count == 1 else 's'}"
        if math.isnan(self.deepest):
            return f"{fields}, depth unknown"
        return f"{fields}, to {self.deepest:.1f} mag"


def draw_fields(groups: Iterable[FieldGroup], draw: Callable[[Sequence[Ring]], str]) -> SafeString:
    """Draw each group as one path with its title; `draw` makes a path of rings."""
    return format_html_join(
        "",
        '<path class="telescope-{} depth-{}" d="{}"><title>{}</title></path>',
        ((group.colour, group.step, draw(group.rings), group.title) for group in groups),
    )
