"""Which map an event's page says that it uses, and why."""

import pytest
from django.test import Client

from tests.factories import make_event, make_lead, make_localization
from tom.events.models import EventLocalization, NonLocalizedEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def event() -> NonLocalizedEvent:
    """Its own mission sent three maps."""
    event = make_event("S261120ab")
    event.localizations.update(sender="LVK")
    return event


@pytest.fixture
def page(client: Client, event: NonLocalizedEvent):
    client.force_login(make_lead())

    def shown() -> str:
        return " ".join(client.get(f"/events/{event.event_id}/").text.split())

    return shown


def bring(event: NonLocalizedEvent, sender: str, **values: object) -> EventLocalization:
    localization = make_localization(sigma_deg=1.0)
    newest = event.localizations.last()
    return EventLocalization.objects.create(
        event=event,
        localization=localization,
        author=sender,
        sender=sender,
        time=newest.time,
        **{"product": "skymap", **values},
    )


def test_of_one_mission_the_newest_map_is_used(page) -> None:
    assert '<option value=""> the newest </option>' in page()
    assert "the smallest of" not in page()


def test_where_missions_compete_the_smallest_of_their_newest_maps_is_used(event, page) -> None:
    bring(event, "Fermi GBM")

    shown = page()

    assert '<option value=""> the smallest of the newest of Fermi GBM, LVK </option>' in shown
    assert "(the smallest of the newest maps)" in shown


@pytest.mark.parametrize("values", [{"product": "combined_skymap"}, {"set_aside": True}])
def test_a_map_that_does_not_compete_is_not_counted(event, page, values) -> None:
    bring(event, "Fermi GBM", **values)

    assert '<option value=""> the newest </option>' in page()


def test_a_pinned_map_is_said_to_be_pinned(event, page) -> None:
    event.pinned = bring(event, "Fermi GBM")
    event.save()

    assert "Pinned" in page()
    assert "(the smallest" not in page()
