"""What brokers say of a target, side by side, and targets found by it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from tom_targets.base_models import BaseTarget

from tests.factories import make_group, make_program, make_target, make_user
from tom.targets.classified import Classification, find_classified, said_class
from tom.targets.models import SurveyObject
from tom.targets.tags import Tag
from tom.targets.words import disagreement, words_of
from tom.taxonomy import agree, within
from tom.web.views.targets import WORDS_SHOWN

NOW = datetime(2026, 11, 1, tzinfo=UTC)
PAIRS = {
    ("supernova Ia", "supernova"): True,
    ("supernova", "explosive"): True,
    ("supernova Ia", "supernova II"): False,
    ("agn", "supernova"): False,
    ("real", "agn"): True,
    ("bogus", "real"): False,
}


def say(author: str, classifier: str, says: str, *, days: int = 0, **values: Any) -> Classification:
    row = {"survey": "ZTF", "object_id": "ZTF26aaaaaaa", "version": "1", "taxonomy": "1"} | values
    return Classification.objects.create(
        author=author,
        classifier=classifier,
        says=says,
        time=NOW - timedelta(days=days),
        probabilities={says: 0.9},
        classes={says: says},
        digest=f"{author}{classifier}{days}",
        **row,
    )


def make_known(name: str = "ZTF26aaaaaaa") -> BaseTarget:
    target = make_target(name, ra=150.1, dec=2.2)
    program = make_program()
    SurveyObject.objects.update_or_create(
        survey="ZTF", object_id=name, defaults={"target": target, "programs": [program.pk]}
    )
    return target


@pytest.mark.parametrize("pair", PAIRS)
def test_a_class_agrees_with_each_that_holds_it(pair: tuple[str, str]) -> None:
    assert agree(*pair) is agree(*reversed(pair)) is PAIRS[pair]


def test_a_class_holds_the_narrower_ones_and_itself() -> None:
    assert {"supernova", "supernova Ia", "supernova Ia-91bg"} <= within("supernova")
    assert not {"explosive", "agn"} & within("supernova")


@pytest.mark.parametrize(
    ("chances", "says"),
    [({"a": 0.6, "b": 0.4}, "agn"), ({"a": 0.49, "b": 0.3}, ""), ({"x": 0.9}, ""), ({}, "")],
)
def test_an_author_says_a_class_that_is_likelier_than_not(chances: Any, says: str) -> None:
    assert said_class(chances, {"a": "agn", "b": "tde"}) == says


@pytest.mark.django_db
def test_a_disagreement_names_the_sides_and_a_wider_class_is_none() -> None:
    say("Fink", "snn", "supernova")
    say("Lasair", "r0b", "supernova Ia")
    rows = Classification.objects.in_turn()
    assert disagreement(words_of(rows)) == []

    say("ALeRCE", "lc", "agn", days=1)
    say("ALeRCE", "stamp", "bogus", is_test=True)
    say("AMPEL", "unsure", "")

    first, second = disagreement(words_of(rows.all()))
    assert first.classes == {"supernova": ["Fink snn"], "supernova Ia": ["Lasair r0b"]}
    assert second.classes == {"agn": ["ALeRCE lc"]}


@pytest.mark.django_db
def test_the_newest_word_of_a_classifier_counts_and_its_history_is_kept() -> None:
    say("Fink", "snn", "agn", days=9)
    say("Fink", "snn", "supernova")
    say("ALeRCE", "lc", "supernova", days=3)

    words = words_of(Classification.objects.in_turn())

    assert [(word.newest.author, len(word.earlier)) for word in words] == [
        ("Fink", 1),
        ("ALeRCE", 0),
    ]
    assert disagreement(words) == []


@pytest.mark.django_db
def test_a_word_on_a_test_topic_hides_no_real_one() -> None:
    say("Fink", "snn", "agn", days=2)
    say("Fink", "snn", "supernova", is_test=True)
    say("ALeRCE", "lc", "tde", days=3)

    sides = disagreement(words_of(Classification.objects.in_turn()))

    assert [side.classes for side in sides] == [{"agn": ["Fink snn"]}, {"tde": ["ALeRCE lc"]}]


@pytest.mark.django_db
def test_who_speaks_with_each_alert_hides_nobody_who_spoke_once(client: Client) -> None:
    target = make_known()
    say("TNS", "type", "tde", days=200)
    for days in range(WORDS_SHOWN + 20):
        say("Fink", "snn", "supernova", days=days)
    client.force_login(make_user())

    html = client.get(f"/targets/{target.pk}/?part=standing").content.decode()

    assert "they disagree" in html
    assert "TNS type" in html
    assert f"{WORDS_SHOWN - 2} earlier of {WORDS_SHOWN + 19}" in " ".join(html.split())


@pytest.mark.django_db
def test_targets_are_found_by_a_class_and_by_who_says_it() -> None:
    target = make_known()
    say("Fink", "snn", "agn", days=9)
    say("Fink", "snn", "supernova Ia")
    say("ALeRCE", "lc", "tde")
    say("Lasair", "test", "kilonova", is_test=True)

    def found(**wanted: Any) -> bool:
        return find_classified((), **wanted).filter(target=target).exists()

    assert found(label="supernova")
    assert found(label="supernova Ia")
    assert found(label="tde")
    assert found(label="supernova", author="Fink")
    assert found(author="ALeRCE")
    assert not found(label="agn")  # an earlier word
    assert not found(label="tde", author="Fink")
    assert not found(label="kilonova")
    assert not found(label="supernova II")


@pytest.mark.django_db
def test_what_is_said_of_another_s_object_finds_nothing() -> None:
    target = make_target("ZTF26aaaaaaa")
    private = make_program(2, group=make_group())
    SurveyObject.objects.update_or_create(
        survey="ZTF",
        object_id="ZTF26aaaaaaa",
        defaults={"target": target, "programs": [private.pk]},
    )
    say("Fink", "snn", "agn")
    assert not find_classified((), label="agn").exists()
    assert find_classified((private.pk,), label="agn").exists()


@pytest.mark.django_db
def test_the_page_shows_the_sides_the_history_and_the_tags(
    client: Client, django_assert_max_num_queries: Any
) -> None:
    target = make_known()
    for days in range(5):
        say("Fink", "snn", "supernova", days=days)
        say("ALeRCE", "lc", "agn", days=days)
    Tag.objects.create(survey="ZTF", object_id=target.name, author="ANTARES", tag="in_m31")
    client.force_login(make_user())
    client.get(f"/targets/{target.pk}/?part=standing")

    with django_assert_max_num_queries(25) as few:
        html = client.get(f"/targets/{target.pk}/?part=standing").content.decode()

    assert "they disagree" in html
    assert "Fink snn" in html
    assert "4 earlier" in html
    assert "ANTARES: in_m31" in " ".join(html.split())
    for n in range(20):
        say(f"Broker{n}", "c", "supernova")
    with django_assert_max_num_queries(len(few)):
        client.get(f"/targets/{target.pk}/?part=standing")


@pytest.mark.django_db
def test_the_lists_of_the_page_and_of_the_api_are_filtered(client: Client) -> None:
    target = make_known()
    other = make_known("ZTF26bbbbbbb")
    say("Fink", "snn", "supernova Ia")
    Tag.objects.create(survey="ZTF", object_id=target.name, author="ANTARES", tag="in_m31")
    client.force_login(make_user())

    page = client.get("/targets/?class=supernova&by=Fink").content.decode()
    assert target.name in page
    assert other.name not in page
    answer = client.get("/api/targets/?class=supernova&by=Fink").json()
    assert [each["name"] for each in answer["results"]] == [target.name]
    assert client.get("/api/targets/?class=agn").json()["results"] == []
    assert client.get("/api/targets/?class=no").status_code == 400
    (said,) = client.get(f"/api/targets/{target.pk}/classifications/").json()["results"]
    assert said["says"] == "supernova Ia"
    (tag,) = client.get(f"/api/targets/{target.pk}/tags/").json()["results"]
    assert (tag["author"], tag["tag"]) == ("ANTARES", "in_m31")
