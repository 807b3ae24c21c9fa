"""A person's actions on a report: edit it before it is sent, send it again after it failed."""

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tom.outbox.moves import move
from tom.reports.hermes.circular_form import read_rows
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import refuse_report, topic_to_tell
from tom.reports.public_data import CannotTellError
from tom.streams.credentials import CredentialError, find_credential
from tom.streams.sources import read_source

LONGEST_TITLE: Final = 300
LONGEST_AUTHORS: Final = 3_000
LONGEST_TEXT: Final = 50_000


class NotADraftError(Exception):
    """The report is no longer a draft: somebody confirmed or discarded it meanwhile."""


def why_off() -> str:
    """Say why no report can be sent; "" if reports can be sent."""
    if not settings.TELL_URL:
        return "no topic is set: the setting TELL_URL is empty"
    try:
        topic_to_tell()
        source = read_source(settings.TELL_URL)
        find_credential(source.broker, source.username)
    except (CannotTellError, CredentialError) as error:
        return str(error)
    return ""


def edit_report(report: Report, *, title: str, authors: str, text: str, table: str) -> None:
    """Change the title, the authors, the text and the photometry of a draft.

    Raises
    ------
    CannotTellError
        If the title, the authors or the text are empty or too long.
    TableError
        If a row of the table cannot be read.
    NotADraftError
        If the report is no longer a draft.
    """
    given = {
        "title": (" ".join(title.split()), LONGEST_TITLE),
        "authors": (" ".join(authors.split()), LONGEST_AUTHORS),
        "message_text": (text.replace("\r\n", "\n").strip(), LONGEST_TEXT),
    }
    for name, (said, longest) in given.items():
        if not 0 < len(said) <= longest:
            msg = f"the {name.replace('message_', '')} has 1 to {longest:,} characters"
            raise CannotTellError(msg)
    with transaction.atomic():
        drafts = Report.objects.filter(pk=report.pk, state=ReportState.DRAFT)
        # Lock the draft, so that nobody confirms it while it is changed.
        locked = drafts.select_for_update().first()
        if locked is None:
            raise NotADraftError
        data = locked.body.get("data", {})
        rows = read_rows(table, targets=[target["name"] for target in data.get("targets", [])])
        locked.body |= {name: said for name, (said, _) in given.items()}
        locked.body["data"] = data | {"photometry": rows}
        locked.save(update_fields=["body"])


def retry_report(report: Report, by: User) -> bool:
    """Send a failed report again under its own id; return False if somebody else did so before.

    The worker looks on the topic first: the earlier attempt may have arrived late.

    Raises
    ------
    CannotTellError
        If the report may no longer be sent, as the event and the candidates are now.
    """
    refuse_report(report)
    if report.state != ReportState.FAILED:
        return False
    now = timezone.now()
    return move(
        report,
        ReportState.CONFIRMED,
        confirmed_by=by,
        confirmed_at=now,
        due_at=now,
        attempts=0,
    )
