"""The batch keeps shapes, order of time and identity, and cannot be written to."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scoring.curves import TRIGGER, make_curve
from tom.scoring.batch import Batch, Curve

days = st.floats(-30, 30)
magnitudes = st.floats(15, 22)
points = st.lists(st.tuples(days, st.sampled_from("gri"), magnitudes), max_size=6)


def batch_of(*lengths: int) -> Batch:
    return Batch.build(
        [make_curve(f"object {n}", [(k * 1.0, "g", 18.0 + k) for k in range(n)]) for n in lengths]
    )


@given(st.lists(points, max_size=5))
def test_each_object_owns_its_points_in_order_of_time(curves):
    batch = Batch.build([make_curve(str(i), p) for i, p in enumerate(curves)])

    for index, expected in enumerate(curves):
        rows = batch.rows(index)
        assert batch.mjd[rows].tolist() == sorted(TRIGGER + day for day, _, _ in expected)


def test_points_keep_their_own_values_when_put_in_order_of_time():
    late_first = make_curve("one", [(3.0, "r", 20.0), (1.0, "g", 19.0)])

    batch = Batch.build([late_first])

    assert batch.band.tolist() == ["g", "r"]
    assert batch.flux[0] > batch.flux[1]


@given(st.permutations([0, 1, 2, 3]))
def test_take_gives_the_chosen_objects_in_the_chosen_order(order):
    batch = batch_of(3, 0, 2, 1)

    taken = batch.take(order)

    assert taken.object_ids.tolist() == batch.object_ids[order].tolist()
    for new, old in enumerate(order):
        np.testing.assert_array_equal(taken.flux[taken.rows(new)], batch.flux[batch.rows(old)])


def test_take_of_nothing_is_an_empty_batch():
    empty = batch_of(2, 1).take([])

    assert len(empty) == 0
    assert empty.mjd.shape == (0,)


def test_an_empty_batch_can_be_built():
    assert len(Batch.build([])) == 0


def test_arrays_cannot_be_written_to():
    batch = batch_of(2)

    with pytest.raises(ValueError, match="read-only"):
        batch.flux[0] = 0


def test_only_positive_alerts_and_forced_points_of_five_sigma_are_detections():
    curve = Curve(
        object_id="one",
        mjd=[1, 2, 3, 4, 5, 6],
        flux=[100, -100, 40, 60, np.nan, np.nan],
        flux_error=[30, 10, 10, 10, 10, 10],
        band=["g"] * 6,
        kind=["alert", "alert", "forced", "forced", "limit", "alert"],
        as_of_mjd=10,
    )

    batch = Batch.build([curve])

    assert batch.is_detection.tolist() == [True, False, False, True, False, False]
    assert batch.n_detections.tolist() == [2]


def test_what_comes_after_the_moment_of_the_score_is_no_detection():
    curve = make_curve("one", [(1.0, "g", 19.0), (2.0, "g", 19.0)], as_of=TRIGGER + 1.5)

    batch = Batch.build([curve])

    assert batch.is_detection.tolist() == [True, False]
    assert batch.n_detections.tolist() == [1]


def test_an_alert_and_its_forced_point_are_one_visit():
    curve = make_curve(
        "one",
        [(1.0, "g", 19.0), (1.0001, "g", 19.0), (1.02, "r", 19.0)],
        kinds=["alert", "forced", "alert"],
    )

    assert Batch.build([curve]).n_detections.tolist() == [2]


def test_two_objects_at_one_time_are_two_visits():
    batch = Batch.build([make_curve(name, [(1.0, "g", 19.0)]) for name in ("one", "two")])

    assert batch.n_detections.tolist() == [1, 1]


def test_since_drops_earlier_detections_and_keeps_earlier_limits():
    curve = make_curve(
        "one",
        [(-5.0, "g", 19.0), (-2.0, "g", 20.5), (1.0, "g", 18.0)],
        kinds=["alert", "limit", "alert"],
    )

    recent = Batch.build([curve]).since(TRIGGER)

    assert recent.kind.tolist() == ["limit", "alert"]
    assert recent.n_detections.tolist() == [1]


def test_alert_values_absent_from_an_object_are_nan():
    curves = [make_curve("one", alert_values={"drb": 0.9}), make_curve("two")]

    batch = Batch.build(curves)

    np.testing.assert_array_equal(batch.alert_values["drb"], [0.9, np.nan])


def test_point_values_follow_their_points():
    curve = make_curve(
        "one", [(2.0, "g", 19.0), (1.0, "g", 19.0)], point_values={"drb": [0.2, 0.1]}
    )

    batch = Batch.build([curve, make_curve("two")]).take([1, 0])

    np.testing.assert_array_equal(batch.point_values["drb"], [np.nan, np.nan, 0.1, 0.2])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"kind": ["alert", "guess"]}, "kind must be one of"),
        ({"mjd": [1.0, np.nan]}, "time must be finite"),
        ({"flux": [1.0]}, "2 times but 1 values"),
    ],
)
def test_a_malformed_curve_is_refused(change, reason):
    good = {
        "object_id": "one",
        "mjd": [1.0, 2.0],
        "flux": [1.0, 1.0],
        "flux_error": [1.0, 1.0],
        "band": ["g", "g"],
        "kind": ["alert", "alert"],
        "as_of_mjd": 3.0,
    }

    with pytest.raises(ValueError, match=reason):
        Batch.build([Curve(**(good | change))])
