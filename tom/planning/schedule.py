"""A plan for a night: from a map, a telescope and a span of time to pointings with a bound."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import numpy as np

from tom.planning.faces import Faces, cut_faces, mass_within, row_weights
from tom.planning.fields import MOST_REFUSED, choose_fields, footprints_of
from tom.planning.greedy import fill_route, gains_in_order, quick_bound
from tom.planning.grid import make_grid
from tom.planning.programme import solve_programme
from tom.planning.route import Route, most_exposures, smallest_gap_s
from tom.planning.telescope import Telescope
from tom.planning.wanted import ONCE, Visits
from tom.planning.wanted import Wanted as Wanted
from tom.planning.windows import Windows, find_windows, long_enough
from tom.sky import SkyMap
from tom.sky.arrays import FloatArray

# A field that would add less is not named.
LEAST_NAMED = 1e-3
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Pointing:
    """One exposure of a plan.

    `gain` is the probability that it adds to the earlier ones, `probability` all that its field
    sees. `visit` counts the exposures of its field from 1.
    """

    number: int
    field: int
    ra: float
    dec: float
    start: datetime
    end: datetime
    gain: float
    probability: float
    visit: int = 1
    band: str = ""


@dataclass(frozen=True)
class Refused:
    """A field that is not observed, and why; `probability` is what it would add."""

    field: int
    ra: float
    dec: float
    probability: float
    reason: str


@dataclass(frozen=True)
class Schedule:
    """A plan.

    Attributes
    ----------
    probability
        That all pointings see together.
    bound
        A probability that no schedule of the same fields within the same limits exceeds.
    reachable
        What all fields see together that can be observed at all in the span.
    covered
        What others have covered, which counts nothing here.
    fields
        How many fields were considered.
    by
        What chose the pointings: "greedy" or "integer programme".
    """

    pointings: tuple[Pointing, ...]
    probability: float
    bound: float
    reachable: float
    covered: float
    fields: int
    by: str
    refused: tuple[Refused, ...]

    @property
    def more_possible(self) -> float:
        """By which share another plan may be better at most; NaN: it has no probability."""
        return self.bound / self.probability - 1 if self.probability > 0 else float("nan")


@dataclass(frozen=True, eq=False)
class Problem:
    """The fields of a plan: where they are, what they see, and when they can be observed."""

    telescope: Telescope
    ra: FloatArray
    dec: FloatArray
    faces: Faces
    windows: Windows
    most: int
    gap_s: float
    visits: Visits = ONCE

    @property
    def most_fields(self) -> int:
        """How many fields can be observed at most."""
        return self.most // self.visits.n

    def route(self) -> Route:
        """Return an empty route through these fields."""
        return Route(self.telescope, self.windows, self.ra, self.dec, self.visits)


def plan_night(
    skymap: SkyMap, telescope: Telescope, wanted: Wanted, *, tell: Tell = lambda _: None
) -> Schedule:
    """Choose pointings and their order so that they see as much probability as possible.

    First by the greedy method, at once. Then HiGHS searches for a better set of fields and a bound.
    The better of both plans is returned.

    Parameters
    ----------
    tell
        Is called with each step before it begins.
    """
    weights = row_weights(skymap, wanted.reach_mpc)
    problem = make_problem(skymap, telescope, wanted, weights=weights, tell=tell)
    tell("Choosing the most probable fields")
    route, by = problem.route(), "greedy"
    fill_route(route, problem.faces, most=problem.most)
    bound = quick_bound(_usable(problem), route.fields, most=problem.most_fields)
    if wanted.solver_seconds > 0 and len(problem.ra):
        tell("Searching for a better set")
        better, limit = _solve(problem, seconds=wanted.solver_seconds)
        bound = min(bound, limit)
        if problem.faces.probability(better.fields) > problem.faces.probability(route.fields):
            route, by = better, "integer programme"
    covered = 0.0 if wanted.covered is None else mass_within(skymap, wanted.covered, weights)
    return _describe(problem, route, wanted.start, bound=bound, by=by, covered=covered)


def make_problem(
    skymap: SkyMap,
    telescope: Telescope,
    wanted: Wanted,
    *,
    weights: FloatArray,
    tell: Tell = lambda _: None,
) -> Problem:
    """Find the fields, what they see, and when they can be observed."""
    tell("Laying fields over the map")
    places = wanted.grid or make_grid(skymap, telescope, level=wanted.level, overlap=wanted.overlap)
    span_s = (wanted.end - wanted.start).total_seconds()
    visits = wanted.visits
    # Between two visits of one field there is no move.
    gap_s = smallest_gap_s(telescope, *places) if visits.n == 1 else float(telescope.gap_s(0.0))
    most = most_exposures(span_s, telescope.exposure_s, gap_s)
    most = most if wanted.most is None else min(most, wanted.most)
    tell("Finding when each field is up")
    windows = find_windows(telescope, *places, start=wanted.start, end=wanted.end)
    windows = long_enough(windows, visits)
    kept = choose_fields(skymap, telescope, places, windows, weights=weights, most=most)
    ra, dec = places[0][kept], places[1][kept]
    tell("Finding what each field sees")
    footprints = footprints_of(skymap, telescope, (ra, dec), weights)
    faces = cut_faces(skymap, footprints, weights=weights, covered=wanted.covered)
    return Problem(telescope, ra, dec, faces, windows.only(kept), most, gap_s, visits)


def _usable(problem: Problem) -> Faces:
    """Return what those fields see that can be observed."""
    up = np.unique(problem.windows.field).tolist()
    parts = [problem.faces.of(field) for field in up]
    empty = np.empty(0, dtype=np.int64)
    sees = {field: problem.faces.of(field) for field in up}
    rows = [sees.get(field, empty) for field in range(problem.faces.n)]
    reached = np.zeros(len(problem.faces.weight), dtype=np.bool_)
    reached[np.concatenate([*parts, empty])] = True
    first = np.cumsum([0, *(len(row) for row in rows)], dtype=np.int64)
    weight = np.where(reached, problem.faces.weight, 0.0)
    return replace(problem.faces, weight=weight, first=first, face=np.concatenate([*rows, empty]))


def _solve(problem: Problem, *, seconds: float) -> tuple[Route, float]:
    """Ask HiGHS, put its fields into a route, and fill it with what fits besides."""
    found = solve_programme(
        problem.faces,
        problem.windows,
        exposure_s=problem.telescope.exposure_s,
        gap_s=problem.gap_s,
        most=problem.most_fields,
        visits=problem.visits.n,
        seconds=seconds,
    )
    route = problem.route()
    chosen = list(found.fields)
    for place in np.argsort(-gains_in_order(problem.faces, chosen), kind="stable").tolist():
        if route.has_room(problem.most):
            route.insert(chosen[place])
    fill_route(route, problem.faces, most=problem.most)
    return route, found.bound


def _describe(
    problem: Problem, route: Route, start: datetime, *, bound: float, by: str, covered: float
) -> Schedule:
    faces, alone = problem.faces, problem.faces.alone()
    gains = gains_in_order(faces, route.fields)
    length = timedelta(seconds=problem.telescope.exposure_s)
    pointings = []
    usual = problem.telescope.band
    rows = zip(route.fields, route.visits, route.starts.tolist(), strict=True)
    for number, (field, visit, begin) in enumerate(rows):
        at = start + timedelta(seconds=begin)
        pointings.append(
            Pointing(
                number=number + 1,
                field=field,
                ra=float(problem.ra[field]),
                dec=float(problem.dec[field]),
                start=at,
                end=at + length,
                gain=float(gains[number]),
                probability=float(alone[field]),
                visit=visit + 1,
                band=problem.visits.band(visit, usual),
            )
        )
    probability = faces.probability(route.fields)
    up = np.unique(problem.windows.field).tolist()
    return Schedule(
        pointings=tuple(pointings),
        probability=probability,
        bound=max(bound, probability),
        reachable=faces.probability(up),
        covered=covered,
        fields=len(problem.ra),
        by=by,
        refused=_refused(problem, route.fields),
    )


def _refused(problem: Problem, chosen: Sequence[int]) -> tuple[Refused, ...]:
    """Name the fields that would add something, those with the most first, and why not."""
    faces = problem.faces
    seen = np.zeros(len(faces.weight), dtype=np.bool_)
    for field in chosen:
        seen[faces.of(field)] = True
    full = len(chosen) + problem.visits.n > problem.most
    rows = []
    for field in range(faces.n):
        parts = faces.of(field)
        adds = float(faces.weight[parts[~seen[parts]]].sum())
        why = problem.windows.why_not[field]
        if adds > LEAST_NAMED:
            reason = why or ("others see more" if full else "no time is left")
            place = float(problem.ra[field]), float(problem.dec[field])
            rows.append(Refused(field, *place, adds, reason))
    return tuple(sorted(rows, key=lambda row: -row.probability)[:MOST_REFUSED])
