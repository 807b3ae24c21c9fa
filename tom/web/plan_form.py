"""The form of a plan: a telescope, a night, and what is asked; what it shows, and what it reads."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np

from tom.planning.models import Plan
from tom.planning.nights import next_dark
from tom.planning.others import MOST_COVERED
from tom.planning.plain import Plain, Task
from tom.planning.schedule import Wanted
from tom.planning.telescope import Telescope, reach_deg, shape_of
from tom.planning.telescopes import TELESCOPES
from tom.sky import Site
from tom.web.keys import read_pk
from tom.web.plan_covered import OTHERS, FindCovered
from tom.web.plan_numbers import (
    ASKED,
    DEEP_ENOUGH,
    DEPTH,
    FIELD,
    LIMITS,
    MOVES,
    NARROWEST_DEG,
    NUMBERS,
    SITE,
    WIDEST_DEG,
    Number,
)

MINUTES: Final = "%Y-%m-%d %H:%M"
LONGEST_NAME: Final = 100
MOST_GRID: Final = 2000
MOST_POLYGONS: Final = 64
MOST_CORNERS: Final = 40
LONGEST_TEXT: Final = 200_000
LONGEST_SPAN: Final = timedelta(hours=24)
SHAPES: Final = (
    ("circle", "Circle"),
    ("rectangle", "Rectangle"),
    ("polygons", "Polygons (chips with gaps)"),
)
SEARCHES: Final = (("0", "not at all"), ("10", "10 s"), ("60", "60 s"))


TEXTS: Final = (
    *("name", "site_name", "shape", "polygons", "band", "instrument", "start", "end", "grid"),
    *("search", "others"),
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
    def depth(self) -> list[NumberField]:
        return self.fields([DEPTH])

    @property
    def deep_enough(self) -> list[NumberField]:
        return self.fields([DEEP_ENOUGH])

    @property
    def covered_keys(self) -> list[int]:
        return [plan.pk for plan in self.covered_by]


def form_of(telescope: Telescope, *, now: datetime) -> PlanForm:
    """Return the form with a telescope's figures and its next dark span."""
    values = {each.name: each.default for each in NUMBERS} | dict.fromkeys(TEXTS, "")
    plain = telescope.as_dict()
    values |= {name: _plain(plain[name]) for name in values if plain.get(name) is not None}
    shape, site = telescope.shape, telescope.site
    values |= {"shape": str(shape["kind"]), "search": "10", "site_name": site.name}
    values |= {name: _plain(shape[name]) for name in values if name in shape}
    values |= {name: _plain(getattr(site, name)) for name in ("latitude", "longitude")}
    values["elevation_m"] = _plain(site.elevation_m)
    dark = next_dark(site, now=now, sun_altitude_max_deg=telescope.sun_altitude_max_deg)
    if dark:
        values["start"], values["end"] = (f"{each:{MINUTES}}" for each in dark)
    return PlanForm(values)


def named_telescope(name: str) -> Telescope | None:
    """Return the declared telescope of a name; None: there is none."""
    return next((each for each in TELESCOPES if each.name == name), None)


def form_again(plan: Plan) -> PlanForm:
    """Return the form as it was filled in for a plan."""
    values = {each.name: each.default for each in NUMBERS} | dict.fromkeys(TEXTS, "")
    kept = {name: str(value) for name, value in plan.form.items() if name in values}
    return PlanForm(values | kept)


