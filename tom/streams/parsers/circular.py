"""GCN Circulars: texts that people write, sent again at each edit.

Form: https://gcn.nasa.gov/docs/circulars and https://gcn.nasa.gov/schema/main/gcn/circulars.schema.json
"""

from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Annotated, Final

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
)

from tom.streams.parsers.errors import MalformedAlertError
from tom.streams.parsers.faults import summarize
from tom.streams.parsers.values import clean, text

MAX_BYTES: Final = 4 * 1024 * 1024  # GCN's own limit for a message
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MAX_ID: Final = 2**31 - 1


def _from_milliseconds(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, int | float):
        reason = "not milliseconds since 1970"
        raise ValueError(reason)  # noqa: TRY004 - pydantic takes a ValueError
    try:
        return _EPOCH + timedelta(milliseconds=value)
    except OverflowError as error:
        reason = "out of range"
        raise ValueError(reason) from error


Line = Annotated[str, AfterValidator(text)]
EventName = Annotated[str, AfterValidator(partial(text, most=200))]
Body = Annotated[str, AfterValidator(clean)]
Milliseconds = Annotated[AwareDatetime, BeforeValidator(_from_milliseconds)]


class Circular(BaseModel):
    """One version of one Circular. A later version of the same id replaces it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    circular_id: int = Field(alias="circularId", ge=1, le=_MAX_ID)
    version: int = Field(default=1, ge=1, le=_MAX_ID)
    subject: Line
    body: Body
    submitter: Line
    created_on: Milliseconds = Field(alias="createdOn")
    event_id: EventName | None = Field(default=None, alias="eventId")
    bibcode: Line | None = None
    format: Line | None = None  # text/plain, text/markdown
    edited_on: Milliseconds | None = Field(default=None, alias="editedOn")
    edited_by: Line | None = Field(default=None, alias="editedBy")


def parse_circular(payload: bytes) -> Circular:
    """Parse one message of `gcn.circulars`.

    Raises
    ------
    MalformedAlertError
        If it is not JSON, or breaks the form. Retrying cannot help.
    """
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    try:
        return Circular.model_validate_json(payload)
    except ValidationError as error:
        raise MalformedAlertError(summarize(error)) from error
