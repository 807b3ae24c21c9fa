"""What brokers say of objects stands on the targets that are these objects."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.test import Client
from django.utils import timezone
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests.factories import make_message, make_observer, make_program, make_target, make_user
from tom import taxonomy
from tom.joining.services import join_targets
from tom.records.classification import Classification as Said
from tom.records.classification import Judgement
from tom.targets.classified import Classification, classifications_of, keep_classifications
from tom.targets.objects import SurveyObject

pytestmark = pytest.mark.django_db

NUMBER = str(2**53 + 1)
TIME = datetime(2026, 1, 1, 6, 0, tzinfo=UTC)
JUDGEMENT = Judgement(
    classifier="forest",
    version="2",
    probabilities={"KN": 0.2, "SNIa": 0.7, "odd": 0.05},
    classes={"SNIa": "supernova Ia", "KN": "kilonova"},
)
SAID = Said(
    author="Broker",
    survey="LSST",
    object_id=NUMBER,
    ra=197.45,
    dec=-23.38,
    time=TIME,
    judgements=(JUDGEMENT,),
)


def say(said: Said = SAID, *, is_test: bool = False) -> int:
    message = make_message()
    return keep_classifications([(message, said)], tests=[message.pk] if is_test else [])


def make_object(
    name: str = NUMBER, *, survey: str = "LSST", ra: float = 10.0, dec: float = 10.0
) -> BaseTarget:
    target = make_target(name, ra=ra, dec=dec)
    programs = [make_program().pk]
    SurveyObject.objects.create(survey=survey, object_id=name, target=target, programs=programs)
    return target


def test_it_stands_on_its_target_whichever_came_first() -> None:
    say()

    row = classifications_of(make_object(), AnonymousUser()).get()

    assert (row.author, row.classifier, row.version) == ("Broker", "forest", "2")
    assert row.likely[0] == ("SNIa", "supernova Ia", 0.7)
    assert row.likely[2] == ("odd", "", 0.05)
    assert row.time == TIME
    assert row.taxonomy == taxonomy.VERSION
    assert timezone.now() - row.stored < timedelta(minutes=5)


def test_it_stands_on_the_target_at_its_place_where_none_is_that_object() -> None:
    near, far = make_target(ra=197.45, dec=-23.38 + 0.5 / 3600), make_target(ra=10.0, dec=10.0)
    say()

    assert classifications_of(near, AnonymousUser()).count() == 1
    assert not classifications_of(far, AnonymousUser()).exists()

    make_object(ra=197.45, dec=-23.38)
    assert not classifications_of(near, AnonymousUser()).exists()


def test_of_an_object_whose_name_its_target_does_not_tell_nothing_is_told() -> None:
    target = make_target(ra=197.45, dec=-23.38)
    SurveyObject.objects.create(survey="LSST", object_id=NUMBER, target=target)
    say()
    assert not classifications_of(target, AnonymousUser()).exists()

    TargetName.objects.bulk_create([TargetName(target=target, name=f"LSST {NUMBER}")])

    assert classifications_of(target, AnonymousUser()).exists()


def test_another_survey_s_object_of_that_number_is_another() -> None:
    other = make_object(survey="ZTF")
    say()

    assert not classifications_of(other, AnonymousUser()).exists()


def test_what_is_said_again_adds_no_row_and_what_is_said_anew_does() -> None:
    assert say() == 1
    assert say() == 0
    assert say(replace(SAID, judgements=(replace(JUDGEMENT, probabilities={"KN": 0.9}),))) == 1
    assert say(replace(SAID, time=TIME + timedelta(days=1))) == 1
    assert Classification.objects.count() == 3


def test_what_names_no_time_is_dated_by_when_it_came() -> None:
    say(replace(SAID, time=None))

    assert timezone.now() - Classification.objects.get().time < timedelta(minutes=5)


def test_joined_targets_have_what_is_said_of_either() -> None:
    one, two = make_object("ZTF26aaaaaaa", survey="ZTF"), make_object()
    say()
    assert not classifications_of(one, AnonymousUser()).exists()

    kept = join_targets(one, two, by=make_user()).kept

    assert kept == one
    assert classifications_of(one, AnonymousUser()).exists()


# --- Who is shown it ----------------------------------------------------------------------------
@pytest.fixture
def observer(client: Client) -> Client:
    client.force_login(make_observer("vera"))
    return client


def test_the_page_and_the_api_show_it(observer: Client) -> None:
    target = make_object()
    say(is_test=True)

    page = observer.get(f"/targets/{target.pk}/").text
    (row,) = observer.get(f"/api/targets/{target.pk}/classifications/").json()["results"]

    for words in ("Broker", "forest", "supernova Ia", "70%", f"LSST {NUMBER}", ">test<"):
        assert words in page
    assert row["probabilities"] == JUDGEMENT.probabilities
    assert row["classes"] == JUDGEMENT.classes
    assert (row["object_id"], row["is_test"]) == (NUMBER, True)


def test_the_page_shows_each_classifier_s_newest_word(observer: Client) -> None:
    target = make_object()
    say()
    newer = replace(JUDGEMENT, probabilities={"SNIa": 0.11})
    say(replace(SAID, time=TIME + timedelta(days=1), judgements=(newer,)))

    page = observer.get(f"/targets/{target.pk}/").text

    shown, _, folded = page.partition("1 earlier")
    assert "11%" in shown
    assert "70%" not in shown
    assert "70%" in folded


def test_who_may_not_see_the_target_is_told_nothing(observer: Client) -> None:
    target = make_target(private=True, ra=197.45, dec=-23.38)
    say()

    assert observer.get(f"/api/targets/{target.pk}/classifications/").status_code == 404
