"""The form of a stream's filter, and what a filter says in words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from tom.formats.values import finite
from tom.streams.models import StreamFilter
from tom.streams.rules import Rule, Sign

MOST_CONES: Final = 50
LARGEST_RADIUS: Final = 90.0
MOST_PROGRAMS: Final = 20
_PROGRAM: Final = re.compile(r"[0-9]{1,6}")
SIGNS: Final = (
    (Sign.BOTH.value, "brighter or fainter than the reference"),
    (Sign.POSITIVE.value, "brighter than the reference"),
    (Sign.NEGATIVE.value, "fainter than the reference"),
)
# Each number's name, what it is called, and its ends.
NUMBERS: Final = {
    "least_reliability": ("A reliability", 0.0, 1.0),
    "brightest": ("A magnitude", -5.0, 40.0),
    "faintest": ("A magnitude", -5.0, 40.0),
    "least_dec": ("A declination", -90.0, 90.0),
    "most_dec": ("A declination", -90.0, 90.0),
}
FIELDS: Final = (*NUMBERS, "sign", "cones", "programs", "in_regions", "no_solar_system")
NO_CONDITION: Final = "Set at least one condition: a filter without any passes everything."

NO_CONE: Final = (
    "“{}” is no cone. Write the right ascension, the declination and the radius in degrees, as"
    f" 197.45 -23.38 2; the radius is {LARGEST_RADIUS:g} at most."
)


@dataclass
class FilterForm:
    """What was typed, what it means, and what is wrong with each field."""

    values: dict[str, str]
    numbers: dict[str, float | None] = field(default_factory=dict)
    cones: list[tuple[float, float, float]] = field(default_factory=list)
    programs: list[int] = field(default_factory=list)
    errors: dict[str, list[str]] = field(default_factory=dict)

    signs = SIGNS

    def refuse(self, name: str, why: str) -> None:
        self.errors.setdefault(name, []).append(why)

    def fill(self, row: StreamFilter) -> None:
        """Write what was typed into a row."""
        for name, value in self.numbers.items():
            setattr(row, name, value)
        row.sign = self.values["sign"]
        row.cones = [list(each) for each in self.cones]
        row.programs = self.programs
        row.in_regions = bool(self.values["in_regions"])
        row.no_solar_system = bool(self.values["no_solar_system"])


def form_of_filter(row: StreamFilter | None) -> FilterForm:
    """Return the form of a filter as it is stored; an empty one for none."""
    values = dict.fromkeys(FIELDS, "")
    if row is not None:
        numbers = {name: getattr(row, name) for name in NUMBERS}
        values |= {name: "" if each is None else f"{each:.15g}" for name, each in numbers.items()}
        values["sign"] = row.sign
        values["cones"] = "\n".join(" ".join(f"{each:.15g}" for each in cone) for cone in row.cones)
        values["programs"] = ", ".join(map(str, row.programs))
        values["in_regions"] = "on" if row.in_regions else ""
        values["no_solar_system"] = "on" if row.no_solar_system else ""
    return FilterForm(values)


def read_filter_form(data: Mapping[str, str]) -> FilterForm:
    """Read the form; it judges each field."""
    form = FilterForm({name: data.get(name, "").strip() for name in FIELDS})
    for name, (what, least, most) in NUMBERS.items():
        form.numbers[name] = _read_number(form, name, what, least, most)
    _judge_order(form, "brightest", "faintest", "The brightest magnitude is the smaller number.")
    _judge_order(form, "least_dec", "most_dec", "The southern declination comes first.")
    if form.values["sign"] not in {value for value, _ in SIGNS}:
        form.refuse("sign", "Choose which detections pass.")
    _read_cones(form)
    _read_programs(form)
    if not form.errors and not any(form.values.values()):
        form.refuse("least_reliability", NO_CONDITION)
    return form


def _read_number(form: FilterForm, name: str, what: str, least: float, most: float) -> float | None:
    text = form.values[name]
    number = _number(text)
    if text and (number is None or not least <= number <= most):
        form.refuse(name, f"{what} is a number from {least:g} to {most:g}; empty: no limit.")
    return number


def _number(text: str) -> float | None:
    try:
        return finite(float(text)) if len(text) <= 30 else None
    except ValueError:
        return None


def _judge_order(form: FilterForm, first: str, second: str, why: str) -> None:
    low, high = form.numbers[first], form.numbers[second]
    if low is not None and high is not None and low > high:
        form.refuse(second, why)


def _read_cones(form: FilterForm) -> None:
    lines = [line for line in form.values["cones"].splitlines() if line.strip()]
    if len(lines) > MOST_CONES:
        form.refuse("cones", f"A filter has at most {MOST_CONES} cones.")
        return
    for line in lines:
        numbers = [_number(part) for part in re.split(r"[\s,]+", line.strip(" ,\t"))]
        match numbers:
            case [float(ra), float(dec), float(radius)] if (
                0 <= ra <= 360 and abs(dec) <= 90 and 0 < radius <= LARGEST_RADIUS
            ):
                form.cones.append((ra % 360, dec, radius))
            case _:
                form.refuse("cones", NO_CONE.format(line.strip()[:60]))
                return


def _read_programs(form: FilterForm) -> None:
    parts = [part for part in re.split(r"[\s,]+", form.values["programs"]) if part]
    if len(parts) > MOST_PROGRAMS or not all(map(_PROGRAM.fullmatch, parts)):
        form.refuse("programs", "Programs are the survey's own numbers, as 1, 2.")
    else:
        form.programs = list(dict.fromkeys(map(int, parts)))


def words_of(rule: Rule) -> list[str]:
    """Say each condition of a rule in a few words."""
    return list(_words(rule))


def _words(rule: Rule) -> Iterator[str]:
    if rule.programs:
        yield f"program {' or '.join(map(str, rule.programs))}"
    if rule.no_solar_system:
        yield "no known object of the Solar System"
    if rule.least_reliability is not None:
        yield f"reliability at least {rule.least_reliability:g}"
    if rule.sign:
        yield dict(SIGNS)[rule.sign]
    yield from _range_words(rule.brightest, rule.faintest, "magnitude", "")
    yield from _range_words(rule.least_dec, rule.most_dec, "declination", "°")
    places = ["in the region of an open event"] if rule.in_regions else []
    if rule.cones:
        places.append(f"in {len(rule.cones)} cone{'s' if len(rule.cones) > 1 else ''}")
    if places:
        yield " or ".join(places)


def _range_words(low: float | None, high: float | None, what: str, unit: str) -> Iterator[str]:
    if low is not None and high is not None:
        yield f"{what} {low:g}{unit} to {high:g}{unit}"
    elif low is not None:
        yield f"{what} {low:g}{unit} or more"
    elif high is not None:
        yield f"{what} {high:g}{unit} or less"
