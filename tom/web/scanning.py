"""Scanning: one member of a list at a time, with all that a verdict is made from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.conf import settings
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django.urls import reverse
from tom_targets.base_models import BaseTarget

from tom.candidates.agreement import Agreement, Progress, count_progress, measure_agreement
from tom.candidates.models import ScanPlace, ScanProfile, Verdict
from tom.candidates.scanning import next_open, passed_by
from tom.candidates.scans import Hide, Panel
from tom.strategies.listings import Listing
from tom.targets.audiences import show_targets
from tom.targets.cutouts import times_of_pictures
from tom.targets.models import CutoutKind
from tom.targets.search import find_in_cone
from tom.targets.visible import visible_targets
from tom.web.candidate_list import MOST_LISTED
from tom.web.candidate_rows import Listed
from tom.web.hosts import found_hosts
from tom.web.keys import read_pk
from tom.web.known import programs_of
from tom.web.people import people_here, people_who_may
from tom.web.permissions import VET_CANDIDATE
from tom.web.scan_settings import ScanSettings, without_text
from tom.web.scan_sources import ScanRow, Source

# In an address, what stands before the first of a list.
FIRST = 0
NEAR_ARCSEC = 60.0
NEAR_SHOWN = 10
PLACES_SHOWN = 6
DIFFERING_SHOWN = 10


@dataclass(frozen=True)
class ScanList:
    """The list that a person scans: the keys of its members in order, and what was said of each.

    Of a longer list it has the first `MOST_LISTED`. `place` is where they stopped; None: they have
    not begun.
    """

    source: Source
    settings: ScanSettings
    place: ScanPlace | None
    keys: list[int]
    said: dict[int, list[Verdict]]
    hidden: set[int] = field(default_factory=set)

    @property
    def user(self) -> User:
        return self.source.user

    @property
    def progress(self) -> Progress:
        return count_progress(self.keys, self.said)

    @property
    def agreement(self) -> Agreement:
        return measure_agreement(self.keys, self.said)

    @property
    def n_mine(self) -> int:
        """How many the person decided."""
        return sum(_is_mine(self.said.get(key, ()), self.user) for key in self.keys)

    @property
    def n_open(self) -> int:
        """How many are not passed over."""
        return len(self.keys) - len(self.hidden)

    @property
    def is_cut(self) -> bool:
        """Whether the list may have more than are gone through."""
        return len(self.keys) == MOST_LISTED

    def next(self, key: int | None) -> int | None:
        """The next that is open behind a member; None: there is none.

        Of one that has left the list, behind where it stood when the person stopped at it.
        """
        place = self.place
        stopped = place is not None and key != FIRST and place.member in (None, key)
        passed = place.passed if place is not None and stopped else ()
        return next_open(self.keys, self.hidden, after=key, passed=passed)

    def passed(self, key: int | None) -> list[int]:
        """Those before a member, the nearest first, also where it has left the list."""
        if key is not None and key in self.keys:
            return passed_by(self.keys, key)
        stopped = self.place is not None and key is not None and self.place.member == key
        return self.place.passed if self.place is not None and stopped else []

    @property
    def from_start(self) -> str:
        """The page's address for the first that is open."""
        return self.address(after=FIRST)

    def address(self, **values: object) -> str:
        """The page's address for this list, with more values."""
        query = QueryDict(self.settings.query, mutable=True)
        for name, value in values.items():
            query[name] = str(value)
        page = self.source.page
        return f"{page}?{query.urlencode()}" if query else page


def place_of(source: Source) -> ScanPlace | None:
    """Where the person stopped in a list; None: they have not begun."""
    return ScanPlace.objects.of(source.listing).filter(user=source.user).first()


def open_scan(source: Source, settings: ScanSettings, place: ScanPlace | None) -> ScanList:
    """Find what of a list is scanned with these settings, and what was said of it."""
    keys = source.find(settings.filters)
    said = source.said(keys)
    hidden = {key for key in keys if _is_hidden(settings.hide, said.get(key, ()), source.user)}
    return ScanList(source, settings, place, keys, said, hidden)


