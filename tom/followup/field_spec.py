"""What to observe of a plan: fields, each with its filter, its seconds and its own window."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

from tom.followup.spec import Aim, invalid_spec

# More than any facility takes in one request.
MOST_FIELDS: Final = 200
FieldMode = Literal["NORMAL", "TIME_CRITICAL"]


class PlannedField(Aim, frozen=True, extra="forbid"):
    """One exposure of a place, which may begin and end within its window (UTC)."""

    element: str = Field(min_length=1, max_length=64)
    seconds: float = Field(gt=0, le=86_400, allow_inf_nan=False)
    start: AwareDatetime
    end: AwareDatetime

    @field_validator("start", "end")
    @classmethod
    def _in_utc(cls, moment: datetime) -> datetime:
        return moment.astimezone(UTC)

    @model_validator(mode="after")
    def _long_enough(self) -> Self:
        if self.end - self.start < timedelta(seconds=self.seconds):
            msg = "the window is shorter than the exposure"
            raise ValueError(msg)
        return self


class FieldsSpec(BaseModel, frozen=True, extra="forbid"):
    """Fields of a plan in their order, and the limits that hold for each."""

    pointings: tuple[PlannedField, ...] = Field(min_length=1, max_length=MOST_FIELDS)
    mode: FieldMode = "NORMAL"
    max_airmass: float = Field(ge=1, le=3, allow_inf_nan=False)
    min_moon_separation_deg: float = Field(ge=0, le=180, allow_inf_nan=False)
    priority: float = Field(default=1.0, ge=0.5, le=2, allow_inf_nan=False)

    @property
    def start(self) -> datetime:
        """When the first window opens."""
        return min(each.start for each in self.pointings)

    @property
    def end(self) -> datetime:
        """When the last window closes."""
        return max(each.end for each in self.pointings)


def read_fields_spec(spec: Mapping[str, object]) -> FieldsSpec:
    """Read a specification of fields.

    Raises
    ------
    InvalidSpecError
        With the fields at fault, such as "pointings.0.seconds".
    """
    try:
        return FieldsSpec.model_validate(spec)
    except ValidationError as error:
        raise invalid_spec(error) from error
