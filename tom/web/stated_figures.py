"""The figures that missions state of an event: which its page shows, and how."""

from collections.abc import Sequence
from functools import cache
from typing import Any, NamedTuple

from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Func, JSONField
from django.db.models.sql.compiler import SQLCompiler

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


def figures_told() -> Func:
    """What a message states at each of `_places`, as a list; null where it states nothing."""
    return _AtPlaces(F("details"))


@cache
def _places() -> tuple[str, ...]:
    """Where the figures of all missions may stand in a message's details."""
    figures = [figure for mission in missions() for figure in mission.figures]
    named = [each for figure in figures for each in (*figure.places, figure.error) if each]
    return tuple(dict.fromkeys([*named, *PLACE]))


class _AtPlaces(Func):
    """The values at `_places`: to make an expression for each took 5 ms of every page."""

    output_field = JSONField()

    def as_sql(
        self, compiler: SQLCompiler, connection: BaseDatabaseWrapper, *_: Any, **__: Any
    ) -> tuple[str, tuple[Any, ...]]:
        column, given = compiler.compile(self.get_source_expressions()[0])
        values = ", ".join([f"{column} #> %s::text[]"] * len(_places()))
        paths = [place.split("__") for place in _places()]
        return f"to_jsonb(ARRAY[{values}])", tuple(
            each for path in paths for each in (*given, path)
        )


def _told(row: EventSequence) -> dict[str, Any]:
    """What a message that was given `figures_told` as `figures` states, by the place."""
    return dict(zip(_places(), getattr(row, "figures", None) or (), strict=False))


def stated_figures(sequences: Sequence[EventSequence]) -> list[Stated]:
    """Each mission's figures, each as the newest message states it that was not set aside.

    The sequences are in order, and each has been given `figures_told` as `figures`.
    """
    counts, found = _counting(sequences), []
    for mission in missions():
        told = [_told(row) for row in counts if row.sender == mission.name]
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
        told = _told(row)
        ra, dec = (number(told.get(name)) for name in PLACE)
        if ra is not None and dec is not None and -180 <= ra <= 360:
            return ra % 360, dec
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
