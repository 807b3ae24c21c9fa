"""Scorers that people add, on their pages: what is kept, what is refused, who sees them."""

import re
from collections.abc import Callable

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from tests.factories import (
    make_admin,
    make_event,
    make_group,
    make_lead,
    make_observer,
    make_score,
    make_target,
    make_user,
)
from tests.scoring.onnx_models import make_model
from tests.scoring.own_scorers import POINTS, WEIGHTS, keep_next, keep_onnx, onnx_parts
from tom.ranking.models import Ranking
from tom.scoring.card import REQUIRED_SECTIONS, check_card, read_card
from tom.scoring.hosts import host_for
from tom.scoring.judging import score_due
from tom.scoring.models import OwnScorer, Score, ScorerState
from tom.scoring.own import spec_of
from tom.scoring.own_services import added_scorers
from tom.scoring.rests import JUDGING_KEY
from tom.strategies.models import Strategy

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
    assert re.search(r"answered\s+(kilonova|other) \d\.\d{3}", text)
    assert "own made" in lead.get("/scorers/").text


def test_the_form_says_how_it_will_be_called(lead: Client) -> None:
    form = lead.get(NEW)

    assert "It is called own_ and this: tde_rise becomes own_tde_rise." in form.text
    assert 'id="id_name_helptext"' in form.text
    assert 'aria-describedby="id_name_helptext"' in form.text


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"model": make_model(["n", 100, 6], WEIGHTS[:600])}, "the shape"),
        ({"classes": "kilonova 0.1\nother 0.8"}, "The shares add up to 0.9, not to 1."),
        ({"classes": "kilonova, 0.1"}, "Write a class and its share on each line"),
        ({"classes": "kilonova -0.5\nother 1.5"}, "A share is a number above 0 and below 1."),
        ({"classes": "SN Ia 0.5\nsupernova Ia 0.5"}, "A class is named twice."),
        ({"weighs_from": "1000-01-01 00:00"}, "This time is past."),
        ({"memory_mb": "9999999"}, "less than or equal to"),
        ({"name": "No Name"}, "Write 2 to 35 small letters, digits or _."),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_kept(bring, changes, why: str) -> None:
    answer = bring(**changes)

    assert answer.status_code == 422
    assert why in answer.text
    assert not OwnScorer.objects.exists()


def test_a_class_is_taken_by_our_name_however_it_is_written(bring, lead) -> None:
    answer = bring(classes="SN Ia = 0.7\nother: 0.3")

    spec = OwnScorer.objects.get().in_force.spec
    assert (spec["classes"], spec["prior"]) == (["supernova Ia", "other"], [0.7, 0.3])
    assert "in no list: each seeks a class" in lead.get(answer.url).text


def test_its_page_names_the_lists_that_seek_its_classes(bring, lead, group) -> None:
    Strategy.objects.create(name="Ours", sought=["kilonova"], group=group)
    Strategy.objects.create(name="Everybody's", sought=["kilonova"])

    text = lead.get(bring().url).text

    assert "It would weigh" in text
    assert "1 in Ours<" in text


@pytest.mark.parametrize("answers", ["rank", "anomaly"])
def test_what_is_no_chance_is_not_let_weigh(bring, lead, answers: str) -> None:
    page = bring(answers=answers).url

    assert "its answer is no chance, so it weighs in no list" in lead.get(page).text
    assert "Let it weigh now" not in lead.get(page).text
    assert lead.post(f"{page}change/", {"do": "weigh"}).status_code == 422
    assert OwnScorer.objects.get().in_force.weighs_from is None


def test_the_form_of_a_next_version_begins_with_what_was_typed(bring, lead) -> None:
    page = bring(features="", missing="0", classes="kilonova 0.25\nother 0.75").url

    form = lead.get(f"{page}version/").context["form"]

    typed = {name: form[name].value() for name in form.fields}
    assert typed["version"] == "1.1.0"
    assert typed["classes"] == "kilonova 0.25\nother 0.75"
    assert (typed["missing"], typed["least"], typed["layout"]) == (0.0, 1, "lightcurve")
    assert (typed["about"], typed["metrics"]) == ("A test.\nFake", "AUC 0.7 (n 12)")
    assert typed["known_biases"] is None


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
    with django_assert_max_num_queries(14):
        shown = lead.get(f"/scorers/own/{scorer.pk}/").text
    assert 'action="/scorers/own_secretive/stored/"' in shown


def test_a_name_of_a_hidden_scorer_is_refused_without_a_word_of_it(bring, group) -> None:
    keep_onnx("own_theirs", group=make_group("others"), by=make_user())
    keep_onnx("own_ours", group=group, by=make_user("adam"))

    hidden, known = bring(name="theirs").text, bring(name="ours").text

    assert "This name cannot be given here: choose another, or ask an administrator." in hidden
    assert "There is one of this name" not in hidden
    assert "There is one of this name: add a version to that." in known


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


def test_a_scorer_that_no_ranking_needs_is_deleted_after_a_question(lead: Client, group) -> None:
    scorer = keep_onnx(group=group, by=make_user("adam"))
    make_score(make_target(), scorer="own_made")
    kept = make_score(make_target(), scorer="own_other")
    make_ranking("1.0.1")
    page = f"/scorers/own/{scorer.pk}/"
    assert f'href="{page}delete/"' in lead.get(page).text

    asked = lead.get(f"{page}delete/")
    assert "Nobody can bring it back." in asked.text
    assert OwnScorer.objects.exists()
    told = lead.post(f"{page}delete/", follow=True).text

    assert "own_made is deleted, with its scores." in told
    assert not OwnScorer.objects.exists()
    assert not ScorerState.objects.exists()
    assert Score.objects.get() == kept


