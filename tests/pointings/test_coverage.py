"""What pointings cover: the real ones of GW190425 against healpy and astropy, and what is shown."""

import math
from datetime import UTC, datetime, timedelta

import astropy.units as u
import healpy
import numpy as np
import pytest
from astropy.coordinates import SkyCoord
from django.core.cache import cache

from tests.factories import MERGER, make_event
from tests.pointings.made import told
from tom.events.localizations import keep_map
from tom.pointings.coverage import CELLS_SHOWN, cover, limit_ab, looks_of, reach_of
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.instruments import find_instrument, instruments
from tom.pointings.keeping import keep_pointings
from tom.pointings.limits import limits_at
from tom.pointings.models import Footprint, Pointing, Source, Status
from tom.pointings.table import read_pointings
from tom.targets.photometry_table import read_table

pytestmark = pytest.mark.django_db
ZTF = "gw/pointings/ZTF_GW190425_observation_data.csv"
MAP = "gw/maps/S190425z_G330561_bayestar_nside256_nested.fits.gz"
NSIDE = 512


@pytest.fixture(autouse=True)
def forgotten():
    cache.clear()


def keep(*pointings, event=None, group=None):
    keep_pointings(pointings, source=Source.TABLE, event=event, group=group)
    while compute_ranges(due_footprints()):
        pass


def used(event):
    use = event.localizations.order_by("-time").first()
    return use.localization_id


def pixels_of_field(ra, dec):
    """The pixels whose centres lie in a CCD: its corners by astropy, the polygon by healpy."""
    frame = SkyCoord(ra * u.deg, dec * u.deg).skyoffset_frame()
    lon, lat = np.moveaxis(np.array(instruments()["ZTF"].shape.polygons), -1, 0)
    corners = SkyCoord(lon * u.deg, lat * u.deg, frame=frame).icrs.cartesian.xyz.value
    for ccd in np.moveaxis(corners, 0, -1):
        yield healpy.query_polygon(NSIDE, ccd, nest=True)


def test_the_pointings_of_gw190425_cover_what_healpy_finds(real_data):
    table = read_table((real_data / ZTF).read_text())
    now = datetime(2019, 6, 1, tzinfo=UTC)
    reading = read_pointings(
        table, instrument=find_instrument("ZTF"), status=Status.COMPLETED, now=now
    )
    event = make_event(localized=False, time=datetime(2019, 4, 25, 8, 18, 5, tzinfo=UTC))
    keep(*reading.pointings, event=event)
    localization = keep_map((real_data / MAP).read_bytes())

    found = cover(localization.pk, looks_of(Pointing.objects.about(event)), -16.0)

    fields = {(told.ra, told.dec) for told in reading.pointings}
    pixels = [each for field in sorted(fields) for each in pixels_of_field(*field)]
    seen = np.unique(np.concatenate(pixels))
    flat = healpy.read_map(real_data / MAP, nest=True, dtype=float)
    expected = flat[seen // 4].sum() / 4
    area = len(seen) * healpy.nside2pixarea(NSIDE, degrees=True)
    assert found.whole.pointings == 597
    assert found.whole.probability == pytest.approx(expected, abs=5e-4)
    assert found.whole.area_deg2 == pytest.approx(area, rel=2e-3)
    assert 0 < found.whole.within_reach < found.whole.probability
    assert found.steps[-1].probability == found.whole.probability
    assert len(found.gaps) == CELLS_SHOWN
    assert Footprint.objects.count() == len(fields)


def test_each_telescope_counts_by_itself_and_each_place_once():
    event = make_event(time=MERGER)
    keep(
        told("1", instrument="Eye", depth=16.5),
        told("2", instrument="Ear", time=MERGER + timedelta(hours=2), depth=23.0),
        told("3", instrument="Ear", ra=150.0, time=MERGER + timedelta(hours=3), depth=None),
        event=event,
    )

    found = cover(used(event), looks_of(Pointing.objects.about(event)), -16.0)

    ear, eye = sorted(found.telescopes, key=lambda share: share.telescope)
    assert (ear.telescope, ear.pointings) == ("Ear (La Silla)", 2)
    assert eye.probability == pytest.approx(found.steps[0].probability)
    assert found.steps[1].probability == pytest.approx(eye.probability)
    assert found.steps[1].within_reach > found.steps[0].within_reach
    assert found.whole.deepest == 23.0
    assert found.whole.probability == pytest.approx(ear.probability, abs=1e-6)


def test_a_field_that_is_not_computed_waits_and_does_not_count():
    event = make_event(time=MERGER)
    keep(told("1"), event=event)
    keep_pointings([told("2", ra=199.0)], source=Source.TABLE, event=event, group=None)
    looks = looks_of(Pointing.objects.about(event))

    before = cover(used(event), looks, -16.0)
    compute_ranges(due_footprints())
    after = cover(used(event), looks, -16.0)

    assert (before.waiting, before.whole.pointings) == (1, 1)
    assert (after.waiting, after.whole.pointings) == (0, 2)
    assert after.whole.probability > before.whole.probability


def test_the_same_question_is_answered_from_memory(django_assert_num_queries):
    event = make_event(time=MERGER)
    keep(told("1"), event=event)
    looks, localization = looks_of(Pointing.objects.about(event)), used(event)
    first = cover(localization, looks, -16.0)

    with django_assert_num_queries(0):
        assert cover(localization, looks, -16.0) == first
    assert cover(localization, looks, -12.0) != first


def test_no_pointing_leaves_all_of_the_map():
    event = make_event(time=MERGER)

    found = cover(used(event), [], -16.0)

    assert found.whole is None
    assert found.gaps[0].left == found.gaps[0].probability > 0


def test_a_depth_is_an_ab_magnitude_or_becomes_one():
    assert limit_ab(21.5, "ab_mag") == 21.5
    assert limit_ab(3631e-6, "flux_jy") == pytest.approx(15.0, abs=1e-3)
    assert math.isnan(limit_ab(21.5, "vega_mag"))
    assert math.isnan(limit_ab(None, ""))
    assert reach_of(21.0, -16.0) == pytest.approx(251.19, abs=0.01)


def test_the_deepest_limits_at_a_place_are_told_before_and_after():
    event = make_event(time=MERGER)
    keep(
        told("1", time=MERGER - timedelta(days=3), depth=20.0, band="g"),
        told("2", time=MERGER - timedelta(days=2), depth=21.0, band="r"),
        told("3", time=MERGER + timedelta(days=2), depth=22.0, band="i"),
        told("4", time=MERGER + timedelta(days=2), depth=None),
        told("5", time=MERGER + timedelta(days=2), depth=25.0, ra=10.0),
        event=event,
    )
    looks = looks_of(Pointing.objects.about(event))

    here, nowhere = limits_at([197.45, 90.0], [-23.38, 80.0], looks, since=MERGER)

    assert (here.before.magnitude, here.before.band) == (21.0, "r")
    assert (here.after.magnitude, here.after.band, here.looks) == (22.0, "i", 4)
    assert (nowhere.before, nowhere.after, nowhere.looks) == (None, None, 0)
