"""What the search box finds: targets, events, lists, circulars and requests; which one is meant."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from django.db.models import Q, QuerySet
from django.db.models.functions import Upper
from django.db.models.lookups import Exact
from django.urls import reverse
from tom_targets.base_models import BaseTarget

from tom.events.models import Circular, NonLocalizedEvent
from tom.followup.models import ObservationRequest
from tom.forms.event_names import key_of, keys_sought
from tom.kept_queries import Given, HasPart, kept_query, part_of
from tom.strategies.models import Strategy
from tom.targets.audiences import show_targets
from tom.targets.models import Visitor
from tom.targets.search import find_exactly
from tom.targets.visible import Reader, reader_of, visible_targets
from tom.web.known import programs_of
from tom.web.pagination import BoundedPaginator
from tom.web.search_text import Sought, any_of, find_targets, spellings

SHOWN = 20
# One more than this in a list says that there are more.
_SUPEREVENT = re.compile(r"\b(?:M|T)?[SG]W?[0-9]{6}[a-z]{1,6}\b", re.IGNORECASE)
_CIRCULAR = re.compile(
    r"(?:GCN\s*)?(?:Circular|Circ\.?|C)?\s*#?\s*([0-9]{1,7}(?:\.[05])?)", re.IGNORECASE
)
_REQUEST = re.compile(r"(?:request\s*)?#?\s*([0-9]{1,12})", re.IGNORECASE)
SAME_PLACE_ARCSEC = 1.0


@dataclass
class Found:
    """What fits a text, `SHOWN` of each kind at most, and the pages that are meant exactly."""

    targets: list[BaseTarget] = field(default_factory=list)
    n_targets: int = 0  # counted up to the number that a list is counted to
    said: str = ""
    events: list[NonLocalizedEvent] = field(default_factory=list)
    lists: list[tuple[Strategy, str]] = field(default_factory=list)
    circulars: list[Circular] = field(default_factory=list)
    requests: list[ObservationRequest] = field(default_factory=list)
    exact: set[str] = field(default_factory=set)

    @property
    def is_empty(self) -> bool:
        found = self.targets, self.events, self.lists, self.circulars, self.requests
        return not any(found)


def search_everything(sought: Sought, user: Visitor) -> Found:
    """Search all that a user may see."""
    found = Found()
    if not sought.name:
        return found
    _add_targets(found, sought, user)
    if sought.cone is None:
        _add_events(found, sought.name)
        _add_lists(found, sought.name, user)
        _add_circulars(found, sought.name)
        _add_requests(found, sought.name, user)
    return found


def _add_targets(found: Found, sought: Sought, user: Visitor) -> None:
    mine = visible_targets(user).filter(summary__isnull=False).select_related("summary")
    rows = find_targets(mine, sought, programs_of(user))
    if sought.cone is None:
        rows = rows.order_by("name")
    counted = BoundedPaginator(rows, SHOWN)
    found.n_targets, found.said = counted.count, counted.said
    found.targets = list(rows[:SHOWN])
    show_targets(found.targets, programs_of(user))
    whole = find_exactly(mine, spellings(sought.name), programs_of(user))
    named = whole.values_list("pk", flat=True)
    found.exact |= {reverse("targets:detail", args=[pk]) for pk in named[:2]}
    if not found.exact and found.n_targets == 1:
        (only,) = found.targets
        if getattr(only, "separation_arcsec", SAME_PLACE_ARCSEC) < SAME_PLACE_ARCSEC:
            found.exact.add(reverse("targets:detail", args=[only.pk]))


def _add_events(found: Found, name: str) -> None:
    names = [*spellings(name), *_SUPEREVENT.findall(name)]
    keys = list(dict.fromkeys(key for each in names for key in keys_sought(each)))
    exact = any_of("event_id", names) | Q(names__contains=[key_of(name)])
    exact |= Q(circulars__event_name__iexact=name)
    alike = any_of("event_id", keys)
    for key in keys:
        alike |= Q(names__contains=[key])
    rows = NonLocalizedEvent.objects.distinct()
    found.events = list(rows.filter(exact | alike | Q(event_id__icontains=name))[:SHOWN])
    meant = list(rows.filter(exact)[:2]) or list(rows.filter(alike)[:2])
    found.exact |= {reverse("event", args=[row.event_id]) for row in meant}


def _add_lists(found: Found, name: str, user: Visitor) -> None:
    """Add the lists of such a name, each with its page; of those of events the settings."""
    rows = Strategy.objects.visible_to(reader_of(user).person).filter(name__icontains=name)
    named = list(rows.order_by("name")[:SHOWN])
    pages = [
        reverse("list_versions" if row.kind else "ranked_list", args=[row.pk]) for row in named
    ]
    found.lists = list(zip(named, pages, strict=True))
    found.exact |= {page for row, page in found.lists if row.name.lower() == name.lower()}


def _add_circulars(found: Found, name: str) -> None:
    wanted = Q(subject__icontains=name) | Q(event_name__icontains=name)
    if number := _CIRCULAR.fullmatch(name):
        exact = Circular.objects.filter(circular_id=Decimal(number[1]))
        pages = [reverse("circular", args=[row.circular_id]) for row in exact]
        found.exact |= set(pages)
        wanted |= Q(circular_id=Decimal(number[1]))
    rows = Circular.objects.filter(wanted).select_related("event").defer("body")
    found.circulars = list(rows[:SHOWN])


def _add_requests(found: Found, name: str, user: Visitor) -> None:
    number = _REQUEST.fullmatch(name)
    exact = {"name": name} | ({"pk": int(number[1])} if number else {})
    reader = reader_of(user)
    found.requests = _requests(reader, part=part_of(name), **exact)
    found.exact |= {reverse("request", args=[pk]) for pk in _requests_meant(reader, **exact)}


@kept_query
def _requests(reader: Reader, *, part: Given, **exact: Given) -> QuerySet[ObservationRequest]:
    of_event = Q(Exact(Upper("event__event_id"), Upper(exact["name"])))
    named = Q(HasPart("target__name", part)) | of_event
    rows = ObservationRequest.objects.visible_to(reader.user).filter(_is_meant(**exact) | named)
    return rows.select_related("target", "event").defer("body", "spec")[:SHOWN]


@kept_query
def _requests_meant(reader: Reader, **exact: Given) -> QuerySet[ObservationRequest, int]:
    rows = ObservationRequest.objects.visible_to(reader.user).filter(_is_meant(**exact))
    return rows.values_list("pk", flat=True)[:2]


def _is_meant(*, name: Given, pk: Given | None = None) -> Q:
    named = Q(remote_id=name) | Q(key=name)
    return named if pk is None else named | Q(pk=pk)
