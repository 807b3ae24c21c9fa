"""What a reader knows of an event's candidates: queries compared with a plain rule."""

import math
from collections.abc import Iterator
from copy import deepcopy
from datetime import timedelta

import numpy as np
import pytest
from django.contrib.auth.models import User
from django.db import transaction
from django.http import QueryDict
from django.utils import timezone
from rest_framework.test import APIClient

from tests.web.worlds import World, make_world
from tom.candidates.models import CandidateStanding, EventCandidate, Look, Vetting
from tom.targets.audiences import largest
from tom.targets.models import PUBLIC, Audience
from tom.web import candidate_filters, news
from tom.web.api import pagination
from tom.web.candidate_list import CandidateList, open_list
from tom.web.candidate_search import find_candidates
from tom.web.known import programs_of, rank_visible, seen_by
from tom.web.news import find_moved, find_ranks
from tom.web.vettings import show_vettings

# In one process, which makes each world once.
pytestmark = pytest.mark.xdist_group("known")


@pytest.fixture(
    scope="module", params=[0, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 2))]
)
def made(module_rows: None, request: pytest.FixtureRequest) -> Iterator[World]:
    with transaction.atomic():
        yield make_world(np.random.default_rng(request.param))
        transaction.set_rollback(True)


@pytest.fixture
def world(made: World, db: None) -> World:
    return deepcopy(made)


def lists_of(world: World) -> dict[str, CandidateList]:
    now = timezone.now()
    for user in world.readers.values():
        since = now - timedelta(hours=1)
        Look.objects.create(user=user, event=world.event, seen=now, since=since)
    return {name: open_list(world.event, user, now=now) for name, user in world.readers.items()}


def visible(listing: CandidateList) -> list[EventCandidate]:
    """What the reader may see, by the rule that looks at each candidate by itself."""
    rows = EventCandidate.objects.visible_to(listing.user).filter(event=listing.event)
    return list(rows.select_related("target"))


def known(
    chances: dict[tuple[int, Audience], float], row: EventCandidate, user: User
) -> float | None:
    """The chance by the largest audience that the reader belongs to; None: there is none."""
    mine = {a for pk, a in chances if pk == row.pk and set(a) <= set(programs_of(user))}
    return chances[row.pk, largest(mine)] if mine else None


def in_turn(
    chances: dict[tuple[int, Audience], float], rows: list[EventCandidate], user: User
) -> list[EventCandidate]:
    """Those with a chance, best first; of one chance by name."""
    ranked = [(known(chances, row, user), row) for row in rows]
    return [
        row
        for chance, row in sorted(
            ((chance, row) for chance, row in ranked if chance is not None),
            key=lambda item: (-item[0], item[1].target.name),
        )
    ]


def test_a_reader_sees_each_visible_candidate_once(world: World) -> None:
    for user in world.readers.values():
        expected = EventCandidate.objects.visible_to(user)

        found = list(seen_by(user).values_list("pk", flat=True))

        assert sorted(found) == sorted(expected.values_list("pk", flat=True))


def test_the_best_are_those_that_nobody_rejected_in_the_order_of_their_ranks(world: World) -> None:
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        show_vettings(rows, listing.user)
        kept = [row for row in rows if row.vetting != "rejected"]
        ranked = [row.pk for row in in_turn(world.now, kept, listing.user)]

        assert listing.best == ranked[:5], name
        assert listing.spots[: len(ranked)] == ranked, name
        assert set(listing.spots) == {row.pk for row in kept}, name


@pytest.mark.parametrize("few", [5_000, 0])
def test_a_filter_by_vetting_finds_what_rows_show(world: World, monkeypatch, few: int) -> None:
    monkeypatch.setattr(candidate_filters, "FEW", few)
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        show_vettings(rows, listing.user)
        for vetting in Vetting.values:
            shown = {row.pk for row in rows if row.vetting == vetting}

            found = find_candidates(listing, QueryDict(f"vetting={vetting}&region=all"))

            assert {row.pk for row in found} == shown, (name, vetting)


@pytest.mark.parametrize("few", [5_000, 0])
def test_news_is_what_the_reader_knows_since_their_last_look(
    world: World, monkeypatch, few: int
) -> None:
    monkeypatch.setattr(candidate_filters, "FEW", few)
    rng, before = np.random.default_rng(5), timezone.now() - timedelta(days=1)
    for model in (EventCandidate, CandidateStanding):
        old = [pk for pk in model.objects.values_list("pk", flat=True) if rng.random() < 0.5]
        model.objects.filter(pk__in=old).update(created=before)
    for name, listing in lists_of(world).items():
        rows = rank_visible(visible(listing), listing.user)
        assert listing.since is not None
        shown = {row.pk for row in rows if row.created > listing.since}

        found = find_candidates(listing, QueryDict("since=new&region=all&vetting=all"))

        assert {row.pk for row in found} == shown, name


