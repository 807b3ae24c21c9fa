"""The page of a message of people's: the targets that it names, and what may be made of them."""

import json
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.streams.models import AlertMessage
from tom.targets.models import LightCurvePoint, PointUpload

pytestmark = pytest.mark.django_db
OURS, OTHER = "ZTF26ours", "SN 2026 <other> & more"


def told(**more: Any) -> AlertMessage:
    points = [
        {
            "target_name": name,
            "date_obs": "2026-11-25T03:14:15Z",
            "bandpass": "r",
            "telescope": "Lulin",
            "brightness": 18.5,
            "brightness_error": 0.1,
        }
        for name in (OURS, OTHER)
    ]
    targets = [
        {"name": OURS, "ra": 197.45, "dec": -23.38},
        {"name": OTHER, "ra": "13:09:48", "dec": "-23:22:48"},
    ]
    content = {
        "title": "Photometry",
        "submitter": "vera",
        "message_text": "We saw it.",
        "data": {"targets": targets, "photometry": points},
    }
    fields = {"topic": "hermes.test", "kind": "hermes"} | more
    return factories.make_message(json.dumps(content).encode(), **fields)


def test_its_targets_are_named_with_what_may_be_made_of_them(client: Client) -> None:
    target, message = factories.make_target(OURS), told()
    client.force_login(factories.make_observer())

    page = client.get(f"/messages/{message.pk}/").text

    assert f'href="/targets/{target.pk}/">{OURS}' in page
    assert f"/targets/{target.pk}/photometry/?message={message.pk}&amp;of={OURS}" in page
    other = "SN%202026%20%3Cother%3E%20%26%20more"
    assert f"/targets/new/?name={other}&amp;position=197.450000%20-23.380000" in page


def test_its_points_begin_the_form_and_are_stored_as_one_s_own(client: Client) -> None:
    target, message = factories.make_target(OURS, points=0), told()
    client.force_login(factories.make_observer())
    address = f"/targets/{target.pk}/photometry/"

    form = client.get(address, {"message": message.pk, "of": OURS}).context["form"]
    typed = {"text": form.text, "filename": form.name, "for": "public", "do": "store"}
    client.post(address, typed | {"flux_unit": "ujy"})

    (upload,) = PointUpload.objects.all()
    (point,) = LightCurvePoint.objects.filter(target=target, key__startswith=upload.key_prefix)
    assert (upload.name, upload.target_id) == (f"message {message.pk}", target.pk)
    assert (point.band, point.flux) == ("r", pytest.approx(144_544, rel=1e-3))


def test_a_target_is_made_with_the_name_and_the_place_that_it_tells(client: Client) -> None:
    client.force_login(factories.make_observer())

    page = client.get("/targets/new/", {"name": OTHER, "position": "197.45 -23.38"})

    assert page.context["form"].values == {"name": OTHER, "position": "197.45 -23.38"}


def test_a_hidden_target_is_none_of_this_name(client: Client) -> None:
    factories.make_target(OURS, private=True)
    message = told()
    client.force_login(factories.make_observer())

    page = client.get(f"/messages/{message.pk}/").text

    assert page.count("not here") == 2
    assert "Add its points" not in page


@pytest.mark.parametrize(
    "message",
    [
        {"group": True},  # another group's
        {"retracted": True},
        {"kind": "gcn.notice"},
        {"kind": "unknown"},
    ],
)
def test_nothing_is_taken_of_what_one_may_not_read_or_was_taken_back(
    client: Client, message: dict[str, Any]
) -> None:
    if "group" in message:
        message = {"group": factories.make_group("theirs")}
    if "retracted" in message:
        message = {"retracted": timezone.now()}
    target, kept = factories.make_target(OURS), told(**message)
    client.force_login(factories.make_observer())

    answer = client.get(f"/targets/{target.pk}/photometry/", {"message": kept.pk, "of": OURS})

    assert answer.status_code == 404
    assert "Add its points" not in client.get(f"/messages/{kept.pk}/").text


@pytest.mark.parametrize(
    "asked", [{"message": "1234567"}, {"message": "1234567", "of": "nobody"}, {"of": OURS}]
)
def test_an_address_that_names_no_photometry(client: Client, asked: dict[str, str]) -> None:
    target = factories.make_target(OURS)
    client.force_login(factories.make_observer())

    status = client.get(f"/targets/{target.pk}/photometry/", asked).status_code

    assert status == (404 if "message" in asked else 200)


def test_who_may_add_nothing_is_offered_nothing(client: Client) -> None:
    factories.make_target(OURS)
    message, reader = told(), User.objects.create_user("reads")
    reader.user_permissions.add(Permission.objects.get(codename="view_alertmessage"))
    client.force_login(reader)

    page = client.get(f"/messages/{message.pk}/").text

    assert OURS in page
    assert "Add its points" not in page
    assert "Make a target" not in page


@pytest.mark.parametrize("body", [b"{", b"[1]", b'{"data": 5}', b'{"data": {"targets": [[]]}}'])
def test_a_message_that_is_not_of_the_form_has_its_page(client: Client, body: bytes) -> None:
    message = factories.make_message(body, topic="hermes.test", kind="hermes")
    client.force_login(factories.make_observer())

    assert client.get(f"/messages/{message.pk}/").status_code == 200
