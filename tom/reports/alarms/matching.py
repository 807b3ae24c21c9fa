"""Which rules an event meets. What an event does not say yet meets no threshold."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.conf import settings

from tom.events.models import EventKind, Localization, NonLocalizedEvent
from tom.reports.alarms.rules import AlarmRule, Source

SECONDS_PER_YEAR: Final = 31_557_600
SIGNIFICANT_FAR_HZ: Final = 1 / (30 * 86_400)
"""One false alarm a month: below this rate LVK calls a merger significant
(https://emfollow.docs.ligo.org/userguide/analysis/)."""
_TERRESTRIAL: Final = "Terrestrial"
_GROUPS: Final = {"CBC": {Source.CBC}, "Burst": {Source.BURST}}


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an event at some time; None: it is not told.

    `far` is in Hz, `area_deg2` that of the 90% region, `distance_mpc` the mean of the map. `group`
    is that of a gravitational wave: CBC, Burst or none.
    """

    kind: str
    group: str
    significant: bool | None
    far: float | None
    classification: Mapping[str, Any]
    properties: Mapping[str, Any]
    area_deg2: float | None
    distance_mpc: float | None


def matching_rules(event: NonLocalizedEvent, rules: Iterable[AlarmRule]) -> list[AlarmRule]:
    """Return the rules that an event meets, as its chain stands now.

    Parameters
    ----------
    event
        With its map (`used`).
    """
    listed = list(rules)
    return rules_met(_facts_now(event), listed) if listed else []


def rules_met(facts: Facts, rules: Iterable[AlarmRule]) -> list[AlarmRule]:
    """Return the rules that these facts meet."""
    sources = sources_of(facts)
    return [rule for rule in rules if sources & set(rule.sources) and _meets(facts, rule)]


def facts_of(
    event: NonLocalizedEvent, groups: Iterable[str | None], chosen: Localization | None
) -> Facts:
    """Return what an event says, with its map and the groups that its messages tell, in order."""
    return Facts(
        kind=event.kind,
        group=next(filter(None, reversed(list(groups))), ""),
        significant=event.significant,
        far=event.far,
        classification=event.classification,
        properties=event.properties,
        area_deg2=chosen.area_90 if chosen else None,
        distance_mpc=chosen.distance_mean if chosen else None,
    )


def sources_of(facts: Facts) -> set[str]:
    """Return what an event may be. A wave whose group is not told may be a merger or a burst."""
    if facts.kind != EventKind.GW:
        return {facts.kind}
    return {*_GROUPS.get(facts.group, {Source.CBC, Source.BURST})}


def is_significant(told: NonLocalizedEvent | Facts) -> bool:
    """Whether the messages call the event significant; if they do not say, whether its rate does.

    One alarm too many is better than an event that nobody notices.
    """
    if told.significant is None:
        return told.far is not None and told.far <= SIGNIFICANT_FAR_HZ
    return told.significant


def is_old(event: NonLocalizedEvent, *, now: datetime) -> bool:
    """Whether the newest message is older than ALARM_HOURS: a past event that is sent again."""
    news = now - timedelta(hours=settings.ALARM_HOURS)
    return event.time_created is not None and event.time_created < news


def _facts_now(event: NonLocalizedEvent) -> Facts:
    groups: Iterable[str | None] = ()
    if event.kind == EventKind.GW:
        told = event.sequences.order_by("number")
        groups = told.values_list("details__event__group", flat=True)
    chosen = None
    if event.used_id is not None:  # without the map's bytes
        rows = Localization.objects.only("area_90", "distance_mean")
        chosen = rows.filter(uses=event.used_id).first()
    return facts_of(event, groups, chosen)


def _meets(facts: Facts, rule: AlarmRule) -> bool:
    if rule.only_significant and not is_significant(facts):
        return False
    return all(
        threshold is None or _holds(value(facts, rule), threshold)
        for threshold, value, _holds in (
            (rule.far_per_year, _far_per_year, _at_most),
            (rule.has_ns, _property("HasNS"), _at_least),
            (rule.has_remnant, _property("HasRemnant"), _at_least),
            (rule.not_terrestrial, _not_terrestrial, _at_least),
            (rule.class_chance, _chance_of_classes, _at_least),
            (rule.area_deg2, lambda facts, _: facts.area_deg2, _at_most),
            (rule.distance_mpc, lambda facts, _: facts.distance_mpc, _at_most),
        )
    )


def _at_most(value: float | None, limit: float) -> bool:
    return value is not None and value <= limit


def _at_least(value: float | None, limit: float) -> bool:
    return value is not None and value >= limit


def _far_per_year(facts: Facts, _: AlarmRule) -> float | None:
    return None if facts.far is None else facts.far * SECONDS_PER_YEAR


def _property(name: str) -> Callable[[Facts, AlarmRule], float | None]:
    def value(facts: Facts, _: AlarmRule) -> float | None:
        return _number(facts.properties.get(name))

    return value


def _not_terrestrial(facts: Facts, _: AlarmRule) -> float | None:
    terrestrial = _number(facts.classification.get(_TERRESTRIAL))
    return None if terrestrial is None else 1 - terrestrial


def _chance_of_classes(facts: Facts, rule: AlarmRule) -> float | None:
    told = [_number(facts.classification.get(name)) for name in rule.classes]
    known = [chance for chance in told if chance is not None]
    return sum(known) if known else None


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