def read_plan_form(
    data: Mapping[str, str],
    *,
    covered: Sequence[str],
    done: Sequence[Plan],
    find: FindCovered = lambda *_: [],
) -> PlanForm:
    """Read the form; it judges each field. `task` is what it asks for, if nothing is wrong.

    Parameters
    ----------
    covered
        Keys of plans whose fields need no observation.
    done
        The plans that may be named so.
    find
        Finds the fields of others' pointings.
    """
    names = [*(each.name for each in NUMBERS), *TEXTS]
    form = PlanForm({name: data.get(name, "").strip()[:LONGEST_TEXT] for name in names})
    numbers = {each.name: _read_number(form, each) for each in NUMBERS}
    for name, most in (("name", 1), ("site_name", 1), ("band", 0), ("instrument", 0)):
        text = form.values[name]
        if not most <= len(text) <= LONGEST_NAME or not text.isprintable():
            form.refuse(name, f"Write {most} to {LONGEST_NAME} characters.")
    shape = _read_shape(form, numbers)
    start, end = (_read_moment(form, name) for name in ("start", "end"))
    if start and end and not timedelta(0) < end - start <= LONGEST_SPAN:
        form.refuse("end", "The end comes after the start, within 24 hours.")
    grid = _read_grid(form)
    reach = _reach(form, numbers)
    if form.values["search"] not in dict(SEARCHES):
        form.refuse("search", "Choose how long to search.")
    keys = {read_pk(text) for text in covered}
    form.covered_by = [plan for plan in done if plan.pk in keys]
    fields = _covered(form, numbers["deep_enough"], find)
    if form.errors or not (start and end):
        return form
    wanted = Wanted(
        start=start,
        end=end,
        most=int(numbers["most"]) if numbers["most"] else None,
        grid=grid,
        overlap=numbers["overlap"] or 0.0,
        reach_mpc=reach,
        solver_seconds=float(form.values["search"]),
    )
    form.task = Task(_telescope(form, numbers, shape), wanted, fields)
    return form


def _covered(form: PlanForm, depth: float | None, find: FindCovered) -> tuple[Plain, ...]:
    """The fields that need no observation: those of plans, and those of others' pointings."""
    if form.values["others"] not in dict(OTHERS):
        form.refuse("others", "Choose what to leave out.")
    if form.errors:
        return ()
    fields = [each for plan in form.covered_by for each in fields_of(plan)]
    fields += find(form.values["others"], depth)
    if len(fields) > MOST_COVERED:
        form.refuse(
            "others",
            f"These are {len(fields)} fields; a plan leaves out at most {MOST_COVERED}."
            " Ask for deeper ones.",
        )
    return tuple(fields)


def fields_of(plan: Plan) -> list[Plain]:
    """Return the fields that a plan observes."""
    telescope = plan.task["telescope"]
    fixed = {name: telescope[name] for name in ("shape", "position_angle_deg")}
    return [{"ra": row["ra"], "dec": row["dec"]} | fixed for row in plan.result["pointings"]]


def _telescope(form: PlanForm, numbers: Mapping[str, float | None], shape: Plain) -> Telescope:
    given = {name: value or 0.0 for name, value in numbers.items()}
    site = Site(form.values["site_name"], *(given[each.name] for each in SITE))
    moves = {each.name: given[each.name] for each in (*MOVES, *LIMITS)}
    depth = numbers["depth"]
    return Telescope(
        name=form.values["name"],
        site=site,
        shape=shape,
        position_angle_deg=given["position_angle_deg"],
        depth=math.nan if depth is None else depth,
        band=form.values["band"],
        instrument=form.values["instrument"],
        **moves,
    )


def _read_number(form: PlanForm, about: Number) -> float | None:
    text = form.values[about.name]
    if not text:
        if about.required:
            form.refuse(about.name, "Write a number.")
        return None
    try:
        value = float(text) if len(text) <= 30 else math.nan
    except ValueError:
        value = math.nan
    if not about.least <= value <= about.largest:
        form.refuse(about.name, f"Write a number from {about.least:g} to {about.largest:g}.")
        return None
    return value


def _read_shape(form: PlanForm, numbers: Mapping[str, float | None]) -> Plain:
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


def _read_moment(form: PlanForm, name: str) -> datetime | None:
    text = form.values[name].replace("T", " ")
    try:
        return datetime.strptime(text, MINUTES).replace(tzinfo=UTC)
    except ValueError:
        form.refuse(name, "Write a moment in UTC as YYYY-MM-DD HH:MM.")
        return None


def _read_grid(form: PlanForm) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]] | None:
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


def _reach(form: PlanForm, numbers: Mapping[str, float | None]) -> float:
    """Find the distance, Mpc, at which a source of the magnitude is just seen; infinite: all."""
    magnitude, depth = numbers["source_magnitude"], numbers["depth"]
    if magnitude is None:
        return math.inf
    if depth is None:
        if "depth" not in form.errors:
            form.refuse("depth", "A source's magnitude counts only with a depth.")
        return math.inf
    return float(10 ** ((depth - magnitude - 25) / 5))


def _plain(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
