"""GCN Circulars: texts that people write, sent again at each edit.

Form: https://gcn.nasa.gov/docs/circulars and https://gcn.nasa.gov/schema/main/gcn/circulars.schema.json
Hopskotch passes them on in the form of an e-mail, which names no version: `hop.models.GCNCircular`.
"""

from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from decimal import Decimal, DecimalException
from functools import partial
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
)

from tom.formats.errors import MalformedAlertError
from tom.formats.faults import read_sparing
from tom.formats.json_text import read_json
from tom.formats.values import clean, text
from tom.records.text import Text

MAX_BYTES: Final = 4 * 1024 * 1024  # GCN's own limit for a message
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID: Final = 2**31 - 1
_YEARS: Final = range(1990, 2100)
# Without these it is not a circular. It is kept without whatever else breaks the form.
_NEEDED: Final = frozenset({"circularId", "subject", "body"})
_MAIL_DATE: Final = "%y/%m/%d %H:%M:%S GMT"
NO_VERSION: Final = 0
"""The version of a circular whose teller leaves it out: GCN's own count from 1."""


def _from_milliseconds(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        reason = "not milliseconds since 1970"
        raise ValueError(reason)  # noqa: TRY004 - pydantic takes a ValueError
    reason = "out of range"
    try:
        time = _EPOCH + timedelta(milliseconds=value)
    except OverflowError as error:
        raise ValueError(reason) from error
    if time.year not in _YEARS:
        raise ValueError(reason)
    return time


def _read_number(value: object) -> Decimal:
    """A circular's number, which may be a half: a number, or one as text."""
    reason = "not the number of a circular"
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(reason)  # noqa: TRY004 - pydantic takes a ValueError
    try:
        number = Decimal(str(value).strip())
        is_half = number.is_finite() and 1 <= number <= _MAX_ID and number * 2 % 1 == 0
    except DecimalException as error:
        raise ValueError(reason) from error
    if not is_half:
        raise ValueError(reason)
    return number.to_integral_value() if number % 1 == 0 else number.quantize(Decimal("0.1"))


Line = Annotated[str, AfterValidator(text)]
EventName = Annotated[str, AfterValidator(partial(text, most=200))]
Body = Annotated[str, AfterValidator(clean)]
Number = Annotated[Decimal, BeforeValidator(_read_number)]
Milliseconds = Annotated[AwareDatetime, BeforeValidator(_from_milliseconds)]


class _Circular(BaseModel):
    """The form of one version of one Circular. A later version of the same id replaces it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    circular_id: Number = Field(alias="circularId")
    version: int = Field(default=1, ge=1, le=_MAX_ID)
    subject: Line
    body: Body
    submitter: Line | None = None
    created_on: Milliseconds | None = Field(default=None, alias="createdOn")
    event_id: EventName | None = Field(default=None, alias="eventId")
    edited_on: Milliseconds | None = Field(default=None, alias="editedOn")


def is_circular(message: Mapping[str, Any]) -> bool:
    """Say whether a JSON object is a circular, in GCN's form or in that of an e-mail."""
    return "circularId" in message or _is_mail(message)


def _is_mail(message: Any) -> bool:
    match message:
        case {"header": {"title": str(title), "number": _}}:
            return title.strip().upper() == "GCN CIRCULAR"
        case _:
            return False


def _from_mail(message: Mapping[str, Any]) -> dict[str, Any]:
    """Write a circular that was an e-mail in GCN's form. Its event stands in its subject alone."""
    header = message["header"]
    told = {
        "circularId": header["number"],
        "subject": header.get("subject"),
        "submitter": header.get("from"),
        "body": message.get("body"),
    }
    date = header.get("date")
    if date is not None:
        told["createdOn"] = date
        with suppress(ValueError):
            time = datetime.strptime(str(date), _MAIL_DATE).replace(tzinfo=UTC)
            told["createdOn"] = time.timestamp() * 1000
    return told


def parse_circular(payload: bytes) -> Text:
    """Parse one message of `gcn.circulars`, of GCN or of Hopskotch.

    Raises
    ------
    MalformedAlertError
        If it is not JSON, or breaks the form. Retrying cannot help.
    """
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    message = read_json(payload)
    is_mail = _is_mail(message)
    if is_mail:
        message = _from_mail(message)
    circular, left_out = read_sparing(_Circular, message, needed=_NEEDED)
    return Text(
        circular_id=circular.circular_id,
        version=NO_VERSION if is_mail else circular.version,
        subject=circular.subject,
        body=circular.body,
        submitter=circular.submitter,
        created_on=circular.created_on,
        edited_on=circular.edited_on,
        event_id=circular.event_id,
        left_out=left_out,
    )
