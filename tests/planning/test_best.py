"""Plans of few fields against the best there is, found by trying every set and every order."""

import time
from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.planning.nights import make_flat_map, make_map, make_telescope
from tests.sky.strategies import skymaps
from tom.planning.faces import cut_faces
from tom.planning.greedy import fill_route, quick_bound
from tom.planning.programme import solve_programme
from tom.planning.route import Route, most_exposures, smallest_gap_s
from tom.planning.windows import Windows, endless
from tom.sky import circle, footprint_ranges, separation_arcsec

TELESCOPE = make_telescope(shape={"kind": "circle", "radius_deg": 20.0}, exposure_s=100.0)
places = st.lists(
    st.tuples(st.floats(0, 359), st.floats(-80, 80)),
    min_size=3,
    max_size=7,
    unique_by=lambda place: (round(place[0]), round(place[1])),
)


def make_faces(skymap, ra, dec):
    shape = circle(20.0)
    places = zip(ra, dec, strict=True)
    return cut_faces(skymap, [footprint_ranges(shape, ra=x, dec=y) for x, y in places])


def columns(given):
    return tuple(np.array(column) for column in zip(*given, strict=True))


@given(skymaps, places, st.integers(1, 4))
@settings(max_examples=40)
def test_without_limits_greedy_has_at_least_its_share_of_the_best(skymap, given_places, most):
    ra, dec = columns(given_places)
    faces = make_faces(skymap, ra, dec)
    sets = combinations(range(faces.n), min(most, faces.n))
    best = max(faces.probability(some) for some in sets)
    route = Route(TELESCOPE, endless(faces.n, 1e6), ra, dec)

    fill_route(route, faces, most=most)
    found = solve_programme(
        faces, endless(faces.n, 1e6), exposure_s=100, gap_s=20, most=most, seconds=5
    )

    greedy = faces.probability(route.fields)
    assert greedy >= (1 - 1 / np.e) * best - 1e-5
    assert quick_bound(faces, route.fields, most=most) >= best - 1e-9
    assert found.bound >= best - 1e-9
    assert faces.probability(found.fields) >= best * (1 - 3e-4) - 1e-9


def best_within(faces, windows, ra, dec, most):
    """Try every sequence: the most probability of one that keeps its windows and moves."""
    best = 0.0
    for n in range(1, most + 1):
        for order in permutations(range(faces.n), n):
            at = -np.inf
            for before, field in zip((None, *order), order, strict=False):
                gap = 0.0
                if before is not None:
                    angle = separation_arcsec(ra[before], dec[before], ra[field], dec[field])
                    gap = TELESCOPE.gap_s(angle / 3600)
                at = max(windows.opens[field], at + 100.0 + gap)
                if at > windows.closes[field]:
                    break
            else:
                best = max(best, faces.probability(order))
    return best


@given(skymaps, places, st.data())
@settings(max_examples=25)
def test_no_sequence_within_the_windows_exceeds_a_bound(skymap, given_places, data):
    given_places = given_places[:5]
    ra, dec = columns(given_places)
    faces = make_faces(skymap, ra, dec)
    opens = np.array([data.draw(st.floats(0, 600)) for _ in given_places])
    closes = opens + np.array([data.draw(st.floats(0, 400)) for _ in given_places])
    windows = Windows(np.arange(faces.n), opens, closes, ("",) * faces.n)
    gap = smallest_gap_s(TELESCOPE, ra, dec)
    most = min(most_exposures(float(closes.max() + 100 - opens.min()), 100.0, gap), 4)
    best = best_within(faces, windows, ra, dec, most)
    route = Route(TELESCOPE, windows, ra, dec)

    fill_route(route, faces, most=most)
    found = solve_programme(faces, windows, exposure_s=100, gap_s=gap, most=most, seconds=5)

    assert faces.probability(route.fields) <= best + 1e-9
    assert quick_bound(faces, route.fields, most=most) >= best - 1e-9
    assert found.bound >= best - 1e-9


