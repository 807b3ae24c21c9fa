"""The settings of a strategy in words, and how two versions of it differ."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from django.contrib.auth.models import Group

from tom.events.models import EventKind
from tom.ranking.changing import whole
from tom.strategies.models import StrategyVersion, WatchList
from tom.strategies.watching import watch_lists_of
from tom.web.templatetags.sky import DASH, chance, dec_dms, exact, ra_hms, words

OF_SITE: Final = "as the site weighs it"
_WEIGHT: Final = "weight of "
_KIND: Final = "makes the list of each"
_WATCHES: Final = "watches"
_MOST_NAMED: Final = 5


class Change(NamedTuple):
    """A setting that differs between two versions."""

    label: str
    before: str
    after: str


@dataclass(frozen=True)
class Names:
    """What a reader is told names for: groups and watch lists by their keys; hidden scorers."""

    groups: Mapping[int, str]
    hidden: Collection[str]
    watched: Mapping[str, WatchList]


def names_for(versions: Iterable[StrategyVersion], hidden: Collection[str]) -> Names:
    """Return the names that some versions need; one query, and one if any has a watch list."""
    chosen = [version.chosen for version in versions]
    keys = {told.get("group") for told in chosen} - {None}
    groups = dict(Group.objects.filter(pk__in=keys).values_list("pk", "name"))
    return Names(groups, hidden, watch_lists_of(chosen))


def tell_settings(chosen: Mapping[str, Any], names: Names) -> dict[str, str]:
    """Return what the settings of a version say, by what each is about."""
    told = whole(chosen)
    evidence = {
        "looks for": ", ".join(map(words, told["sought"])),
        "terms": ", ".join(told["terms"]) or "all that it can know",
    }
    of_kind = _tell_of_event(told) if told["kind"] else _tell_without_event(told, names)
    weights = {
        _WEIGHT + words(name): exact(weight)
        for name, weight in sorted(told["weights"].items())
        if name not in names.hidden
    }
    return {"name": told["name"], _KIND: "", **evidence} | of_kind | weights


def _tell_of_event(told: Mapping[str, Any]) -> dict[str, str]:
    kind = told["kind"]
    label = EventKind(kind).label.lower() if kind in EventKind.values else kind
    return {
        _KIND: label,
        "detected, days before the event": _limit(told["days_before"]),
        "detected, days after the event": _limit(told["days_after"]),
        "credible level kept": exact(told["level_stored"]),
        "credible level shown": exact(told["level_shown"]),
    }


def _tell_without_event(told: Mapping[str, Any], names: Names) -> dict[str, str]:
    is_cone = told["ra"] is not None
    cone = f"{exact(told['radius_deg'])}° around {ra_hms(told['ra'])} {dec_dms(told['dec'])}"
    key = told["group"]
    magnitude = told["brighter_than"]
    return {
        _KIND: "no event: one list",
        "in the order of": _order(told, names),
        "chance before all evidence": (
            "that of the site" if told["prior"] is None else exact(told["prior"])
        ),
        "detected in the last": _limit(told["days_before"], " d"),
        "brighter than": "any" if magnitude is None else f"{exact(magnitude)} mag",
        "first seen in the last": _limit(told["first_seen_days"], " d"),
        "region": cone if is_cone else "all the sky",
        _WATCHES: _tell_watched(names.watched.get(told["watched"])),
        "targets of tests": "yes" if told["with_tests"] else "no",
        "drawn at random": chance(told["explore"]) if told["explore"] else "none",
        "seen by": "everyone" if key is None else names.groups.get(key, "a group that is gone"),
        "the list is made": "yes" if told["active"] else "no: switched off",
    }


def _order(told: Mapping[str, Any], names: Names) -> str:
    if not told["by"]:
        return "chances"
    by, within = (
        "a scorer that you may not see" if name in names.hidden else words(name)
        for name in (told["by"], told["within"])
    )
    return f"the number of {by}" + (f", for the class that {within} says" if within else "")


def _tell_watched(watched: WatchList | None) -> str:
    n = 0 if watched is None else len(watched.places)
    return f"{n or 'no'} place{'' if n == 1 else 's'}"


def _limit(days: float | None, unit: str = "") -> str:
    return "any time" if days is None else f"{exact(days)}{unit}"


def changes_between(
    before: Mapping[str, Any], after: Mapping[str, Any], names: Names
) -> list[Change]:
    """Return the settings that differ between two versions, as their reader is told them."""
    old, new = tell_settings(before, names), tell_settings(after, names)
    if _WATCHES in new:
        new[_WATCHES] += _tell_moved(before, after, names)
    pairs = [
        Change(label, old.get(label, _absent(label)), new.get(label, _absent(label)))
        for label in {**old, **new}
    ]
    return [pair for pair in pairs if pair.before != pair.after]


def _tell_moved(before: Mapping[str, Any], after: Mapping[str, Any], names: Names) -> str:
    """Tell which places a watch list has that another one has not; "" if both are one."""
    keys = before.get("watched"), after.get("watched")
    if None in keys or keys[0] == keys[1]:
        return ""
    old, new = (set(names.watched[key].watched) for key in keys if key)
    come, gone = ({place.name for place in places} for places in (new - old, old - new))
    told = {"added": come - gone, "removed": gone - come, "changed": come & gone}
    words_ = [f"{word} {_some(sorted(who))}" for word, who in told.items() if who]
    return f": {', '.join(words_) or 'in another order'}"


def _some(who: list[str]) -> str:
    """The first names, and how many there are beside them."""
    more = len(who) - _MOST_NAMED
    first = ", ".join(who[:_MOST_NAMED])
    return f"{first} and {more} more" if more > 0 else first


def _absent(label: str) -> str:
    return OF_SITE if label.startswith(_WEIGHT) else DASH
