"""Scanning: one candidate of an event's list at a time, with all that a verdict is made from."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.contrib.auth.models import User
from django.http import QueryDict
from django.urls import reverse
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.agreement import Agreement, Progress, count_progress, measure_agreement
from tom.candidates.models import EventCandidate, ScanPlace, ScanProfile, Verdict
from tom.candidates.scanning import next_open
from tom.candidates.scans import Hide, Panel
from tom.events.models import NonLocalizedEvent
from tom.targets.audiences import show_targets
from tom.targets.cutouts import times_of_pictures
from tom.targets.models import CutoutKind
from tom.targets.search import find_in_cone
from tom.targets.visible import visible_targets
from tom.web.candidate_list import MOST_LISTED, CandidateList, open_list
from tom.web.candidate_rows import CandidateRow, Listed, make_rows, read_candidates
from tom.web.candidate_search import find_first
from tom.web.hosts import found_hosts
from tom.web.keys import read_pk
from tom.web.known import programs_of
from tom.web.scan_settings import ScanSettings, without_text
from tom.web.vettings import verdicts_of

NEAR_ARCSEC = 60.0
NEAR_SHOWN = 10
PLACES_SHOWN = 6
DIFFERING_SHOWN = 10


@dataclass(frozen=True)
class ScanList:
    """The list that a person scans: its candidates in order, and what was said of each.

    Of a longer list it has the first `MOST_LISTED`.
    """

    listing: CandidateList
    settings: ScanSettings
    keys: list[int]
    said: dict[int, list[Verdict]]
    hidden: set[int] = field(default_factory=set)

    @property
    def event(self) -> NonLocalizedEvent:
        return self.listing.event

    @property
    def user(self) -> User:
        return self.listing.user

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
        """Whether the event may have more than are gone through."""
        return len(self.keys) == MOST_LISTED

    @property
    def from_start(self) -> str:
        """The page's address for the first that is open."""
        return self.address(after=0)

    def address(self, **values: object) -> str:
        """The page's address for this list, with more values."""
        query = QueryDict(self.settings.query, mutable=True)
        for name, value in values.items():
            query[name] = str(value)
        page = reverse("scan", args=[self.event.event_id])
        return f"{page}?{query.urlencode()}" if query else page


def open_scan(event: NonLocalizedEvent, user: User, settings: ScanSettings) -> ScanList:
    """Find what of an event's list is scanned with these settings, and what was said of it."""
    listing = open_list(event, user, now=timezone.now())
    keys = find_first(listing, settings.filters, most=MOST_LISTED)
    said = verdicts_of(keys, user)
    hidden = {key for key in keys if _is_hidden(settings.hide, said.get(key, ()), user)}
    return ScanList(listing, settings, keys, said, hidden)


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


def choose(scanned: ScanList, query: QueryDict, place: ScanPlace | None) -> EventCandidate | None:
    """The candidate that an address asks for: itself, the next one, or where the person stopped.

    None: the list is at its end.
    """
    if "after" in query:
        return read_visible(
            scanned, next_open(scanned.keys, scanned.hidden, after=read_pk(query.get("after", "")))
        )
    asked = read_pk(query.get("candidate", ""))
    if asked is None and place is not None:
        asked = place.candidate_id
    found = read_visible(scanned, asked)
    if found is None:
        found = read_visible(scanned, next_open(scanned.keys, scanned.hidden, after=None))
    return found


def read_visible(scanned: ScanList, pk: int | None) -> EventCandidate | None:
    """Read one of the event's candidates that the person may see; None: there is no such one."""
    if pk is None:
        return None
    rows = EventCandidate.objects.visible_to(scanned.user).filter(event=scanned.event, pk=pk)
    if pk not in scanned.keys and not rows.exists():
        return None
    return next(iter(read_candidates([pk])), None)


# --- What the page shows ----------------------------------------------------------------------
def show_scan(scanned: ScanList, candidate: EventCandidate | None) -> dict[str, Any]:
    """What the page shows of a candidate; of None, why there is no more."""
    context = show_people(scanned, candidate)
    if candidate is None:
        is_any = bool(scanned.keys) or scanned.listing.everything().exists()
        return context | {"row": None, "is_any": is_any}
    at = scanned.keys.index(candidate.pk) if candidate.pk in scanned.keys else None
    listed = Listed(scanned.settings.query, at or 0)
    _, (row,) = make_rows(scanned.listing, [candidate], listed=listed)
    return context | {
        "row": row,
        "listed": listed,
        "number": None if at is None else at + 1,
        "before": scanned.address(candidate=scanned.keys[at - 1]) if at else "",
        "skip": scanned.address(after=candidate.pk),
        **_show_target(scanned, row),
    }


