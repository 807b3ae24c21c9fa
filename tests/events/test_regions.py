"""Regions are written once, as the ranges of sky that their map and level say."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from tests.connections import begin
from tests.factories import make_localization
from tom.events.models import Localization, Region, RegionRange
from tom.events.regions import regions_of
from tom.sky import credible_ranges, unpack

pytestmark = pytest.mark.django_db


def ranges_of(region: int) -> list[tuple[int, int]]:
    rows = RegionRange.objects.filter(region=region).order_by("first")
    return list(rows.values_list("first", "stop"))


def ranges_in(localization: Localization, level: float) -> list[tuple[int, int]]:
    skymap = unpack(bytes(localization.packed))
    return [(first, stop) for first, stop in credible_ranges(skymap, level).tolist()]


def test_a_region_holds_the_ranges_of_its_map_and_level() -> None:
    near, far = make_localization(), make_localization(ra=20.0, dec=60.0)
    wanted = [(near.pk, 0.5), (near.pk, 0.99), (far.pk, 0.99)]

    found = regions_of(wanted)

    assert set(found) == set(wanted)
    for (pk, level), region in found.items():
        assert ranges_of(region) == ranges_in(Localization.objects.get(pk=pk), level)
    assert len(ranges_of(found[near.pk, 0.99])) > len(ranges_of(found[near.pk, 0.5])) > 0


def test_a_region_is_written_once_and_then_read_by_one_query() -> None:
    localization = make_localization()
    first = regions_of([(localization.pk, 0.9)])

    with CaptureQueriesContext(connection) as queries:
        again = regions_of([(localization.pk, 0.9)])

    assert again == first
    assert len(queries) == 1


def test_a_map_that_is_deleted_takes_its_regions_with_it() -> None:
    localization = make_localization()
    regions_of([(localization.pk, 0.9)])

    localization.delete()

    assert not Region.objects.exists()
    assert not RegionRange.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_who_write_one_region_at_once_write_it_once() -> None:
    localization = make_localization()
    wanted = [(localization.pk, 0.9)]
    with transaction.atomic():
        first = regions_of(wanted)
        other = begin(lambda: regions_of(wanted))
        assert not other.done()  # it waits

    assert other.result() == first
    assert ranges_of(first[localization.pk, 0.9]) == ranges_in(localization, 0.9)
