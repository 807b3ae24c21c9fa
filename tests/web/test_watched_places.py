"""The places that a list watches: typed in its form, told in its history, named in its rows."""

import csv
import re
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from tom_targets.models import TargetName

from tests.factories import make_group, make_observer, make_target
from tests.ranking.test_lists import make_strategy, rank
from tests.ranking.test_watching import watch
from tests.web.test_strategies import (
    FORM,
    NEW,
    change,
    errors,
    filled,
    lead,
    lise,
    make,
    page_of,
    words_of,
)
from tom.ranking.changing import newest_number
from tom.strategies.models import Strategy, WatchList
from tom.strategies.watching import MOST_PLACES, Watched
from tom.web.watched_text import read_places, write_places

pytestmark = pytest.mark.django_db
__all__ = ["lead", "lise"]  # fixtures


def places_of(strategy: Strategy | None = None) -> list[list[Any]]:
    found = strategy or Strategy.objects.get(name="Fresh")
    return [] if found.watched is None else found.watched.places


def listed_near(name: str, arcsec_north: float = 0.8) -> Strategy:
    """A ranked list that watches a place of this name near its one target."""
    make_target("ZTF26a", ra=10.0, dec=arcsec_north / 3600)
    places = WatchList.of([Watched("far", 200.0, 0.0, 3.0), Watched(name, 10.0, 0.0, 3.0)])
    places.keep()
    strategy = make_strategy(name="Nuclei", watched=places)
    rank(strategy)
    return strategy


# --- What is read -------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("line", "place"),
    [
        ("M 31, 10.5 41.25, 5", ["M 31", 10.5, 41.25, 5.0]),
        ("M 31, 10.5 41.25", ["M 31", 10.5, 41.25, 3.0]),
        ("M 31,10.5,41.25,5", ["M 31", 10.5, 41.25, 5.0]),
        ("M 31,10.5,41.25", ["M 31", 10.5, 41.25, 3.0]),
        ("M 31\t10.5\t41.25\t5", ["M 31", 10.5, 41.25, 5.0]),
        ("12\t10.5\t41.25\t5", ["12", 10.5, 41.25, 5.0]),
        ("12, J004200+411500, 5", ["12", 10.5, 41.25, 5.0]),
        ("3C 273, 10.5, 41.25", ["3C 273", 10.5, 41.25, 3.0]),
        ("M 31, 00:42:00 +41:15:00, 5", ["M 31", 10.5, 41.25, 5.0]),
        ("M 31, 00:42:00, +41:15:00, 5", ["M 31", 10.5, 41.25, 5.0]),
        ("M 31, 00h42m00s +41d15m00s 0.1 arcmin", ["M 31", 10.5, 41.25, 6.0]),
        ("M 31, 00h42m00s +41d15m00s, 5 arcsec", ["M 31", 10.5, 41.25, 5.0]),
        ('M 31, J004200+411500, 5"', ["M 31", 10.5, 41.25, 5.0]),
        ("J004200+411500", ["10.50000 +41.25000", 10.5, 41.25, 3.0]),
        ("J004200+411500, 5", ["10.50000 +41.25000", 10.5, 41.25, 5.0]),
        ("10.5 41.25", ["10.50000 +41.25000", 10.5, 41.25, 3.0]),
        ("10.5, 41.25", ["10.50000 +41.25000", 10.5, 41.25, 3.0]),
        ("10.5 41.25, 5", ["10.50000 +41.25000", 10.5, 41.25, 5.0]),
        ("00:42:00, +41:15:00, 5", ["10.50000 +41.25000", 10.5, 41.25, 5.0]),
        ('"NGC 224, north", 10.5, 41.25', ["NGC 224, north", 10.5, 41.25, 3.0]),
        ("M 31, 10.5, 41.25, 1e1,,", ["M 31", 10.5, 41.25, 10.0]),
        ("M 31, 10.5, -0, 5", ["M 31", 10.5, 0.0, 5.0]),
    ],
)
def test_a_place_is_read_in_each_notation(lead: Client, line: str, place: list[Any]) -> None:
    answer = lead.post(NEW, FORM | {"watched": f"# ours\n\n{line}\n"})

    assert answer.status_code == 302, answer.context["form"].errors
    ((name, *figures),) = places_of()
    assert name == place[0]
    assert figures == pytest.approx(place[1:], abs=1e-9)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("nobody", "it is no position, and no public target has this name"),
        ("M 31, here", "write name, place, radius in arcsec"),
        ("M 31, 10.5", "write name, place, radius in arcsec|no public target has this name"),
        ("M 31, 10.5, 41, 5, 6", "write name, place, radius in arcsec"),
        ("M 31, 10.5, 91", "a declination lies from -90 to 90 degrees, not at 91"),
        ("M 31, 10.5 91", "Dec lies from -90 to 90"),
        ("M 31, 361, 41", "a right ascension lies from 0 to 360 degrees, not at 361"),
        ("M 31, 10.5, 41, 0", "a radius is more than 0 and at most 3600 arcsec, not 0"),
        ("M 31, 10.5, 41, 1e999", "a radius is more than 0"),
        ("M 31, 10.5, nan", "write name, place"),
        ("M 31, 10.5, 41, -3", "a radius is more than 0"),
        ("12, 10.5d 41.25d, 5", "it can be read in two ways"),
        ("1, 50, 2", "it can be read in two ways"),
        ("197,45 -23,38", "it can be read in two ways"),
        (f"{'a' * 101}, 10, 20", "a name has 1 to 100 characters"),
        ('"#1", 10, 20, 3', "no # at its beginning"),
        (f"M 31, 10, 20{' ' * 400}5", "a line has at most 400 characters"),
    ],
)
def test_what_is_no_place_is_refused_with_its_line(lead: Client, line: str, told: str) -> None:
    typed = f"M 32, 10.6, 40.9\n{line}"

    answer = lead.post(NEW, FORM | {"watched": typed})

    (said,) = errors(answer)["watched"]
    assert said.startswith(f"Line 2, “{line[:60]}”: ")
    assert re.search(told, said)
    assert answer.context["form"]["watched"].value() == typed
    assert not WatchList.objects.exists()


