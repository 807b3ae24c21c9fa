"""What a reader knows of candidates, told by hand for each of them: standing, rank, terms."""

import random
from collections.abc import Sequence

import pytest
from django.contrib.auth.models import User
from tom_targets.base_models import BaseTarget

from tests.factories import (
    TERMS,
    make_admin,
    make_event,
    make_group,
    make_place,
    make_program,
    make_ranking,
    make_user,
)
from tests.targets.test_summary import make_targets
from tom.candidates.models import CandidateStanding, EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate
from tom.targets.models import AudienceSummary, Program
from tom.web.known import (
    STANDING,
    find_to_observe,
    fullest,
    known_places,
    newest_terms,
    programs_of,
    rank_visible,
    seen_by,
)

pytestmark = pytest.mark.django_db

# By their places among the private programs, of which nobody but an administrator reads the third.
SETS = ([0, 1, 2], [0, 2], [0, 1], [2], [1], [0])


@pytest.fixture
def programs() -> list[Program]:
    return [make_program(number, group=make_group()) for number in (2, 3, 4)]


@pytest.fixture
def people(programs) -> dict[str, User]:
    """A reader of each set of programs, of none, and of all."""
    found = {"none": make_user("none"), "all": make_admin("all")}
    for name, groups in (("a", programs[:1]), ("b", programs[1:2]), ("ab", programs[:2])):
        found[name] = make_user(name)
        found[name].groups.add(*(program.group for program in groups))
    return found


def fill(rng: random.Random, programs: Sequence[Program]) -> list[EventCandidate]:
    """Candidates of two events: with and without public points, standings and ranks."""
    targets = make_targets(24)
    ranks = rng.sample(range(1, 1000), 999)
    rows = []
    for n, target in enumerate(targets):
        is_private = n % 6 == 5
        if is_private:
            target.permissions = "PRIVATE"
            target.save(update_fields=["permissions"])
        rows.append((target, n % 2, rng.random() < 0.6 and not is_private))
    events = [make_event(alert_types=()) for _ in range(2)]
    made = EventCandidate.objects.bulk_create(
        EventCandidate(
            event=events[which],
            target=target,
            is_public=is_public,
            rank=rng.choice([None, ranks.pop(), ranks.pop()]) if is_public else None,
            log_weight=rng.random(),
        )
        for target, which, is_public in rows
    )
    CandidateStanding.objects.bulk_create(
        CandidateStanding(
            candidate=row,
            event_id=row.event_id,
            programs=[programs[n].pk for n in each],
            rank=rng.choice([None, ranks.pop(), ranks.pop()]),
            log_weight=rng.random(),
            credible_level_2d=rng.random(),
        )
        for row in made
        for each in SETS
        if rng.random() < 0.3
    )
    return list(EventCandidate.objects.select_related("target", "target__summary", "event"))


def told(row: EventCandidate, keys: Sequence[int]) -> EventCandidate | CandidateStanding | None:
    """The standing by which a reader of these programs knows a candidate; None: by none."""
    theirs = [each for each in row.standings.all() if set(each.programs) <= set(keys)]
    largest = max(theirs, key=lambda each: (len(each.programs), each.programs), default=None)
    return largest or (row if row.is_public else None)


@pytest.mark.parametrize("name", ["none", "a", "b", "ab", "all"])
@pytest.mark.parametrize("seed", range(2))
def test_a_candidate_has_the_rank_among_those_that_its_reader_sees(
    seed: int, name: str, programs, people
) -> None:
    rows = fill(random.Random(seed), programs)
    user = people[name]
    keys = programs_of(user)
    visible = [row for row in rows if row.target.permissions == "PUBLIC" or name == "all"]
    wanted = {row.pk: told(row, keys) for row in visible}
    wanted = {pk: standing for pk, standing in wanted.items() if standing is not None}
    seen = [row for row in visible if row.pk in wanted]
    figures = {
        pk: {column: getattr(standing, column) for column in STANDING}
        for pk, standing in wanted.items()
    }

    assert set(seen_by(user)) == set(seen)
    shown = rank_visible(random.Random(1).sample(seen, len(seen)), user)

    for row in shown:
        own = figures[row.pk]
        others = [
            figures[other.pk]["rank"]
            for other in seen
            if other.event_id == row.event_id and figures[other.pk]["rank"] is not None
        ]
        place = own["rank"] and 1 + sum(rank < own["rank"] for rank in others)
        found = {column: getattr(row, column) for column in STANDING}
        assert found == {**own, "rank": place}