def _is_hidden(hide: Hide, verdicts: Sequence[Verdict], user: User) -> bool:
    match hide:
        case Hide.MINE:
            return _is_mine(verdicts, user)
        case Hide.ANYBODY:
            return bool(verdicts)
        case Hide.NOTHING:
            return False


def _is_mine(verdicts: Sequence[Verdict], user: User) -> bool:
    return any(row.by_id == user.pk for row in verdicts)


def choose(scanned: ScanList, query: QueryDict) -> int | None:
    """The member that an address asks for: itself, the next one, or where the person stopped.

    None: the list is at its end.
    """
    if "after" in query:
        return scanned.next(read_pk(query.get("after", "")))
    asked = read_pk(query.get("candidate", ""))
    if asked is None and scanned.place is not None:
        asked = scanned.place.member
    found = seen(scanned, asked)
    return scanned.next(asked) if found is None else found


def seen(scanned: ScanList, key: int | None) -> int | None:
    """A member's key, if the person may see it; else None."""
    if key is None or key in scanned.keys or key in scanned.source.targets([key]):
        return key
    return None


# --- What the page shows ----------------------------------------------------------------------
def show_scan(scanned: ScanList, key: int | None) -> dict[str, Any]:
    """What the page shows of a member; of None, why there is no more."""
    at = scanned.keys.index(key) if key in scanned.keys else None
    listed = Listed(scanned.settings.query, at or 0)
    row = None if key is None else scanned.source.row(key, listed)
    context = show_people(scanned, key, target=row.target if row else None)
    if row is None:
        is_any = bool(scanned.keys) or scanned.source.is_any()
        return context | {"row": None, "is_any": is_any}
    return context | {
        "row": row,
        "listed": listed,
        "number": None if at is None else at + 1,
        "before": _address_before(scanned, row.key),
        "skip": scanned.address(after=row.key),
        **_show_target(scanned, row),
    }


def _address_before(scanned: ScanList, key: int) -> str:
    before = next((each for each in scanned.passed(key) if each in scanned.keys), None)
    return "" if before is None else scanned.address(candidate=before)


def _show_target(scanned: ScanList, row: ScanRow) -> dict[str, Any]:
    target, panels = row.target, scanned.settings.panels
    ahead = scanned.next(row.key)
    return {
        "target": target,
        "summary": target.summary,
        "lightcurve_url": reverse("targets:lightcurve", args=[target.pk]),
        "hosts": found_hosts(target) if Panel.HOST in panels else None,
        "near": near_targets(target, scanned.user) if Panel.NEAR in panels else [],
        "near_arcsec": NEAR_ARCSEC,
        "ahead": [] if ahead is None else pictures_ahead(scanned.source, ahead),
    }


def near_targets(target: BaseTarget, user: User) -> list[BaseTarget]:
    """Find other targets near one, the nearest first, as the user knows them."""
    if target.ra is None or target.dec is None:
        return []
    rows = visible_targets(user).filter(summary__isnull=False).exclude(pk=target.pk)
    place = {"ra": target.ra, "dec": target.dec, "radius_arcsec": NEAR_ARCSEC}
    programs = programs_of(user)
    found = list(find_in_cone(rows, programs, **place).select_related("summary")[:NEAR_SHOWN])
    show_targets(found, programs)
    return found


def pictures_ahead(source: Source, key: int) -> list[str]:
    """The addresses of the next member's stamps: the browser fetches them ahead.

    Not so its light curve, which may get a point meanwhile.
    """
    found = source.targets([key]).get(key)
    if found is None:
        return []
    kind = CutoutKind.DIFFERENCE
    time = times_of_pictures([found.pk], kind, source.user).get(found.pk)
    if time is None:
        return []
    pictures = (reverse("targets:cutout", args=[found.pk, kind]) for kind in CutoutKind)
    return [f"{url}?v={int(time.timestamp())}" for url in pictures]