def test_of_many_wrong_lines_ten_are_told(lead: Client) -> None:
    answer = lead.post(NEW, FORM | {"watched": "\n".join(f"wrong {at}" for at in range(14))})

    told = errors(answer)["watched"]
    assert len(told) == 11
    assert told[-1] == "And 4 more lines."


def test_too_many_places_are_refused(lead: Client) -> None:
    lines = [f"place {at}, 10, {at / 100}" for at in range(MOST_PLACES + 1)]

    answer = lead.post(NEW, FORM | {"watched": "\n".join(lines)})

    assert errors(answer) == {"watched": ["A watch list has at most 5,000 places, not 5,001."]}


@pytest.mark.parametrize("heading", ["name,ra_deg,dec_deg,radius_arcsec", "ID, RA, Dec"])
def test_the_heading_of_a_table_is_no_place(lead: Client, heading: str) -> None:
    lead.post(NEW, FORM | {"watched": f"{heading}\nM 31, 10.5, 41.25"})

    assert [row[0] for row in places_of()] == ["M 31"]


def test_a_public_targets_name_takes_its_place(lead: Client) -> None:
    target = make_target("ZTF26abc", ra=150.0, dec=2.0)
    TargetName.objects.create(target=target, name="AT 2026abc")

    lead.post(NEW, FORM | {"watched": "ztf26ABC\nAT 2026abc, 7"})

    assert places_of() == [["ztf26ABC", 150.0, 2.0, 3.0], ["AT 2026abc", 150.0, 2.0, 7.0]]


