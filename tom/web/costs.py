"""What it costs to settle a candidate: minutes of the telescopes that the site can ask.

An exposure must show what the counterpart would be by now: the brightness when the candidate was
last seen, faded since then as AT2017gfo faded. To the exposures come their reading and one move of
the telescope. Of several telescopes the quickest counts.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import reduce
from typing import Any, Final

from django.db.models import DurationField, FloatField, Value
from django.db.models.expressions import Combinable, ExpressionWrapper
from django.db.models.functions import (
    Abs,
    Ceil,
    Exp,
    Extract,
    Greatest,
    Least,
    Ln,
    Power,
    Sqrt,
)

from tom.followup.services import available_facilities
from tom.planning.telescope import Telescope
from tom.planning.telescopes import TELESCOPES
from tom.sky.at2017gfo import CURVES
from tom.sky.exposure import Camera, exposure_seconds
from tom.web.request_form import SIGNAL_TO_NOISE

MOVE_DEG: Final = 60.0
"""How far the telescope moves to a candidate: about the mean between two places that are up."""
FADES_DAYS: Final = 5.0
"""A light that was not seen for longer counts as faded for so long."""
_LARGEST: Final = 700.0  # of a number whose power the database can compute


def _fading() -> float:
    """Magnitudes a day of AT2017gfo in r, over its first `FADES_DAYS` days of observations."""
    seen = [(day, magnitude) for day, magnitude in CURVES["r"] if day <= FADES_DAYS + 0.5]
    (first, bright), *_, (last, faint) = seen
    return (faint - bright) / (last - first)


FADING: Final = _fading()


@dataclass(frozen=True)
class Observer:
    """An imager that the site can ask, with the telescope that it is on."""

    label: str
    camera: Camera
    seconds_max: float
    telescope: Telescope

    @property
    def move_s(self) -> float:
        """Seconds to come from another place."""
        return float(self.telescope.gap_s(MOVE_DEG))

    def minutes(self, magnitude: float) -> float:
        """Return the minutes to see an AB magnitude at `SIGNAL_TO_NOISE`, with all that is lost."""
        seconds = exposure_seconds(
            self.camera, magnitude=magnitude, signal_to_noise=SIGNAL_TO_NOISE
        )
        readings = math.ceil(seconds / self.seconds_max) * self.telescope.overhead_s
        return (seconds + readings + self.move_s) / 60

    def minutes_in_sql(self, magnitude: Combinable) -> Combinable:
        """As `minutes`, in SQL."""
        wanted = float(SIGNAL_TO_NOISE**2)
        signal = Value(self.camera.zero) * Power(Value(10.0), Value(-0.4) * magnitude)
        linear = Value(wanted) * (signal + Value(self.camera.sky))
        square = Value(4 * wanted * self.camera.read) * signal * signal
        seconds = (linear + Sqrt(linear * linear + square)) / (Value(2.0) * signal * signal)
        readings = Ceil(seconds / Value(self.seconds_max)) * Value(self.telescope.overhead_s)
        return (seconds + readings + Value(self.move_s)) / Value(60.0)


def observers() -> list[Observer]:
    """Return the imagers that can be asked and whose camera and telescope are declared."""
    known = {each.name: each for each in TELESCOPES}
    return [
        Observer(each.label, each.camera, each.seconds_max, known[each.telescope])
        for facility in available_facilities().values()
        for each in facility.instruments()
        if each.kind == "imaging" and each.camera is not None and each.telescope in known
    ]


def faded(magnitude: float, seen: datetime, *, now: datetime) -> float:
    """Return the AB magnitude that a counterpart would have now, seen with `magnitude` before."""
    days = (_hour(now) - seen) / timedelta(days=1)
    return magnitude + FADING * min(max(days, 0.0), FADES_DAYS)


def _hour(now: datetime) -> datetime:
    """The full hour before: so a list keeps its order while its pages are read."""
    return now.replace(minute=0, second=0, microsecond=0)


def cheapest_in_sql(
    those: Sequence[Observer], *, magnitude: Combinable, seen: Combinable, now: datetime
) -> Any:
    """The fewest minutes of these telescopes, in SQL; NULL where no magnitude is known."""
    since = ExpressionWrapper(Value(_hour(now)) - seen, DurationField())
    days = Extract(since, "epoch", output_field=FloatField()) / Value(86400.0)
    dimmed = Least(Greatest(days, Value(0.0)), Value(FADES_DAYS)) + Value(0.0) * days
    by_now = magnitude + Value(FADING) * dimmed
    return reduce(Least, [each.minutes_in_sql(by_now) for each in those])


def worth_in_sql(openness: Combinable, minutes: Combinable) -> ExpressionWrapper[Any]:
    """A number that rises with the information per minute: its natural log but a constant, in SQL.

    `openness` is that of `tom.web.chances.openness_of`: minus the size x of the moderated log odds.
    The entropy is x / (1 + e^x) + ln(1 + e^-x), in nats.
    """
    x = Least(Abs(openness), Value(_LARGEST)) + Value(0.0) * openness
    grown = x / (Value(1.0) + Exp(Value(0.0) - x)) + Exp(x) * Ln(Value(1.0) + Exp(Value(0.0) - x))
    return ExpressionWrapper(Ln(grown) - x - Ln(minutes), output_field=FloatField())
