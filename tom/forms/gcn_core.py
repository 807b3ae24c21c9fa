"""What GCN's JSON notices of all missions have in common: the core of its schema.

Form: https://gcn.nasa.gov/docs/notices/schema
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tom.formats.base64_text import decode_base64
from tom.formats.errors import MalformedAlertError
from tom.formats.faults import read_sparing
from tom.formats.json_text import cleaned, read_json
from tom.formats.times import in_utc, spelled_time
from tom.formats.values import tense_of, text
from tom.forms.gcn_places import Ellipse, read_axes, read_corners
from tom.records.notice import Box, NoticeMap, NoticeType, Position, Product

MAX_BYTES: Final = 8 * 1024 * 1024  # the broker's own limit is half of it
# Without these a message is not a notice. It is kept without whatever else breaks the form.
_NEEDED: Final = frozenset({"alert_type", "alert_datetime"})
# Words of a schema's or a topic's name that say that it is for tests.
_TEST_SCHEMA: Final = re.compile(r"[/._]tests?[/._]")


class AlertType(StrEnum):
    """What a notice is among those of one event."""

    INITIAL = "initial"
    SUBSEQUENT = "subsequent"
    UPDATE = "update"
    RETRACTION = "retraction"


_TYPES: Final = {
    AlertType.INITIAL: NoticeType.INITIAL,
    AlertType.SUBSEQUENT: NoticeType.UPDATE,
    AlertType.UPDATE: NoticeType.UPDATE,
    AlertType.RETRACTION: NoticeType.RETRACTION,
}


def _as_list(value: object) -> object:
    return value if isinstance(value, list) else [value]


def _in_small_letters(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _around(degrees: float) -> float:
    return degrees % 360


Name = Annotated[str, AfterValidator(text)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_list)]
Time = Annotated[datetime, BeforeValidator(spelled_time), AfterValidator(in_utc)]
Chance = Annotated[float, Field(ge=0, le=1)]
Address = Annotated[str, Field(pattern=r"^https?://\S+$"), AfterValidator(text)]


class CoreNotice(BaseModel):
    """The core of one notice; null means the same as absent.

    `left_out` names each value that broke the form and is missing here, with the reason.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    schema_url: Name = Field(default="", alias="$schema")
    alert_type: Annotated[AlertType, BeforeValidator(_in_small_letters)]
    alert_datetime: Time
    alert_tense: Annotated[Name, BeforeValidator(tense_of)] = ""
    mission: Name | None = None
    instrument: Name | None = None
    id: Names = ()
    event_name: Names = ()
    trigger_time: Time | None = None
    ra: Annotated[float, Field(ge=-180, le=360), AfterValidator(_around)] | None = None
    dec: Annotated[float, Field(ge=-90, le=90)] | None = None
    # The radius of a circle, or up to three values of an ellipse: its axes and their angle.
    ra_dec_error: Annotated[tuple[float, ...], BeforeValidator(read_axes)] | None = None
    rectangular_error_corners: (
        Annotated[tuple[tuple[float, float], ...], BeforeValidator(read_corners)] | None
    ) = None
    containment_probability: Annotated[float, Field(gt=0, lt=1)] = 0.9
    systematic_included: bool = False
    healpix_file: Annotated[bytes, BeforeValidator(decode_base64)] | None = None
    healpix_url: Address | None = None
    far: Annotated[float, Field(ge=0, le=1e6)] | None = None  # Hz
    classification: dict[Name, Chance] = {}
    facts: dict[str, Any] = {}
    left_out: tuple[str, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _drop_nulls(cls, content: Any) -> Any:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if value is not None}

    @property
    def type(self) -> NoticeType:
        """What the notice is in its event's chain."""
        return _TYPES[self.alert_type]

    @property
    def test_reasons(self) -> tuple[str, ...]:
        """Why it is not news of the sky, as the notice itself has it."""
        tense = (f"the tense is {self.alert_tense}",) if self.alert_tense else ()
        tested = _TEST_SCHEMA.search(self.schema_url.lower())
        return (*tense, *(("its schema is one of tests",) if tested else ()))

    def maps(self, author: str) -> tuple[NoticeMap, ...]:
        """The map that it carries, a FITS file."""
        if not self.healpix_file:
            return ()
        return (NoticeMap(product=Product.SKYMAP, author=author, fits=self.healpix_file),)

    @property
    def addresses(self) -> Mapping[str, str]:
        """The address of its map, where it refers to one; a retraction has none."""
        if self.healpix_url is None or self.type is NoticeType.RETRACTION:
            return {}
        return {Product.SKYMAP: self.healpix_url}

    def position(
        self, author: str, *, systematic: tuple[tuple[float, float], ...] = ()
    ) -> Position | Box | None:
        """Its error circle, ellipse or box; None if it gives no error.

        `systematic` is the instrument's, for an error that does not include it.
        """
        further = () if self.systematic_included else systematic
        if self.ra is not None and self.dec is not None and self.ra_dec_error:
            ellipse = Ellipse.of(self.ra_dec_error)
            return Position(
                ra=self.ra,
                dec=self.dec,
                radius_deg=ellipse.major,
                minor_deg=ellipse.minor,
                angle_deg=ellipse.angle,
                containment=self.containment_probability,
                systematic=further,
                author=author,
            )
        if self.rectangular_error_corners:
            return Box(
                corners=self.rectangular_error_corners,
                containment=self.containment_probability,
                systematic=further,
                author=author,
            )
        return None


def read_message(payload: bytes) -> dict[str, Any]:
    """Read a notice as the object that it is; raises MalformedAlertError if it is none."""
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    content = read_json(payload)
    if not isinstance(content, dict):
        reason = "not a JSON object"
        raise MalformedAlertError(reason)
    return content


def schema_of(message: Mapping[str, Any]) -> str:
    """The address of the schema that a message names; empty where it names none."""
    named = message.get("$schema")
    return named if isinstance(named, str) else ""


def core_of(content: Mapping[str, Any]) -> CoreNotice:
    """Read the core of a notice; `facts` are the whole of it, without its map.

    Raises
    ------
    MalformedAlertError
        If it lacks what every notice has. Retrying cannot help.
    """
    own = {name: value for name, value in content.items() if name not in ("facts", "left_out")}
    core, left_out = read_sparing(CoreNotice, own, needed=_NEEDED)
    doubt = Ellipse.of(core.ra_dec_error).doubt if core.ra_dec_error else ""
    left_out = (*left_out, *([f"ra_dec_error ({doubt})"] if doubt else []))
    facts = {name: value for name, value in own.items() if name != "healpix_file"}
    return core.model_copy(update={"facts": _storable(facts), "left_out": left_out})


def _storable(facts: Mapping[str, Any]) -> Any:
    """What a database's JSON holds: no NaN, no infinity, no halves of characters."""
    return _finite(cleaned(dict(facts)))


def _finite(value: Any) -> Any:
    match value:
        case float() if not math.isfinite(value):
            return None
        case list():
            return [_finite(item) for item in value]
        case dict():
            return {name: _finite(item) for name, item in value.items()}
        case _:
            return value
