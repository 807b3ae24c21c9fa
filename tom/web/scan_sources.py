"""What is scanned: the list of an event, or that of a strategy without an event.

A member of a list has a key: that of an event's candidate, or that of a target.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol

from django.contrib.auth.models import User
from django.db.models import Q
from django.db.models.lookups import Exact
from django.http import QueryDict
from django.urls import reverse
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.shifts.claims import claims_on
from tom.shifts.models import Claim
from tom.strategies.listings import Listing
from tom.strategies.models import Strategy
from tom.strategies.watching import Near, near_watched
from tom.web.candidate_filters import LONGEST_TEXT
from tom.web.candidate_list import MOST_LISTED, CandidateList
from tom.web.candidate_rows import Listed, make_rows, read_candidates
from tom.web.candidate_search import find_first, order_choices
from tom.web.known import programs_of, standing_of
from tom.web.lists import places_in, ranks_in, read_places
from tom.web.said import read_said
from tom.web.up_now import sites_up
from tom.web.vettings import verdict_of, verdicts_in_list, verdicts_of


@dataclass(frozen=True)
class Standing:
    """How a target stands in a list without an event; of an event's list, see `EventCandidate`."""

    rank: int
    posterior: float | None
    posterior_low: float | None
    posterior_high: float | None
    number: float | None
    by: str
    vetting: str


@dataclass(frozen=True)
class ScanRow:
    """What the page shows of a member: where it stands, why, and what was said of it.

    `url` is its own page, `vet_url` takes a verdict on it, and `mine` is the reader's own. `near`
    is the place, watched by the list, that it is near.
    """

    key: int
    target: BaseTarget
    standing: EventCandidate | Standing
    terms: list[dict[str, Any]]
    mine: str
    claim: Claim | None
    up: list[str]
    url: str
    vet_url: str
    is_outside: bool = False
    near: Near | None = None


class Source(Protocol):
    """A list that one person scans. Each figure is what that person knows."""

    @property
    def user(self) -> User:
        """Who scans."""

    @property
    def now(self) -> datetime:
        """The present time."""

    @property
    def listing(self) -> Listing:
        """Whose list it is."""

    @property
    def page(self) -> str:
        """The address of scanning it."""

    @property
    def home(self) -> str:
        """The address of the list's own page."""

    def orders(self, asked: str) -> list[tuple[str, str]]:
        """The orders to choose from, where an address asks for one; none: it has but one."""

    def find(self, filters: QueryDict) -> list[int]:
        """The members that fit, in their order: the first `MOST_LISTED`."""

    def said(self, keys: Collection[int]) -> dict[int, list[Verdict]]:
        """Each person's present verdict on each of these members, the newest first."""

    def targets(self, keys: Collection[int]) -> dict[int, BaseTarget]:
        """The target of each of these members that the person may see."""

    def row(self, key: int, listed: Listed) -> ScanRow | None:
        """What the page shows of a member that the person may see; None: it is gone."""

    def is_any(self) -> bool:
        """Whether the list has any member that the person may see."""

    def missed(self) -> float | None:
        """The chance, 0 to 1, that what is sought is among those without a verdict.

        None: the list does not seek one thing.
        """


