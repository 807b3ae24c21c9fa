"""What GCN's JSON notices of all missions have in common: the core of its schema.

Form: https://gcn.nasa.gov/docs/notices/schema
"""

import math
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from tom.formats.base64_text import decode_base64
from tom.formats.errors import MalformedAlertError
from tom.formats.faults import read_sparing
from tom.formats.json_text import cleaned, read_json
from tom.formats.times import in_utc
from tom.formats.values import text
from tom.records.notice import NoticeMap, NoticeType, Position, Product

MAX_BYTES: Final = 8 * 1024 * 1024  # the broker's own limit is half of it
# Without these a message is not a notice. It is kept without whatever else breaks the form.
_NEEDED: Final = frozenset({"alert_type", "alert_datetime"})
_LARGEST_RADIUS_DEG: Final = 180.0


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


def _radius(axes: list[float]) -> list[float]:
    longest = max(axes[:2], default=0.0)
    if not 0 < longest <= _LARGEST_RADIUS_DEG:
        reason = f"no radius of 0 to {_LARGEST_RADIUS_DEG:g} degrees"
        raise ValueError(reason)
    return axes


Name = Annotated[str, AfterValidator(text)]
Names = Annotated[tuple[Name, ...], BeforeValidator(_as_list)]
Time = Annotated[datetime, AfterValidator(in_utc)]
Chance = Annotated[float, Field(ge=0, le=1)]


class CoreNotice(BaseModel):
    """The core of one notice; null means the same as absent.

    `left_out` names each value that broke the form and is missing here, with the reason.
    """

    model_config = ConfigDict(frozen=True, extra="ignore", coerce_numbers_to_str=True)

    alert_type: AlertType
    alert_datetime: Time
    alert_tense: Name | None = None
    mission: Name | None = None
    instrument: Name | None = None
    id: Names = ()
    event_name: Names = ()
    trigger_time: Time | None = None
    ra: Annotated[float, Field(ge=0, le=360)] | None = None
    dec: Annotated[float, Field(ge=-90, le=90)] | None = None
    # The radius of a circle, or up to three values of an ellipse: its axes and their angle.
    ra_dec_error: (
        Annotated[list[float], BeforeValidator(_as_list), AfterValidator(_radius)] | None
    ) = None
    containment_probability: Annotated[float, Field(gt=0, lt=1)] = 0.9
    systematic_included: bool = False
    healpix_file: Annotated[bytes, BeforeValidator(decode_base64)] | None = None
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
        current = self.alert_tense in (None, "", "current")
        return () if current else (f"the tense is {self.alert_tense}",)

    def maps(self, author: str) -> tuple[NoticeMap, ...]:
        """The map that it carries, a FITS file."""
        if not self.healpix_file:
            return ()
        return (NoticeMap(product=Product.SKYMAP, author=author, fits=self.healpix_file),)

    def position(
        self, author: str, *, systematic: tuple[tuple[float, float], ...] = ()
    ) -> Position | None:
        """Its error circle, or the circle around its ellipse; None if it gives no error.

        `systematic` is the instrument's, for a circle that does not include it.
        """
        if self.ra is None or self.dec is None or not self.ra_dec_error:
            return None
        return Position(
            ra=self.ra,
            dec=self.dec,
            radius_deg=max(self.ra_dec_error[:2]),
            containment=self.containment_probability,
            systematic=() if self.systematic_included else systematic,
            author=author,
        )


def read_core(payload: bytes) -> CoreNotice:
    """Read the core of a notice; `facts` are the whole of it, without its map.

    Raises
    ------
    MalformedAlertError
        If it is not JSON, or lacks what every notice has. Retrying cannot help.
    """
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    content = read_json(payload)
    if not isinstance(content, dict):
        reason = "not a JSON object"
        raise MalformedAlertError(reason)
    own = {name: value for name, value in content.items() if name not in ("facts", "left_out")}
    core, left_out = read_sparing(CoreNotice, own, needed=_NEEDED)
    axes = core.ra_dec_error or []
    if len(set(axes[:2])) > 1:
        left_out = (*left_out, "ra_dec_error (of an ellipse, its longer axis is taken as a radius)")
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
