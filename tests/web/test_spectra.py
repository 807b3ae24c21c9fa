"""A spectrum from its upload to the target's class, and who may know of it."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from django.contrib.auth.models import Group
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db.models import F
from django.test import Client
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings
from tom_targets.base_models import BaseTarget

from ml_plugins.spectrum.templates import PACKED, pack
from ml_plugins.spectrum.training.practice import simulated_templates
from ml_plugins.spectrum.training.simulate import OBSERVED, make, observe
from tests import factories
from tests.woken import woken
from tom.joining.services import join_targets, undo
from tom.records.redshift import RedshiftSource
from tom.scoring.feedback import typed_by_spectra
from tom.scoring.hosts import host_of
from tom.scoring.judging import hand_out
from tom.scoring.models import DueScore, SpectrumAnswer
from tom.scoring.services import scorers
from tom.scoring.spectra import any_spectra_due, judge_spectra
from tom.sweeping import sweep
from tom.targets.classified import Classification
from tom.targets.models import TargetSummary, UploadedSpectrum
from tom.targets.redshifts import given_redshifts, keep_redshift

pytestmark = pytest.mark.django_db


@pytest.fixture
def team() -> Group:
    return factories.make_group("team")


@pytest.fixture
def observer(client: Client, team: Group) -> Client:
    client.force_login(factories.make_observer("vera", groups=[team]))
    return client


@pytest.fixture
def target() -> BaseTarget:
    return factories.make_target("ZTF26typed")


@pytest.fixture
def typer(settings: Settings, tmp_path: Path) -> Iterator[None]:
    """The one scorer that is there is `spectrum`, with simulated templates of the site's."""
    templates = simulated_templates(np.random.default_rng(1), each=1)
    pack(templates, tmp_path / "spectrum" / PACKED)
    settings.SCORERS, settings.SCORER_FILES = ["ml_plugins.spectrum.SpectrumTyper"], tmp_path
    settings.SCORER_WEIGHTS = {}
    scorers.cache_clear()
    host_of.cache_clear()
    yield
    host_of("spectrum").stop()
    scorers.cache_clear()
    host_of.cache_clear()


def text_of(kind: str = "supernova II") -> bytes:
    rng = np.random.default_rng(7)
    flux = observe(make(kind, rng), 0.05, rng, noise=0.05)
    rows = zip(OBSERVED, flux, strict=True)
    return "\n".join(f"{at:.1f} {value:.5f}" for at, value in rows).encode()


def upload(client: Client, target: BaseTarget, data: bytes, **changes: object):
    form = {"for": "public", "unit": "Angstrom", "observed": "2026-11-20", **changes}
    form["file"] = SimpleUploadedFile("spectrum.txt", data)
    return client.post(f"/targets/{target.pk}/spectra/new/", form, follow=True)


def part(client: Client, target: BaseTarget) -> str:
    return client.get(f"/targets/{target.pk}/spectra/").text