@dataclass(frozen=True)
class EventSource:
    """The candidates of an event."""

    opened: CandidateList

    @property
    def user(self) -> User:
        return self.opened.user

    @property
    def now(self) -> datetime:
        return self.opened.now

    @property
    def listing(self) -> Listing:
        return Listing(self.opened.event, None)

    @property
    def page(self) -> str:
        return reverse("scan", args=[self.opened.event.event_id])

    @property
    def home(self) -> str:
        return reverse("event", args=[self.opened.event.event_id])

    def orders(self, asked: str) -> list[tuple[str, str]]:
        return order_choices(self.opened, asked)

    def find(self, filters: QueryDict) -> list[int]:
        return find_first(self.opened, filters, most=MOST_LISTED)

    def said(self, keys: Collection[int]) -> dict[int, list[Verdict]]:
        return verdicts_of(keys, self.user)

    def targets(self, keys: Collection[int]) -> dict[int, BaseTarget]:
        if not keys:
            return {}
        rows = EventCandidate.objects.visible_to(self.user).filter(event=self.opened.event)
        return {row.pk: row.target for row in rows.filter(pk__in=keys).select_related("target")}

    def row(self, key: int, listed: Listed) -> ScanRow | None:
        candidates = read_candidates([key], event=self.opened.event)
        if not candidates:
            return None
        _, (row,) = make_rows(self.opened, candidates, listed=listed)
        return ScanRow(
            key=key,
            target=row.candidate.target,
            standing=row.candidate,
            terms=[term for term in row.terms if term is not None],
            mine=row.mine,
            claim=row.claim,
            up=row.up,
            url=row.url,
            vet_url=reverse("vet", args=[self.opened.event.event_id, key]),
            is_outside=row.is_outside,
        )

    def is_any(self) -> bool:
        return self.opened.everything().exists()

    def missed(self) -> float | None:
        scale = self.opened.scale
        if scale.none is None:
            return None
        decided = ~Q(Exact(self.opened.vetting, Vetting.NEW))
        weight = standing_of("log_weight", self.opened.programs)
        weights = self.opened.everything().filter(decided).values_list(weight, flat=True)
        held = sum(scale.chance(weight) or 0.0 for weight in weights)
        return max(0.0, 1.0 - scale.none - held)


@dataclass(frozen=True)
class ListSource:
    """The targets of a strategy's list without an event."""

    strategy: Strategy
    user: User
    now: datetime

    @property
    def listing(self) -> Listing:
        return Listing(None, self.strategy)

    @property
    def page(self) -> str:
        return reverse("list_scan", args=[self.strategy.pk])

    @property
    def home(self) -> str:
        return reverse("ranked_list", args=[self.strategy.pk])

    @cached_property
    def _places(self) -> Any:
        return places_in(self.strategy, self.user)

    def orders(self, asked: str) -> list[tuple[str, str]]:
        return []

    def find(self, filters: QueryDict) -> list[int]:
        rows = self._places.filter(read_said(filters).of("target", programs_of(self.user)))
        text = filters.get("q", "").strip()[:LONGEST_TEXT]
        if text:
            rows = rows.filter(target__name__icontains=text)
        return list(rows.values_list("target", flat=True)[:MOST_LISTED])

    def said(self, keys: Collection[int]) -> dict[int, list[Verdict]]:
        return verdicts_in_list(self.strategy, keys, self.user)

    def targets(self, keys: Collection[int]) -> dict[int, BaseTarget]:
        if not keys:
            return {}
        places = self._places.filter(target__in=keys).select_related("target")
        return {place.target_id: place.target for place in places}

    def row(self, key: int, listed: Listed) -> ScanRow | None:
        places = read_places(self._keys([key]), self.user)
        if not places or places[0].target is None:
            return None
        (place,), target = places, places[0].target
        said = self.said([key]).get(key, [])
        return ScanRow(
            key=key,
            target=target,
            standing=Standing(
                rank=ranks_in(self._places, [place.pk])[place.pk],
                posterior=place.posterior,
                posterior_low=place.posterior_low,
                posterior_high=place.posterior_high,
                number=place.number,
                by=place.ranking.by,
                vetting=said[0].verdict if said else Vetting.NEW,
            ),
            terms=place.read_terms(),
            mine=verdict_of(said, self.user),
            claim=claims_on([key], now=self.now).get(key),
            up=sites_up([target], now=self.now).get(key, []),
            url=reverse("targets:detail", args=[key]),
            vet_url=reverse("list_vet", args=[self.strategy.pk, key]),
            near=near_watched(self.strategy.watched_id, [target]).get(key),
        )

    def _keys(self, targets: Sequence[int]) -> list[int]:
        return list(self._places.filter(target__in=targets).values_list("pk", flat=True))

    def is_any(self) -> bool:
        return bool(self._places.exists())

    def missed(self) -> float | None:
        return None
