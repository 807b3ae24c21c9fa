"""The form that asks for an observation: what it shows, and what it reads."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from tom.followup.facilities.contract import Facility, Instrument
from tom.followup.services import available_facilities
from tom.sky.exposure import Camera, exposure_seconds
from tom.web.keys import read_pk
from tom.web.visibility import Limits

MINUTES = "%Y-%m-%d %H:%M"
HOW_TO_WRITE = "Write it as YYYY-MM-DD HH:MM, in UTC."
DEFAULT_WINDOW = timedelta(days=1)
MAX_AIRMASS = 1.6
MOON_DEG = 20.0
SIGNAL_TO_NOISE = 20
MOST_PROPOSED = 10
LEAST_SECONDS = 10
WORDS = {"NORMAL": "normal", "TIME_CRITICAL": "time critical", "RAPID_RESPONSE": "rapid response"}
Schema = Mapping[str, Any]


@dataclass(frozen=True)
class Choice:
    """An instrument that may be chosen, with its facility."""

    facility: Facility
    instrument: Instrument

    @property
    def value(self) -> str:
        return f"{self.facility.name}:{self.instrument.name}"


@dataclass
class ExposureRow:
    """One line of the form: a filter or slit, its seconds and its count, as typed."""

    element: str
    seconds: str
    count: str
    errors: list[str] = field(default_factory=list)


@dataclass
class SpecField:
    """A field that the facility's spec has in addition to the exposures, by its schema."""

    name: str
    label: str
    kind: str  # "moment", "choice", "number" or "text"
    required: bool
    choices: list[tuple[str, str]]
    value: str
    errors: list[str] = field(default_factory=list)

    @property
    def is_unread(self) -> bool:
        """Whether it holds a moment that cannot be read."""
        return self.kind == "moment" and _aware(self.value) is None


@dataclass
class RequestForm:
    """The form for one instrument."""

    choice: Choice
    rows: list[ExposureRow]
    fields: list[SpecField]
    errors: dict[str, list[str]] = field(default_factory=dict)
    cancel_if_retracted: bool = False
    preset: str = ""  # where the exposures come from, if not the instrument's default

    def spec(self) -> dict[str, object]:
        """What was typed, in the fields of the facility's spec, which checks it."""
        return {
            "exposures": [
                {"element": row.element, "seconds": row.seconds, "count": row.count}
                for row in self._asked()
            ],
            **{
                each.name: _moment(each.value) if each.kind == "moment" else each.value
                for each in self.fields
            },
        }

    def value(self, name: str) -> str:
        """What was typed into a field; nothing where the spec has no such field."""
        return next((each.value for each in self.fields if each.name == name), "")

    def limits(self) -> Limits:
        """The limits that the hours at the sites are counted with; the form's own where it is
        empty or not understood."""
        return Limits(
            airmass_max=_number(self.value("max_airmass"), MAX_AIRMASS),
            moon_min_deg=_number(self.value("min_moon_separation_deg"), MOON_DEG),
            start=_aware(self.value("start")),
            end=_aware(self.value("end")),
        )

    def refuse(self, errors: Mapping[str, list[str]]) -> None:
        """Show each error at the field that it is about."""
        unread = {each.name for each in self.fields if each.is_unread}
        for name, said in errors.items():
            self._errors_of(name).extend([HOW_TO_WRITE] if name in unread else said)

    def _asked(self) -> list[ExposureRow]:
        return [row for row in self.rows if row.count.strip() not in {"", "0"}]

    def _errors_of(self, name: str) -> list[str]:
        first, _, rest = name.partition(".")
        number = rest.partition(".")[0]
        asked = self._asked()
        if first == "exposures" and (key := read_pk(number)) is not None and key < len(asked):
            return asked[key].errors
        for each in self.fields:
            if each.name == first:
                return each.errors
        return self.errors.setdefault(first or "form", [])


def choices() -> list[Choice]:
    """Every instrument of every configured facility."""
    return [
        Choice(facility, instrument)
        for facility in available_facilities().values()
        for instrument in facility.instruments()
    ]


def choose(value: str) -> Choice | None:
    """Return the instrument named; the first where none is named or known."""
    offered = choices()
    return next((choice for choice in offered if choice.value == value), next(iter(offered), None))


