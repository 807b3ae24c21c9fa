"""`analogues`: the nearest known light curves, their types, and what they look like."""

from pathlib import Path

import numpy as np
import pytest

from ml_plugins.analogues import CLASSES, NEAREST, SHOWN, Analogues
from ml_plugins.analogues.training.train import fit
from ml_plugins.outbursts.features import features_of
from ml_plugins.outbursts.library import COLUMNS, DAYS, PLACES, Library, numbers
from tests.ml_plugins.outbursts import some_real, supernova
from tom.scoring.contract import Batch, Reason
from tom.scoring.registry import load_scorers, trained_on


@pytest.fixture(scope="module")
def scorer() -> Analogues:
    (loaded,) = load_scorers(["ml_plugins.analogues.Analogues"])
    assert isinstance(loaded, Analogues)
    return loaded


@pytest.fixture(scope="module")
def library() -> Library:
    curves = [supernova(f"w{width}", width=width, ebv=0.0) for width in (12, 20, 40)]
    labels = ["supernova Ia", "supernova II", "superluminous supernova"]
    names = [curve.object_id for curve in curves]
    return Library.of(numbers(names, labels, features_of(Batch.build(curves))))


def test_the_nearest_is_the_most_alike(library: Library) -> None:
    asked = Batch.build([supernova(width=width, ebv=0.0) for width in (13, 21, 39)])

    near, distance = library.nearest(features_of(asked), 2)

    assert near[:, 0].tolist() == [0, 1, 2]
    assert np.all(np.diff(distance, axis=1) > 0)


def test_what_one_of_two_lacks_is_no_likeness(library: Library) -> None:
    whole, part = (supernova(width=12, last=last, ebv=0.0) for last in (40.0, 6.0))

    _, (whole_gap, part_gap) = library.nearest(features_of(Batch.build([whole, part])), 1)

    assert part_gap[0] > whole_gap[0] + 0.2


def test_a_light_curve_is_drawn_as_it_is(library: Library) -> None:
    points = library.lines_of(1)

    in_r = {day: mag for day, band, mag in points if band == "r"}
    assert list(in_r) == sorted(in_r)
    assert in_r[10] == pytest.approx((10 / 20) ** 2, abs=0.05)
    assert in_r[0] == 0
    in_g = {day: mag for day, band, mag in points if band == "g"}
    assert in_g[0] == pytest.approx(0.1, abs=0.05)
    assert set(in_r) <= {0, *DAYS}


def test_an_opinion_is_a_share_and_its_reasons_are_pictures(scorer: Analogues) -> None:
    batch = Batch.build([supernova(width=12, reddens=0.03)])

    share = scorer.score(batch).probability[0]
    told = scorer.explain(batch)

    assert share.sum() == pytest.approx(1)
    assert np.allclose(share * NEAREST, np.round(share * NEAREST))
    assert share[0] >= 0.8
    assert len(told) == SHOWN
    assert all(piece.name in piece.text and len(piece.lines) > 4 for piece in told)
    assert any(", supernova Ia, " in piece.text for piece in told)
    assert [piece.value for piece in told] == sorted(piece.value or 0 for piece in told)


def test_real_light_curves_find_themselves(scorer: Analogues, real_data: Path) -> None:
    known = some_real(real_data, CLASSES)
    in_library = np.isin(known.batch.object_ids, scorer._library.names)
    asked = np.flatnonzero((scorer.eligible(known.batch) == Reason.OK) & in_library)
    batch = known.batch.take(asked)

    told = scorer.explain(batch)[::SHOWN]

    assert len(asked) > 20
    assert [piece.name for piece in told] == batch.object_ids.tolist()
    lacking = np.isnan(features_of(batch)[:, list(PLACES)]).mean(axis=1)
    np.testing.assert_allclose([piece.value for piece in told], np.sqrt(lacking), atol=0.02)


def test_the_library_is_made_of_what_says_enough() -> None:
    batch = Batch.build([supernova("long"), supernova("short", last=-12.0)])

    artefact = fit(batch, ["supernova Ia", "supernova II"])

    assert b'"long","supernova Ia"' in artefact
    assert b"short" not in artefact
    with pytest.raises(ValueError, match="no light curve"):
        fit(batch.take([1]), ["supernova II"])


def test_its_objects_are_listed(scorer: Analogues) -> None:
    assert len(trained_on(scorer)) > 3000
    assert len(COLUMNS) == scorer._library.values.shape[1]
