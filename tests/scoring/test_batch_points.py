"""Every point of a batch counts, stays or goes as a rule says: told here point by point."""

import pickle
from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.scoring.batch import KINDS, Batch, Curve

Point = tuple[float, float, float, str, str, str]

# Times, some of one visit (less than 17 s apart) and some of one moment.
times = st.sampled_from([0.0, 1e-4, 2.5e-4, 1.0, 1.0001, 2.0, 3.0, 3.1])
fluxes = st.sampled_from([float("nan"), -80.0, -49.0, 0.0, 1.0, 49.9, 50.0, 51.0, 900.0])
errors = st.sampled_from([10.0, 10.0, 0.0])
names = st.sampled_from("ab")
points = st.lists(
    st.tuples(times, fluxes, errors, st.sampled_from("gr"), st.sampled_from(KINDS), names),
    max_size=7,
)
quick = settings(max_examples=40)


def make_curve(rows: Sequence[Point], *, name: str = "one", as_of: float = 3.0) -> Curve:
    mjd, flux, error, band, kind, key = (
        (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 6
    )
    return Curve(
        object_id=name,
        mjd=mjd,
        flux=flux,
        flux_error=error,
        band=band,
        kind=kind,
        key=key,
        survey=[f"of {each}" for each in key],
        point_values={"rb": [value / 7 for value in flux]},
        as_of_mjd=as_of,
        alert_values={"drb": len(rows) / 10},
        given={"redshift": len(rows)},
    )


def told(batch: Batch, index: int = 0) -> list[tuple[object, ...]]:
    """The points of an object, NaN as None."""
    rows = batch.rows(index)
    values = (batch.mjd, batch.flux, batch.flux_error, batch.band, batch.kind, batch.survey)
    columns = [array[rows].tolist() for array in (*values, batch.point_values["rb"])]
    clean = [[None if value != value else value for value in column] for column in columns]
    return list(zip(*clean, strict=True))


def shines(row: Point, as_of: float = 3.0) -> bool:
    mjd, flux, error, _, kind, _ = row
    if not (mjd <= as_of and flux > 0 and error > 0):
        return False
    return kind == "alert" or (kind == "forced" and flux >= 5 * error)


def is_dark(row: Point) -> bool:
    _, flux, error, _, kind, _ = row
    return kind == "limit" or (kind == "forced" and abs(flux) < 5 * error)


@quick
@given(st.lists(points, min_size=1, max_size=3))
def test_detections_are_counted_once_a_visit(curves) -> None:
    batch = Batch.build([make_curve(rows, name=str(n)) for n, rows in enumerate(curves)])

    for n, rows in enumerate(curves):
        seen = sorted(row[0] for row in rows if shines(row))
        visits = sum(1 for a, b in pairwise(seen) if b - a >= 2e-4) + bool(seen)
        assert batch.is_detection[batch.rows(n)].sum() == len(seen)
        assert batch.n_detections[n] == visits


@quick
@given(points, st.sampled_from([-1.0, 1.0, 1.00005, 2.0, 9.0]))
def test_since_leaves_out_what_shone_before_alone(rows, start: float) -> None:
    kept = [row for row in rows if row[0] >= start or is_dark(row)]

    both = Batch.build([make_curve(rows), make_curve(rows, name="two")])
    recent = both.since([start, -99.0])

    assert told(recent, 0) == told(Batch.build([make_curve(kept)]))
    assert told(recent, 1) == told(both, 1)
    assert told(both.since(start), 1) == told(recent, 0)
    assert recent.given["redshift"] == (len(rows), len(rows))


@quick
@given(points.flatmap(lambda rows: st.tuples(st.just(rows), st.permutations(rows))))
def test_points_stand_in_one_order_however_they_came(both) -> None:
    rows, shuffled = both
    batch = Batch.build([make_curve(rows)])

    assert told(Batch.build([make_curve(shuffled)])) == told(batch)
    order = [(row[0], row[4]) for row in told(batch)]
    assert order == sorted(order)


@quick
@given(st.lists(points, min_size=1, max_size=4), st.data())
def test_an_object_that_is_taken_brings_all_that_is_its_own(curves, data) -> None:
    batch = Batch.build(
        [make_curve(rows, name=str(n), as_of=float(n)) for n, rows in enumerate(curves)]
    )
    chosen = data.draw(st.lists(st.integers(0, len(curves) - 1), max_size=5))

    taken = batch.take(chosen)

    for new, old in enumerate(chosen):
        assert told(taken, new) == told(batch, old)
        assert (taken.object_ids[new], taken.as_of_mjd[new]) == (str(old), old)
        assert taken.alert_values["drb"][new] == len(curves[old]) / 10
        assert taken.given["redshift"][new] == len(curves[old])


def test_a_batch_that_is_sent_to_a_process_arrives_as_it_was() -> None:
    rows = [(1.0, 5.0, 1.0, "g", "alert", "a"), (2.0, float("nan"), 1.0, "r", "limit", "b")]
    batch = Batch.build([make_curve(rows), make_curve([], name="two")])

    arrived = pickle.loads(pickle.dumps(batch))  # noqa: S301

    assert told(arrived) == told(batch)
    for item in fields(batch):
        came, sent = getattr(arrived, item.name), getattr(batch, item.name)
        if isinstance(sent, Mapping):
            came, sent = dict(came), dict(sent)
        np.testing.assert_equal(came, sent)
    for array in (arrived.mjd, arrived.alert_values["drb"], arrived.point_values["rb"]):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 1.0
    with pytest.raises(TypeError):
        arrived.given["redshift"] = ()  # type: ignore[index]


def test_what_a_curve_does_not_tell_is_empty_or_none() -> None:
    plain = Curve("one", [1.0], [5.0], [1.0], ["g"], ["alert"], as_of_mjd=1.0)
    asked = replace(plain, object_id="two", given={"host": "a galaxy"}, survey=["ZTF"])

    batch = Batch.build([plain, asked])

    assert batch.survey.tolist() == ["", "ZTF"]
    assert batch.given["host"] == (None, "a galaxy")
    assert np.isnan([batch.ra[0], batch.dec[0], batch.ebv[0], batch.ebv_sigma[0]]).all()


WRONG = np.zeros(5)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        *(({name: WRONG}, f"{name} has shape") for name in ("flux", "flux_error", "survey")),
        *(({name: WRONG}, f"{name} has shape") for name in ("ra", "dec", "ebv", "ebv_sigma")),
        ({"band": np.array(["g"])}, "band has shape"),
        ({"as_of_mjd": WRONG}, "as_of_mjd has shape"),
        ({"alert_values": {"drb": WRONG}}, "drb has shape"),
        ({"point_values": {"rb": WRONG}}, "rb of points has shape"),
        ({"given": {"host": ("a", "b", "c")}}, "host has shape"),
        *(({"start": np.array(rows)}, "start must rise from 0 to 3 in 3 values") for rows in (
            [0, 3], [1, 2, 3], [0, 2, 2], [0, 4, 3], [0, 2, 3, 3],
        )),
        ({"mjd": np.array([2.0, 1.0, 3.0])}, "order of time"),
        ({"mjd": np.array([1.0, np.inf, 3.0])}, "every time must be finite"),
        ({"as_of_mjd": np.array([1.0, np.nan])}, "every time must be finite"),
    ],
)  # fmt: skip
def test_a_batch_of_a_wrong_shape_says_what_is_wrong(change, reason: str) -> None:
    rows = [(float(n), 5.0, 1.0, "g", "alert", "a") for n in range(3)]
    good = Batch.build([make_curve(rows[:2]), make_curve(rows[2:], name="two")])

    with pytest.raises(ValueError, match=reason):
        replace(good, **change)


def test_times_of_two_objects_need_no_common_order() -> None:
    late, early = [(9.0, 5.0, 1.0, "g", "alert", "a")], [(1.0, 5.0, 1.0, "g", "alert", "a")]

    batch = Batch.build([make_curve(late), make_curve(early, name="two")])

    assert batch.mjd.tolist() == [9.0, 1.0]
    assert batch.point_object.tolist() == [0, 1]