def test_a_private_targets_name_is_no_place_for_its_readers_too(lead: Client, lise: User) -> None:
    make_target("ZTF26secret", private=True, owners=[lise])

    hidden, none = (
        errors(lead.post(NEW, FORM | {"watched": name}))["watched"][0].partition(": ")[2]
        for name in ("ZTF26secret", "ZTF26nobody")
    )

    assert hidden == none


def test_what_is_written_is_read_again_to_the_last_digit(lise: User) -> None:
    names = ["M 31", '6" off, "quoted"', "12", "10.5 41.25", "'x", "name"]
    places = [
        Watched(name, 0.1 + at / 3, -1e-9 * at + 0.0, 3600 / (at + 1))
        for at, name in enumerate(names)
    ]

    assert read_places(write_places(places), lise) == places


# --- The form -----------------------------------------------------------------------------------
def test_a_watch_list_is_kept_and_shown_again(lead: Client) -> None:
    typed = "M 31, 00:42:44.33 +41:16:07.5, 30\nNGC 4993, 197.448750, -23.383889"
    told = {"place": "10 40", "radius_deg": "5", "watched": typed}

    lead.post(NEW, FORM | told)
    made = Strategy.objects.get(name="Fresh")
    again = lead.post(page_of(made), filled(lead, page_of(made)))

    assert again.status_code == 302
    assert newest_number(made) == 1  # nothing was changed
    assert WatchList.objects.count() == 1
    assert (made.ra, [row[0] for row in places_of(made)]) == (10.0, ["M 31", "NGC 4993"])
    lead.post(page_of(made), filled(lead, page_of(made)) | {"watched": " \n# none"})
    made.refresh_from_db()
    assert made.watched is None


def test_a_copy_watches_the_same_places(lead: Client, lise: User) -> None:
    made = make(lise, watched=watch((10.0, 0.0, 3.0)).pk)
    page = f"{NEW}?from={made.pk}"

    lead.post(page, filled(lead, page))

    assert Strategy.objects.get(name="Fresh, a copy").watched_id == made.watched_id


def test_a_kind_of_event_keeps_no_places(lead: Client) -> None:
    Strategy.objects.filter(kind="grb").delete()

    answer = lead.post(NEW, FORM | {"terms": [], "kind": "grb", "watched": "nowhere"})

    assert answer.status_code == 302
    assert places_of() == []


# --- What is told -------------------------------------------------------------------------------
def test_the_history_names_the_places_that_came_and_went(lead: Client, lise: User) -> None:
    made = make(lise)
    names = [f"n{at:02}" for at in range(8)]
    for typed in (
        "a, 1, 1\nb, 2, 2\nc, 3, 3",
        "c, 3, 3.5\nd, 4, 4\nb, 2, 2",
        "b, 2, 2\nd, 4, 4\nc, 3, 3.5",
        "\n".join(f"{name}, 5, 5" for name in names),
        "",
    ):
        lead.post(page_of(made), filled(lead, page_of(made)) | {"watched": typed})

    shown = words_of(lead.get(page_of(made, "list_versions")).text)

    assert "watches: no places → 3 places" in shown
    assert "watches: 3 places → 3 places: added d, removed a, changed c" in shown
    assert "watches: 3 places → 3 places: in another order" in shown
    assert "watches: 3 places → 8 places: added n00, n01, n02, n03, n04 and 3 more, rem" in shown
    assert "watches: 8 places → no places" in shown


def test_the_history_asks_as_often_for_many_watch_lists_as_for_one(
    lead: Client, lise: User
) -> None:
    made = make(lise)
    versions = page_of(made, "list_versions")
    change(made, lise, watched=watch((1.0, 1.0, 3.0)).pk)
    change(made, lise, watched=None)

    def queries() -> int:
        with CaptureQueriesContext(connection) as asked:
            assert lead.get(versions).status_code == 200
        return len(asked)

    queries()
    few = queries()
    for at in range(5):
        change(made, lise, watched=watch((1.0 + at, 2.0, 3.0)).pk)
    change(made, lise, watched=None)

    assert queries() == few


