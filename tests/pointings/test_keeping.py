"""Pointings are stored once; their fields of view are shared; each is seen by those it is for."""

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import AnonymousUser
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from tests.factories import (
    MERGER,
    make_admin,
    make_event,
    make_group,
    make_observer,
    make_user,
)
from tests.pointings.made import told
from tom.events.models import NonLocalizedEvent
from tom.pointings.footprints import compute_ranges, due_footprints, forget_footprints
from tom.pointings.keeping import Kept, keep_pointings, take_back, upload_pointings
from tom.pointings.models import (
    DAYS_AFTER,
    Footprint,
    Pointing,
    PointingTable,
    Source,
    Status,
)
from tom.pointings.packing import pack_ranges, unpack_ranges
from tom.sky import covered_area, merge_ranges

pytestmark = pytest.mark.django_db


def keep(*pointings, source=Source.TABLE, event=None, group=None):
    return keep_pointings(pointings, source=source, event=event, group=group)


def test_what_is_told_again_adds_no_row_and_says_what_was_told_last(django_assert_num_queries):
    event = make_event()
    plans = [told(f"{n}", status=Status.PLANNED, ra=float(n)) for n in range(50)]
    assert keep(*plans, event=event) == Kept(50, 0)

    with django_assert_num_queries(7):
        kept = keep(*(replace(each, status=Status.COMPLETED) for each in plans), event=event)

    assert kept == Kept(0, 50)
    assert Pointing.objects.filter(status=Status.COMPLETED).count() == 50
    assert not Pointing.objects.filter(status=Status.PLANNED).exists()


def test_the_same_place_is_one_footprint_whose_ranges_are_computed_once():
    event = make_event()
    keep(*(told(f"{n}", time=MERGER + timedelta(hours=n)) for n in range(5)), event=event)
    row = Footprint.objects.get()
    assert list(due_footprints()) == [row.pk]

    assert compute_ranges(due_footprints()) == 1
    assert compute_ranges([row.pk]) == 0

    row.refresh_from_db()
    assert list(due_footprints()) == []
    assert row.area_deg2 == pytest.approx(covered_area(unpack_ranges(row.ranges)))
    assert row.area_deg2 == pytest.approx(np.pi, rel=0.01)


def test_a_footprint_that_no_pointing_has_any_more_is_forgotten():
    keep(told("1"), told("2", ra=10.0), event=make_event())
    Pointing.objects.get(external_id="2").delete()

    forget_footprints(timezone.now() - timedelta(days=1))
    assert Footprint.objects.count() == 2
    forget_footprints(timezone.now() + timedelta(seconds=1))

    assert Footprint.objects.get() == Pointing.objects.get().footprint


def test_a_groups_pointings_are_for_its_members_and_administrators():
    event, group = make_event(), make_group("team")
    keep(told("ours"), event=event, group=group)
    keep(told("everybody's"), event=event)
    member, stranger = make_observer("member", groups=[group]), make_user("stranger")

    def seen(user):
        return set(Pointing.objects.visible_to(user).values_list("external_id", flat=True))

    assert seen(member) == seen(make_admin()) == {"ours", "everybody's"}
    assert seen(stranger) == seen(AnonymousUser()) == {"everybody's"}


def test_a_visit_of_no_event_counts_for_the_events_near_in_time():
    event = make_event(time=MERGER)
    keep(told("near", time=MERGER + timedelta(days=2)))
    keep(told("far", time=MERGER + timedelta(days=DAYS_AFTER + 1)))
    keep(told("named"), event=make_event(time=MERGER))

    found = Pointing.objects.about(event).values_list("external_id", flat=True)

    assert list(found) == ["near"]


@given(st.lists(st.integers(0, (12 << 58) - 1), min_size=2, max_size=40, unique=True))
def test_packed_ranges_are_the_same_again(ends):
    ends = sorted(ends)[: len(ends) // 2 * 2]
    ranges = merge_ranges(np.array(ends, dtype=np.int64).reshape(-1, 2))

    assert np.array_equal(unpack_ranges(pack_ranges(ranges)), ranges)


def version_of(event: NonLocalizedEvent) -> int:
    return NonLocalizedEvent.objects.get(pk=event.pk).rank_version


def test_what_everybody_knows_was_observed_makes_the_event_due_for_ranking():
    event, team, person = make_event(), make_group(), make_user()
    before = version_of(event)

    upload_pointings([told("1")], event=event, group=team, name="ours", by=person)
    compute_ranges(due_footprints())
    assert version_of(event) == before

    upload_pointings([told("2", ra=190.0)], event=event, group=None, name="all", by=person)
    stored = version_of(event)
    compute_ranges(due_footprints())
    computed = version_of(event)
    ours, everybodys = PointingTable.objects.order_by("pk")
    take_back(ours)
    still = version_of(event)
    take_back(everybodys)

    assert before < stored < computed == still < version_of(event)
    assert not Pointing.objects.exists()