def show_people(
    scanned: ScanList, key: int | None, *, target: BaseTarget | None = None
) -> dict[str, Any]:
    """What changes as others decide: verdicts, progress, agreement, and where others are.

    `target` is the member's, if it was read.
    """
    agreement, source = scanned.agreement, scanned.source
    differing = agreement.differing[:DIFFERING_SHOWN]
    asked = [] if key is None or target is not None else [key]
    named = source.targets([*differing, *asked])
    if key is not None and target is not None:
        named[key] = target
    return {
        "source": source,
        "listing": source.listing,
        "event": source.listing.event,
        "scanned": scanned,
        "settings": scanned.settings,
        "name": named[key].name if key in named else "",
        "scan_url": scanned.address(part="scan"),
        "people_url": scanned.address(part="people", candidate="" if key is None else key),
        "said": [] if key is None else _said_of(scanned, key),
        "progress": scanned.progress,
        "agreement": agreement,
        "differing": _differing(scanned, differing, named),
        **_stopping(scanned),
        "places": places_of_others(scanned),
        "profiles": ScanProfile.objects.visible_to(scanned.user).select_related("group"),
    }


def _stopping(scanned: ScanList) -> dict[str, Any]:
    """What would be missed if nobody looked at what nobody has a verdict on."""
    missed = scanned.source.missed()
    return {"missed": missed, "is_safe": missed is not None and missed <= settings.SAFE_TO_STOP}


def _said_of(scanned: ScanList, key: int) -> list[Verdict]:
    known = scanned.said if key in scanned.keys else scanned.source.said([key])
    return known.get(key, [])


def _differing(
    scanned: ScanList, keys: Sequence[int], named: Mapping[int, BaseTarget]
) -> list[tuple[str, str]]:
    """The names of members on which people differ, and where to look at them."""
    return [(named[key].name, scanned.address(candidate=key)) for key in keys if key in named]


@dataclass(frozen=True)
class OthersPlace:
    """Where another person stopped: the target's name, "" where it is not to be seen.

    `url` leads there; "": to nothing that the reader sees.
    """

    place: ScanPlace
    name: str
    url: str
    is_for_me: bool


def successors(listing: Listing, user: User) -> QuerySet[User]:
    """Find to whom a person can hand a list over: who may see it and give verdicts, by name."""
    people = people_here().exclude(pk=user.pk).filter(pk__in=people_who_may(VET_CANDIDATE))
    group = listing.strategy.group_id if listing.strategy else None
    if group is None:
        return people
    members = User.objects.filter(groups=group).values("pk")
    return people.filter(Q(is_superuser=True) | Q(pk__in=members))


def places_of_others(scanned: ScanList) -> list[OthersPlace]:
    """Where others are in the list, the newest first; what is left to the reader first.

    Who may give no verdicts only looks: their place is no place to go on from.
    """
    rows = ScanPlace.objects.of(scanned.source.listing).exclude(user=scanned.user)
    newest = rows.select_related("user", "handed_to").order_by("-moved")
    handed = list(newest.filter(handed_to=scanned.user))
    deciding = newest.filter(user__in=people_who_may(VET_CANDIDATE))[:PLACES_SHOWN]
    others = [place for place in deciding if place.handed_to_id != scanned.user.pk]
    found = [*handed, *others]
    named = scanned.source.targets([place.member for place in found if place.member])
    return [_others_place(scanned, place, named) for place in found]


def _others_place(
    scanned: ScanList, place: ScanPlace, named: Mapping[int, BaseTarget]
) -> OthersPlace:
    query = QueryDict(without_text(place.query), mutable=True)
    found = named.get(place.member or 0)
    gone = place.member is None and place.passed
    behind = next((key for key in place.passed if key in scanned.keys), FIRST) if gone else None
    if found is not None:
        query["candidate"] = str(place.member)
    elif behind is not None:
        query["after"] = str(behind)
    is_for_me = place.handed_to_id == scanned.user.pk
    leads = found is not None or behind is not None
    url = f"{scanned.source.page}?{query.urlencode()}" if leads else ""
    return OthersPlace(place, found.name if found else "", url, is_for_me)
