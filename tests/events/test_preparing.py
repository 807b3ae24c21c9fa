"""What pages show of a map is made once, and again where the catalogues changed."""

from collections.abc import Iterator

import pytest
from celery.signals import before_task_publish

from tests.factories import make_event
from tests.galaxies.test_association import make_catalogue, make_galaxy
from tom.changes.models import Change, Topic
from tom.events.map_models import GalaxyList, Sketch
from tom.events.preparing import is_prepared, prepare_map
from tom.galaxies.models import Catalogue
from tom.pipeline import after_ranking, prepare
from tom.sky.sketch import unpack_cells

pytestmark = pytest.mark.django_db


def test_a_map_is_sketched_once_and_its_pages_are_told() -> None:
    event = make_event("S261120ab")
    assert not is_prepared(event)

    prepare(event.pk)
    prepare(event.pk)

    sketch = Sketch.objects.get()
    assert len(sketch.outlines) == 9
    assert unpack_cells(sketch.cells).probability.sum() == pytest.approx(1)
    assert is_prepared(event)
    assert Change.objects.filter(topic=Topic.EVENT, key="S261120ab").count() == 1
    assert not GalaxyList.objects.exists()


def test_a_list_of_galaxies_follows_the_loaded_catalogues() -> None:
    event = make_event()
    make_galaxy(make_catalogue("first"), "a")

    prepare_map(event)
    first = GalaxyList.objects.get()
    prepare_map(event)
    again = GalaxyList.objects.get()
    make_galaxy(make_catalogue("second"), "b", dec=-24.0)
    assert not is_prepared(event)
    prepare_map(event)

    assert [row["number"] for row in first.galaxies] == ["a"]
    assert again.stored == first.stored
    anew = GalaxyList.objects.get()
    assert {row["number"] for row in anew.galaxies} == {"a", "b"}
    assert anew.citations == ["us", "us"]
    assert is_prepared(event)


def test_a_list_stays_where_all_catalogues_are_gone() -> None:
    event = make_event()
    make_galaxy(make_catalogue(), "a")
    prepare_map(event)
    Catalogue.objects.all().delete()

    assert is_prepared(event)
    assert GalaxyList.objects.count() == 1


def test_an_event_without_a_map_needs_nothing() -> None:
    event = make_event(localized=False)

    prepare_map(event)

    assert is_prepared(event)
    assert not Sketch.objects.exists()


@pytest.fixture
def sent() -> Iterator[list[str]]:
    """The names of the tasks that were sent to the broker."""
    names: list[str] = []

    def note(sender: str, **rest: object) -> None:
        names.append(sender)

    before_task_publish.connect(note)
    yield names
    before_task_publish.disconnect(note)


def test_a_ranking_wakes_the_preparation_until_it_is_done(sent: list[str]) -> None:
    event = make_event()

    after_ranking(event.pk)
    prepare(event.pk)
    after_ranking(event.pk)

    assert sent.count("tom.pipeline.prepare") == 1
