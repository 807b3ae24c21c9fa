"""Which rules an event meets. What an event does not say yet meets no threshold."""

from collections.abc import Callable, Iterable
from typing import Any, Final

from tom.events.models import EventKind, EventLocalization, NonLocalizedEvent
from tom.reports.alarms.rules import AlarmRule, Source

SECONDS_PER_YEAR: Final = 31_557_600
SIGNIFICANT_FAR_HZ: Final = 1 / (30 * 86_400)
"""One false alarm a month: below this rate LVK calls a merger significant
(https://emfollow.docs.ligo.org/userguide/analysis/)."""
_TERRESTRIAL: Final = "Terrestrial"
_GROUPS: Final = {"CBC": {Source.CBC}, "Burst": {Source.BURST}}


def matching_rules(event: NonLocalizedEvent, rules: Iterable[AlarmRule]) -> list[AlarmRule]:
    """Return the rules that an event meets, as its chain stands now.

    Parameters
    ----------
    event
        With its map (`used`).
    """
    listed = list(rules)
    sources = sources_of(event) if listed else set()
    return [rule for rule in listed if sources & set(rule.sources) and _meets(event, rule)]


def sources_of(event: NonLocalizedEvent) -> set[str]:
    """Return what an event may be. A wave whose group is not told may be a merger or a burst."""
    if event.kind != EventKind.GW:
        return {event.kind}
    told = event.sequences.order_by("-number").values_list("details__event__group", flat=True)
    group = next(filter(None, told), "")
    return {*_GROUPS.get(group, {Source.CBC, Source.BURST})}


def is_significant(event: NonLocalizedEvent) -> bool:
    """Whether the messages call the event significant; if they do not say, whether its rate does.

    One alarm too many is better than an event that nobody notices.
    """
    if event.significant is None:
        return event.far is not None and event.far <= SIGNIFICANT_FAR_HZ
    return event.significant


def _meets(event: NonLocalizedEvent, rule: AlarmRule) -> bool:
    if rule.only_significant and not is_significant(event):
        return False
    return all(
        threshold is None or _holds(value(event, rule), threshold)
        for threshold, value, _holds in (
            (rule.far_per_year, _far_per_year, _at_most),
            (rule.has_ns, _property("HasNS"), _at_least),
            (rule.has_remnant, _property("HasRemnant"), _at_least),
            (rule.not_terrestrial, _not_terrestrial, _at_least),
            (rule.class_chance, _chance_of_classes, _at_least),
            (rule.area_deg2, _area, _at_most),
            (rule.distance_mpc, _distance, _at_most),
        )
    )


def _at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _at_least(value: float | None, limit: float) -> bool:
    return value is not None and value >= limit


def _far_per_year(event: NonLocalizedEvent, _: AlarmRule) -> float | None:
    return None if event.far is None else event.far * SECONDS_PER_YEAR


def _property(name: str) -> Callable[[NonLocalizedEvent, AlarmRule], float | None]:
    def value(event: NonLocalizedEvent, _: AlarmRule) -> float | None:
        return _number(event.properties.get(name))

    return value


def _not_terrestrial(event: NonLocalizedEvent, _: AlarmRule) -> float | None:
    terrestrial = _number(event.classification.get(_TERRESTRIAL))
    return None if terrestrial is None else 1 - terrestrial


def _chance_of_classes(event: NonLocalizedEvent, rule: AlarmRule) -> float | None:
    told = [_number(event.classification.get(name)) for name in rule.classes]
    known = [chance for chance in told if chance is not None]
    return sum(known) if known else None


def _area(event: NonLocalizedEvent, _: AlarmRule) -> float | None:
    return _of_map(event, "area_90")


def _distance(event: NonLocalizedEvent, _: AlarmRule) -> float | None:
    return _of_map(event, "distance_mean")


def _of_map(event: NonLocalizedEvent, name: str) -> float | None:
    """Read one figure of the map in use, without its bytes."""
    if event.used_id is None:
        return None
    rows = EventLocalization.objects.filter(pk=event.used_id)
    return rows.values_list(f"localization__{name}", flat=True).first()


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
