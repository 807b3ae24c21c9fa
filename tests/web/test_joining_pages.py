"""The panel of a target's objects: names, joining, splitting off, undoing."""

import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests.factories import make_observer
from tests.joining.test_joining import FAR, store, told
from tests.targets.alerts import NIGHT
from tests.targets.test_identity import ARCSEC, programs, target_of
from tests.web.test_refusals import words_of
from tom.targets.by_hand import make_target
from tom.targets.joins import TargetJoin
from tom.targets.models import GivenName, TargetSummary
from tom.targets.objects import SurveyObject
from tom.targets.same import NOT_FREE, give_name

__all__ = ["programs"]  # a fixture
pytestmark = pytest.mark.django_db
NEAR = {"dec": -23.38 + 0.4 * ARCSEC}


@pytest.fixture
def vera(client: Client, programs) -> User:
    user = make_observer("vera", groups=[programs["A"]])
    client.force_login(user)
    return user


def page(client: Client, target: BaseTarget) -> str:
    return client.get(f"/targets/{target.pk}/").text


def test_a_person_joins_two_targets_of_one_name_of_tns_and_undoes_it(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", **FAR))
    one, two = target_of("ZTF", "z"), target_of("LSST", "l")
    client.post(f"/targets/{one.pk}/name/", {"name": "AT2026abc"})
    assert "may be the same" not in page(client, one)
    client.post(f"/targets/{two.pk}/name/", {"name": "SN 2026abc"})

    shown = page(client, one)
    assert "may be the same" in shown
    assert f'name="other" value="{two.pk}"' in shown.replace("\n", " ")

    assert "may be the same, 30.0 arcsec away" in words_of(shown)
    answer = client.post(f"/targets/{one.pk}/join/", {"other": two.pk, "anyway": "yes"})
    assert answer.headers["Location"] == f"/targets/{one.pk}/"
    assert TargetSummary.objects.count() == 1
    shown = page(client, one)
    assert "Joined: l" in shown
    assert "may be the same" not in shown
    # Who has the old address is led on.
    assert client.get(f"/targets/{two.pk}/").headers["Location"] == f"/targets/{one.pk}/"

    client.post(f"/targets/{one.pk}/joins/{TargetJoin.objects.get().pk}/undo/")
    assert TargetSummary.objects.count() == 2
    assert "Joined" not in page(client, one)
    assert client.get(f"/targets/{two.pk}/").status_code == 200


def test_targets_that_are_far_apart_are_joined_after_a_question(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", **FAR), told("ZTF", "near", **NEAR))
    one, two, near = target_of("ZTF", "z"), target_of("LSST", "l"), target_of("ZTF", "near")

    asked = client.post(f"/targets/{one.pk}/join/", {"other": two.pk})

    assert asked.status_code == 422
    said = words_of(asked.text)
    assert "Is l the same as z ?" in said
    assert "They are 30.0 arcsec apart." in said
    assert "objects of these surveys join within 1.0 arcsec" in said
    assert not TargetJoin.objects.exists()
    client.post(f"/targets/{one.pk}/join/", {"other": near.pk})
    assert TargetJoin.objects.get().other == near
    client.post(f"/targets/{one.pk}/join/", {"other": two.pk, "anyway": "yes"})
    assert TargetJoin.objects.count() == 2


def test_the_surveys_radius_says_how_far_apart_is_far(client, vera, settings) -> None:
    settings.JOIN_ARCSEC = {"LSST": 60.0}
    store(told("ZTF", "z"), told("LSST", "l", **FAR | {"dec": -23.38 + 61 * ARCSEC}))
    one, two = target_of("ZTF", "z"), target_of("LSST", "l")

    assert client.post(f"/targets/{one.pk}/join/", {"other": two.pk}).status_code == 422
    settings.JOIN_ARCSEC = {"LSST": 62.0}
    assert client.post(f"/targets/{one.pk}/join/", {"other": two.pk}).status_code == 302


def test_a_name_that_another_target_has_is_warned_of_with_the_distance(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", **FAR), told("ZTF", "hidden", program=3))
    one, two, hidden = target_of("ZTF", "z"), target_of("LSST", "l"), target_of("ZTF", "hidden")
    give_name(hidden, "AT2026abc")
    give_name(hidden, "theirs")

    def name(target: BaseTarget, given: str) -> str:
        address = f"/targets/{target.pk}/name/"
        return words_of(client.post(address, {"name": given}, follow=True).text)

    assert "has this name" not in name(one, "AT2026abc")
    said = name(two, "AT2026abc")
    assert "is now another name of l." in said
    assert "z has this name, 30.0 arcsec away." in said
    assert "hidden" not in said
    name(one, "mine")
    said = name(two, "mine")
    assert "Another target has this name. z has this name, 30.0 arcsec away." in said
    answer = client.post(f"/targets/{two.pk}/name/", {"name": "mine"}, follow=True)
    assert f'<a href="/targets/{one.pk}/">z</a> has this name' in answer.text
    assert "away" not in name(one, "a\x00b").partition("Objects")[0]
    refused = name(two, "theirs")
    assert "This name cannot be given here: choose another, or ask an administrator." in refused
    assert "nother target" not in refused
    assert "hidden" not in refused


# --- Names taken back -------------------------------------------------------------------------
def test_who_gave_a_name_is_told_where_it_is_kept(client, vera) -> None:
    store(told("ZTF", "z"))
    target = target_of("ZTF", "z")
    client.post(f"/targets/{target.pk}/name/", {"name": "AT2026abc"})
    TargetName.objects.bulk_create([TargetName(target=target, name="older")])

    shown = words_of(page(client, target))

    assert "AT2026abc a name that vera gave Take back" in shown
    assert "older a name that a person gave Take back" in shown
    vera.delete()
    client.force_login(make_observer("ed"))
    assert "AT2026abc a name that a person gave" in words_of(page(client, target))


def test_a_name_that_a_person_gave_is_taken_back_after_a_question(client, vera) -> None:
    store(told("ZTF", "z"))
    target = target_of("ZTF", "z")
    client.post(f"/targets/{target.pk}/name/", {"name": "AT2026abc"})
    alias = TargetName.objects.get(name="AT2026abc")
    address = f"/targets/{target.pk}/names/{alias.pk}/take-back/"
    assert f'href="{address}"' in page(client, target)
    assert client.get("/search/?q=AT2026abc").headers["Location"] == f"/targets/{target.pk}/"

    asked = client.get(address)

    assert "Is AT2026abc no name of z ?" in words_of(asked.text)
    assert re.search(r"vera gave it on \d{4}-\d\d-\d\d", words_of(asked.text))
    assert TargetName.objects.filter(pk=alias.pk).exists()
    shown = client.post(address, follow=True).text
    assert "AT2026abc is no longer a name of z." in shown
    assert not TargetName.objects.exists()
    assert client.get("/search/?q=AT2026abc").status_code == 200
    assert client.post(address).status_code == 404


def test_the_names_of_surveys_and_of_joined_targets_are_not_taken_back(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **NEAR), told("ZTF", "other", **FAR))
    target, other = target_of("ZTF", "z"), target_of("ZTF", "other")
    by_hand = make_target(name="mine", ra=10.0, dec=10.0, group=None, now=NIGHT)
    for each in (other, by_hand):
        client.post(f"/targets/{target.pk}/join/", {"other": each.pk, "anyway": "yes"})
    assert set(target.aliases.values_list("name", flat=True)) == {"l", "other", "mine"}

    assert "Take back the name" not in page(client, target)
    for alias in target.aliases.all():
        assert client.post(f"/targets/{target.pk}/names/{alias.pk}/take-back/").status_code == 404
    assert target.aliases.count() == 3


def test_a_name_like_a_hidden_objects_looks_like_any_other(client, vera) -> None:
    store(told("LSST", "open"), told("ZTF", "zsecret", days=2.0, program=3, **NEAR))
    target = target_of("LSST", "open")
    give_name(target, "zsecret")

    assert "Take back the name zsecret" in page(client, target)


def test_a_reader_takes_no_name_back(client, programs) -> None:
    store(told("ZTF", "z"))
    target = target_of("ZTF", "z")
    alias = give_name(target, "mine")
    client.force_login(User.objects.create_user("reader"))

    assert "Take back the name" not in page(client, target)
    assert client.get(f"/targets/{target.pk}/names/{alias.pk}/take-back/").status_code == 403


def test_one_name_of_tns_may_be_two_targets_and_any_other_is_refused(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", **FAR))
    one, two = target_of("ZTF", "z"), target_of("LSST", "l")
    for target in (one, two):
        client.post(f"/targets/{target.pk}/name/", {"name": "AT2026abc"})
        client.post(f"/targets/{target.pk}/name/", {"name": "mine"})

    assert list(one.aliases.values_list("name", flat=True)) == ["AT2026abc", "mine"]
    assert [name.name for name in two.aliases.all()] == ["2026abc"]
    assert "Another target has this name." in client.get("/targets/").text


def test_what_lies_at_the_same_place_is_offered(client, vera) -> None:
    store(told("ZTF", "a"), told("ZTF", "b", **NEAR), told("ZTF", "c", **FAR))

    assert page(client, target_of("ZTF", "a")).count("may be the same") == 1


def test_a_person_splits_an_object_off(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **NEAR))
    target = target_of("ZTF", "z")
    row = SurveyObject.objects.get(survey="LSST")

    client.post(f"/targets/{target.pk}/split/", {"object": row.pk})

    assert target_of("LSST", "l") != target
    assert "Split off: l" in page(client, target)
    assert "may be the same" in page(client, target)


def test_who_may_not_edit_targets_sees_no_button_and_does_nothing(client, programs) -> None:
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **NEAR), told("ZTF", "other", **FAR))
    target, other = target_of("ZTF", "z"), target_of("ZTF", "other")
    client.force_login(User.objects.create_user("reader"))

    assert "Split off" not in page(client, target)
    assert client.post(f"/targets/{target.pk}/join/", {"other": other.pk}).status_code == 403
    row = SurveyObject.objects.get(survey="LSST")
    assert client.post(f"/targets/{target.pk}/split/", {"object": row.pk}).status_code == 403
    assert not TargetJoin.objects.exists()


