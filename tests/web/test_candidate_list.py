"""The list of candidates: searched and sorted, as its address says."""

import re

import pytest
from django.test import Client
from tom_targets.models import TargetName

from tests import factories
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"


@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(factories.make_observer("vera"))
    event = factories.make_event("S261120ab")
    for rank, (level, magnitude) in enumerate([(0.3, 19.0), (0.1, None), (0.2, 17.0)], 1):
        target = factories.make_target(f"ZTF26row{rank}")
        TargetSummary.objects.filter(target=target).update(last_magnitude=magnitude)
        factories.make_candidate(
            event, target, rank=rank, posterior=1 - rank / 10, credible_level_2d=level
        )
    return client


def names(text: str) -> list[str]:
    found: list[str] = re.findall(r"<b>ZTF26row(\d)</b>", text)
    return found


@pytest.mark.parametrize(
    ("order", "expected"),
    [
        ("rank", "123"),
        ("-rank", "321"),
        ("level", "231"),
        ("-level", "132"),
        ("magnitude", "312"),
        ("-magnitude", "132"),  # what is not known is last either way
        ("name", "123"),
        ("-name", "321"),
        ("chance", "123"),
        ("-chance", "321"),
        ("decide", "213"),  # the widest interval first
        ("odd", "123"),
        ("-odd", "123"),
        ("--rank", "123"),
    ],
)
def test_the_list_is_sorted_as_the_address_says(
    observer: Client, order: str, expected: str
) -> None:
    assert "".join(names(observer.get(PAGE, {"order": order}).text)) == expected


def test_a_column_says_how_it_is_sorted_and_turns_round(observer: Client) -> None:
    plain = observer.get(f"{PAGE}?order=level&region=all").text
    turned = observer.get(f"{PAGE}?order=-level&region=all").text

    assert 'aria-sort="ascending"><a href="?region=all&amp;order=-level">Level' in plain
    assert 'aria-sort="descending"><a href="?region=all&amp;order=level">Level' in turned


@pytest.mark.parametrize(
    ("text", "expected"),
    [("row2", "2"), ("ROW", "123"), ("AT2026xyz", "3"), ("NGC 4993", "1"), ("%", ""), (" ", "123")],
)
def test_the_list_is_searched_by_name_alias_and_host(
    observer: Client, text: str, expected: str
) -> None:
    third = TargetSummary.objects.get(target__name="ZTF26row3").target
    TargetName.objects.create(target=third, name="AT2026xyz")
    TargetSummary.objects.filter(target__name="ZTF26row1").update(host_name="NGC 4993")

    assert "".join(names(observer.get(PAGE, {"q": text}).text)) == expected


def test_a_part_tells_the_address_that_shows_it_again(observer: Client) -> None:
    asked = observer.get(f"{PAGE}?part=candidates&q=row2&order=level")
    live = observer.get(f"{PAGE}?part=candidates&q=row2&order=level&live=1")

    assert asked.headers["HX-Replace-Url"] == f"{PAGE}?q=row2&order=level"
    assert "HX-Replace-Url" not in live.headers
