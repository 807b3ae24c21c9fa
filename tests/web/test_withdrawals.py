"""A spectrum that was withdrawn: the target's class, what reads it and what was told follow."""

import hashlib
import json
from importlib import import_module

import pytest
from django.apps import apps
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoCaptureOnCommitCallbacks, Settings

from tests import factories
from tests.web.test_spectra import observer as observer
from tests.web.test_spectra import part, text_of, upload
from tests.web.test_spectra import team as team
from tests.woken import woken
from tom.candidates.models import EventCandidate
from tom.pipeline import wake_reports
from tom.records.redshift import RedshiftSource
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import confirm_report, draft_report, refuse_report
from tom.reports.public_data import CannotTellError
from tom.scoring.feedback import typed_by_spectra
from tom.scoring.loading import load
from tom.targets.classified import Classification, find_classified
from tom.targets.models import TargetSummary, UploadedSpectrum, Withdrawal
from tom.targets.redshifts import given_redshifts

pytestmark = pytest.mark.django_db
WHY = {"what": "spectrum", "reason": "the sky was not subtracted"}


@pytest.fixture
def candidate() -> EventCandidate:
    return factories.make_candidate(factories.make_event())


def address(row: UploadedSpectrum) -> str:
    return f"/targets/{row.target_id}/spectra/{row.pk}"


def taken(client: Client, candidate: EventCandidate, label: str = "tde") -> UploadedSpectrum:
    """A public spectrum from which a class and a redshift were taken."""
    upload(client, candidate.target, text_of())
    row = UploadedSpectrum.objects.get()
    client.post(f"{address(row)}/take/", {"class": label, "redshift": "0.05"})
    return row


def classes(candidate: EventCandidate, label: str = "tde") -> list[object]:
    """All that reads a target's class: page, list, scorers, feedback."""
    target = candidate.target
    summary = TargetSummary.objects.get(target=target)
    (said,) = load(["classifications"], [summary])["classifications"].values()
    found = find_classified([], label=label)
    return [
        [each.probabilities for each in said or ()],
        list(found.values_list("target", flat=True)),
        {pk: truth.label for pk, truth in typed_by_spectra().items()},
    ]