def test_a_private_object_of_a_public_target_is_told_to_its_readers_alone(
    client, vera, programs
) -> None:
    store(told("LSST", "open"), told("ZTF", "zsecret", days=2.0, program=2, **NEAR))
    target = target_of("LSST", "open")
    hidden = SurveyObject.objects.get(survey="ZTF")
    assert "zsecret" in page(client, target)

    client.force_login(make_observer("sid"))
    assert "zsecret" not in page(client, target)
    client.post(f"/targets/{target.pk}/split/", {"object": hidden.pk})
    assert not TargetJoin.objects.exists()


def test_what_cannot_be_joined_is_refused_in_words_and_changes_nothing(
    client, vera, programs
) -> None:
    store(told("ZTF", "z"), told("LSST", "hidden", program=3, **FAR))
    target, hidden = target_of("ZTF", "z"), target_of("LSST", "hidden")
    assert client.get(f"/targets/{hidden.pk}/").status_code == 404

    def join(other: object) -> str:
        return client.post(f"/targets/{target.pk}/join/", {"other": other}, follow=True).text

    assert "A target is joined with another one, not with itself." in join(target.pk)
    for other in (hidden.pk, 999_999_999, "hidden", "", "-1", "1e3", "9" * 40):
        assert "There is no such target to join." in join(other), other
    assert not TargetJoin.objects.exists()
    assert TargetSummary.objects.count() == 2


