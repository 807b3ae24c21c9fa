"""What a person does to a report before it leaves, and after it failed."""

from typing import Final

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from tom.outbox.moves import move
from tom.reports.hermes.circular_form import read_rows
from tom.reports.hermes.models import Report, ReportState
from tom.reports.hermes.telling import CannotTellError, refuse_report, topic_to_tell
from tom.streams.credentials import CredentialError, find_credential
from tom.streams.sources import read_source

LONGEST_TITLE: Final = 300
LONGEST_AUTHORS: Final = 3_000
LONGEST_TEXT: Final = 50_000


class NotADraftError(Exception):
    """Somebody confirmed or discarded it meanwhile."""


def why_off() -> str:
    """Say why nothing can be told; nothing where it can."""
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
    """Change what a draft says.

    Raises
    ------
    CannotTellError
        If the title or the authors are empty, or something is too long.
    TableError
        If a row of the table cannot be told.
    NotADraftError
        If it is no longer a draft.
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
        # Locked, so that nobody confirms what is being changed.
        locked = drafts.select_for_update().first()
        if locked is None:
            raise NotADraftError
        data = locked.body["data"]
        rows = read_rows(table, targets=[target["name"] for target in data["targets"]])
        locked.body |= {name: said for name, (said, _) in given.items()}
        locked.body["data"] = data | {"photometry": rows}
        locked.save(update_fields=["body"])


def retry_report(report: Report, by: User) -> bool:
    """Send a failed report again under its own id; return whether this call was the one that did.

    The worker looks on the topic first: what was given up may have arrived late.

    Raises
    ------
    CannotTellError
        If the event as it is now could no longer be reported.
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