def test_a_candidate_that_is_read_without_its_target_is_ranked_as_well(programs, people) -> None:
    fill(random.Random(4), programs)

    rows = rank_visible(seen_by(people["a"]), people["a"])

    assert not any("target" in row._state.fields_cache for row in rows)
    for event in NonLocalizedEvent.objects.all():
        ranks = sorted(row.rank for row in rows if row.event_id == event.pk and row.rank)
        assert ranks == list(range(1, len(ranks) + 1))


# --- Places of a ranking ----------------------------------------------------------------------
def test_of_each_candidate_the_place_of_the_largest_audience_is_told(programs, people) -> None:
    a, b, c = sorted(program.pk for program in programs)
    event = make_event(alert_types=())
    ranking = make_ranking(event)
    held = {
        "public": [[]],
        "of a": [[a]],
        "of b": [[b]],
        "both": [[], [a], [b]],
        "all": [[], [a], [b], [a, b], [a, c], [a, b, c]],
        "of others": [[c], [a, c], [a, b, c]],
    }
    rows = {}
    for target, (name, sets) in zip(make_targets(len(held)), held.items(), strict=True):
        rows[name] = EventCandidate.objects.create(event=event, target=target)
        for keys in sets:
            make_place(ranking, rows[name], programs=keys, posterior=0.5)
    places = RankedCandidate.objects.newest()

    def shown(keys: Sequence[int]) -> dict[str, list[int]]:
        found = fullest(places, keys)
        by_name = {row.pk: name for name, row in rows.items()}
        told = [(by_name[place.candidate_id], place.programs) for place in found]
        assert len(dict(told)) == len(told)
        first = known_places(places, keys).distinct("candidate")
        assert {(by_name[each.candidate_id], *each.programs) for each in first} == {
            (name, *programs) for name, programs in told
        }
        return dict(told)

    assert shown([]) == {"public": [], "both": [], "all": []}
    assert shown([a]) == {"public": [], "of a": [a], "both": [a], "all": [a]}
    assert shown([b]) == {"public": [], "of b": [b], "both": [b], "all": [b]}
    assert shown([b, a]) == {**{"public": [], "of a": [a], "of b": [b], "both": [b], "all": [a, b]}}


def test_the_terms_are_those_of_the_newest_place_that_is_known(programs) -> None:
    key = programs[0].pk
    event = make_event(alert_types=())
    target, other = make_targets(2)
    row, bystander = (EventCandidate.objects.create(event=event, target=t) for t in (target, other))
    ranking = make_ranking(event)
    for candidate in (row, bystander):
        make_place(ranking, candidate)
    make_place(ranking, row, programs=[key])
    terms = RankedCandidate.objects.get(programs=[key]).terms
    RankedCandidate.objects.filter(programs=[key]).update(terms=terms[::-1][:1] + terms[1:])

    openly, privately = newest_terms([row.pk], []), newest_terms([row.pk, bystander.pk], [key])

    assert {pk: [term["name"] for term in each] for pk, each in openly.items()} == {
        row.pk: [term["name"] for term in TERMS]
    }
    assert openly[row.pk][0]["log_lr"] == TERMS[0]["log_lr"]
    assert privately[row.pk][0]["log_lr"] == TERMS[-1]["log_lr"]
    assert privately[bystander.pk] == openly[row.pk]
    make_place(make_ranking(event), row)  # the public place is a newer one now
    assert len(newest_terms([row.pk], [])) == 1
    assert newest_terms([], [key]) == {}


# --- Where to point ---------------------------------------------------------------------------
def test_a_telescope_is_pointed_where_the_readers_of_a_private_target_know_it(
    programs, people
) -> None:
    target, public = make_targets(2)
    for each in (target, public):
        AudienceSummary.objects.create(
            target=each, programs=[programs[0].pk], healpix29=1, ra=77.0, dec=7.0
        )
    target.permissions = "PRIVATE"
    target.save(update_fields=["permissions"])
    joined = BaseTarget(name="joined", type="SIDEREAL", ra=1.0, dec=2.0, permissions="PUBLIC")
    BaseTarget.objects.bulk_create([joined])  # without a summary, as one that joined another

    assert find_to_observe(target.pk, people["none"]) is None
    assert find_to_observe(joined.pk, people["all"]) is None
    assert find_to_observe(0, people["all"]) is None
    admin = find_to_observe(target.pk, people["all"])
    assert (admin.ra, admin.dec) == (77.0, 7.0)
    for name in ("none", "a", "all"):
        found = find_to_observe(public.pk, people[name])
        assert (found.ra, found.dec) == (10.0, 20.0)  # a request for it is everybody's to read
