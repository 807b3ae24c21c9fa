"""The list of events: its filters, its orders, and a small map of each event."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Now
from django.http import QueryDict

from tom.events.models import EventKind, NonLocalizedEvent
from tom.web.thumbnails import thumbnails_of


class Filter(NamedTuple):
    """A filter of the page: what it is called, what it offers, and what is chosen."""

    label: str
    name: str
    choices: Sequence[tuple[str, str]]
    chosen: str


AREA: Final = "used__localization__area_90"
STATUSES: Final[Mapping[str, tuple[str, Q]]] = {
    "live": ("live", Q(retracted=False, test_reasons=[])),
    "test": ("test", ~Q(test_reasons=[])),
    "retracted": ("retracted", Q(retracted=True)),
}
SIGNIFICANCES: Final[Mapping[str, tuple[str, Q]]] = {
    "yes": ("significant", Q(significant=True)),
    "no": ("not significant", Q(significant=False)),
    "unknown": ("not said", Q(significant=None)),
}
AREAS: Final[Mapping[str, tuple[str, Q]]] = {
    "100": ("to 100 deg\u00b2", Q((f"{AREA}__lte", 100))),
    "1000": ("to 1,000 deg\u00b2", Q((f"{AREA}__lte", 1000))),
    "wide": ("above 1,000 deg\u00b2", Q((f"{AREA}__gt", 1000))),
    "none": ("no map", Q(used=None)),
}
TIMES: Final[Mapping[str, tuple[str, Q]]] = {
    str(days): (label, Q(time__gte=Now() - timedelta(days=days)))
    for days, label in (
        (1, "last 24 hours"), (7, "last 7 days"), (30, "last 30 days"), (365, "last 365 days"),
    )
}  # fmt: skip
FILTERS: Final = {
    "status": STATUSES,
    "significant": SIGNIFICANCES,
    "area": AREAS,
    "days": TIMES,
}
LABELS: Final = ("Kind", "Status", "Significance", "90% area", "Time")
# What a list is sorted by, and whether it falls.
ORDERS: Final = {"time": ("time", True), "area": (AREA, False), "far": ("far", False)}


def find_events(query: QueryDict) -> QuerySet[NonLocalizedEvent]:
    """Find the events that the filters ask for, in the order that the query names."""
    rows = NonLocalizedEvent.objects.select_related("used__localization").defer(
        "used__localization__fits", "used__localization__packed", "used__localization__contours"
    )
    kind = query.get("kind", "")
    if kind in EventKind.values:
        rows = rows.filter(kind=kind)
    for name, choices in FILTERS.items():
        asked = query.get(name, "")
        if asked in choices:
            rows = rows.filter(choices[asked][1])
    return rows.order_by(*_order(query.get("order", "")))


def filter_choices(query: QueryDict) -> dict[str, object]:
    """Return what the page's filters offer, what of it is chosen, and the order asked for."""
    offered = {
        name: [(value, label) for value, (label, _) in choices.items()]
        for name, choices in FILTERS.items()
    }
    filters = [
        Filter(label, name, choices, query.get(name, ""))
        for label, name, choices in zip(
            LABELS, ("kind", *FILTERS), (EventKind.choices, *offered.values()), strict=True
        )
    ]
    order = query.get("order", "")
    asked = {"order": order if order.removeprefix("-") in ORDERS else "time"}
    is_filtered = any(each.chosen in dict(each.choices) for each in filters)
    return {"filters": filters, "asked": asked, "is_filtered": is_filtered}


def add_maps(events: Iterable[NonLocalizedEvent]) -> None:
    """Give each event `thumbnail`, a small drawing of its map; None: it has no map."""
    listed = list(events)
    drawn = thumbnails_of(event.used.localization_id for event in listed if event.used)
    for event in listed:
        picture = drawn.get(event.used.localization_id) if event.used else None
        event.thumbnail = picture  # type: ignore[attr-defined]  # for a template


def _order(asked: str) -> tuple[OrderBy, str]:
    name, turned = asked.removeprefix("-"), asked.startswith("-")
    column, falls = ORDERS.get(name, ORDERS["time"])
    if falls != turned:
        return F(column).desc(nulls_last=True), "-pk"
    return F(column).asc(nulls_last=True), "-pk"