@pytest.mark.usefixtures("typer")
def test_an_upload_wakes_the_scorers_and_so_does_the_sweep(
    observer: Client,
    target: BaseTarget,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    woken()
    with django_capture_on_commit_callbacks(execute=True):
        upload(observer, target, text_of())
    assert ("judge_spectra",) in woken()

    sweep()
    assert ("judge_spectra",) in woken()


@pytest.mark.usefixtures("typer")
def test_a_spectrum_is_typed_and_a_person_takes_its_class(
    observer: Client, target: BaseTarget
) -> None:
    page = upload(observer, target, text_of())
    assert "The spectrum was stored with its 2850 points." in page.text
    assert "The scorer has not answered yet." in part(observer, target)
    assert any_spectra_due()

    assert judge_spectra() == 1

    answer = SpectrumAnswer.objects.get()
    assert (answer.label, answer.reason) == ("supernova II", "")
    assert answer.value_of("redshift") == pytest.approx(0.05, abs=0.01)
    assert not any_spectra_due()
    # Nothing of it is taken before a person takes it.
    assert not Classification.objects.exists()
    assert given_redshifts([target.pk]) == {}
    TargetSummary.objects.update(version=F("version") + 1)
    assert hand_out(most=10) == 1
    assert not DueScore.objects.exists()  # it is no scorer of light curves
    shown = part(observer, target)
    assert "supernova II at redshift 0.0" in shown
    assert '<svg class="spectrum"' in shown
    assert "<option selected>supernova II</option>" in shown
    offered = f"{answer.value_of('redshift'):.4f}"
    assert f'value="{offered}"' in shown

    row = UploadedSpectrum.objects.get()
    form = {"class": "supernova II", "redshift": offered}
    page = observer.post(f"/targets/{target.pk}/spectra/{row.pk}/take/", form, follow=True)

    assert (
        f"ZTF26typed is supernova II by this spectrum, at redshift {float(offered):g}." in page.text
    )
    taken = Classification.objects.get()
    assert (taken.author, taken.classifier) == ("vera", "spectrum")
    assert (taken.version, taken.time) == ("spectrum 1.0.0", row.observed)
    assert "<b>vera</b>" in page.text
    assert given_redshifts([target.pk])[target.pk].source is RedshiftSource.TRANSIENT
    assert {pk: truth.label for pk, truth in typed_by_spectra().items()} == {
        target.pk: "supernova II"
    }


@pytest.mark.usefixtures("typer")
def test_noise_is_unknown_and_offers_nothing(observer: Client, target: BaseTarget) -> None:
    noise = np.random.default_rng(3).normal(0, 1, len(OBSERVED))
    data = "\n".join(f"{at} {value}" for at, value in zip(OBSERVED, noise, strict=True))
    upload(observer, target, data.encode())

    judge_spectra()

    shown = part(observer, target)
    assert SpectrumAnswer.objects.get().label == "unknown"
    assert "no template fits" in shown
    assert "<option selected>" not in shown


@pytest.mark.usefixtures("typer")
def test_a_groups_spectrum_its_answer_and_its_class_stay_the_groups(
    observer: Client, target: BaseTarget, team: Group
) -> None:
    upload(observer, target, text_of(), **{"for": team.pk})
    judge_spectra()
    row = UploadedSpectrum.objects.get()
    address = f"/targets/{target.pk}/spectra/{row.pk}"
    with_redshift = {"class": "supernova II", "redshift": "0.05"}
    refused = observer.post(f"{address}/take/", with_redshift, follow=True).text
    observer.post(f"{address}/take/", {"class": "supernova II"})
    other = Client()
    other.force_login(factories.make_observer("otto"))

    assert "The redshift of a target is everybody&#x27;s, and this spectrum is not" in refused
    assert given_redshifts([target.pk]) == {}
    assert "spectrum.txt" in part(observer, target)
    assert "<b>vera</b>" in observer.get(f"/targets/{target.pk}/").text
    theirs = part(other, target) + other.get(f"/targets/{target.pk}/").text
    assert "spectrum.txt" not in theirs
    assert "supernova II at" not in theirs
    assert "<b>vera</b>" not in theirs
    for do in ("take", "again", "undo"):
        assert other.post(f"{address}/{do}/", {"class": "supernova II"}).status_code == 404
    assert typed_by_spectra() == {}


def test_a_redshift_that_is_there_is_not_overwritten_by_a_click(
    observer: Client, target: BaseTarget
) -> None:
    keep_redshift(target.pk, 0.0098, RedshiftSource.HOST)
    upload(observer, target, text_of())
    row = UploadedSpectrum.objects.get()
    SpectrumAnswer.objects.create(
        spectrum=row, scorer="spectrum", version="1.0.0", ranks={"tde": 9.0},
        explanation=[{"name": "redshift", "text": "", "value": 0.05}],
    )  # fmt: skip

    assert 'value="0.0500"' not in part(observer, target)
    observer.post(f"/targets/{target.pk}/spectra/{row.pk}/take/", {"class": "tde", "redshift": ""})

    assert given_redshifts([target.pk])[target.pk] == (0.0098, RedshiftSource.HOST)
    assert Classification.objects.get().says == "tde"


def test_a_spectrum_is_judged_again_and_taken_back(observer: Client, target: BaseTarget) -> None:
    upload(observer, target, text_of())
    row = UploadedSpectrum.objects.get()
    SpectrumAnswer.objects.create(spectrum=row, scorer="x", version="1.0.0", reason="no templates")
    assert "says nothing: no templates" in part(observer, target)

    observer.post(f"/targets/{target.pk}/spectra/{row.pk}/again/")
    assert not SpectrumAnswer.objects.exists()
    other = Client()
    other.force_login(factories.make_observer("otto"))
    assert other.post(f"/targets/{target.pk}/spectra/{row.pk}/undo/").status_code == 403
    observer.post(f"/targets/{target.pk}/spectra/{row.pk}/undo/")
    assert not UploadedSpectrum.objects.exists()


def test_a_spectrum_is_taken_once_for_the_same_people(
    observer: Client, target: BaseTarget, team: Group
) -> None:
    upload(observer, target, text_of())
    again = upload(observer, target, text_of())

    assert again.status_code == 422
    assert "This spectrum is here already, for the same people." in again.text
    upload(observer, target, text_of(), **{"for": str(team.pk)})
    upload(observer, target, text_of(), observed="2026-11-21")
    assert UploadedSpectrum.objects.count() == 3


def test_a_page_offers_to_ask_again_where_a_scorer_is_there(
    observer: Client, target: BaseTarget, request: pytest.FixtureRequest
) -> None:
    upload(observer, target, text_of())
    assert "Ask again" not in part(observer, target)

    request.getfixturevalue("typer")
    assert "Ask again" in part(observer, target)


def test_what_is_wrong_with_an_upload_is_said(observer: Client, target: BaseTarget) -> None:
    page = upload(observer, target, b"4000 1\n5000 x\n", observed="tomorrow", **{"for": "99999"})

    assert page.status_code == 422
    for why in (
        "Choose who may see the spectrum.",
        "This is not when it was observed: the time “tomorrow” is neither MJD, JD nor a date",
        "The file cannot be used: line 2 is not two or three numbers",
    ):
        assert why in page.text
    assert not UploadedSpectrum.objects.exists()


def test_the_spectra_of_a_page_take_as_many_queries_for_five_as_for_one(
    observer: Client, target: BaseTarget, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    upload(observer, target, text_of())
    row = UploadedSpectrum.objects.get()
    SpectrumAnswer.objects.create(spectrum=row, scorer="x", version="1.0.0", ranks={"tde": 9.0})
    part(observer, target)
    with django_assert_num_queries(11):
        part(observer, target)
    for day in range(10, 14):
        upload(observer, target, text_of(), observed=f"2026-11-{day}")
    SpectrumAnswer.objects.bulk_create(
        SpectrumAnswer(spectrum=each, scorer="x", version="1.0.0", ranks={"tde": 9.0})
        for each in UploadedSpectrum.objects.exclude(pk=row.pk)
    )

    with django_assert_num_queries(11):
        assert part(observer, target).count('class="spectrum"') == 5


def test_a_spectrum_goes_where_its_target_is_joined_and_comes_back(
    observer: Client, target: BaseTarget
) -> None:
    upload(observer, target, text_of())
    kept = factories.make_target("ZTF26kept")
    by = factories.make_observer("joiner")

    join = join_targets(kept, target, by=by)
    joined = UploadedSpectrum.objects.get()
    undo(join, by=by)
    back = UploadedSpectrum.objects.get()

    assert (joined.target_id, back.target_id) == (kept.pk, target.pk)
    assert len(back.flux) == len(OBSERVED)
