"""The search box of every page."""

import re
from decimal import Decimal

import pytest
from django.contrib.auth.models import User
from django.test import Client
from tom_targets.models import TargetName

from tests import factories
from tom.events.models import Circular
from tom.followup.models import ObservationRequest
from tom.forms.event_names import key_of
from tom.strategies.models import Strategy

pytestmark = pytest.mark.django_db


@pytest.fixture
def vera() -> User:
    return factories.make_observer("vera")


@pytest.fixture
def observer(client: Client, vera: User) -> Client:
    client.force_login(vera)
    return client


def opened(observer: Client, text: str) -> str:
    """Where a text leads; empty where it lists."""
    return observer.get("/search/", {"q": text}).headers.get("Location", "")


@pytest.mark.parametrize("text", ["ZTF26first", "ztf26FIRST", " ZTF26first "])
def test_a_targets_whole_name_opens_it(observer: Client, text: str) -> None:
    target = factories.make_target("ZTF26first")
    factories.make_target("ZTF26firstborn", ra=10)

    assert opened(observer, text) == f"/targets/{target.pk}/"


@pytest.mark.parametrize("text", ["AT 2026abc", "SN2026abc", "sn 2026abc", "2026abc"])
def test_an_alias_opens_its_target_however_its_prefix_is_written(
    observer: Client, text: str
) -> None:
    target = factories.make_target()
    TargetName.objects.bulk_create([TargetName(target=target, name="AT2026abc")])

    assert opened(observer, text) == f"/targets/{target.pk}/"


@pytest.mark.parametrize(
    "text", ["S261120ab", "s261120AB", "LIGO/Virgo/KAGRA S261120ab: update on the sky map"]
)
def test_an_events_name_opens_it(observer: Client, text: str) -> None:
    factories.make_event("S261120ab")

    assert opened(observer, text) == "/events/S261120ab/"


@pytest.mark.parametrize(
    ("kept", "text"),
    [
        ("S230518h", "GW230518h"),
        ("S230518h", "GW 230518h"),
        ("S230518h", "a paper on gw230518H here"),
        ("GW170817", "S170817"),
        ("HAND-GW170817", "s170817"),
    ],
)
def test_a_superevent_is_opened_by_its_published_name_and_the_other_way_round(
    observer: Client, kept: str, text: str
) -> None:
    factories.make_event(kept, names=[key_of(kept.removeprefix("HAND-"))])
    factories.make_event("S230518hh")

    assert opened(observer, text) == f"/events/{kept}/"


def test_of_two_events_a_name_opens_the_one_that_bears_it(observer: Client) -> None:
    for name in ("S230518h", "GW230518h"):
        factories.make_event(name)

    assert opened(observer, "GW230518h") == "/events/GW230518h/"


def make_circular(
    number: int | Decimal, *, event: object = None, name: str = "", subject: str = ""
) -> None:
    Circular.objects.create(
        circular_id=number,
        subject=subject,
        body="",
        created_on=factories.MERGER,
        message=factories.make_message(),
        event=event,
        event_name=name,
    )


@pytest.mark.parametrize("text", ["40123", "GCN 40123", "GCN Circular 40123", "gcn #40123"])
def test_a_circulars_number_opens_it(observer: Client, text: str) -> None:
    make_circular(40123)

    assert opened(observer, text) == "/circulars/40123/"


def test_a_circular_of_a_half_number_is_opened_by_it(observer: Client) -> None:
    make_circular(18453)
    make_circular(Decimal("18453.5"))

    assert opened(observer, "GCN 18453.5") == "/circulars/18453.5/"
    assert opened(observer, "18453") == "/circulars/18453/"


def test_the_name_that_a_circular_gives_an_event_opens_the_event(observer: Client) -> None:
    event = factories.make_event("GRB261120A")
    make_circular(40123, event=event, name="Swift trigger 1234567")

    assert opened(observer, "swift trigger 1234567") == "/events/GRB261120A/"


def test_a_circular_is_found_by_its_subject_with_the_event_it_speaks_of(observer: Client) -> None:
    event = factories.make_event("S261120ab")
    make_circular(40123, event=event, subject="A kilonova in NGC 4993")

    text = observer.get("/search/", {"q": "kilonova"}).text

    assert "/circulars/40123/" in text
    assert "/events/S261120ab/" in text


