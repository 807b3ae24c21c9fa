"""S190814bv: plans that gwemopt and tilepy made for it, measured with ours and compared."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from tests.planning.nights import TOLOLO, make_telescope
from tests.sky.test_oracles import read
from tom.planning.checking import check_schedule
from tom.planning.schedule import Wanted, plan_night
from tom.planning.telescopes import TELESCOPES
from tom.sky import (
    circle,
    covered_area,
    covered_probability,
    footprint_ranges,
    merge_ranges,
    rectangle,
)
from tom.sky.visibility import datetime_of

NAME = "S190814bv_LALInference.v1_nside1024_nested.fits.gz"


@pytest.fixture(scope="module")
def skymap(real_data):
    return read(real_data, NAME)


def table(real_data, name):
    lines = (real_data / "gw/plans/gwemopt_S190814bv" / name).read_text().splitlines()
    return [line.split() for line in lines if line.strip()]


def union(skymap, shape, places):
    ranges = [footprint_ranges(shape, ra=ra, dec=dec) for ra, dec in places]
    return covered_probability(skymap, merge_ranges(np.concatenate(ranges)))


def places_of(rows):
    return sorted({(float(row[1]), float(row[2])) for row in rows})


def test_gwemopts_fields_hold_what_it_says(real_data, skymap):
    """Its fields are the coarse pixels that a circle touches, 4.06 deg2 of them each."""
    rows = table(real_data, "schedule_DECam.dat")[:5]
    shape = circle(np.sqrt(4.0588 / np.pi))
    ranges = [footprint_ranges(shape, ra=float(row[1]), dec=float(row[2])) for row in rows]

    alone = [covered_probability(skymap, each) for each in ranges]
    union_of_all = merge_ranges(np.concatenate(ranges))

    np.testing.assert_allclose(alone, [float(row[6]) for row in rows], atol=0.002)
    assert covered_probability(skymap, union_of_all) == pytest.approx(0.72276, abs=0.001)
    assert covered_area(union_of_all) == pytest.approx(11.29112, abs=0.02)


def test_gwemopts_fields_of_ztf_hold_less_than_whole_squares_for_their_gaps(real_data, skymap):
    places = places_of(table(real_data, "schedule_ZTF.dat"))

    squares = union(skymap, rectangle(6.86, 6.86), places)

    assert 0.83231 < squares < 0.83231 * 1.08


def test_as_many_pointings_of_decam_see_more_than_gwemopts(real_data, skymap):
    rows = table(real_data, "schedule_DECam.dat")
    start = datetime_of(float(rows[0][3])) - timedelta(minutes=1)
    telescope = make_telescope(
        site=TOLOLO,
        shape={"kind": "circle", "radius_deg": 1.1},
        exposure_s=30.0,
        overhead_s=28.0,
        altitude_min_deg=30.0,
    )
    wanted = Wanted(start, start + timedelta(hours=1), most=5, overlap=0.5)
    theirs = union(skymap, circle(1.1), places_of(rows))

    ours = plan_night(skymap, telescope, wanted)

    assert ours.probability > theirs + 0.03
    assert ours.more_possible < 0.02
    assert check_schedule(ours, skymap, telescope, start=wanted.start, end=wanted.end) == []


def test_as_many_pointings_of_ztf_see_more_than_gwemopts(real_data, skymap):
    rows = table(real_data, "schedule_ZTF.dat")
    start = datetime_of(float(rows[0][3])) - timedelta(minutes=5)
    telescope = next(each for each in TELESCOPES if each.name == "ZTF")
    wanted = Wanted(start, start + timedelta(hours=1.5), most=2, overlap=0.5)
    theirs = union(skymap, telescope.field, places_of(rows))  # the same CCDs, the same gaps

    ours = plan_night(skymap, telescope, wanted)

    assert ours.probability > theirs
    assert check_schedule(ours, skymap, telescope, start=wanted.start, end=wanted.end) == []


def test_as_many_pointings_as_tilepys_see_more(real_data, skymap):
    path = real_data / "gw/plans/tilepy_S190814bv_SuggestedPointings_GWOptimisation.txt"
    rows = [line.replace('"', "").split() for line in path.read_text().splitlines()[1:]]
    ohp = [(float(r[2]), float(r[3])) for r in rows if r[7] == "OHP"]
    told = [float(r[4]) for r in rows if r[7] == "OHP"]
    telescope = make_telescope(shape={"kind": "circle", "radius_deg": 0.6})
    start = datetime(2019, 8, 15, 5, tzinfo=UTC)
    wanted = Wanted(start, start + timedelta(hours=1), most=len(ohp), overlap=0.4)

    ours = plan_night(skymap, telescope, wanted)

    first = union(skymap, circle(0.6), ohp[:1])
    assert first == pytest.approx(told[0], abs=0.02)
    assert ours.probability > union(skymap, circle(0.6), ohp)
