"""Profiles of scanning: what one does to the list, and who sees and changes it."""

import pytest
from django.contrib.auth.models import Group, User
from django.test import Client

from tests import factories
from tests.web.test_scanning import PAGE, shown
from tom.candidates.models import EventCandidate, ScanProfile, Vetting
from tom.candidates.verdicts import give_verdict

pytestmark = pytest.mark.django_db
PROFILES = "/scanning/profiles/"
VALUES = {"name": "night", "order": "level", "hide": "anybody", "panels": ["curve", "near"]}


@pytest.fixture
def team() -> Group:
    return factories.make_group("team")


@pytest.fixture
def vera(client: Client, team: Group) -> User:
    person = factories.make_observer("vera", groups=[team])
    client.force_login(person)
    return person


@pytest.fixture
def candidates() -> list[EventCandidate]:
    event = factories.make_event("S261120ab")
    return [
        factories.make_candidate(
            event, factories.make_target(name), rank=rank, credible_level_2d=level
        )
        for rank, (name, level) in enumerate(
            (("ZTF26c", 0.3), ("ZTF26a", 0.2), ("ZTF26b", 0.25)), 1
        )
    ]


def test_a_profile_is_written_and_scanned_with(
    client: Client, vera: User, team: Group, candidates: list[EventCandidate]
) -> None:
    client.post(f"{PROFILES}new/", VALUES | {"group": team.pk, "everywhere": "on"})
    profile = ScanProfile.objects.get()
    give_verdict(candidates[1], Vetting.WATCHING, by=factories.make_observer("ed"))

    page = client.get(f"{PAGE}?profile={profile.pk}")

    assert (profile.group, profile.changed_by) == (team, vera)
    assert shown(page.text) == "ZTF26b"  # by level, without what anybody decided
    assert page.context["settings"].filters["region"] == "all"
    assert 'id="lightcurve"' in page.text
    assert "Neighbours" in page.text
    assert 'id="cutouts"' not in page.text
    assert "Evidence" not in page.text
    assert f'?profile={profile.pk}"\n      aria-current="true"' in page.text


def test_a_profile_is_changed_and_deleted_by_its_readers(client: Client, vera: User) -> None:
    profile = ScanProfile.objects.create(name="night")

    client.post(f"{PROFILES}{profile.pk}/", VALUES | {"name": "late night"})
    changed = ScanProfile.objects.get()
    listed = client.get(PROFILES).text
    client.post(f"{PROFILES}{profile.pk}/delete/")

    assert (changed.name, changed.hide, changed.panels) == (
        "late night",
        "anybody",
        ["curve", "near"],
    )
    assert "late night" in listed
    assert not ScanProfile.objects.exists()


def test_another_teams_profile_is_not_there(
    client: Client, team: Group, candidates: list[EventCandidate]
) -> None:
    profile = ScanProfile.objects.create(name="their own", group=team, order="level")
    client.force_login(factories.make_observer("stranger"))

    page = client.get(f"{PAGE}?profile={profile.pk}")
    answers = [
        client.get(f"{PROFILES}{profile.pk}/"),
        client.post(f"{PROFILES}{profile.pk}/delete/"),
    ]

    assert "their own" not in client.get(PROFILES).text
    assert "their own" not in page.text
    assert shown(page.text) == "ZTF26c"
    assert [answer.status_code for answer in answers] == [404, 404]
    assert ScanProfile.objects.exists()


def test_a_profile_is_for_a_group_of_ones_own(client: Client, vera: User) -> None:
    other = factories.make_group("other")

    answer = client.post(f"{PROFILES}new/", VALUES | {"group": other.pk})

    assert answer.status_code == 422
    assert not ScanProfile.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"name": ""}, {"order": "odd"}, {"hide": "odd"}, {"panels": ["odd"]}]
)
def test_a_profile_that_says_nothing_known_is_refused(
    client: Client, vera: User, wrong: dict[str, object]
) -> None:
    answer = client.post(f"{PROFILES}new/", VALUES | wrong)

    assert answer.status_code == 422
    assert not ScanProfile.objects.exists()


def test_two_profiles_of_a_team_have_two_names(client: Client, vera: User) -> None:
    ScanProfile.objects.create(name="night")

    answer = client.post(f"{PROFILES}new/", VALUES)

    assert answer.status_code == 422
    assert "This team has a profile of this name." in answer.text
