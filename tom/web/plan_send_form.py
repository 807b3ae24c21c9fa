"""The form that sends a plan: an instrument, its filter for each band, seconds, and leeway."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final, get_args

from tom.followup.asking_fields import requests_needed
from tom.followup.facilities import available_facilities
from tom.followup.field_spec import FieldMode
from tom.followup.sites import sites
from tom.planning.models import Plan
from tom.planning.sending import Way, fields_to_send
from tom.planning.telescope import reach_deg, shape_of
from tom.pointings.instruments import find_instrument
from tom.web.request_form import WORDS, Choice

LEEWAY_MINUTES: Final = 30
LEAST_LEEWAY, MOST_LEEWAY = 5.0, 360.0
# A camera's field and the planned one are the same if they reach as far, but for this share.
SAME_FIELD: Final = 0.1
SAME_SITE_DEG: Final = 0.2


@dataclass
class SendForm:
    """What was chosen, what it means for the plan, and what is wrong with each field."""

    plan: Plan
    choice: Choice
    elements: dict[str, str]
    seconds: str
    leeway: str
    mode: str = "NORMAL"
    cancel_if_retracted: bool = True
    errors: dict[str, list[str]] = field(default_factory=dict)

    modes = tuple((each, WORDS[each]) for each in get_args(FieldMode))

    @property
    def bands(self) -> list[tuple[int, str, str]]:
        """The number, the band and the chosen filter of each band of the plan."""
        return [(i, band, self.elements[band]) for i, band in enumerate(self.elements)]

    def read(self, data: Mapping[str, str]) -> None:
        """Take what was sent."""
        self.seconds, self.leeway = (data.get(name, "").strip() for name in ("seconds", "leeway"))
        self.elements = {band: data.get(f"element-{i}", "") for i, band, _ in self.bands}
        self.mode = data.get("mode", "")
        self.cancel_if_retracted = "cancel_if_retracted" in data

    def way(self) -> Way | None:
        """Return how it is sent; None: something is wrong, which `errors` tells."""
        seconds = self._number("seconds", self.seconds, 1, self.choice.instrument.seconds_max)
        minutes = self._number("leeway", self.leeway, LEAST_LEEWAY, MOST_LEEWAY)
        for band, element in self.elements.items():
            if element not in self.choice.instrument.elements:
                self.refuse({"element": [f"Choose a filter for {band or 'the plan'}."]})
        if self.mode not in dict(self.modes):
            self.refuse({"mode": ["Choose a mode."]})
        if seconds is None or minutes is None or self.errors:
            return None
        return Way(
            facility=self.choice.facility.name,
            instrument=self.choice.instrument.name,
            elements=self.elements,
            seconds=seconds,
            leeway=timedelta(minutes=minutes),
            mode=self.mode,
            cancel_if_retracted=self.cancel_if_retracted,
        )

    def refuse(self, errors: Mapping[str, list[str]]) -> None:
        """Show each error at its field, once; what is about one pointing, over the form."""
        for name, said in errors.items():
            place = name if name in {"element", "seconds", "leeway", "mode"} else "form"
            mine = self.errors.setdefault(place, [])
            mine.extend(each for each in dict.fromkeys(said) if each not in mine)

    def cost(self, way: Way, *, now: datetime) -> dict[str, Any]:
        """Count what is asked for: exposures, requests, and hours of open shutter and in all."""
        n, planned = len(fields_to_send(self.plan, way, now=now)), self.plan.result["pointings"]
        overhead = self.plan.task["telescope"]["overhead_s"]
        return {
            "fields": n,
            "over": len(planned) - n,
            "requests": requests_needed(n, self.choice.facility),
            "open_hours": n * way.seconds / 3600,
            "hours": n * (way.seconds + overhead) / 3600,
        }

    def warnings(self) -> list[str]:
        """Say where the chosen instrument is another one than the planned one."""
        return [each for each in (self._other_field(), self._other_site()) if each]

    def _other_field(self) -> str:
        camera = find_instrument(self.choice.instrument.name)
        if camera is None:
            return "The field of view of this instrument is not known here: look whether it fits."
        planned = reach_deg(shape_of(self.plan.task["telescope"]["shape"]))
        own = reach_deg(camera.shape)
        if abs(own - planned) <= SAME_FIELD * planned:
            return ""
        return (
            f"The planned field reaches {planned:.2f}° from its middle, that of this camera"
            f" {own:.2f}°: it does not see what the plan counts."
        )

    def _other_site(self) -> str:
        site = self.plan.task["telescope"]["site"]
        places = [sites()[name] for name in self.choice.instrument.sites if name in sites()]
        if not places or any(
            math.hypot(each.latitude - site["latitude"], each.longitude - site["longitude"])
            < SAME_SITE_DEG
            for each in places
        ):
            return ""
        return f"The plan is for {site['name']}, where this instrument is not."

    def _number(self, name: str, text: str, least: float, most: float) -> float | None:
        try:
            value = float(text) if len(text) <= 30 else math.nan
        except ValueError:
            value = math.nan
        if least <= value <= most:
            return value
        self.refuse({name: [f"Write a number from {least:g} to {most:g}."]})
        return None


def send_choices() -> list[Choice]:
    """Return the imagers of the facilities that take plans."""
    return [
        Choice(facility, instrument)
        for facility in available_facilities().values()
        if facility.capabilities.most_fields
        for instrument in facility.instruments()
        if instrument.kind == "imaging"
    ]


def empty_send_form(plan: Plan, choices: list[Choice], named: str) -> SendForm | None:
    """Return the form for the named instrument, else for the one that fits best; None: no one."""
    if not choices:
        return None
    forms = [_form(plan, each) for each in choices]
    chosen = [each for each in forms if each.choice.value == named]
    return min(chosen or forms, key=lambda each: len(each.warnings()))


def _form(plan: Plan, choice: Choice) -> SendForm:
    offered = choice.instrument.elements
    return SendForm(
        plan=plan,
        choice=choice,
        elements={band: _like(band, offered) for band in plan.bands},
        seconds=f"{plan.task['telescope']['exposure_s']:g}",
        leeway=str(LEEWAY_MINUTES),
    )


def _like(band: str, offered: tuple[str, ...]) -> str:
    """Return the filter of a band's name, or that begins with it; else none is chosen."""
    same = [each for each in offered if each == band]
    return next(iter(same or [each for each in offered if band and each.startswith(band)]), "")
