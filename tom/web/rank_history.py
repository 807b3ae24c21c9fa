"""The ranks that one member of a list had, ranking by ranking, and the reason of each jump."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from django.utils.safestring import SafeString
from tom_targets.base_models import BaseTarget

from tom.ranking.chances import Scale
from tom.ranking.expected import Piece
from tom.ranking.models import Listing, RankedCandidate, Ranking
from tom.ranking.services import rankings_of
from tom.ranking.weighing import read_terms
from tom.targets.visible import visible_targets
from tom.web.chances import scale_then
from tom.web.known import LARGEST_FIRST, programs_of, seen_by
from tom.web.plots.sparkline import SparkPoint
from tom.web.plots.steps import draw_steps
from tom.web.ranked_settings import settings_changed, without_large
from tom.web.reasons import Reason, moved_pieces, moved_terms
from tom.web.strategy_scorers import hidden_scorers
from tom.web.strategy_words import Change

# Of a longer history the newest rankings alone are compared.
MOST_RANKINGS = 500
JUMPS_SHOWN = 30
REASONS_SHOWN = 3
NAMES_SHOWN = 3
# So many places of others are read: those of a member far down are not compared.
MOST_PLACES = 50_000
STILL = 2**62  # the end of a place that is valid


@dataclass(frozen=True)
class Held:
    """What stood in a list from the ranking `start` on, up to the ranking `end`, which ended it.

    By the keys of rankings. `pk` is the place's own key.
    """

    pk: int
    member: int
    start: int
    end: int
    weight: float
    name: str


class Others(NamedTuple):
    """The same of many places, one column each, shape (n,); `name` has texts."""

    member: npt.NDArray[np.int64]
    start: npt.NDArray[np.int64]
    end: npt.NDArray[np.int64]
    weight: npt.NDArray[np.float64]
    name: npt.NDArray[np.str_]


@dataclass(frozen=True)
class Jump:
    """A ranking in which a member got another rank, or other evidence, or its event changed.

    Or the settings of its list did: `settings` are those that differ from the ranking before.

    `before` and `after` are the ranks; None: it had none. The chances are those of that ranking and
    of the one before, or the numbers, where a scorer's number puts the list in order. `reasons` are
    the terms of it that moved, `pieces` what is expected of the event, before and after, where that
    moved.
    `rose` and `fell` name some of those that passed it, and of those that it passed; of `n_rose`
    and `n_fell` in all.
    """

    ranking: Ranking
    before: int | None
    after: int | None
    chance_before: float | None
    chance: float | None
    number_before: float | None
    number: float | None
    reasons: list[Reason]
    pieces: list[tuple[Piece, Piece]]
    settings: list[Change]
    rose: list[str]
    n_rose: int
    fell: list[str]
    n_fell: int

    @property
    def is_told(self) -> bool:
        """Whether there is anything to tell: an interval alone may have changed."""
        moved = self.reasons or self.pieces or self.settings or self.n_rose or self.n_fell
        return self.before != self.after or bool(moved)

    @property
    def n_more_rose(self) -> int:
        """How many passed it that are not named."""
        return self.n_rose - len(self.rose)

    @property
    def n_more_fell(self) -> int:
        """How many it passed that are not named."""
        return self.n_fell - len(self.fell)


@dataclass(frozen=True)
class RankHistory:
    """The jumps of a member, the newest first; `is_whole`: none is left out.

    `is_far`: it stands too far down to be compared; then there are no jumps.
    """

    jumps: list[Jump]
    is_whole: bool
    is_far: bool = False


def draw_history(history: RankHistory, points: Sequence[SparkPoint]) -> SafeString:
    """Draw how the chance of a member, or its number, moved; nothing if it moved in no ranking."""
    jumps = history.jumps[::-1]
    is_chance = all(jump.number is None for jump in jumps)
    steps = [(jump.ranking.created, jump.chance if is_chance else jump.number) for jump in jumps]
    return draw_steps(steps, points, is_chance=is_chance)


def read_history(listing: Listing, target: BaseTarget, member: int, user: User) -> RankHistory:
    """Read how one member of a list rose and fell among what the user may see.

    `member` is the key of the event's candidate, or of the target of a list without an event.
    """
    newest = rankings_of(listing.owner).select_related("event", "strategy").defer("basis")
    newest = newest.annotate(made_with=without_large())
    rankings = list(reversed(newest[:MOST_RANKINGS]))
    places = RankedCandidate.objects.of(listing).filter(
        programs__contained_by=programs_of(user), **_since(rankings)
    )
    column = listing.member_column
    own = _read(places.filter(**{column: member}), column)
    if not own:
        return RankHistory([], is_whole=True)
    others = _read_others(listing, places, own, user)
    if others is None:
        return RankHistory([], is_whole=False, is_far=True)
    name = None if listing.event is None else target.name
    return _compare(rankings, own, others, user, name=name)


def _since(rankings: Sequence[Ranking]) -> dict[str, int]:
    """What is valid in one of these rankings was stored with the last of them or before."""
    return {"ranking__lte": rankings[-1].pk} if rankings else {"ranking__lte": 0}


def _read(places: QuerySet[RankedCandidate], column: str) -> list[Held]:
    """Read places; of those of a member that are valid together, the fullest alone holds."""
    name = "target__name" if column == "target_id" else "candidate__target__name"
    columns = ("pk", column, "ranking_id", "until_id", "log_weight", name)
    rows = places.order_by(*LARGEST_FIRST, "pk").values_list(*columns, "programs")
    by_member: dict[int, list[tuple[Held, tuple[int, ...]]]] = defaultdict(list)
    for pk, member, start, until, weight, text, programs in rows[: MOST_PLACES + 1]:
        held = Held(pk, member, start, STILL if until is None else until, weight, text)
        by_member[member].append((held, tuple(programs)))
    return [held for rows in by_member.values() for held in _without_lesser(rows)]


def _without_lesser(rows: Iterable[tuple[Held, tuple[int, ...]]]) -> list[Held]:
    """Cut out of each place the time in which a fuller one is valid; the fullest come first."""
    kept: list[tuple[Held, tuple[int, ...]]] = []
    for held, audience in rows:
        left = [held]
        for fuller, theirs in kept:
            if theirs != audience:
                left = [part for each in left for part in _minus(each, fuller)]
        kept += [(part, audience) for part in left]
    return sorted((held for held, _ in kept), key=lambda held: held.start)


def _minus(held: Held, cut: Held) -> list[Held]:
    if cut.end <= held.start or held.end <= cut.start:
        return [held]
    parts = [(held.start, cut.start), (cut.end, held.end)]
    return [replace(held, start=start, end=end) for start, end in parts if start < end]


def _read_others(
    listing: Listing, places: QuerySet[RankedCandidate], own: Sequence[Held], user: User
) -> Others | None:
    """Read what stood above the lowest place of a member; None: too much.

    Whoever is known more fully to the user is read whole, however low: the fuller place decides.
    """
    column = listing.member_column
    key = column.removesuffix("_id")
    above = Q(log_weight__gte=min(held.weight for held in own))
    narrower = RankedCandidate.objects.of(listing).exclude(programs=[])
    mine = narrower.filter(programs__contained_by=programs_of(user)).values(key)
    which = above | Q(**{f"{key}__in": mine}) if programs_of(user) else above
    seen: QuerySet[Any, Any] = (
        visible_targets(user)
        if listing.event is None
        else seen_by(user).filter(event=listing.event)
    )
    rows = places.filter(which, **{f"{key}__in": seen.values("pk")}).exclude(
        **{column: own[0].member}
    )
    found = _read(rows, column)
    if len(found) > MOST_PLACES:
        return None
    columns = [(h.member, h.start, h.end, h.weight, h.name) for h in found]
    member, start, end, weight, name = zip(*columns, strict=True) if columns else ((),) * 5
    return Others(
        np.array(member, np.int64),
        np.array(start, np.int64),
        np.array(end, np.int64),
        np.array(weight, float),
        np.array(name, str),
    )


class _Step(NamedTuple):
    """A ranking, and what stood there and in the one before: the member's place, who was above.

    `former` is the one before; None: it is not compared.
    """

    ranking: Ranking
    former: Ranking | None
    before: Held | None
    above_before: frozenset[int]
    after: Held | None
    above: frozenset[int]
    settings: list[Change]

    @property
    def is_jump(self) -> bool:
        """Whether its place or who stands above it changed in this ranking."""
        if self.after is None:
            return self.before is not None
        # Of the oldest ranking that is compared nothing is known of the one before.
        was_new = self.after.start == self.ranking.pk
        moved = self.above != self.above_before or bool(self.pieces or self.settings)
        return was_new or (self.before is not None and moved)

    @property
    def pieces(self) -> list[tuple[Piece, Piece]]:
        """What is expected of the event, before and after, where that moved."""
        if self.former is None:
            return []
        then, now = (_made_with(each).get("expected") for each in (self.former, self.ranking))
        return moved_pieces(then, now)


def _made_with(ranking: Ranking) -> dict[str, Any]:
    made_with: dict[str, Any] = ranking.made_with  # type: ignore[attr-defined]  # annotated
    return made_with


def _settings_changed(
    former: Ranking | None, ranking: Ranking, hidden: Collection[str]
) -> list[Change]:
    if former is None:
        return []
    kind = ranking.event.kind if ranking.event else ""
    return settings_changed(_made_with(former), _made_with(ranking), kind=kind, hidden=hidden)


def _compare(
    rankings: Sequence[Ranking],
    own: Sequence[Held],
    others: Others,
    user: User,
    *,
    name: str | None,
) -> RankHistory:
    steps: list[_Step] = []
    hidden = hidden_scorers(user)
    for ranking in rankings:
        held = next((each for each in own if each.start <= ranking.pk < each.end), None)
        above = frozenset() if held is None else _above(others, ranking.pk, held, name=name)
        last = (steps[-1].after, steps[-1].above) if steps else (None, frozenset())
        former = steps[-1].ranking if steps else None
        settings = _settings_changed(former, ranking, hidden)
        steps.append(_Step(ranking, former, *last, held, above, settings))
    found = [step for step in steps if step.is_jump]
    shown = found[-JUMPS_SHOWN:]
    return RankHistory(
        jumps=[jump for jump in _tell(shown[::-1], others, user) if jump.is_told],
        is_whole=len(shown) == len(found) and len(rankings) < MOST_RANKINGS,
    )


def _above(others: Others, ranking: int, held: Held, *, name: str | None) -> frozenset[int]:
    """Who stood above a place in a ranking.

    Of those with one weight the names decide; without a name the target made first is above.
    """
    is_first = others.member < held.member if name is None else np.less(others.name, name)
    alike = (others.weight == held.weight) & is_first
    better = (others.weight > held.weight) | alike
    valid = (others.start <= ranking) & (others.end > ranking)
    return frozenset(others.member[better & valid].tolist())


def _rank(held: Held | None, above: Collection[int]) -> int | None:
    return None if held is None else len(above) + 1


def _tell(steps: Sequence[_Step], others: Others, user: User) -> list[Jump]:
    names = dict(zip(others.member.tolist(), others.name.tolist(), strict=True))
    keys = {held.pk for step in steps for held in (step.before, step.after) if held}
    rows = RankedCandidate.objects.filter(pk__in=keys)
    columns = rows.values_list("pk", "ranking__layout", "terms")
    terms = {pk: read_terms(layout, kept) for pk, layout, kept in columns}
    shown = {each.pk: each for step in steps for each in (step.ranking, step.former) if each}
    scales = {pk: scale_then(ranking, user) for pk, ranking in shown.items()}
    return [_jump(step, names, terms, scales) for step in steps]


def _chance(
    held: Held | None, ranking: Ranking | None, scales: Mapping[int, Scale]
) -> float | None:
    if held is None or ranking is None or ranking.by:
        return None
    return scales[ranking.pk].chance(held.weight)


def _number(held: Held | None, ranking: Ranking | None) -> float | None:
    return held.weight if held is not None and ranking is not None and ranking.by else None


def _jump(
    step: _Step,
    names: Mapping[int, str],
    terms: Mapping[int, list[dict[str, Any]]],
    scales: Mapping[int, Scale],
) -> Jump:
    before, after = step.before, step.after
    is_both = before is not None and after is not None
    rose = sorted(names[key] for key in step.above - step.above_before) if is_both else []
    fell = sorted(names[key] for key in step.above_before - step.above) if is_both else []
    moved = moved_terms(terms[before.pk], terms[after.pk]) if before and after else []
    return Jump(
        ranking=step.ranking,
        before=_rank(before, step.above_before),
        after=_rank(after, step.above),
        chance_before=_chance(before, step.former, scales),
        chance=_chance(after, step.ranking, scales),
        number_before=_number(before, step.former),
        number=_number(after, step.ranking),
        reasons=moved[:REASONS_SHOWN],
        pieces=step.pieces if is_both else [],
        settings=step.settings,
        rose=rose[:NAMES_SHOWN],
        n_rose=len(rose),
        fell=fell[:NAMES_SHOWN],
        n_fell=len(fell),
    )
