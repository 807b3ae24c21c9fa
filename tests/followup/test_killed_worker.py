"""A worker killed while the portal holds its request: sent once, and found."""

import subprocess
import sys
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests.followup.conftest import follow_requests, make_request, point_at
from tests.peers.ocs import ROOT, Operator, losing_proxy, wait_for
from tom.embedded.portal import Portal
from tom.followup.models import ObservationRequest
from tom.followup.services import submit_request
from tom.followup.states import RequestState


@pytest.mark.portal
@pytest.mark.timeout(600)
@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_in_the_middle_leaves_one_group_that_is_found(
    ocs_portal: Portal,
    operator: Operator,
    settings: Settings,
    target: BaseTarget,
    observer: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    point_at(settings, ocs_portal)
    request = make_request(target, observer, facility="LCO")
    monkeypatch.setenv("OCS_API_TOKEN", ocs_portal.token)
    with losing_proxy(ocs_portal, "hang") as url:
        database = connection.settings_dict["NAME"]
        worker = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.followup.sending_process",
                str(database),
                str(request.pk),
                url,
            ],
            cwd=ROOT,
        )
        try:
            wait_for(lambda: operator.groups(request.key) or worker.poll() is not None, seconds=120)
        finally:
            worker.kill()
            worker.wait()
    request.refresh_from_db()
    assert request.state == RequestState.SUBMITTING

    submit_request(request)  # the task comes back from the broker
    later = timezone.now() + timedelta(seconds=settings.REQUEST_STALE_SECONDS)
    follow_requests(later)

    request.refresh_from_db()
    groups = operator.groups(request.key)
    assert request.state == RequestState.ACCEPTED
    assert [str(group["id"]) for group in groups] == [request.remote_id]
    assert ObservationRequest.objects.get().attempts == 1
