"""Pages put what is equal in one order: as it was made, where no name is asked for."""

import re
from datetime import timedelta

import pytest
from django.db import transaction
from django.test import Client

from tests import factories
from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization
from tom.scoring.models import Score
from tom.targets.models import Cutout, LightCurvePoint
from tom.web.candidate_rows import _thumbnails

pytestmark = pytest.mark.django_db
NAMES = [f"ZTF26tie{letter}" for letter in "abcdef"]
EVENT = "/events/S261120ab/"
AS_MADE = [
    "/",
    *(f"/targets/?order={order}" for order in ("seen", "new", "bright")),
    *(
        f"{EVENT}?part=candidates&order={order}"
        for order in ("rank", "chance", "decide", "level", "magnitude", "newest", "-newest")
    ),
    f"{EVENT}candidates.csv",
    f"{EVENT}tell/",
    f"/api{EVENT}candidates/",
]
BY_NAME = ["/targets/?order=name", f"{EVENT}?part=candidates&order=name"]


def shown(names: list[str]) -> dict[str, list[str]]:
    """The order in which each page names targets that are made in this order, all alike."""
    with transaction.atomic():
        event, client = factories.make_event("S261120ab"), Client()
        for name in names:
            factories.make_candidate(event, factories.make_target(name, points=2), rank=None)
        client.force_login(factories.make_observer())
        found = {
            page: list(dict.fromkeys(re.findall(r"ZTF26tie[a-f]", client.get(page).text)))
            for page in (*AS_MADE, *BY_NAME)
        }
        transaction.set_rollback(True)
    return found


@pytest.mark.parametrize("names", [NAMES, NAMES[::-1]], ids=["in turn", "reversed"])
def test_what_is_alike_is_listed_as_it_was_made(
    names: list[str],
) -> None:
    found = shown(names)

    assert {page: found[page] for page in BY_NAME if found[page] != NAMES} == {}
    assert {page: found[page] for page in AS_MADE if found[page] != names} == {}


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_maps_of_one_time_the_same_is_used(turn: int) -> None:
    event = factories.make_event(alert_types=())
    maps = {name: factories.make_localization() for name in ("bayestar", "bilby")}
    for author, localization in list(maps.items())[::turn]:
        EventLocalization.objects.create(
            event=event,
            localization=localization,
            sender="LVK",
            author=author,
            product="skymap",
            time=factories.MERGER,
        )

    chosen = chosen_localization(event)

    assert chosen is not None
    assert chosen.author == "bilby"


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_pictures_of_one_time_the_page_and_the_list_show_the_same(turn: int) -> None:
    target, user = factories.make_target(), factories.make_admin()
    programs = [factories.make_program(number) for number in (1, 2)]
    for program in programs[::turn]:
        Cutout.objects.create(
            target=target,
            kind="difference",
            time=factories.MERGER + timedelta(days=program.number - 1),
            program=program,
            fits=b"",
        )
    newest = _thumbnails([target.pk], user)[target.pk]
    assert f"v={factories.MERGER + timedelta(days=1):%Y%m%d%H%M%S}" in newest

    Cutout.objects.update(time=factories.MERGER)

    (same,) = Cutout.objects.filter(target=target).newest()
    assert same.program.number == 1


@pytest.mark.parametrize("turn", [1, -1])
def test_of_two_windows_the_same_opinion_is_told(client: Client, turn: int) -> None:
    target = factories.make_target()
    for since, p in [(None, 0.9), (factories.MERGER, 0.1)][::turn]:
        Score.objects.create(
            target=target,
            scorer="fast_transient",
            version="1.0.0",
            data_version=1,
            since=since,
            probability={"kilonova": p, "other": 1 - p},
        )
    client.force_login(factories.make_observer())

    context = client.get(f"/targets/{target.pk}/").context

    assert context["opinions"] == [("fast_transient", "other", 0.9)]
    assert [row.since for row in context["scores"]] == [None, factories.MERGER]


@pytest.mark.parametrize("turn", [1, -1])
def test_the_form_takes_one_magnitude_of_two_of_one_time(client: Client, turn: int) -> None:
    target, program = factories.make_target(points=0), factories.make_program()
    for key, flux in [("a", 30_000.0), ("b", 90_000.0)][::turn]:
        LightCurvePoint.objects.create(
            target=target,
            survey="ZTF",
            kind="alert",
            key=key,
            time=factories.MERGER,
            band="r",
            flux=flux,
            flux_error=300.0,
            program=program,
        )
    client.force_login(factories.make_observer())

    assert "For magnitude 20.2" in client.get(f"/targets/{target.pk}/request/").text
