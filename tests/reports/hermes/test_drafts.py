"""What a person changes of a draft, and why nothing can be told."""

import pytest
from pytest_django import Settings

from tests.factories import make_candidate, make_event, make_observer
from tom.reports.hermes.circular_form import TableError, write_rows
from tom.reports.hermes.drafts import (
    LONGEST_AUTHORS,
    LONGEST_TEXT,
    LONGEST_TITLE,
    NotADraftError,
    edit_report,
    retry_report,
    why_off,
)
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import CannotTellError, confirm_report, draft_report, due_reports

pytestmark = pytest.mark.django_db
URL = "kafka://kafka.example.org/hermes.test"


@pytest.fixture(autouse=True)
def tell_url(settings: Settings) -> None:
    settings.TELL_URL = URL


@pytest.fixture
def report() -> Report:
    event = make_event()
    return draft_report(event, [make_candidate(event)], by=make_observer())


def edit(report: Report, **values: str) -> Report:
    rows = write_rows(report.body["data"]["photometry"])
    edit_report(
        report, **{"title": "A title", "authors": "A. Person", "text": "x", "table": rows} | values
    )
    return Report.objects.get(pk=report.pk)


def test_what_is_typed_is_told_on_lines_of_one_kind(report: Report) -> None:
    after = edit(
        report, title=" A \n title ", authors="A.\tPerson,\r\nB. Other", text="\r\na\r\nb "
    )

    assert after.body["title"] == "A title"
    assert after.body["authors"] == "A. Person, B. Other"
    assert after.body["message_text"] == "a\nb"


def test_an_edit_changes_the_table_and_keeps_everything_else(report: Report) -> None:
    name = report.body["data"]["targets"][0]["name"]

    after = edit(report, table=f"{name},2026-01-01,r,19.5,0.1,,P48,ZTF")

    (row,) = after.body["data"]["photometry"]
    assert (row["brightness"], row["date_obs"]) == (19.5, "2026-01-01T00:00:00+00:00")
    kept = {"event_id", "references", "targets", "extra_data"}
    assert all(after.body["data"][each] == report.body["data"][each] for each in kept)
    assert after.body["topic"] == report.body["topic"]
    assert after.state == ReportState.DRAFT


def test_a_draft_that_told_of_nothing_yet_is_edited(report: Report) -> None:
    Report.objects.filter(pk=report.pk).update(body={})

    edit_report(report, title="A title", authors="A. Person", text="x", table="")

    assert Report.objects.get(pk=report.pk).body["data"] == {"photometry": []}


@pytest.mark.parametrize(
    ("name", "longest"),
    [("title", LONGEST_TITLE), ("authors", LONGEST_AUTHORS), ("text", LONGEST_TEXT)],
)
def test_each_part_has_its_length(report: Report, name: str, longest: int) -> None:
    edit(report, **{name: "x" * longest})
    for said in ("", " \n ", "x" * (longest + 1)):
        with pytest.raises(CannotTellError, match=f"the {name} has 1 to {longest:,} characters"):
            edit(report, **{name: said})


def test_a_row_of_an_object_of_another_report_changes_nothing(report: Report) -> None:
    with pytest.raises(TableError, match="which this report does not have"):
        edit(report, title="New", table="Other,2026-01-01,r,19.5,0.1,,P48,ZTF")

    assert Report.objects.get().body == report.body


def test_what_was_confirmed_is_edited_no_more(report: Report) -> None:
    assert confirm_report(report, make_observer())

    with pytest.raises(NotADraftError):
        edit(report, title="New")
    assert Report.objects.get().body == report.body


def test_a_confirmed_report_is_due_and_says_who_confirmed_it(report: Report) -> None:
    person = make_observer()
    assert not due_reports(report.created).exists()

    assert confirm_report(report, person)

    after = Report.objects.get()
    assert (after.state, after.confirmed_by) == (ReportState.CONFIRMED, person)
    assert after.confirmed_at is not None
    assert list(due_reports(after.confirmed_at)) == [after]


def test_a_failed_report_is_sent_again_with_a_fresh_count_and_no_other_is(report: Report) -> None:
    person = make_observer()
    assert not retry_report(report, person)
    Report.objects.update(state=ReportState.FAILED, attempts=5, confirmed_at=report.created)

    assert retry_report(Report.objects.get(), person)

    after = Report.objects.get()
    assert (after.state, after.attempts, after.confirmed_by) == (ReportState.CONFIRMED, 0, person)
    assert after.message_id == report.message_id


def test_what_may_be_told_no_more_is_not_sent_again(report: Report) -> None:
    Report.objects.update(state=ReportState.FAILED, url="", confirmed_at=report.created)

    with pytest.raises(CannotTellError, match="draft it again"):
        retry_report(Report.objects.get(), make_observer())


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("", "TELL_URL is empty"),
        ("https://example.org/", "set TELL_URL to a hop URL"),
        ("kafka://kafka.example.org/", "TELL_URL"),
        ("kafka://kafka.example.org/a,b", "has to name one topic"),
        ("kafka://kafka.example.org/a", "no credential for kafka.example.org"),
    ],
)
def test_why_nothing_can_be_told_is_said(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path, url: str, why: str
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    settings.TELL_URL = url

    assert why in why_off()