def test_the_api_gives_a_name(client, vera) -> None:
    store(told("ZTF", "z"))
    target = target_of("ZTF", "z")

    def post(name: str) -> Any:
        address = f"/api/targets/{target.pk}/names/"
        return client.post(address, {"name": name}, content_type="application/json")

    answer = post("SN 2026abc")

    assert (answer.status_code, answer.json()["aliases"]) == (201, ["SN 2026abc"])
    assert TargetName.objects.get().target == target
    assert [post(name).status_code for name in ("", "SN 2026abc", "x" * 101)] == [400] * 3


def test_the_api_asks_before_it_gives_a_name_that_a_target_far_away_has(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", **FAR), told("ZTF", "near", **NEAR))
    one, two, near = target_of("ZTF", "z"), target_of("LSST", "l"), target_of("ZTF", "near")
    give_name(one, "AT2026abc")

    def post(target: BaseTarget, **values: object) -> Any:
        address = f"/api/targets/{target.pk}/names/"
        given = {"name": "AT2026abc"} | values
        return client.post(address, given, content_type="application/json")

    assert post(near).status_code == 201
    give_name(one, "mine")
    asked = post(two)

    assert asked.status_code == 409
    assert '"anyway": true' in asked.json()["detail"]
    told_of = {row["name"]: row for row in asked.json()["others"]}
    assert told_of["z"] == {
        "id": one.pk,
        "name": "z",
        "separation_arcsec": pytest.approx(30.0),
        "radius_arcsec": 1.0,
    }
    assert not two.aliases.exists()
    assert post(two, anyway=True).json()["aliases"] == ["AT 2026abc"]
    assert GivenName.objects.get(alias__target=two).by == vera
    why = post(two, name="mine").json()["name"]
    assert why == [f"Another target has this name: z (target {one.pk})."]


def test_the_api_tells_nothing_of_a_hidden_target_that_has_a_name(client, vera) -> None:
    store(told("ZTF", "z"), told("ZTF", "hidden", program=3, **FAR))
    target = target_of("ZTF", "z")
    give_name(target_of("ZTF", "hidden"), "theirs")

    answer = client.post(
        f"/api/targets/{target.pk}/names/", {"name": "theirs"}, content_type="application/json"
    )

    assert (answer.status_code, answer.json()) == (400, {"name": [NOT_FREE]})


def test_the_api_takes_a_name_back_that_a_person_gave(client, vera) -> None:
    store(told("ZTF", "z"), told("LSST", "l", days=2.0, **NEAR))
    target = target_of("ZTF", "z")
    give_name(target, "AT 2026abc")
    address = f"/api/targets/{target.pk}/names/"

    wanted = ("", "?name=", "?name=l", "?name=z", "?name=no", "?name=AT%202026abc")
    assert [client.delete(address + name).status_code for name in wanted] == [
        400, 400, 404, 404, 404, 204,
    ]  # fmt: skip

    assert list(target.aliases.values_list("name", flat=True)) == ["l"]
    assert not GivenName.objects.exists()
