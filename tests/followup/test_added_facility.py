"""A facility is added as one folder: no other file names it, and all of it works."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings
from tom_targets.base_models import BaseTarget

from tests.followup import visiting
from tests.followup.conftest import make_spec
from tom.environment import read_groups
from tom.followup import facilities, sites
from tom.followup.facilities import available_facilities, declarations
from tom.followup.models import ObservationRequest
from tom.followup.services import (
    cancel_request,
    reconcile_request,
    request_observation,
    send_cancel,
    submit_request,
)
from tom.followup.states import RequestState
from tom.own_secrets import own_secrets

pytestmark = pytest.mark.django_db
ROOT = Path(__file__).resolve().parents[2]
S = RequestState


def forget() -> None:
    declarations.cache_clear()
    sites.sites.cache_clear()


@pytest.fixture
def file(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The visitor's folder put beside the others, and its file in the settings."""
    settings.FACILITY_ACCESS = {"visitor": {"file": str(tmp_path / "requests")}}
    places = [*facilities.__path__, *visiting.__path__]
    monkeypatch.setattr(facilities, "__path__", places)
    forget()
    yield tmp_path / "requests"
    forget()


def ask(target: BaseTarget, by: User, **spec: object) -> ObservationRequest:
    asked = {"facility": "VISITOR", "instrument": "VISITOR-CAM", "spec": make_spec("V", **spec)}
    return request_observation(target=target, event=None, by=by, **asked)


def test_its_folder_is_found_with_its_site(file: Path) -> None:
    assert "VISITOR" in available_facilities()
    assert sites.site_named("The Hill").latitude == 50.0


def test_it_is_not_offered_without_its_access(file: Path, settings: Settings) -> None:
    settings.FACILITY_ACCESS = {}

    assert "VISITOR" not in available_facilities()


def test_its_form_has_the_fields_of_its_own_spec(
    file: Path, target: BaseTarget, admin_client: Client
) -> None:
    page = admin_client.get(
        reverse("request_new", args=[target.pk]), {"instrument": "VISITOR:VISITOR-CAM"}
    ).content.decode()

    assert re.search(r'<select[^>]*name="readout"', page)
    assert "Readout" in page


def test_what_its_form_asks_reaches_it(file: Path, target: BaseTarget, observer: User) -> None:
    request = ask(target, observer, readout="fast")

    submit_request(request)

    request.refresh_from_db()
    assert (request.state, request.remote_id) == (S.ACCEPTED, "1")
    assert '"readout": "fast"' in file.read_text()
    assert request.exchanges.count() == 1


def test_a_lost_answer_of_one_without_a_key_waits_for_a_person(
    file: Path, target: BaseTarget, observer: User, settings: Settings
) -> None:
    settings.FACILITY_ACCESS = {"visitor": {"file": str(file.parent / "away" / "requests")}}
    request = ask(target, observer)
    submit_request(request)
    ObservationRequest.objects.update(tried_at=timezone.now() - timedelta(days=1))
    settings.FACILITY_ACCESS = {"visitor": {"file": str(file)}}

    reconcile_request(request)

    request.refresh_from_db()
    assert request.state == S.UNKNOWN
    assert "a person has to look" in request.reason
    assert not file.exists()  # nothing is sent again


def test_a_cancel_of_one_that_cancels_nothing_says_whom_to_ask(
    file: Path, target: BaseTarget, observer: User
) -> None:
    request = ask(target, observer)
    submit_request(request)
    request.refresh_from_db()

    cancel_request(request, observer)
    send_cancel(request)

    request.refresh_from_db()
    assert request.state == S.CANCEL_REQUESTED
    assert "ask the night assistant" in request.reason


@pytest.mark.parametrize(
    ("capability", "words"),
    [
        ("amends", "The facility changes no request that it has. Cancel it, and ask again."),
        ("gives_data", "The facility keeps them. This site does not fetch them."),
    ],
)
def test_the_page_of_a_request_says_what_its_facility_cannot_do(
    file: Path,
    target: BaseTarget,
    observer: User,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
    capability: str,
    words: str,
) -> None:
    request = ask(target, observer)
    client.force_login(observer)
    facility = available_facilities()["VISITOR"]
    assert words in client.get(f"/requests/{request.pk}/").text

    can = replace(facility.capabilities, **{capability: True})
    monkeypatch.setattr(type(facility), "capabilities", can)
    assert words not in client.get(f"/requests/{request.pk}/").text


def test_no_file_beside_its_folder_names_it() -> None:
    files = [*(ROOT / "tom").rglob("*.py"), *(ROOT / "templates").rglob("*.html")]

    assert [each for each in files if re.search(r"VISITOR|visitor\b.*Hill", each.read_text())] == []


def test_contributing_says_so() -> None:
    row = next(
        line
        for line in (ROOT / "CONTRIBUTING.md").read_text().splitlines()
        if line.startswith("| a facility |")
    )

    assert re.findall(r"`([^`]+)`", row) == [
        "tom/followup/facilities/<name>/",
        "DECLARATION",
        "tests/followup/facilities/<name>.py",
    ]


def test_its_access_comes_from_the_environment_and_its_secrets_are_hidden(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> None:
    monkeypatch.setenv("FACILITY_HILL_API_TOKEN", "h1ll-t0ken")
    monkeypatch.setenv("FACILITY_HILL_URL", "https://hill.example.org")

    settings.FACILITY_ACCESS = read_groups("FACILITY")

    assert settings.FACILITY_ACCESS["hill"] == {
        "api_token": "h1ll-t0ken",
        "url": "https://hill.example.org",
    }
    assert "h1ll-t0ken" in own_secrets()


@pytest.mark.parametrize("folder", ["practice", "ocs"])
def test_ours_are_folders_of_the_same_parts(folder: str) -> None:
    parts = {each.stem for each in (ROOT / "tom/followup/facilities" / folder).glob("*.py")}

    assert {"__init__", "facility", "instruments"} <= parts
    assert (ROOT / "tests/followup/facilities" / f"{folder}.py").is_file()
