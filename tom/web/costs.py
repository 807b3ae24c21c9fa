"""What it costs to settle a candidate: minutes of the telescopes that the site can ask.

An exposure must show what the counterpart would be by now: the brightness when the candidate was
last seen, faded since then as AT2017gfo faded. To the exposures come their reading and one move of
the telescope. Of several telescopes the quickest counts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tom.followup.services import available_facilities
from tom.planning.telescope import Telescope
from tom.planning.telescopes import TELESCOPES
from tom.ranking.information import log_information
from tom.sky.arrays import FloatArray
from tom.sky.at2017gfo import CURVES
from tom.sky.exposure import Camera, exposure_seconds
from tom.web.request_form import SIGNAL_TO_NOISE

MOVE_DEG: Final = 60.0
"""How far the telescope moves to a candidate: about the mean between two places that are up."""
FADES_DAYS: Final = 5.0
"""A light that was not seen for longer counts as faded for so long."""


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

    def minutes(self, magnitude: ArrayLike) -> FloatArray:
        """Return the minutes to see AB magnitudes at `SIGNAL_TO_NOISE`, with all that is lost.

        NaN gives NaN.
        """
        seconds = exposure_seconds(
            self.camera, magnitude=magnitude, signal_to_noise=SIGNAL_TO_NOISE
        )
        readings = np.ceil(seconds / self.seconds_max) * self.telescope.overhead_s
        minutes: FloatArray = (seconds + readings + self.move_s) / 60
        return minutes


def observers() -> list[Observer]:
    """Return the imagers that can be asked and whose camera and telescope are declared."""
    known = {each.name: each for each in TELESCOPES}
    return [
        Observer(each.label, each.camera, each.seconds_max, known[each.telescope])
        for facility in available_facilities().values()
        for each in facility.instruments()
        if each.kind == "imaging" and each.camera is not None and each.telescope in known
    ]


def faded(
    magnitudes: Sequence[float | None], seen: Sequence[datetime | None], *, now: datetime
) -> FloatArray:
    """Return the AB magnitudes that counterparts would have now, seen with `magnitudes` before.

    NaN where a magnitude is not known, or when it was seen.
    """
    hour = now.replace(minute=0, second=0, microsecond=0)  # a list keeps its order for so long
    days = [np.nan if each is None else (hour - each) / timedelta(days=1) for each in seen]
    by_now: FloatArray = np.array(magnitudes, dtype=float) + FADING * np.clip(days, 0.0, FADES_DAYS)
    return by_now


def worth_a_minute(
    openness: Sequence[float | None], magnitudes: FloatArray, those: Sequence[Observer]
) -> FloatArray:
    """The natural log of the nats that a minute of the quickest of these telescopes tells.

    Parameters
    ----------
    openness
        That of `tom.web.chances.openness_of`: minus the size of the moderated log odds.
    magnitudes
        What must be seen, as of `faded`.
    those
        One telescope or more.

    Returns
    -------
    FloatArray
        NaN where the openness or the magnitude is not known.
    """
    minutes = np.min([each.minutes(magnitudes) for each in those], axis=0)
    told: FloatArray = log_information(np.array(openness, dtype=float)) - np.log(minutes)
    return told
