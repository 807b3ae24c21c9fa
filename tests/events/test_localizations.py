"""Maps are kept in memory within bounds of bytes and of time."""

import gc
import weakref

import pytest

from tests.factories import make_skymap
from tom.events import localizations
from tom.events.localizations import keep_map, let_old_maps_go, skymap_of
from tom.sky import credible_levels, write_skymap

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_kept():
    localizations._kept.clear()
    yield
    localizations._kept.clear()


def test_a_map_is_read_once_while_it_is_kept(django_assert_num_queries) -> None:
    row = keep_map(write_skymap(make_skymap()))

    with django_assert_num_queries(1):
        assert skymap_of(row.pk) is skymap_of(row.pk)


def test_a_map_that_was_kept_for_its_time_is_let_go_with_what_was_computed(monkeypatch) -> None:
    now = [0.0]
    kept = type(localizations._kept)(1e9, 600, timer=lambda: now[0])
    monkeypatch.setattr(localizations, "_kept", kept)
    row = keep_map(write_skymap(make_skymap()))
    kept[row.pk] = skymap_of(row.pk)
    credible_levels(kept[row.pk])
    localizations._unpacked.cache_clear()
    map_there = weakref.ref(kept[row.pk])

    now[0] = 599
    let_old_maps_go()
    before = map_there() is not None
    now[0] = 601
    let_old_maps_go()
    gc.collect()

    assert before
    assert map_there() is None


def test_maps_take_no_more_bytes_than_allowed(monkeypatch) -> None:
    skymap = make_skymap()
    size = localizations._kept.getsizeof(skymap)
    assert size >= skymap.n * 41  # its columns, in 3D

    most = localizations.BYTES_KEPT // size
    for number in range(most + 5):
        localizations._kept[number] = skymap

    assert len(localizations._kept) == most
