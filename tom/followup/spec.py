"""What to observe, in words that no facility owns."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    Field,
    JsonValue,
    ValidationError,
    field_validator,
    model_validator,
)

MOST_EXPOSURES = 20
# More than any facility allows. The limit keeps the total time small enough for a date.
MOST_FURTHER_TARGETS = 50
NOT_IN_FORM: Final[dict[str, JsonValue]] = {"in_form": False}
Mode = Literal["NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE"]


class InvalidSpecError(ValueError):
    """This cannot be observed as it is written; `errors` lists the faults of each field."""

    def __init__(self, errors: Mapping[str, list[str]]) -> None:
        self.errors = dict(errors)
        text = "; ".join(f"{field}: {' '.join(said)}" for field, said in self.errors.items())
        super().__init__(text)


class Exposure(BaseModel, frozen=True, extra="forbid"):
    """Some exposures of one kind."""

    element: str = Field(description="The filter of an imager, the slit of a spectrograph")
    seconds: float = Field(gt=0, le=86_400, allow_inf_nan=False)
    count: int = Field(default=1, ge=1, le=500)


class Aim(BaseModel, frozen=True, extra="forbid"):
    """Where to point: ICRS degrees."""

    name: str = Field(min_length=1, max_length=200)
    ra: float = Field(ge=0, lt=360, allow_inf_nan=False)
    dec: float = Field(ge=-90, le=90, allow_inf_nan=False)


class ObservationSpec(BaseModel, frozen=True, extra="forbid"):
    """One visit: exposures of a target within a window."""

    exposures: tuple[Exposure, ...]
    start: AwareDatetime = Field(title="From (UTC)")
    end: AwareDatetime = Field(title="Until (UTC)")
    mode: Mode = Field(default="NORMAL", title="Mode")
    max_airmass: float = Field(
        default=1.6, ge=1, le=3, allow_inf_nan=False, title="Airmass at most"
    )
    min_moon_separation_deg: float = Field(
        default=20, ge=0, le=180, allow_inf_nan=False, title="Moon at least (deg)"
    )
    priority: float = Field(
        default=1.0, ge=0.5, le=2, allow_inf_nan=False, json_schema_extra=NOT_IN_FORM
    )
    further_targets: tuple[Aim, ...] = Field(
        default=(),
        max_length=MOST_FURTHER_TARGETS,
        json_schema_extra=NOT_IN_FORM,
        description="Of the same visit, in this order",
    )

    def aims(self, first: Aim) -> tuple[Aim, ...]:
        """Return every position of the visit: `first`, then the further targets."""
        return (first, *self.further_targets)

    @property
    def exposure(self) -> timedelta:
        """The sum of all exposure times over all targets, without the time between exposures."""
        of_one = sum(each.seconds * each.count for each in self.exposures)
        return timedelta(seconds=of_one * (1 + len(self.further_targets)))

    @field_validator("exposures")
    @classmethod
    def _some(cls, exposures: tuple[Exposure, ...]) -> tuple[Exposure, ...]:
        # Not a limit of the field: pydantic would also report a faulty exposure as missing.
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


def read_spec(
    spec: Mapping[str, object], kind: type[ObservationSpec] = ObservationSpec
) -> ObservationSpec:
    """Read the fields of a form or of the API as the given kind of specification.

    Raises
    ------
    InvalidSpecError
        With the fields at fault, such as "exposures.0.seconds". A fault of the whole stands at
        "end".
    """
    try:
        return kind.model_validate(spec)
    except ValidationError as error:
        raise invalid_spec(error) from error


def invalid_spec(error: ValidationError) -> InvalidSpecError:
    """Return what pydantic found, by field."""
    errors: dict[str, list[str]] = {}
    for fault in error.errors(include_url=False, include_context=False, include_input=False):
        field = ".".join(str(part) for part in fault["loc"]) or "end"
        errors.setdefault(field, []).append(fault["msg"].removeprefix("Value error, "))
    return InvalidSpecError(errors)
