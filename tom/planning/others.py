"""What others covered deep enough, as fields that a plan leaves out."""

import math
from typing import Any, Final

from django.db.models import QuerySet

from tom.pointings.coverage import looks_of
from tom.pointings.models import Footprint, Pointing

MOST_COVERED: Final = 300
"""Of more fields a plan would take minutes to read and to check."""
Plain = dict[str, Any]


def covered_fields(rows: QuerySet[Pointing], *, depth: float | None) -> list[Plain]:
    """Return the fields of pointings as a task's `covered`, each once; two queries.

    Parameters
    ----------
    depth
        The least limiting AB magnitude. None: every pointing counts, also without a known depth.
    """
    deep = -math.inf if depth is None else depth
    prints = {look.footprint for look in looks_of(rows) if depth is None or look.depth >= deep}
    shapes = Footprint.objects.filter(pk__in=prints).order_by("pk").values_list("shape", flat=True)
    return [_field(shape) for shape in shapes]


def _field(shape: Plain) -> Plain:
    ra, dec, angle = shape["at"]
    outline = (
        {"kind": "circle", "radius_deg": shape["radius_deg"]}
        if shape["radius_deg"]
        else {"kind": "polygons", "polygons": shape["polygons"]}
    )
    return {"shape": outline, "ra": ra, "dec": dec, "position_angle_deg": angle}
