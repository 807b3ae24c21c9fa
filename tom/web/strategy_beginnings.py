"""What a new list may begin with: usual settings, or those of another list."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from tom.ranking.basis import of_lists_without_event
from tom.strategies.models import Strategy
from tom.strategies.versions import columns_of, settings_of

_COPY: Final = ", a copy"
RARE: Final = ["tde", "superluminous supernova", "kilonova", "intermediate-luminosity transient"]
"""The classes that count as found in a list of what is unusual."""


def copy_of(strategy: Strategy) -> Strategy:
    """Return a strategy without an event, not stored yet, with the settings of another one.

    It is switched off: it can be compared with the other one before it is used.
    """
    told = settings_of(strategy)
    known = of_lists_without_event()
    longest = Strategy._meta.get_field("name").max_length or 0
    told |= {
        "name": f"{strategy.name[: longest - len(_COPY)]}{_COPY}",
        "kind": "",
        "terms": [name for name in strategy.terms if name in known],
        "active": False,
    }
    return Strategy(**columns_of(told))


class Beginning(NamedTuple):
    """Settings that a new list may begin with; those not named are as they are at first."""

    name: str
    settings: Mapping[str, Any]


BEGINNINGS: Final = {
    "tde": Beginning("Tidal disruptions", {"sought": ["tde"], "days_before": 60.0}),
    "slsn": Beginning(
        "Superluminous supernovae", {"sought": ["superluminous supernova"], "days_before": 100.0}
    ),
    "anomalies": Beginning("Anomalies", {"sought": RARE, "by": "anomaly", "days_before": 30.0}),
    "unusual": Beginning(
        "Unusual for its class",
        {"sought": RARE, "by": "anomaly", "within": "sn_type", "days_before": 30.0},
    ),
}
"""What a new list may begin with, by the name in its address."""


def begun_with(name: str) -> Strategy:
    """Return a strategy, not stored yet, that begins so; as at first where there is no such one."""
    begun = BEGINNINGS.get(name)
    return Strategy() if begun is None else Strategy(name=begun.name, **begun.settings)