def test_the_api_tells_each_reader_what_they_see_best_first(world: World, monkeypatch) -> None:
    # Of one reader all are counted, of others there are more.
    seen = (EventCandidate.objects.visible_to(user).count() for user in world.readers.values())
    most = min(seen)
    monkeypatch.setattr(pagination, "MOST_COUNTED", most)
    address = f"/api/events/{world.event.event_id}/candidates/"
    for name, user in world.readers.items():
        rows = EventCandidate.objects.visible_to(user).filter(event=world.event)
        expected = rank_visible(rows.select_related("target"), user)
        expected.sort(key=lambda row: (row.rank or math.inf, row.target.name))
        client = APIClient()
        client.force_authenticate(User.objects.get(pk=user.pk))

        pages = [client.get(f"{address}?limit=5&offset={at}").json() for at in range(0, 30, 5)]

        told = [(row["id"], row["rank"]) for page in pages for row in page["results"]]
        assert told == [(row.pk, row.rank) for row in expected], name
        assert pages[0]["count"] == (len(expected) if len(expected) <= most else None)
        assert [page["next"] is None for page in pages] == [
            at + 5 >= len(expected) for at in range(0, 30, 5)
        ]


def test_ranks_of_before_count_what_the_reader_sees(world: World) -> None:
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        stood = in_turn(world.then, rows, listing.user)
        expected = {row.pk: rank for rank, row in enumerate(stood, 1)}

        found = find_ranks(rows, world.event, listing.user, when=listing.since)

        assert found == expected, name


def test_nobody_moved_where_the_list_was_not_ranked_since(world: World) -> None:
    now = timezone.now()
    for name, listing in lists_of(world).items():
        rows = visible(listing)

        assert find_ranks(rows, world.event, listing.user, when=now) == {}, name
        assert find_moved(world.event, listing.user, when=now) == [], name


def test_who_stood_below_the_places_that_are_counted_is_only_known_to_have(
    world: World, monkeypatch
) -> None:
    monkeypatch.setattr(news, "MOST_MOVED", 5)
    told = set()
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        stood = in_turn(world.then, rows, listing.user)
        expected = {row.pk: rank for rank, row in enumerate(stood, 1)}

        found = find_ranks(rows, world.event, listing.user, when=listing.since)

        assert found.keys() == expected.keys()
        exact = {pk: rank for pk, rank in found.items() if rank != news.BEYOND}
        assert exact.items() <= expected.items(), name
        assert all(rank <= 5 for rank in exact.values()), name
        told |= set(found.values())
    assert {1, news.BEYOND} <= told


def test_what_moved_has_another_place_among_those_ranked_then_and_now(world: World) -> None:
    for name, listing in lists_of(world).items():
        both = [
            row
            for row in visible(listing)
            if known(world.now, row, listing.user) is not None
            and known(world.then, row, listing.user) is not None
        ]
        now, then = (in_turn(chances, both, listing.user) for chances in (world.now, world.then))
        expected = {row.pk for row in both if now.index(row) != then.index(row)}

        moved = find_moved(world.event, listing.user, when=listing.since)

        assert moved is not None
        assert set(moved) == expected, name
        assert len(moved) == len(expected), name


def test_of_a_long_list_it_is_told_who_moved_among_the_first_or_into_or_out_of_them(
    world: World, monkeypatch
) -> None:
    told = 0
    for name, listing in lists_of(world).items():
        when = listing.since
        monkeypatch.setattr(news, "MOST_MOVED", 1_000)
        everyone = find_moved(world.event, listing.user, when=when)
        both = [
            row
            for row in visible(listing)
            if known(world.now, row, listing.user) is not None
            and known(world.then, row, listing.user) is not None
        ]
        turns = [in_turn(chances, both, listing.user) for chances in (world.now, world.then)]
        first = {row.pk for turn in turns for row in turn[:3]}

        monkeypatch.setattr(news, "MOST_MOVED", 3)
        moved = find_moved(world.event, listing.user, when=when)

        assert set(moved) == set(everyone) & first, name
        told += len(everyone) - len(moved)
    assert told


def test_the_worlds_tell_the_readers_apart(world: World) -> None:
    lists = lists_of(world)

    assert len({tuple(listing.spots) for listing in lists.values()}) >= 4
    assert any(audience != PUBLIC for _, audience in world.then)


def test_a_shown_rank_counts_what_the_reader_sees(world: World) -> None:
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        ranked = [row.pk for row in in_turn(world.now, rows, listing.user)]

        found = {row.pk: row.rank for row in rank_visible(rows, listing.user)}

        assert {pk: rank for pk, rank in found.items() if rank is not None} == {
            pk: rank for rank, pk in enumerate(ranked, 1)
        }, name


def test_whoever_stands_below_the_ranks_that_are_counted_has_the_rank_behind_them(
    world: World,
) -> None:
    told = set()
    for name, listing in lists_of(world).items():
        rows = visible(listing)
        ranked = in_turn(world.now, rows, listing.user)
        expected = {row.pk: min(rank, 6) for rank, row in enumerate(ranked, 1)}

        found = {row.pk: row.rank for row in rank_visible(rows, listing.user, most=5)}

        assert {pk: rank for pk, rank in found.items() if rank is not None} == expected, name
        told |= set(found.values())
    assert {1, 5, 6} <= told
