"""A retraction while a request is with the real OCS portal: who says so cancels it there."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.utils import timezone
from playwright.sync_api import expect

from tests import factories
from tests.browser.conftest import Watched
from tests.peers.ocs import Operator, opposite_the_sun, wait_for
from tests.peers.site import running_site
from tom.embedded.portal import Portal
from tom.events.models import NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.followup.states import RequestState
from tom.streams.services import store_message

EVENT = "S261120rt"
INSTRUMENT = "1M0-SCICAM-SINISTRO"
OUTCOME_MS = 120_000

pytestmark = [
    pytest.mark.browser,
    pytest.mark.portal,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(900),  # it may wait until the portal is installed and has started
]


@pytest.fixture
def address(
    ocs_portal: Portal, transactional_db: None, static_files: Path, tmp_path: Path
) -> Iterator[str]:
    """A site whose worker sends to the portal."""
    with running_site(
        tmp_path,
        static=static_files,
        with_worker=True,
        with_scorer=False,
        OCS_PORTAL_URL=ocs_portal.url,
        OCS_API_TOKEN=ocs_portal.token,
        OCS_PROPOSAL=ocs_portal.proposal,
        OCS_PRACTICE="true",
        OCS_POLL_SECONDS="1",
    ) as found:
        yield found


def hear(folder: Path, name: str, **said: object) -> None:
    """Receive one of the real messages of S230518h or its like, as one of our event."""
    alert = json.loads((folder / "gw/lvk" / name).read_text())
    told = json.dumps(alert | {"superevent_id": EVENT} | said)
    store_message("igwn.gwalert", told.encode())


def test_after_a_retraction_a_request_is_cancelled_at_the_portal_by_who_says_so(
    address: str,
    operator: Operator,
    watch: Callable[..., Watched],
    real_data: Path,
) -> None:
    now = timezone.now()
    hear(real_data, "S230518h-Preliminary_alert.json", time_created=now.isoformat())
    wait_for(NonLocalizedEvent.objects.filter(event_id=EVENT).exists, seconds=60)
    target = factories.make_target("AT2026rt", ra=opposite_the_sun(now), dec=-5.0)
    factories.make_candidate(NonLocalizedEvent.objects.get(event_id=EVENT), target)
    watched = watch(address)
    watched.enter_as(factories.make_observer("vera"))
    page = watched.page

    watched.open(f"/targets/{target.pk}/request/?event={EVENT}&instrument=LCO:{INSTRUMENT}")
    page.get_by_label("Seconds in rp").fill("120")
    page.get_by_label("Count in rp").fill("1")
    page.get_by_role("button", name=re.compile("^Send to")).click()
    page.wait_for_url(re.compile(r"/requests/\d+/"))
    states = page.get_by_role("list", name="States so far")  # whole: else a failure tells no reason
    expect(states).to_contain_text("Accepted", timeout=OUTCOME_MS)
    request = ObservationRequest.objects.get()
    assert [group["state"] for group in operator.groups(request.key)] == ["PENDING"]

    watched.open(f"/events/{EVENT}/")
    retracted = (now + timedelta(minutes=1)).isoformat()
    hear(real_data, "MS181101ab-retraction.json", time_created=retracted, urls={})
    cancel = page.locator("#going-on").get_by_role("link", name="Cancel all 1")
    expect(cancel).to_be_visible(timeout=OUTCOME_MS)  # the open page says it by itself
    assert (
        ObservationRequest.objects.get().state == RequestState.ACCEPTED
    )  # a retraction alone stops no telescope
    cancel.click()
    page.get_by_role("button", name="Cancel all 1").click()

    wait_for(
        lambda: [group["state"] for group in operator.groups(request.key)] == ["CANCELED"],
        seconds=OUTCOME_MS / 1000,
    )
    expect(page.locator("#going-on section")).to_have_count(0)
    watched.open(f"/requests/{request.pk}/")
    expect(page.get_by_role("list", name="States so far").locator("li b").last).to_have_text(
        "Canceled", timeout=OUTCOME_MS
    )
    assert watched.faults == []
