"""The figures that missions state of an event: which its page shows, and how."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from django.db.models import F
from django.db.models.functions import JSONObject

from tom.events.models import EventLocalization, EventSequence
from tom.formats.values import number
from tom.forms.declared import Figure
from tom.forms.registry import missions
from tom.records.notice import NoticeType

LONGEST = 60
PLACE = ("ra", "dec")


class Stated(NamedTuple):
    """One figure: its name, the value in words, its unit, and the mission that states it."""

    name: str
    value: str
    unit: str
    sender: str


def figures_told() -> JSONObject:
    """What a message states at each place where a mission's figures may stand; null elsewhere."""
    places = {
        place: F(f"details__{place}")
        for mission in missions()
        for figure in mission.figures
        for place in (*figure.places, *([figure.error] if figure.error else []))
    }
    return JSONObject(**places, **{name: F(f"details__{name}") for name in PLACE})


def stated_figures(sequences: Sequence[EventSequence]) -> list[Stated]:
    """Each mission's figures, each as the newest message states it that was not set aside.

    The sequences are in order, and each has been given `figures_told` as `figures`.
    """
    counts, found = _counting(sequences), []
    for mission in missions():
        told = [getattr(row, "figures", {}) for row in counts if row.sender == mission.name]
        for figure in mission.figures:
            value = next(filter(None, (_read(figure, each) for each in told)), "")
            if value:
                found.append(Stated(figure.name, value, figure.unit, mission.name))
    return found


def stated_place(
    sequences: Sequence[EventSequence], used: EventLocalization | None
) -> tuple[float, float] | None:
    """The place that the message of the used map states, ICRS degrees; without a map the newest.

    A place without an error makes no map.
    """
    for row in _counting(sequences):
        if used is not None and row.localization_id != used.pk:
            continue
        told = getattr(row, "figures", {})
        ra, dec = (number(told.get(name)) for name in PLACE)
        if ra is not None and dec is not None:
            return ra, dec
    return None


def _counting(sequences: Sequence[EventSequence]) -> list[EventSequence]:
    """The messages that say something of the event, the newest first."""
    return [
        row
        for row in reversed(sequences)
        if row.set_aside is None and row.alert_type != NoticeType.RETRACTION
    ]


def _read(figure: Figure, told: dict[str, Any]) -> str:
    """The figure in words; empty where the message does not state it."""
    place = next((each for each in figure.places if told.get(each) is not None), None)
    if place is None:
        return ""
    value, error = told[place], number(told.get(figure.error))
    if isinstance(value, list):
        return " to ".join(filter(None, (_word(each, figure.scale) for each in value[:2])))
    word = _word(value, figure.scale)
    return f"{word} ± {error * figure.scale:.2g}" if error else word


def _word(value: object, scale: float) -> str:
    read = number(value)
    if read is None:
        return value.strip()[:LONGEST] if isinstance(value, str) else ""
    scaled = read * scale
    return f"{scaled:,.0f}" if 1e4 <= abs(scaled) < 1e7 else f"{scaled:.4g}"
