"""The regions that a stream's filter reads: of live events, as long as they are open."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import MERGER, make_event, make_localization
from tom.candidates.open_regions import open_regions
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.sky import healpix29

pytestmark = pytest.mark.django_db
INSIDE, OUTSIDE = (197.45, -23.38), (17.0, 60.0)
NOW = MERGER + timedelta(days=2)


def holds(ranges: np.ndarray, place: tuple[float, float]) -> bool:
    here = healpix29(*place)
    return bool(np.any((ranges[:, 0] <= here) & (here < ranges[:, 1])))


def test_the_map_that_an_open_event_uses_is_a_region():
    make_event()

    found = open_regions(NOW)

    assert holds(found, INSIDE)
    assert not holds(found, OUTSIDE)
    assert np.all(found[1:, 0] > found[:-1, 1])  # sorted, apart from each other


@pytest.mark.parametrize(
    "change", [{"retracted": True}, {"test_reasons": ["M"]}, {"time": NOW - timedelta(days=15)}]
)
def test_what_is_retracted_a_test_or_over_has_none(change: dict[str, object]):
    make_event()
    NonLocalizedEvent.objects.update(**change)

    assert open_regions(NOW).shape == (0, 2)


def test_without_an_event_or_a_map_there_is_no_region():
    assert open_regions(NOW).shape == (0, 2)
    make_event(localized=False)
    assert open_regions(NOW).shape == (0, 2)


def test_a_newer_map_replaces_the_older_one():
    event = make_event()
    EventLocalization.objects.create(
        event=event, localization=make_localization(ra=OUTSIDE[0], dec=OUTSIDE[1]),
        product="skymap", time=MERGER + timedelta(days=1),
    )  # fmt: skip

    found = open_regions(NOW)

    assert (holds(found, OUTSIDE), holds(found, INSIDE)) == (True, False)


def test_the_number_of_queries_does_not_grow_with_the_events():
    make_event()
    open_regions(NOW)
    with CaptureQueriesContext(
        connection,
    ) as one:
        open_regions(NOW)
    for _ in range(4):
        make_event()
    open_regions(NOW)
    with CaptureQueriesContext(connection) as many:
        open_regions(NOW)

    assert len(many) == len(one)
