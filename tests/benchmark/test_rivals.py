import math

import numpy as np
import pytest

from tom.benchmark.rivals import RIVALS, by_product, in_order, rank_by_all
from tom.benchmark.sights import Sights, Watch, steepest_decline

NAN = math.nan


def sights(**changed):
    """Three candidates: an old bright star, a new one that fades, a new one that brightens."""
    columns = {
        "names": ["old", "fading", "rising"],
        "level": [0.2, 0.5, 0.9],
        "distance_mpc": [100.0, 100.0, 100.0],
        "magnitude": [16.0, 20.5, 19.0],
        "peak_magnitude": [16.0, 19.5, 19.0],
        "first_days": [-900.0, 0.4, 1.4],
        "peak_days": [0.4, 0.4, 2.4],
        "decline": [1.5, 1.0, -0.5],
        "n_before": [0, 0, 0],
        "n_after": [5, 2, 1],
        "on_star": [False, False, False],
        "on_planet": [False, False, False],
    } | changed
    names = columns.pop("names")
    return Sights(names, **{key: np.array(values) for key, values in columns.items()})


@pytest.mark.parametrize(
    ("name", "order"),
    [
        ("brightest first", ["old", "rising", "fading"]),
        ("brightest of the new", ["rising", "fading", "old"]),
        ("brightest after cuts", ["fading", "old", "rising"]),
        ("newest", ["rising", "fading", "old"]),
        ("credible level", ["old", "fading", "rising"]),
        ("decline", ["fading", "rising", "old"]),
        # By the product: .8, .5, and .1 x .1 for a rise.
        ("TROVE's product", ["old", "fading", "rising"]),
    ],
)
def test_each_rival_has_its_order(name, order):
    assert in_order(sights(), RIVALS[name]) == order


@pytest.mark.parametrize(
    "changed",
    [
        {"n_after": [5, 1, 2]},
        {"on_star": [False, True, False], "n_after": [5, 2, 2]},
        {"on_planet": [False, True, False], "n_after": [5, 2, 2]},
        {"first_days": [-900.0, -0.1, 1.4], "n_after": [5, 2, 2]},
    ],
)
def test_each_of_the_usual_cuts_takes_one_out(changed):
    order = in_order(sights(**changed), RIVALS["brightest after cuts"])

    assert order == ["rising", "old", "fading"]


def test_random_is_the_same_each_time_whatever_the_others_are():
    whole = in_order(sights(), RIVALS["random"])

    assert whole == in_order(sights(), RIVALS["random"])
    assert sorted(whole) == sorted(sights().names)


@pytest.mark.parametrize(
    ("changed", "values"),
    [
        ({"on_star": [True, False, False]}, [0.0, 0.5, 0.01]),
        ({"on_planet": [False, True, False]}, [0.8, 0.0, 0.01]),
        ({"n_before": [3, 0, 0]}, [0.08, 0.5, 0.01]),
        ({"n_before": [2, 0, 0]}, [0.8, 0.5, 0.01]),
        ({"peak_days": [4.5, 0.4, NAN]}, [0.08, 0.5, 0.01]),
        ({"level": [0.995, 0.5, 0.9]}, [0.0, 0.5, 0.01]),
        # 13 mag at 100 Mpc is 3e44 erg/s.
        ({"peak_magnitude": [13.0, 19.5, 19.0]}, [0.08, 0.5, 0.01]),
        # What is missing counts 1: ignorance ranks first, as there.
        ({"decline": [1.5, 1.0, NAN], "distance_mpc": [NAN, 100.0, 100.0]}, [0.8, 0.5, 0.1]),
    ],
)
def test_the_product_has_the_published_factors(changed, values):
    usual = {"level": [0.2, 0.5, 0.9]}

    np.testing.assert_allclose(by_product(sights(**usual | changed)), values, atol=1e-9)


def test_a_decline_is_that_of_the_fastest_band_after_the_merger():
    days = np.array([-3.0, 0.4, 0.41, 1.4, 1.41])
    magnitude = np.array([15.0, 19.0, 19.2, 20.0, 19.7])
    bands = np.array([1, 1, 2, 1, 2])

    assert steepest_decline(days, magnitude, bands) == pytest.approx(1.0)
    assert steepest_decline(days[1:], -magnitude[1:], bands[1:]) == pytest.approx(-0.5)
    assert math.isnan(steepest_decline(days[:3], magnitude[:3], bands[:3]))


def test_a_list_grows_and_knows_nothing_of_later_alerts(hard_night):
    watch = Watch(hard_night)
    early, late = watch.at(watch.hours[0]), watch.at(watch.hours[-1])

    assert 0 < len(early.names) < len(late.names)
    assert np.nanmax(late.peak_days) > watch.hours[0] / 24 >= np.nanmax(early.peak_days)
    first = hard_night.sent[list(hard_night.names).index(hard_night.counterpart)][0]
    assert hard_night.counterpart not in watch.at(first - 0.01).names
    assert hard_night.counterpart in watch.at(first + 0.01).names
    assert np.all(late.level <= 0.99)


def test_all_rivals_list_the_same_candidates_at_the_same_hours(hard_night):
    lists = rank_by_all(hard_night)

    assert set(lists) == set(RIVALS)
    for rows in zip(*lists.values(), strict=True):
        assert len({row.hour for row in rows}) == 1
        assert len({frozenset(row.order) for row in rows}) == 1


def test_detections_that_the_network_calls_bogus_do_not_count_as_seen(hard_night):
    late = Watch(hard_night).at(200.0)
    bogus = {
        name: observed.epochs
        for name, observed in zip(hard_night.names, hard_night.objects, strict=True)
        if observed.source.is_artefact and name in late.names
    }
    counted = dict(zip(late.names, late.n_after.tolist(), strict=True))
    shown = {
        name: int(np.sum(epochs.detected & (epochs.flux > 0))) for name, epochs in bogus.items()
    }

    assert sum(counted[name] for name in bogus) < 0.4 * sum(shown.values())
    assert counted[hard_night.counterpart] >= 1