def test_the_places_are_given_as_a_table_that_the_form_takes(lead: Client, lise: User) -> None:
    lead.post(NEW, FORM | {"watched": "=1+1, 10, 20, 3\nM 31, 10.5, 41.25, 5"})
    made = Strategy.objects.get(name="Fresh")
    url = reverse("list_watched", args=[made.pk])

    page, table = lead.get(page_of(made, "list_versions")).text, lead.get(url)

    assert url in page
    rows = list(csv.reader(table.text.splitlines()))
    assert rows[0] == ["name", "ra_deg", "dec_deg", "radius_arcsec"]
    assert rows[1:] == [["'=1+1", "10.0", "20.0", "3.0"], ["M 31", "10.5", "41.25", "5.0"]]
    assert [place.name for place in read_places(table.text, lise)] == ["'=1+1", "M 31"]
    change(made, lise, watched=None)
    assert lead.get(url).text.splitlines() == [",".join(rows[0])]
    assert url not in lead.get(page_of(made, "list_versions")).text


def test_the_places_of_a_list_of_another_group_are_not_given(client: Client, lise: User) -> None:
    hidden = make(lise, group=make_group("theirs").pk, watched=watch((1.0, 1.0, 3.0)).pk)
    client.force_login(make_observer("olga"))

    assert client.get(reverse("list_watched", args=[hidden.pk])).status_code == 404


def test_a_row_names_the_place_that_its_target_is_near(lead: Client) -> None:
    strategy = listed_near("<i>NGC 1</i>")

    pages = [
        lead.get(reverse(name, args=[strategy.pk])).text
        for name in ("ranked_list", "list_past", "list_scan")
    ]

    for page in pages:
        assert "<i>NGC 1</i>" not in page
    assert all("watched: <i>NGC 1</i>, 0.8 arcsec" in words_of(page) for page in pages[:2])
    assert "Watched <i>NGC 1</i> 0.8 arcsec" in words_of(pages[2])
    assert "near a watched place" in words_of(pages[0])


def test_a_past_list_names_the_places_that_were_watched_then(lead: Client, lise: User) -> None:
    strategy = listed_near("then")
    then = strategy.rankings.get().created
    places = WatchList.of([Watched("now", 10.0, 0.0, 3.0)])
    places.keep()
    Strategy.objects.filter(pk=strategy.pk).update(watched=places)
    strategy.refresh_from_db()
    rank(strategy)

    past = lead.get(reverse("list_past", args=[strategy.pk]), {"at": then.isoformat()}).text
    now = lead.get(reverse("ranked_list", args=[strategy.pk])).text

    assert "watched: then," in past
    assert "watched: now," in now


def test_the_csv_and_the_api_name_the_place_too(lead: Client) -> None:
    strategy = listed_near("=NGC 1")
    make_strategy(name="Anywhere")

    table = lead.get(reverse("list_past_csv", args=[strategy.pk])).text.splitlines()
    (row,) = csv.DictReader(table)
    (target,) = lead.get(f"/api/lists/{strategy.pk}/targets/").json()["results"]
    lists = lead.get("/api/lists/").json()["results"]

    assert (row["watched"], float(row["watched_arcsec"])) == ("'=NGC 1", pytest.approx(0.8))
    assert (target["watched"], target["watched_arcsec"]) == ("=NGC 1", pytest.approx(0.8))
    counted = {each["name"]: each["n_watched"] for each in lists}
    assert (counted[strategy.name], counted["Anywhere"]) == (2, None)


def test_a_list_without_places_says_nothing_of_any(lead: Client) -> None:
    strategy = make_strategy()
    make_target("ZTF26a")
    rank(strategy)

    assert "watched" not in lead.get(reverse("ranked_list", args=[strategy.pk])).text