def _show_target(scanned: ScanList, row: CandidateRow) -> dict[str, Any]:
    target, panels = row.candidate.target, scanned.settings.panels
    ahead = next_open(scanned.keys, scanned.hidden, after=row.candidate.pk)
    return {
        "target": target,
        "summary": target.summary,
        "terms": [term for term in row.terms if term is not None],
        "lightcurve_url": reverse("targets:lightcurve", args=[target.pk]),
        "hosts": found_hosts(target) if Panel.HOST in panels else None,
        "near": near_targets(target, scanned.user) if Panel.NEAR in panels else [],
        "near_arcsec": NEAR_ARCSEC,
        "ahead": pictures_ahead(ahead, scanned.user) if ahead is not None else [],
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


def pictures_ahead(pk: int, user: User) -> list[str]:
    """The addresses of the next candidate's stamps: the browser fetches them ahead.

    Not so its light curve, which may get a point meanwhile.
    """
    target = EventCandidate.objects.values_list("target", flat=True).get(pk=pk)
    time = times_of_pictures([target], CutoutKind.DIFFERENCE, user).get(target)
    if time is None:
        return []
    pictures = (reverse("targets:cutout", args=[target, kind]) for kind in CutoutKind)
    return [f"{url}?v={int(time.timestamp())}" for url in pictures]


def show_people(scanned: ScanList, candidate: EventCandidate | None) -> dict[str, Any]:
    """What changes as others decide: verdicts, progress, agreement, and where others are."""
    agreement = scanned.agreement
    return {
        "event": scanned.event,
        "scanned": scanned,
        "settings": scanned.settings,
        "candidate": candidate,
        "scan_url": scanned.address(part="scan"),
        "people_url": scanned.address(part="people", candidate=candidate.pk if candidate else ""),
        "said": _said_of(scanned, candidate) if candidate else [],
        "progress": scanned.progress,
        "agreement": agreement,
        "differing": _differing(scanned, agreement.differing[:DIFFERING_SHOWN]),
        "places": places_of_others(scanned),
        "profiles": ScanProfile.objects.visible_to(scanned.user).select_related("group"),
    }


def _said_of(scanned: ScanList, candidate: EventCandidate) -> list[Verdict]:
    known = scanned.said if candidate.pk in scanned.keys else None
    return (known or verdicts_of([candidate.pk], scanned.user)).get(candidate.pk, [])


def _differing(scanned: ScanList, keys: Sequence[int]) -> list[tuple[str, str]]:
    """The names of candidates on which people differ, and where to look at them."""
    names = dict(EventCandidate.objects.filter(pk__in=keys).values_list("pk", "target__name"))
    return [(names[key], scanned.address(candidate=key)) for key in keys if key in names]


@dataclass(frozen=True)
class OthersPlace:
    """Where another person stopped: the candidate's name, "" where it is not to be seen."""

    place: ScanPlace
    name: str
    url: str
    is_for_me: bool


def places_of_others(scanned: ScanList) -> list[OthersPlace]:
    """Where others are in the event's list, the newest first; what is left to the reader first."""
    rows = ScanPlace.objects.filter(event=scanned.event).exclude(user=scanned.user)
    places = list(rows.select_related("user", "handed_to").order_by("-moved")[:PLACES_SHOWN])
    mine = ScanPlace.objects.filter(event=scanned.event, handed_to=scanned.user)
    handed = list(mine.select_related("user", "handed_to").order_by("-moved"))
    found = [*handed, *(place for place in places if place.handed_to_id != scanned.user.pk)]
    keys = [place.candidate_id for place in found if place.candidate_id]
    seen = EventCandidate.objects.visible_to(scanned.user).filter(pk__in=keys)
    names = dict(seen.values_list("pk", "target__name")) if keys else {}
    return [_others_place(scanned, place, names) for place in found]


def _others_place(scanned: ScanList, place: ScanPlace, names: dict[int, str]) -> OthersPlace:
    query = QueryDict(without_text(place.query), mutable=True)
    name = names.get(place.candidate_id or 0, "")
    if name:
        query["candidate"] = str(place.candidate_id)
    page = reverse("scan", args=[scanned.event.event_id])
    is_for_me = place.handed_to_id == scanned.user.pk
    return OthersPlace(place, name, f"{page}?{query.urlencode()}", is_for_me)
