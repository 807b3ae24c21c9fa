"""The form that brings a table of pointings."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.contrib.auth.models import Group
from django.core.files.uploadedfile import UploadedFile
from django.http import HttpRequest

from tom.pointings.instruments import Instrument, instruments
from tom.pointings.keeping import Told
from tom.pointings.models import Status
from tom.pointings.table import find_columns, read_pointings
from tom.targets.photometry_table import NoTableError, read_table
from tom.web.uploads import (
    PUBLIC,
    UnreadableUploadError,
    chosen_group,
    name_of_file,
    name_of_text,
    read_text_file,
)


@dataclass
class PointingForm:
    """What was uploaded or pasted, what it says, who may see it, and what is wrong."""

    text: str
    name: str
    group: Group | None
    is_public: bool
    instrument: Instrument | None
    status: Status
    pointings: list[Told] = field(default_factory=list)
    faults: list[tuple[int, str]] = field(default_factory=list)
    columns: list[tuple[str, str]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        """Whether it can be stored."""
        return bool(self.pointings) and not self.faults and not self.errors


def read_pointing_form(
    request: HttpRequest, groups: Sequence[Group], *, now: datetime
) -> PointingForm:
    """Read the form and its table: the file where there is one, else the text."""
    data = request.POST
    for_whom, status = data.get("for", ""), data.get("status", "")
    form = PointingForm(
        text=data.get("text", ""),
        name=name_of_text(request),
        group=chosen_group(for_whom, groups),
        is_public=for_whom == PUBLIC,
        instrument=instruments().get(data.get("instrument", "")),
        status=Status(status) if status in Status.values else Status.COMPLETED,
    )
    uploaded = request.FILES.get("file")
    is_text = _read_file(form, uploaded) if uploaded else True
    if form.group is None and not form.is_public:
        form.errors.append("Choose who may see the pointings.")
    if is_text:
        _read_table(form, now)
    return form


def _read_file(form: PointingForm, uploaded: UploadedFile[bytes]) -> bool:
    """Take the file's text; False: there is none, and the form says why."""
    form.name, form.text = name_of_file(uploaded), ""
    try:
        form.text = read_text_file(uploaded)
    except UnreadableUploadError as error:
        form.errors.append(str(error))
        return False
    return True


def _read_table(form: PointingForm, now: datetime) -> None:
    try:
        table = read_table(form.text)
    except NoTableError as error:
        form.errors.append(f"This table cannot be read: {error}.")
        return
    reading = read_pointings(table, instrument=form.instrument, status=form.status, now=now)
    form.pointings, form.faults = reading.pointings, reading.errors
    form.columns = [(name, table.headings[at]) for name, at in find_columns(table.headings).items()]
