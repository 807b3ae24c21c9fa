"""What pointings would have caught: the real ones of GW190425, and the rows that keep it."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from django.utils import timezone

from tests.factories import MERGER, make_event
from tests.pointings.made import told
from tom.events.localizations import keep_map
from tom.pointings.coverage import looks_of
from tom.pointings.efficiency import estimate, faintest_at, read_stored, upper_limits
from tom.pointings.estimating import (
    BROKEN_AFTER,
    MOST_ATTEMPTS,
    due_efficiencies,
    forget_efficiencies,
    untraced,
    wanted_efficiency,
    work_efficiency,
)
from tom.pointings.footprints import compute_ranges, due_footprints
from tom.pointings.instruments import find_instrument
from tom.pointings.keeping import keep_pointings
from tom.pointings.models import Pointing, Source, Status
from tom.pointings.prepared import Efficiency, EfficiencyState
from tom.pointings.table import read_pointings
from tom.targets.photometry_table import read_table

pytestmark = pytest.mark.django_db
ZTF = "gw/pointings/ZTF_GW190425_observation_data.csv"
MAP = "gw/maps/S190425z_G330561_bayestar_nside256_nested.fits.gz"


def keep(*pointings, event):
    keep_pointings(pointings, source=Source.TABLE, event=event, group=None)
    while compute_ranges(due_footprints()):
        pass
    return looks_of(Pointing.objects.about(event))


def used(event):
    return event.localizations.order_by("-time").first().localization_id


@pytest.mark.soak
def test_the_real_pointings_of_gw190425(real_data):
    now = datetime(2019, 6, 1, tzinfo=UTC)
    reading = read_pointings(
        read_table((real_data / ZTF).read_text()),
        instrument=find_instrument("ZTF"),
        status=Status.COMPLETED,
        now=now,
    )
    time = datetime(2019, 4, 25, 8, 18, 5, tzinfo=UTC)
    event = make_event(localized=False, time=time)
    looks = keep(*reading.pointings, event=event)
    localization = keep_map((real_data / MAP).read_bytes())

    found = estimate(localization.pk, looks, time)

    once, twice = np.array(found.once), np.array(found.twice)
    assert (found.pointings, found.without_depth, found.other_bands) == (597, 0, [])
    assert found.covered == pytest.approx(0.466, abs=2e-3)
    assert once.shape == (len(found.declines), len(found.magnitudes))
    assert np.all(np.diff(once, axis=1) <= 0)  # fainter is never likelier
    assert np.all(np.diff(once, axis=0) <= 1e-9)  # nor is what fades faster
    assert np.all(twice <= once)
    assert once.max() <= found.covered + 1e-6
    gfo = {each.band: each for each in found.bands}
    assert {band: row.pointings for band, row in gfo.items()} == {
        **{"g": 317, "r": 265, "i": 15},
        "": 597,
    }
    assert max(gfo["g"].once, gfo["r"].once) <= gfo[""].once < found.covered
    assert gfo[""].once == pytest.approx(0.452, abs=5e-3)
    for limit in upper_limits(found):
        assert limit.over_map == [None, None]  # the fields hold less than half of the map
        assert -20 <= limit.within_fields[1] <= limit.within_fields[0] < -14


def test_an_upper_limit_lies_where_the_chance_crosses_the_level():
    event = make_event(time=MERGER)
    looks = keep(told("1", depth=20.0), event=event)
    found = estimate(used(event), looks, MERGER)

    limit = upper_limits(found, [0.5])[2]
    (magnitude,) = limit.within_fields

    at = np.interp(magnitude, found.magnitudes, found.once[2])
    assert at == pytest.approx(0.5 * found.covered)
    assert limit.decline == found.declines[2] == 0
    assert faintest_at(found, found.covered + 0.01) == [None] * len(found.declines)


def test_what_fades_is_caught_less_often_by_what_looked_late():
    event = make_event(time=MERGER)
    early = keep(told("1"), event=event)
    late = [early[0]._replace(time=MERGER + timedelta(days=3))]

    soon, then = (np.array(estimate(used(event), each, MERGER).once) for each in (early, late))

    steady = 2
    assert soon[steady] == pytest.approx(then[steady])
    assert np.all(soon[steady + 1 :] >= then[steady + 1 :])
    assert soon[-1].sum() > then[-1].sum() + 0.1
    assert soon[0].sum() < then[0].sum()  # what grows brighter is caught later


def test_a_band_that_is_not_known_counts_and_is_named_and_no_depth_does_not():
    event = make_event(time=MERGER)
    looks = keep(told("1", band="clear"), told("2", depth=None), told("3", band="i"), event=event)

    found = estimate(used(event), looks, MERGER)

    assert (found.pointings, found.without_depth, found.other_bands) == (2, 1, ["clear"])
    assert [each.band for each in found.bands] == ["i", ""]
    assert estimate(used(event), looks[:0], MERGER).covered == 0


def test_the_same_question_is_one_row_and_is_computed_once():
    event = make_event(time=MERGER)
    looks = keep(told("1"), event=event)
    row = wanted_efficiency(used(event), looks, MERGER)
    assert wanted_efficiency(used(event), looks, MERGER) == row
    assert due_efficiencies(timezone.now()) == [row.pk]

    work_efficiency(row.pk)
    work_efficiency(row.pk)

    row.refresh_from_db()
    assert (row.state, row.attempts) == (EfficiencyState.DONE, 1)
    assert read_stored(row.result) == estimate(used(event), looks, MERGER)
    assert due_efficiencies(timezone.now()) == []
    assert wanted_efficiency(used(event), looks, MERGER + timedelta(hours=1)) != row


def test_other_pointings_or_other_depths_are_another_question():
    event = make_event(time=MERGER)
    looks = keep(told("1"), event=event)
    row = wanted_efficiency(used(event), looks, MERGER)

    deeper = keep(told("1", depth=23.0), event=event)
    assert wanted_efficiency(used(event), deeper, MERGER) != row
    work_efficiency(row.pk)

    assert not Efficiency.objects.filter(pk=row.pk).exists()


def test_one_whose_workers_die_is_tried_again_and_fails_at_last():
    event = make_event(time=MERGER)
    row = wanted_efficiency(used(event), keep(told("1"), event=event), MERGER)
    rows, now = Efficiency.objects.filter(pk=row.pk), timezone.now()

    rows.update(begun=now, attempts=1)
    assert due_efficiencies(now) == []
    assert due_efficiencies(now + 2 * BROKEN_AFTER) == [row.pk]
    rows.update(attempts=MOST_ATTEMPTS)
    assert due_efficiencies(now + 2 * BROKEN_AFTER) == []

    assert rows.get().state == EfficiencyState.FAILED


def test_old_ones_are_forgotten_and_new_fields_wait():
    event = make_event(time=MERGER)
    looks = keep(told("1"), event=event)
    wanted_efficiency(used(event), looks, MERGER)
    keep_pointings([told("2", ra=10.0)], source=Source.TABLE, event=event, group=None)

    assert (untraced(looks), untraced(looks_of(Pointing.objects.about(event)))) == (0, 1)
    forget_efficiencies(timezone.now() - timedelta(days=1))
    assert Efficiency.objects.count() == 1
    forget_efficiencies(timezone.now() + timedelta(seconds=1))
    assert not Efficiency.objects.exists()
