"""Made worlds: an event whose candidates each audience knows otherwise, now and at a last look."""

from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from django.contrib.auth.models import User
from django.utils import timezone

from tests import factories
from tom.candidates.models import CandidateStanding, EventCandidate, Verdict, Vetting
from tom.candidates.verdicts import show_newest
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.targets.models import Audience

# Few chances, so that many candidates have one chance.
CHANCES = (0.1, 0.2, 0.3, 0.4, 0.6)
Known = tuple[EventCandidate, Audience]


@dataclass(frozen=True)
class World:
    """An event, its readers by name, and the chance of each candidate for each audience.

    `now` and `then` are by candidate and audience; `then` is as of the last look.
    """

    event: NonLocalizedEvent
    readers: dict[str, User]
    now: dict[tuple[int, Audience], float]
    then: dict[tuple[int, Audience], float]


def make_world(rng: np.random.Generator, *, targets: int = 24) -> World:
    """Write a world of two private programs, each of a group of its own."""
    groups = {name: factories.make_group(name) for name in "ab"}
    programs = [
        factories.make_program(number, group=group).pk
        for number, group in enumerate(groups.values(), 2)
    ]
    readers = {
        "public": factories.make_observer("public"),
        "of one": factories.make_observer("of one", groups=[groups["a"]]),
        "of the other": factories.make_observer("of the other", groups=[groups["b"]]),
        "of both": factories.make_observer("of both", groups=[*groups.values()]),
        "administrator": factories.make_admin("administrator"),
    }
    event = factories.make_event("S261120ab")
    audiences: list[Audience] = [(programs[0],), (programs[1],), tuple(sorted(programs))]
    known: list[Known] = []
    for number in rng.permutation(targets):
        owners = [group for group in groups.values() if rng.random() < 0.5]
        target = factories.make_target(
            f"ZTF26w{number:02}", private=bool(rng.random() < 0.3), owners=owners, points=1
        )
        row = factories.make_candidate(
            event,
            target,
            rank=None,
            is_public=bool(rng.random() < 0.7),
            credible_level_2d=float(rng.uniform(0.5, 1)),
        )
        known += [(row, ())] if row.is_public else []
        known += [(row, audience) for audience in audiences if rng.random() < 0.4]
        _add_verdicts(rng, row, [*readers.values()])
    now, then = _add_places(rng, event, known)
    return World(event, readers, now, then)


def _add_verdicts(rng: np.random.Generator, row: EventCandidate, people: list[User]) -> None:
    for _ in range(rng.integers(0, 3)):
        Verdict.objects.create(
            candidate=row,
            by=people[rng.integers(len(people))],
            verdict=str(rng.choice(Vetting.values)),
            is_public=bool(rng.random() < 0.5),
        )
    show_newest(row)


def _add_places(
    rng: np.random.Generator, event: NonLocalizedEvent, known: list[Known]
) -> tuple[dict[tuple[int, Audience], float], dict[tuple[int, Audience], float]]:
    """Rank three times: before the look, as of the look, and since. What did not move stands."""
    event.rankings.all().delete()
    chances: list[dict[tuple[int, Audience], float]] = [{}, {}, {}]
    for at, ranked in enumerate(chances):
        ranking = factories.make_ranking(event)
        hours = timedelta(hours=2 * (2 - at))
        Ranking.objects.filter(pk=ranking.pk).update(created=timezone.now() - hours)
        for row, audience in known:
            key, earlier = (row.pk, audience), chances[at - 1] if at else {}
            if rng.random() < 0.15 and key not in earlier:
                continue  # it becomes a candidate later
            moves = key not in earlier or rng.random() < 0.5
            ranked[key] = float(rng.choice(CHANCES)) if moves else earlier[key]
            if ranked[key] != earlier.get(key):
                factories.make_place(ranking, row, posterior=ranked[key], programs=audience)
    _show_ranks(known)
    return chances[2], chances[1]


def _show_ranks(known: list[Known]) -> None:
    """Copy the newest places onto candidates and standings, as a ranking does."""
    places = {
        (place.candidate_id, tuple(place.programs)): (rank, place.log_weight)
        for rank, place in enumerate(RankedCandidate.objects.newest().in_order(), 1)
    }
    for row, audience in known:
        rank, weight = places.get((row.pk, audience), (None, None))
        if audience:
            CandidateStanding.objects.create(
                candidate=row, event_id=row.event_id, programs=list(audience), rank=rank,
                log_weight=weight,
                credible_level_2d=row.credible_level_2d,
            )  # fmt: skip
        else:
            EventCandidate.objects.filter(pk=row.pk).update(rank=rank, log_weight=weight)
