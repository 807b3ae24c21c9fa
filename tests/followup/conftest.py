"""What the tests of requests share."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.peers.ocs import opposite_the_sun
from tom.embedded.portal import Portal
from tom.followup.models import ObservationRequest
from tom.followup.services import due_facilities, follow_facility, request_observation


@pytest.fixture
def target(db: None) -> BaseTarget:
    """A target that is up tonight at every site."""
    return factories.make_target("SN2026abc", ra=opposite_the_sun(timezone.now()), dec=-5.0)


@pytest.fixture
def observer(db: None) -> User:
    return factories.make_user("vera")


def make_spec(element: str = "rp", **fields: Any) -> dict[str, Any]:
    """Two exposures of two minutes, within three days, wherever the moon stands."""
    now = timezone.now()
    return {
        "exposures": [{"element": element, "seconds": 120, "count": 2}],
        "start": now.isoformat(),
        "end": (now + timedelta(days=3)).isoformat(),
        "min_moon_separation_deg": 0,
        **fields,
    }


def point_at(settings: Settings, portal: Portal, url: str = "") -> None:
    """Point our facilities at a portal, or at something that stands before it."""
    settings.OCS_PORTAL_URL = url or portal.url
    settings.OCS_API_TOKEN = portal.token
    settings.OCS_PROPOSAL = portal.proposal
    settings.OCS_PRACTICE = True


def follow_requests(now: datetime) -> None:
    """Follow every facility that is due, as the sweep has it done."""
    for facility in due_facilities(now):
        follow_facility(facility, now)


def make_request(
    target: BaseTarget, by: User, *, facility: str = "PRACTICE", **fields: Any
) -> ObservationRequest:
    """An approved request; `fields` are written into its row as they are."""
    instrument, element = {
        "PRACTICE": ("PRACTICE-IMAGER", "r"),
        "LCO": ("1M0-SCICAM-SINISTRO", "rp"),
    }[facility]
    request = request_observation(
        target=target,
        event=None,
        facility=facility,
        instrument=instrument,
        spec=make_spec(element),
        by=by,
    )
    ObservationRequest.objects.filter(pk=request.pk).update(**{"state": request.state, **fields})
    request.refresh_from_db()
    return request