def empty_form(choice: Choice, *, now: datetime, magnitude: float | None = None) -> RequestForm:
    """A form to start from: the first filter, in the day to come.

    `magnitude` is the target's last one: where the instrument's camera is known, the exposures
    reach SIGNAL_TO_NOISE for it, as one or several.
    """
    instrument = choice.instrument
    seconds, count, preset = f"{instrument.seconds_default:g}", 1, ""
    if magnitude is not None and instrument.camera is not None:
        seconds, count, preset = _propose(instrument, instrument.camera, magnitude)
    return RequestForm(
        choice=choice,
        preset=preset,
        rows=[
            ExposureRow(element, seconds, str(count) if first == 0 else "0")
            for first, element in enumerate(instrument.elements)
        ],
        fields=_fields(choice, now),
    )


def _fields(choice: Choice, now: datetime) -> list[SpecField]:
    """The fields of the facility's spec, but the exposures, with their first values."""
    schema = choice.facility.spec.model_json_schema()
    required = schema.get("required", ())
    shown = [
        (name, _resolved(schema, about))
        for name, about in schema["properties"].items()
        if name != "exposures" and about.get("in_form", True)
    ]
    return [
        SpecField(
            name=name,
            label=about.get("title", name),
            kind=_kind(about),
            required=name in required,
            choices=_choices(choice, name, about),
            value=_first_value(choice, name, about, now),
        )
        for name, about in shown
    ]


def _resolved(schema: Schema, about: Schema) -> Schema:
    """A property with what it refers to."""
    name = about.get("$ref", "").rpartition("/")[2]
    return {**schema["$defs"][name], **about} if name else about


def _kind(about: Schema) -> str:
    if about.get("format") == "date-time":
        return "moment"
    if "enum" in about or about.get("type") == "boolean":
        return "choice"
    return "number" if about.get("type") in {"number", "integer"} else "text"


def _choices(choice: Choice, name: str, about: Schema) -> list[tuple[str, str]]:
    if about.get("type") == "boolean":
        return [("True", "yes"), ("False", "no")]
    offered = choice.instrument.modes if name == "mode" else about.get("enum", ())
    return [(str(value), WORDS.get(value, str(value))) for value in offered]


def _first_value(choice: Choice, name: str, about: Schema, now: datetime) -> str:
    """The window is the day to come; anything else begins as the spec has it."""
    moments = {"start": now, "end": now + DEFAULT_WINDOW}
    if name in moments:
        return moments[name].astimezone(UTC).strftime(MINUTES)
    if name == "mode":
        return choice.instrument.modes[0]
    value = about.get("default", "")
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return f"{value:g}" if is_number else str(value)


def _propose(instrument: Instrument, camera: Camera, magnitude: float) -> tuple[str, int, str]:
    """Return the seconds and the count for a magnitude, and where they come from."""
    ratio = SIGNAL_TO_NOISE
    total = float(exposure_seconds(camera, magnitude=magnitude, signal_to_noise=ratio))
    count = min(math.ceil(total / instrument.seconds_max), MOST_PROPOSED)
    each = min(total / count, instrument.seconds_max)
    is_short = total > count * instrument.seconds_max
    words = (
        f"For magnitude {magnitude:.1f} at a signal-to-noise ratio of {SIGNAL_TO_NOISE}, "
        f"{'which takes still longer, ' if is_short else ''}by the CCD equation "
        f"({camera.source}). An estimate: the observatory has its own calculator."
    )
    return f"{max(math.ceil(each / 5) * 5, LEAST_SECONDS)}", count, words


def read_form(choice: Choice, posted: Mapping[str, str], *, now: datetime) -> RequestForm:
    """The form as it was sent."""
    form = empty_form(choice, now=now)
    form.cancel_if_retracted = "cancel_if_retracted" in posted
    for each in form.fields:
        each.value = posted.get(each.name, "").strip()
    for number, row in enumerate(form.rows):
        row.seconds = posted.get(f"seconds-{number}", "").strip()
        row.count = posted.get(f"count-{number}", "").strip()
    return form


def _number(text: str, otherwise: float) -> float:
    try:
        number = float(text)
    except ValueError:
        return otherwise
    return number if math.isfinite(number) else otherwise


def _aware(text: str) -> datetime | None:
    text = text.replace("T", " ").removesuffix("Z")
    for form in (MINUTES, f"{MINUTES}:%S"):
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def _moment(text: str) -> str:
    """A form's moment is in UTC; anything else is left for the spec to refuse."""
    moment = _aware(text)
    return text if moment is None else moment.isoformat()