def make_ranking(version: str) -> None:
    specs = [{"name": "own_made", "version": version, "kind": "probability"}]
    Ranking.objects.create(event=make_event(), prior=0.1, basis={"specs": specs})


def test_a_scorer_that_is_needed_is_not_deleted(lead: Client, group) -> None:
    scorer = keep_onnx(group=group, by=make_user("adam"), weighs_from=timezone.now())
    delete = f"/scorers/own/{scorer.pk}/delete/"

    def refused() -> str:
        answer = lead.post(delete)
        assert answer.status_code == 422
        assert "Delete it" not in answer.text
        return answer.context["why"]

    assert "It weighs now." in refused()
    lead.post(f"/scorers/own/{scorer.pk}/change/", {"do": "off"})
    strategy = Strategy.objects.create(name="By it", weights={"own_made": 0.5})
    assert "weights of a list" in refused()
    strategy.delete()
    make_ranking("1.0.0")
    assert "A stored ranking was made with it" in refused()
    assert OwnScorer.objects.exists()


def test_a_version_that_does_not_judge_is_deleted_alone(lead: Client, group) -> None:
    scorer = keep_onnx(group=group, by=make_user("adam"))
    keep_next(scorer, onnx_parts(version="1.1.0"), by=make_user("eve"))
    for version in ("1.0.0", "1.1.0"):
        made = make_score(make_target(), scorer="own_made")
        Score.objects.filter(pk=made.pk).update(version=version)
    page = f"/scorers/own/{scorer.pk}/"
    assert f'href="{page}delete/?version=1.0.0"' in lead.get(page).text

    assert lead.post(f"{page}delete/?version=1.1.0").status_code == 404
    assert lead.post(f"{page}delete/?version=1.0.0").url == page

    assert [row.version for row in scorer.versions.all()] == ["1.1.0"]
    assert Score.objects.get().version == "1.1.0"


def test_a_scorer_that_judges_at_this_moment_is_not_deleted(lead: Client, group) -> None:
    scorer = keep_onnx(group=group, by=make_user("adam"))
    state = ScorerState.objects.create(scorer="own_made")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s, %s)", [JUDGING_KEY, state.pk])
        answer = lead.post(f"/scorers/own/{scorer.pk}/delete/")
    other.close()

    assert answer.status_code == 422
    assert "It judges at this moment." in answer.text
    assert OwnScorer.objects.exists()


SOURCE = """
from antares_devkit.models import BaseFilter


class Bright(BaseFilter):
    OUTPUT_LOCUS_TAGS = [{"name": "bright_one", "description": "brighter than 19"}]

    def _run(self, locus):
        if locus.alert.properties["ant_mag"] < 19:
            locus.tag("bright_one")
"""


FILTER = {
    "name": "bright", "version": "1.0.0", "licence": "MIT", "seconds_per_object": "0.02",
    "memory_mb": "1500", "about": "A test.", "source": SOURCE,
}  # fmt: skip
NEW_FILTER = "/scorers/own/new/filter/"


@pytest.fixture
def admin() -> Client:
    client = Client()
    client.force_login(make_admin())
    return client


def test_a_filter_is_kept_by_whoever_may_run_code_and_by_no_lead(
    lead: Client, admin: Client
) -> None:
    assert lead.get(NEW_FILTER).status_code == lead.post(NEW_FILTER, FILTER).status_code == 403
    assert "Add a filter" not in lead.get("/scorers/").text
    assert not OwnScorer.objects.exists()

    observer = Client()
    observer.force_login(make_observer())
    for client in (lead, observer):
        assert "add filters in Python, which run on this machine" in client.get(NEW_FILTER).text

    assert "It runs on this machine what you write here." in admin.get(NEW_FILTER).text
    assert "no Python" in admin.post(NEW_FILTER, FILTER | {"source": "def"}).text
    answer = admin.post(NEW_FILTER, FILTER)

    scorer = OwnScorer.objects.get()
    assert answer.url == f"/scorers/own/{scorer.pk}/"
    assert scorer.in_force.spec["classes"] == ["bright_one"]
    assert lead.get(f"{answer.url}version/").status_code == 403
    assert lead.post(f"{answer.url}change/", {"do": "use", "version": "1.0.0"}).status_code == 403
    assert lead.post(f"{answer.url}delete/").status_code == 403
    offered = lead.get(answer.url).text
    assert "Switch it off" in offered
    assert "Add a version" not in offered
    assert "Add a version" in admin.get(answer.url).text
    assert admin.get(f"{answer.url}version/").context["form"]["source"].value() == SOURCE


def test_a_tag_is_no_chance_and_a_filter_has_no_weight(admin: Client) -> None:
    admin.post(NEW_FILTER, FILTER)
    target = make_target()
    score_due(most=10)
    host_for(next(each for each in added_scorers())).stop()

    shown = admin.get(reverse("targets:detail", args=[target.pk]))
    form = admin.get(reverse("list_new"))

    assert "<b>bright_one</b>" in shown.text
    assert "bright_one <b>" not in shown.text
    assert not [name for name, *_ in shown.context["opinions"] if name == "own_bright"]
    assert "weight_fast_transient" in form.text
    assert "weight_own_bright" not in form.text
