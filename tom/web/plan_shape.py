"""A plan's field of view and its fields, as they are typed into its form."""

import re
from collections.abc import Mapping
from typing import Any, Final

import numpy as np

from tom.planning.plain import Plain
from tom.planning.telescope import reach_deg, shape_of
from tom.web.plan_numbers import NARROWEST_DEG, WIDEST_DEG
from tom.web.plan_typed import PlanForm

MOST_GRID: Final = 2000
MOST_POLYGONS: Final = 64
MOST_CORNERS: Final = 40


def read_shape(form: PlanForm, numbers: Mapping[str, float | None]) -> Plain:
    kind = form.values["shape"]
    needed = {"circle": ("radius_deg",), "rectangle": ("width_deg", "height_deg")}.get(kind, ())
    missing = [name for name in needed if numbers[name] is None]
    for name in missing:
        if name not in form.errors:
            form.refuse(name, "This shape needs it.")
    shape: Plain = {"kind": kind} | {name: numbers[name] for name in needed}
    if kind == "polygons":
        shape["polygons"] = _read_polygons(form)
    if missing or "polygons" in form.errors:
        return shape
    try:
        wide = reach_deg(shape_of(shape))
    except ValueError as error:
        form.refuse("polygons" if kind == "polygons" else "shape", f"This is no field: {error}.")
    else:
        if not NARROWEST_DEG / 2 <= wide <= WIDEST_DEG:
            form.refuse("shape", f"A field reaches at most {WIDEST_DEG:g} degrees from its middle.")
    return shape


def _read_polygons(form: PlanForm) -> list[list[list[float]]]:
    """Read a polygon a line, its corners as `x,y` in degrees, east and north of the middle."""
    lines = [line for line in form.values["polygons"].splitlines() if line.strip()]
    try:
        polygons = [
            [[float(x) for x in corner.split(",")] for corner in line.split()] for line in lines
        ]
    except ValueError:
        polygons = []
    is_one = all(len(each) <= MOST_CORNERS and all(len(c) == 2 for c in each) for each in polygons)
    numbers = [x for each in polygons for corner in each for x in corner]
    if not polygons or not is_one or not all(abs(x) <= WIDEST_DEG for x in numbers):
        form.refuse(
            "polygons",
            "Write a polygon a line, its corners as x,y in degrees to the east and to the north:"
            " -0.5,-0.5 0.5,-0.5 0.5,0.5 -0.5,0.5",
        )
    elif len(polygons) > MOST_POLYGONS:
        form.refuse("polygons", f"A field has at most {MOST_POLYGONS} polygons.")
    return polygons


def read_grid(form: PlanForm) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
    """Read a field a line: RA and dec in degrees, apart by a blank or a comma."""
    lines = [line for line in form.values["grid"].splitlines() if line.strip()]
    if not lines:
        return None
    try:
        pairs = [[float(each) for each in re.split(r"[,\s]+", line.strip())] for line in lines]
    except ValueError:
        pairs = [[]]
    right = all(len(p) == 2 and 0 <= p[0] <= 360 and abs(p[1]) <= 90 for p in pairs)
    if not right:
        form.refuse("grid", "Write a field a line: RA and dec in degrees, such as 12.5 -25.1")
        return None
    if len(pairs) > MOST_GRID:
        form.refuse("grid", f"A grid has at most {MOST_GRID} fields.")
        return None
    ra, dec = np.array(pairs, dtype=np.float64).T
    return ra, dec