@given(places, st.data())
@settings(max_examples=60)
def test_a_route_keeps_its_windows_and_its_moves(given_places, data):
    ra, dec = columns(given_places)
    n = len(ra)
    field = np.sort(np.array([data.draw(st.integers(0, n - 1)) for _ in range(2 * n)]))
    opens = np.array([data.draw(st.floats(0, 2000)) for _ in field])
    closes = opens + np.array([data.draw(st.floats(0, 500)) for _ in field])
    route = Route(TELESCOPE, Windows(field, opens, closes, ("",) * n), ra, dec)

    fitted = [each for each in range(n) if route.insert(each)]

    assert sorted(route.fields) == fitted
    for i, each in enumerate(route.fields):
        at = route.starts[i]
        own = field == each
        assert np.any((opens[own] <= at) & (at <= closes[own]))
        if i:
            last = route.fields[i - 1]
            angle = separation_arcsec(ra[last], dec[last], ra[each], dec[each]) / 3600
            assert at >= route.starts[i - 1] + 100 + TELESCOPE.gap_s(angle) - 1e-6


def test_a_route_takes_a_field_between_two_others():
    opens, closes = np.array([0.0, 500.0, 0.0]), np.array([0.0, 500.0, 900.0])
    windows = Windows(np.arange(3), opens, closes, ("",) * 3)
    route = Route(TELESCOPE, windows, np.array([10.0, 20.0, 15.0]), np.zeros(3))

    assert all(route.insert(each) for each in range(3))
    assert route.fields == [0, 2, 1]


def test_of_equal_places_the_last_is_taken_so_the_most_probable_comes_first():
    route = Route(TELESCOPE, endless(3, 1e6), np.array([10.0, 10.1, 10.2]), np.zeros(3))

    assert all(route.insert(each) for each in (2, 0, 1))
    assert route.fields == [2, 0, 1]


@pytest.mark.parametrize(
    ("span", "expected"), [(99, 0), (100, 1), (219, 1), (220, 2), (340, 3), (0, 0)]
)
def test_how_many_exposures_fit(span, expected):
    assert most_exposures(span, 100.0, 20.0) == expected


def test_the_programme_proves_that_fields_that_share_a_moment_exclude_each_other():
    windows = Windows(np.arange(3), np.zeros(3), np.zeros(3), ("",) * 3)
    ra, dec = np.array([10.0, 100.0, 200.0]), np.zeros(3)
    faces = make_faces(make_flat_map(), ra, dec)

    found = solve_programme(faces, windows, exposure_s=100, gap_s=20, most=3, seconds=5)

    assert found.is_best
    assert len(found.fields) == 1
    assert found.bound == pytest.approx(faces.alone().max(), rel=1e-3)


def test_the_programme_stops_when_its_time_is_over_and_its_bound_holds():
    rng, n = np.random.default_rng(1), 200
    ra, dec = rng.uniform(0, 360, n), np.degrees(np.arcsin(rng.uniform(-1, 1, n)))
    faces = make_faces(make_flat_map(), ra, dec)  # HiGHS needs seconds for the best twelve
    route = Route(TELESCOPE, endless(n, 1e6), ra, dec)
    fill_route(route, faces, most=12)

    before = time.process_time()
    found = solve_programme(faces, endless(n, 1e6), exposure_s=100, gap_s=20, most=12, seconds=0.1)

    assert not found.is_best
    assert time.process_time() - before < 2
    assert found.bound >= max(faces.probability(each) for each in (found.fields, route.fields))


def test_the_lazy_choice_counts_what_is_seen_already():
    ra, dec = np.array([12.0, 12.1, 45.0]), np.zeros(3)
    faces = make_faces(make_map(radius_deg=30.0, place=(12.0, 0.0)), ra, dec)
    route = Route(TELESCOPE, endless(3, 1e6), ra, dec)

    fill_route(route, faces, most=2)

    assert faces.alone()[2] < faces.alone()[:2].min()
    assert sorted(route.fields)[1] == 2