def test_a_withdrawn_spectrum_takes_class_and_redshift_along_and_undo_brings_both_back(
    observer: Client,
    candidate: EventCandidate,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    row, target = taken(observer, candidate), candidate.target
    stood = [[{"tde": 1.0}], [target.pk], {target.pk: "tde"}]
    assert classes(candidate) == stood
    event = candidate.event
    event.refresh_from_db()
    due, _ = event.rank_version, woken()

    asked = observer.get(f"{address(row)}/withdraw/").text
    assert f"{target.name} is tde no longer by what vera took from it." in asked
    assert "Forget the target's redshift, 0.05, too." in asked
    with django_capture_on_commit_callbacks(execute=True):
        page = observer.post(f"{address(row)}/withdraw/", WHY | {"redshift": "forget"}, follow=True)

    assert "The spectrum and what was taken from it are withdrawn." in page.text
    assert classes(candidate) == [[], [], {}]
    assert given_redshifts([target.pk]) == {}
    assert "<b>vera</b>" not in page.text
    event.refresh_from_db()
    assert event.rank_version > due  # so it is ranked again
    assert ("score",) in woken()

    made = Withdrawal.objects.get()
    observer.post(f"{address(row)}/withdrawals/{made.pk}/undo/")

    assert classes(candidate) == stood
    assert given_redshifts([target.pk])[target.pk] == (0.05, RedshiftSource.TRANSIENT)
    assert "That was undone by vera" in part(observer, target)
    assert Classification.objects.count() == 1
    observer.post(f"{address(row)}/withdraw/", WHY)  # and again
    assert (classes(candidate), Withdrawal.objects.count()) == ([[], [], {}], 2)


def test_a_withdrawn_spectrum_says_why_and_no_class_is_taken_from_it(
    observer: Client, candidate: EventCandidate
) -> None:
    row = taken(observer, candidate)
    observer.post(f"{address(row)}/withdraw/", WHY)

    shown = part(observer, candidate.target)
    assert "the sky was not subtracted" in shown
    assert "Take for the target" not in shown
    refused = observer.post(f"{address(row)}/take/", {"class": "tde"}, follow=True).text
    assert "The spectrum is withdrawn: no class is taken from it." in refused
    assert observer.post(f"{address(row)}/withdraw/", WHY).status_code == 422


def test_a_class_that_another_one_had_overtaken_stands_again(
    observer: Client, candidate: EventCandidate
) -> None:
    row = taken(observer, candidate, "supernova Ia")
    upload(observer, candidate.target, text_of(), observed="2026-11-21")
    later = UploadedSpectrum.objects.exclude(pk=row.pk).get()
    observer.post(f"{address(later)}/take/", {"class": "tde"})
    assert typed_by_spectra()[candidate.target_id].label == "tde"

    observer.post(f"{address(later)}/withdraw/", WHY)

    assert typed_by_spectra()[candidate.target_id].label == "supernova Ia"
    assert find_classified([], label="tde").count() == 0
    assert find_classified([], label="supernova Ia").count() == 1


def test_a_class_alone_is_withdrawn_and_taken_anew(
    observer: Client, candidate: EventCandidate
) -> None:
    row = taken(observer, candidate)
    refused = observer.post(f"{address(row)}/withdraw/", {"what": "class", "reason": " "})
    assert refused.status_code == 422
    assert "Give a reason of at most 300 characters." in refused.text

    observer.post(f"{address(row)}/withdraw/", WHY | {"what": "class"})
    assert classes(candidate) == [[], [], {}]
    again = observer.post(f"{address(row)}/withdraw/", WHY | {"what": "class"})
    assert "No class of this spectrum stands" in again.text

    for _ in range(2):
        observer.post(f"{address(row)}/take/", {"class": "tde"})
    assert typed_by_spectra()[candidate.target_id].label == "tde"
    assert Classification.objects.count() == 2
    assert "Delete the upload" not in part(observer, candidate.target)
    observer.post(f"{address(row)}/undo/")
    assert UploadedSpectrum.objects.exists()


def test_who_may_upload_and_sees_it_may_withdraw(
    observer: Client, candidate: EventCandidate, team: Group
) -> None:
    row = taken(observer, candidate)
    reader, other = Client(), Client()
    reader.force_login(factories.make_user("rita"))
    other.force_login(factories.make_observer("otto"))

    assert reader.post(f"{address(row)}/withdraw/", WHY).status_code == 403
    other.post(f"{address(row)}/withdraw/", WHY)

    assert Withdrawal.objects.get().by.username == "otto"  # type: ignore[union-attr]  # it has one


def test_a_class_that_was_told_is_taken_back_on_its_topic_and_a_draft_is_refused(
    observer: Client, candidate: EventCandidate, settings: Settings
) -> None:
    settings.TELL_URL = "kafka://localhost/sys.tom-test"
    row, by = taken(observer, candidate), factories.make_observer()
    told = draft_report(candidate.event, [candidate], by=by)
    waits = draft_report(candidate.event, [candidate], by=by)
    assert f"{candidate.target.name}: RA" in told.body["message_text"]
    assert "tde by a spectrum" in told.body["message_text"]
    assert told.body["data"]["extra_data"]["candidates"][0]["class_by_spectrum"] == "tde"
    confirm_report(told, by)
    Report.objects.filter(pk=told.pk).update(state=ReportState.SENT, sent_at=timezone.now())
    assert "told the class" in observer.get(f"{address(row)}/withdraw/").text

    observer.post(f"{address(row)}/withdraw/", WHY)
    wake_reports()  # the sweep makes no second one

    correction = Report.objects.get(corrects=told)
    assert correction.state == ReportState.CONFIRMED
    assert WHY["reason"] in correction.body["message_text"]
    assert correction.body["data"]["references"][0]["citation"] == str(told.message_id)
    assert correction.body["data"]["extra_data"]["takes_back_class"]["class_by_spectrum"] == "tde"
    refuse_report(correction)
    with pytest.raises(CannotTellError, match="it tells a class that was withdrawn"):
        refuse_report(waits)
    assert f"/reports/{correction.pk}/" in observer.get(f"/reports/{told.pk}/").text
    # It is no report that a next one follows, and none that a retraction takes back.
    assert candidate.event.reports.that_stand().get() == told
    assert "spectrum" not in draft_report(candidate.event, [candidate], by=by).body["message_text"]

    made = Withdrawal.objects.get()
    page = observer.post(f"{address(row)}/withdrawals/{made.pk}/undo/", follow=True).text

    assert "What was told stays taken back: draft a report to tell it again." in page
    correction.refresh_from_db()
    with pytest.raises(CannotTellError, match="the class is no longer withdrawn"):
        refuse_report(Report.objects.get(pk=correction.pk))


def test_what_is_on_its_way_while_its_class_is_withdrawn_is_taken_back_by_the_sweep(
    observer: Client, candidate: EventCandidate, settings: Settings
) -> None:
    settings.TELL_URL = "kafka://localhost/sys.tom-test"
    row = taken(observer, candidate)
    told = draft_report(candidate.event, [candidate], by=factories.make_observer())
    observer.post(f"{address(row)}/withdraw/", WHY)
    assert not Report.objects.filter(corrects=told).exists()

    now = timezone.now()
    Report.objects.filter(pk=told.pk).update(state=ReportState.SENDING, confirmed_at=now)
    wake_reports()

    assert Report.objects.filter(corrects=told).count() == 1


def test_a_class_that_was_taken_before_withdrawals_finds_its_spectrum(
    observer: Client, candidate: EventCandidate
) -> None:
    row = taken(observer, candidate)
    said = json.dumps([{"tde": 1.0}, row.pk])
    before = {"spectrum": None, "digest": hashlib.sha256(said.encode()).hexdigest()}
    Classification.objects.update(**before)

    import_module("tom.targets.migrations.0040_spectra_of_classes").link(apps, None)

    assert Classification.objects.get().spectrum_id == row.pk
