"""Tables of pointings: what their columns are called, and what is wrong with which row."""

from datetime import UTC, datetime, timedelta

import pytest

from tom.pointings.instruments import find_instrument, instruments
from tom.pointings.models import Status
from tom.pointings.table import read_pointings
from tom.sky import covered_area, footprint_ranges
from tom.targets.photometry_table import read_table

NOW = datetime(2026, 11, 27, tzinfo=UTC)
NAMES = {
    "GW190425": "gw/pointings/ZTF_GW190425_observation_data.csv",
    "sample": "gw/pointings/sample_observation_gw.csv",
}


def read(text, *, camera="", status=Status.COMPLETED):
    instrument = find_instrument(camera) if camera else None
    return read_pointings(read_table(text), instrument=instrument, status=status, now=NOW)


@pytest.mark.parametrize(
    ("name", "number", "first", "place"),
    [
        ("GW190425", 597, datetime(2019, 4, 25, 8, 18, 18, 2869, UTC), 819),
        ("sample", 9, datetime(2019, 8, 17, 1, 0, 0, 288000, UTC), 200),
    ],
)
def test_the_real_tables_are_read(name, number, first, place, real_data):
    reading = read((real_data / NAMES[name]).read_text(), camera="ZTF")

    assert reading.errors == []
    assert len(reading.pointings) == number
    told = reading.pointings[0]
    assert (told.ra, told.dec) == instruments()["ZTF"].grid[place]
    assert abs(told.time - first) < timedelta(milliseconds=1)
    assert (told.band, told.exposure_s, told.depth_unit) == ("r", 30, "ab_mag")
    assert 19 < told.depth < 22


def test_a_pointing_can_name_its_camera_its_shape_and_its_state():
    reading = read(
        "Instrument,RA,Dec,MJD,radius_deg,status,team,pos_angle,limmag\n"
        "decam,197.45,-23.38,58000.5,,done,us,30,23.1\n"
        "somebody's,197.45,-23.38,58000.5,0.5,planned,,,\n"
    )

    assert reading.errors == []
    one, other = reading.pointings
    assert (one.instrument, one.facility, one.team) == ("DECam", "Blanco", "us")
    assert (one.status, one.position_angle, one.depth) == (Status.COMPLETED, 30, 23.1)
    assert other.instrument == "somebody's"
    assert other.shape.radius_deg == 0.5
    assert (other.status, other.depth, other.depth_unit) == (Status.PLANNED, None, "")


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("decam,,,58000.5,,", "neither a place"),
        ("decam,400,0,58000.5,,", "no place"),
        ("decam,1,95,58000.5,,", "no place"),
        ("decam,nan,1,58000.5,,", "neither a place"),
        ("decam,1,2,yesterday,,", "neither MJD"),
        ("decam,1,2,,,", "neither MJD"),
        ("decam,1,2,70000,,", "in the future"),
        ("nobody's,1,2,58000.5,,", "no camera that is known"),
        (",1,2,58000.5,,", "names no camera"),
        ("decam,1,2,58000.5,maybe,", "no status"),
        ("decam,1,2,58000.5,,99", "not a limiting magnitude"),
        ("decam,1,2,58000.5,,deep", "not a number"),
    ],
)
def test_each_bad_row_is_named_with_its_reason(row, why):
    reading = read(f"instrument,ra,dec,mjd,status,limmag\ndecam,3,4,58000,,\n{row}\n")

    assert len(reading.pointings) == 1
    ((number, said),) = reading.errors
    assert number == 2
    assert why in said


def test_a_field_needs_a_camera_with_a_grid_and_a_number_of_it():
    text = "field_id,mjd\n819,58000\n99999,58000\n1.5,58000\n"

    assert [why for _, why in read(text, camera="ZTF").errors] == [
        "ZTF has no field 99999",
        "ZTF has no field 1.5",
    ]
    assert "whose grid is known" in read(text, camera="DECam").errors[0][1]


def test_a_table_without_a_time_and_a_row_told_twice():
    assert read("ra,dec\n1,2\n", camera="DECam").errors[0][0] == 0
    twice = read("ra,dec,mjd\n1,2,58000\n1,2,58000\n", camera="DECam")
    assert twice.errors == [(2, "the same pointing as row 1")]


def test_the_declared_cameras_have_the_areas_that_their_makers_state():
    areas = {"ZTF": 47.7, "LSSTCam": 9.6, "DECam": 3.0, "GPC1": 7.1, "ATLAS": 28.9, "BlackGEM": 2.7}
    for name, area in areas.items():
        ranges = footprint_ranges(instruments()[name].shape, ra=150, dec=2)
        assert covered_area(ranges) == pytest.approx(area, rel=0.01), name


@pytest.mark.parametrize("name", ["ztf", "LSST Camera", "pan-starrs", "1m0-SciCam-Sinistro"])
def test_a_camera_is_found_by_its_aliases(name):
    assert find_instrument(name) is not None
    assert find_instrument("nobody's") is None
