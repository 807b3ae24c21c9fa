"""How a person scans a list: its order and filters, what is passed over, and what is shown."""

from dataclasses import dataclass

from django.contrib.auth.models import User
from django.http import QueryDict

from tom.candidates.models import ScanPlace, ScanProfile
from tom.candidates.scans import Hide, Panel
from tom.web.keys import read_pk

# What an address says of scanning. A profile says the first four.
CHOSEN = ("order", "region", "up", "hide")
# Filters of the event's list that stay.
FILTERS = ("q", "since", "class", "by")
ASKED = (*CHOSEN, *FILTERS, "profile")


@dataclass(frozen=True)
class ScanSettings:
    """What of a list is scanned, and how.

    `query` is what an address says of it, and `filters` what the event's list is asked for.
    """

    query: str
    filters: QueryDict
    hide: Hide
    panels: list[str]
    profile: ScanProfile | None

    @property
    def kept(self) -> list[tuple[str, str]]:
        """The filters of the event's list that stay, with their values."""
        return [(name, str(self.filters[name])) for name in FILTERS if name in self.filters]

    @property
    def order(self) -> str:
        """The order, as the event's list names it."""
        return self.filters.get("order", "")


def read_settings(query: QueryDict, user: User, place: ScanPlace | None) -> ScanSettings:
    """Read the settings of an address; of one that has none, those with which one stopped."""
    values = query
    if place is not None and not any(name in query for name in ASKED):
        values = QueryDict(place.query)
    profile = _profile(values.get("profile", ""), user)
    chosen = values if profile is None else _of_profile(profile)
    said = {name: chosen.get(name, "") for name in CHOSEN}
    said["hide"] = said["hide"] if said["hide"] in Hide.values else Hide.MINE
    kept = {name: values.get(name, "") for name in FILTERS}
    asked = {"profile": str(profile.pk)} if profile else said
    return ScanSettings(
        query=_query(asked | kept).urlencode(),
        filters=_query(said | kept | {"vetting": "all"}),
        hide=Hide(said["hide"]),
        panels=profile.panels if profile else list(Panel.values),
        profile=profile,
    )


def without_text(query: str) -> str:
    """Leave out of a stored query the text that its owner searched for: it may name anything."""
    values = QueryDict(query, mutable=True)
    values.pop("q", None)
    return values.urlencode()


def _profile(text: str, user: User) -> ScanProfile | None:
    pk = read_pk(text)
    return ScanProfile.objects.visible_to(user).filter(pk=pk).first() if pk else None


def _of_profile(profile: ScanProfile) -> dict[str, str]:
    return {
        "order": profile.order,
        "region": "all" if profile.everywhere else "",
        "up": "any" if profile.up_now else "",
        "hide": profile.hide,
    }


def _query(values: dict[str, str]) -> QueryDict:
    query = QueryDict(mutable=True)
    for name, value in values.items():
        if value:
            query[name] = value
    return query