def make_request(target: object, *, remote_id: str = "") -> ObservationRequest:
    return ObservationRequest.objects.create(
        target=target,
        facility="PRACTICE",
        instrument="IMAGER",
        spec={},
        body={},
        key=f"key-{remote_id}",
        remote_id=remote_id,
        window_start=factories.MERGER,
        window_end=factories.MERGER.replace(year=factories.MERGER.year + 1),
    )


def test_a_request_is_opened_by_its_number_there_or_here(observer: Client) -> None:
    request = make_request(factories.make_target(), remote_id="987654")

    assert opened(observer, "987654") == f"/requests/{request.pk}/"
    assert opened(observer, f"#{request.pk}") == f"/requests/{request.pk}/"


def test_a_place_lists_what_is_there_and_opens_what_is_just_there(observer: Client) -> None:
    target = factories.make_target(ra=10.5, dec=20.0)

    listed = observer.get("/search/", {"q": "10d30m07s +20d00m00s 30"}).text

    assert target.name in listed
    assert opened(observer, "10d30m00s +20d00m00s") == f"/targets/{target.pk}/"


def test_a_text_that_means_two_pages_lists_both(observer: Client) -> None:
    target = factories.make_target("987654")
    request = make_request(target, remote_id="987654")

    text = observer.get("/search/", {"q": "987654"}).text

    assert f"/targets/{target.pk}/" in text
    assert f"/requests/{request.pk}/" in text


@pytest.mark.parametrize("page", ["/search/", "/targets/"])
@pytest.mark.parametrize(
    ("text", "why"), [("361 10", "RA lies from 0"), ("13:61:00 10:00:00", "61 minutes")]
)
def test_a_place_out_of_range_says_why(observer: Client, page: str, text: str, why: str) -> None:
    assert why in observer.get(page, {"q": text}).text


@pytest.mark.parametrize("text", ["hidden", "ZTF26hidden", "10 20", "987654"])
def test_what_is_private_is_not_found(observer: Client, text: str) -> None:
    hidden = factories.make_target("ZTF26hidden", ra=10, dec=20, private=True)
    make_request(hidden, remote_id="987654")

    text = observer.get("/search/", {"q": text}).text

    assert f"/targets/{hidden.pk}/" not in text
    assert "Nothing found" in text


@pytest.mark.parametrize("text", ["", "%", "9" * 30, "٣", "x" * 900, "#999999999999"])
def test_no_text_breaks_the_search(observer: Client, text: str) -> None:
    assert observer.get("/search/", {"q": text}).status_code == 200


def test_a_search_asks_as_much_whatever_it_finds(
    observer: Client, django_assert_max_num_queries: object
) -> None:
    event = factories.make_event("S261120ab")
    for number in range(12):
        target = factories.make_target(f"ZTF26many{number}", ra=10.0 + number)
        make_request(target, remote_id=str(number))
        make_circular(40000 + number, event=event, subject="many of them")

    with django_assert_max_num_queries(24):  # type: ignore[operator]
        observer.get("/search/", {"q": "many"})


def test_a_list_is_found_by_its_name_by_those_who_see_it(observer: Client, vera: User) -> None:
    for name, group in ("Odd ones", None), ("Odd twos", factories.make_group("others")):
        Strategy.objects.create(name=name, group=group)
    off = Strategy.objects.create(name="Odd and off", active=False)
    factories.make_first_strategies()
    of_event = Strategy.objects.get(kind="gw")

    text = observer.get("/search/", {"q": "odd"}).text

    assert re.findall(r"<b>(Odd [^<]*)</b>", text) == ["Odd and off", "Odd ones"]
    assert f'href="/lists/{off.pk}/"' in text
    odd = Strategy.objects.get(name="Odd ones")
    assert opened(observer, "odd ONES") == f"/lists/{odd.pk}/"
    assert opened(observer, of_event.name) == f"/lists/{of_event.pk}/versions/"
    assert opened(observer, "Odd twos") == ""
