"""What to observe, in no facility's own words."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

MOST_EXPOSURES = 20
Mode = Literal["NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE"]


class InvalidSpecError(ValueError):
    """The wish cannot be observed as it stands; `errors` names each field and what ails it."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = dict(errors)
        text = "; ".join(f"{field}: {' '.join(said)}" for field, said in self.errors.items())
        super().__init__(text)


class Exposure(BaseModel, frozen=True, extra="forbid"):
    """Some exposures of one kind."""

    element: str = Field(description="The filter of an imager, the slit of a spectrograph")
    seconds: float = Field(gt=0, le=86_400, allow_inf_nan=False)
    count: int = Field(default=1, ge=1, le=500)


class ObservationSpec(BaseModel, frozen=True, extra="forbid"):
    """One visit: exposures of a target within a window."""

    exposures: tuple[Exposure, ...]
    start: AwareDatetime
    end: AwareDatetime
    mode: Mode = "NORMAL"
    max_airmass: float = Field(default=1.6, ge=1, le=3, allow_inf_nan=False)
    min_moon_separation_deg: float = Field(default=20, ge=0, le=180, allow_inf_nan=False)
    priority: float = Field(default=1.0, ge=0.5, le=2, allow_inf_nan=False)

    @property
    def exposure(self) -> timedelta:
        """How long its exposures are together, without what lies between them."""
        return timedelta(seconds=sum(each.seconds * each.count for each in self.exposures))

    @field_validator("exposures")
    @classmethod
    def _some(cls, exposures: tuple[Exposure, ...]) -> tuple[Exposure, ...]:
        # Not the field's own length: pydantic would count an exposure at fault as missing too.
        if not 1 <= len(exposures) <= MOST_EXPOSURES:
            msg = f"ask for 1 to {MOST_EXPOSURES} kinds of exposures"
            raise ValueError(msg)
        return exposures

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        try:
            return moment.astimezone(UTC)
        except OverflowError as error:
            msg = "the year is out of range"
            raise ValueError(msg) from error

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            msg = "the end must come after the start"
            raise ValueError(msg)
        return self


def read_spec(spec: Mapping[str, object]) -> ObservationSpec:
    """Read a wish as a form or the API gives it.

    Raises
    ------
    InvalidSpecError
        With the fields at fault: "exposures.0.seconds", "end", or "" for the whole.
    """
    try:
        return ObservationSpec.model_validate(spec)
    except ValidationError as error:
        errors: dict[str, list[str]] = {}
        for fault in error.errors(include_url=False, include_context=False, include_input=False):
            field = ".".join(str(part) for part in fault["loc"]) or "end"
            errors.setdefault(field, []).append(fault["msg"].removeprefix("Value error, "))
        raise InvalidSpecError(errors) from error
