"""Scorers that people add, on their pages: what is kept, what is refused, who sees them."""

from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import make_admin, make_group, make_lead, make_score, make_target, make_user
from tests.scoring.onnx_models import make_model
from tests.scoring.own_scorers import POINTS, WEIGHTS, keep_onnx
from tom.scoring.card import REQUIRED_SECTIONS, check_card, read_card
from tom.scoring.hosts import host_for
from tom.scoring.judging import score_due
from tom.scoring.models import OwnScorer
from tom.scoring.own import spec_of
from tom.scoring.own_services import added_scorers

pytestmark = pytest.mark.django_db
NEW = "/scorers/own/new/onnx/"


@pytest.fixture
def group():
    return make_group("ours")


@pytest.fixture
def lead(client: Client, group) -> Client:
    client.force_login(make_lead("leda", groups=[group]))
    return client


@pytest.fixture
def bring(lead: Client, group) -> Callable[..., object]:
    """Send the form with a model, with some fields changed."""

    def send(model: bytes = make_model(["n", *POINTS], WEIGHTS), **changes: object):
        fields = {
            "name": "made", "group": group.pk, "version": "1.0.0", "licence": "MIT",
            "seconds_per_object": "0.02", "memory_mb": "1500", "about": "A test.\n## Fake",
            "layout": "lightcurve", "least": "1", "answers": "probability", "sigma": "1",
            "classes": "kilonova 0.1\nother 0.9", "metrics": "AUC 0.7 (n 12)",
        }  # fmt: skip
        return lead.post(NEW, fields | {"model": SimpleUploadedFile("m.onnx", model)} | changes)

    return send


def test_a_model_that_works_is_kept_with_its_card_and_who_brought_it(bring, lead) -> None:
    answer = bring()

    scorer = OwnScorer.objects.get()
    version = scorer.in_force
    assert (answer.status_code, answer.url) == (302, f"/scorers/own/{scorer.pk}/")
    assert (scorer.name, scorer.group.name, scorer.made_by.username) == ("own_made", "ours", "leda")
    assert version.weighs_from is None
    assert version.trial["opinions"] == version.trial["asked"] == 4
    card = read_card(version.card, version.version)
    check_card(card, spec_of(version.spec))
    assert card.sections["Metrics"] == "AUC 0.7 (n 12)"
    assert set(REQUIRED_SECTIONS) <= set(card.sections)
    text = lead.get(answer.url).text
    assert "in its shadow period: its scores weigh in no list" in text
    assert "own made" in lead.get("/scorers/").text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": make_model(["n", 100, 6], WEIGHTS[:600])}, "the shape"),
        ({"classes": "kilonova 0.1\nother 0.8"}, "The shares add up to 0.9, not to 1."),
        ({"classes": "kilonova lots"}, "Write a class and its share on each line"),
        ({"memory_mb": "9999999"}, "less than or equal to"),
        ({"name": "No Name"}, "Write 2 to 35 small letters, digits or _."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(bring, changes, why: str) -> None:
    answer = bring(**changes)

    assert answer.status_code == 422
    assert why in answer.text
    assert not OwnScorer.objects.exists()


def test_too_large_a_model_is_refused(bring, settings: Settings, monkeypatch) -> None:
    monkeypatch.setattr("tom.web.own_scorer_form.MOST_BYTES", 100)

    assert "more than 100 bytes" in bring().text
    assert not OwnScorer.objects.exists()


def test_a_lead_of_another_group_finds_neither_it_nor_its_scores(
    lead: Client, group, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    scorer = keep_onnx("own_secretive", group=group, by=make_user())
    target = make_target()
    make_score(target, scorer="own_secretive")
    make_score(target)
    others = Client()
    others.force_login(make_lead("otto", groups=[make_group("others")]))
    pages = (
        reverse("targets:detail", args=[target.pk]),
        "/scorers/",
        f"/api/targets/{target.pk}/scores/",
    )

    assert others.get(f"/scorers/own/{scorer.pk}/").status_code == 404
    for do in ("off", "weigh"):
        assert others.post(f"/scorers/own/{scorer.pk}/change/", {"do": do}).status_code == 404
    assert others.post("/scorers/own_secretive/stored/", {"seen": "all"}).status_code == 404
    for page in pages:
        assert "secretive" not in others.get(page).text
        assert "secretive" in lead.get(page).text
    assert "Of scorers that weigh in no list" in lead.get(pages[0]).text
    with django_assert_max_num_queries(13):
        shown = lead.get(f"/scorers/own/{scorer.pk}/").text
    assert 'action="/scorers/own_secretive/stored/"' in shown


def test_its_switches_say_who_used_them(lead: Client, group) -> None:
    scorer = keep_onnx(group=group, by=make_user("adam"))
    change = f"/scorers/own/{scorer.pk}/change/"

    lead.post(change, {"do": "weigh"})
    scorer.refresh_from_db()
    assert scorer.in_force.weighs_from is not None
    lead.post(change, {"do": "shadow"})
    lead.post(change, {"do": "off"})
    scorer.refresh_from_db()
    assert (scorer.active, scorer.in_force.weighs_from) == (False, None)
    assert (scorer.made_by.username, scorer.changed_by.username) == ("adam", "leda")
    assert lead.post(change, {"do": "dance"}).status_code == 422
    assert lead.post(change, {"do": "use", "version": "9.9.9"}).status_code == 404


SOURCE = """
from antares_devkit.models import BaseFilter


class Bright(BaseFilter):
    OUTPUT_LOCUS_TAGS = [{"name": "bright_one", "description": "brighter than 19"}]

    def _run(self, locus):
        if locus.alert.properties["ant_mag"] < 19:
            locus.tag("bright_one")
"""


def test_a_filter_is_kept_by_whoever_may_run_code_and_by_no_lead(lead: Client) -> None:
    fields = {
        "name": "bright", "version": "1.0.0", "licence": "MIT", "seconds_per_object": "0.02",
        "memory_mb": "1500", "about": "A test.", "source": SOURCE,
    }  # fmt: skip
    new = "/scorers/own/new/filter/"
    admin = Client()
    admin.force_login(make_admin())

    assert lead.get(new).status_code == lead.post(new, fields).status_code == 403
    assert "Add a filter" not in lead.get("/scorers/").text
    assert not OwnScorer.objects.exists()

    assert "It runs on this machine what you write here." in admin.get(new).text
    assert "no Python" in admin.post(new, fields | {"source": "def"}).text
    answer = admin.post(new, fields)

    scorer = OwnScorer.objects.get()
    assert answer.url == f"/scorers/own/{scorer.pk}/"
    assert scorer.in_force.spec["classes"] == ["bright_one"]
    assert lead.get(f"/scorers/own/{scorer.pk}/version/").status_code == 403
    assert lead.post(f"{answer.url}change/", {"do": "use", "version": "1.0.0"}).status_code == 403
    target = make_target()
    score_due(most=10)
    host_for(next(each for each in added_scorers())).stop()
    assert "bright_one" in admin.get(reverse("targets:detail", args=[target.pk])).text
