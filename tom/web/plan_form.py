"""The form of a plan: a telescope, a night, and what is asked; what it shows, and what it reads."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

from tom.planning.models import Plan
from tom.planning.nights import next_dark
from tom.planning.others import MOST_COVERED
from tom.planning.plain import Plain, Task
from tom.planning.telescope import Telescope
from tom.planning.telescopes import TELESCOPES
from tom.planning.wanted import Wanted
from tom.sky import Site
from tom.web.keys import read_pk
from tom.web.plan_covered import OTHERS, FindCovered
from tom.web.plan_numbers import (
    LIMITS,
    MOVES,
    NUMBERS,
    SITE,
    Number,
)
from tom.web.plan_shape import read_grid, read_shape
from tom.web.plan_typed import SEARCHES, TEXTS
from tom.web.plan_typed import PlanForm as PlanForm
from tom.web.plan_visits import read_visits

MINUTES: Final = "%Y-%m-%d %H:%M"
LONGEST_NAME: Final = 100
LONGEST_TEXT: Final = 200_000
LONGEST_SPAN: Final = timedelta(hours=24)


def form_of(telescope: Telescope, *, now: datetime) -> PlanForm:
    """Return the form with a telescope's figures and its next dark span."""
    values = {each.name: each.default for each in NUMBERS} | dict.fromkeys(TEXTS, "")
    plain = telescope.as_dict()
    values |= {name: _plain(plain[name]) for name in values if plain.get(name) is not None}
    shape, site = telescope.shape, telescope.site
    values |= {"shape": str(shape["kind"]), "search": "10", "site_name": site.name}
    values |= {name: _plain(shape[name]) for name in values if name in shape}
    values["polygons"] = _corners(shape.get("polygons", ()))
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
    shape = read_shape(form, numbers)
    start, end = (_read_moment(form, name) for name in ("start", "end"))
    if start and end and not timedelta(0) < end - start <= LONGEST_SPAN:
        form.refuse("end", "The end comes after the start, within 24 hours.")
    visits = read_visits(form, numbers, end - start if start and end else None)
    grid = read_grid(form)
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
        visits=visits,
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
    places = dict.fromkeys((row["ra"], row["dec"]) for row in plan.result["pointings"])
    return [{"ra": ra, "dec": dec} | fixed for ra, dec in places]


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


def _read_moment(form: PlanForm, name: str) -> datetime | None:
    text = form.values[name].replace("T", " ")
    try:
        return datetime.strptime(text, MINUTES).replace(tzinfo=UTC)
    except ValueError:
        form.refuse(name, "Write a moment in UTC as YYYY-MM-DD HH:MM.")
        return None


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


def _corners(polygons: Sequence[Sequence[Sequence[float]]]) -> str:
    return "\n".join(" ".join(f"{x:g},{y:g}" for x, y in each) for each in polygons)


def _plain(value: object) -> str:
    return f"{value:.10g}" if isinstance(value, float) else str(value)
