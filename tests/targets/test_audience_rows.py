"""Which audiences a target has, what each inherits, and which of them a reader is shown."""

import random
from collections.abc import Sequence
from datetime import timedelta
from itertools import combinations

import pytest
from django.contrib.auth.models import AnonymousUser, User
from hypothesis import given, settings
from hypothesis import strategies as st
from tom_targets.base_models import BaseTarget

from tests.factories import make_admin, make_group, make_program, make_user
from tests.targets.alerts import NIGHT
from tests.targets.test_summary import make_targets
from tom.targets.audiences import (
    PLACE,
    SURROUNDINGS,
    ensure_audiences,
    inherit,
    largest,
    readable_programs,
    show_targets,
    summaries_for,
)
from tom.targets.models import AudienceSummary, LightCurvePoint, Program, TargetSummary
from tom.targets.visible import visible_targets

db = pytest.mark.django_db
SETS = [list(keys) for size in (1, 2, 3) for keys in combinations(range(3), size)]


@pytest.fixture
def private() -> list[Program]:
    """Three private programs, each of a group of its own; there is a public one, too."""
    make_program()
    return [make_program(number, group=make_group()) for number in (2, 3, 4)]


def add_point(target: BaseTarget, program: Program) -> None:
    LightCurvePoint.objects.create(
        target=target,
        survey="ZTF",
        kind="alert",
        key=f"{target.pk}-{program.pk}",
        time=NIGHT,
        band="g",
        flux=1000.0,
        flux_error=10.0,
        program=program,
    )


def reader(*programs: Program, **fields: object) -> User:
    user = make_user(**fields)
    user.groups.add(*(program.group for program in programs))
    return user


@settings(max_examples=30)
@given(st.lists(st.lists(st.integers(1, 9), unique=True).map(sorted).map(tuple), max_size=5))
def test_the_largest_audience_reads_the_most_programs(audiences) -> None:
    found = largest(audiences)

    assert len(found) == max((len(each) for each in audiences), default=0)
    assert found in [*audiences, ()]
    assert largest(audiences[::-1]) == found


@db
def test_a_person_reads_the_programs_of_their_groups_and_an_administrator_all(private) -> None:
    keys = [program.pk for program in private]

    assert readable_programs(reader(private[2], private[0])) == [keys[0], keys[2]]
    assert readable_programs(make_admin()) == keys
    assert readable_programs(AnonymousUser()) == []
    assert readable_programs(make_user()) == []


@db
@pytest.mark.parametrize("with_admin", [False, True])
def test_each_set_of_programs_that_somebody_reads_of_a_target_is_an_audience(
    private, with_admin: bool
) -> None:
    reader(private[0], private[1])
    reader(private[1])
    reader(private[1], private[2], is_active=False)
    make_user(is_superuser=True, is_active=with_admin)
    subsets = [(), *((n,) for n in range(3)), *combinations(range(3), 2), (0, 1, 2)]
    *targets, bystander = make_targets(len(subsets) + 1)
    add_point(bystander, private[0])
    AudienceSummary.objects.create(target=bystander, programs=[private[1].pk], healpix29=1)
    for target, subset in zip(targets, subsets, strict=True):
        for n in subset:
            add_point(target, private[n])
        add_point(target, make_program())

    rows = ensure_audiences({target.pk for target in targets})

    for target, subset in zip(targets, subsets, strict=True):
        wanted = {(n,) for n in subset}
        wanted |= {tuple(n for n in subset if n in read) for read in ((0, 1), (1,))} - {()}
        wanted |= {subset} if with_admin and subset else set()
        sets = {tuple(private[n].pk for n in each) for each in wanted}
        kept = AudienceSummary.objects.filter(target=target)
        assert {row.audience for row in kept} == sets
        assert {row.audience for row in rows if row.target_id == target.pk} == sets
    n_rows = AudienceSummary.objects.count()
    assert len(ensure_audiences({target.pk for target in targets})) == n_rows - 1
    assert AudienceSummary.objects.count() == n_rows
    assert AudienceSummary.objects.get(target=bystander).audience == (private[1].pk,)


@db
def test_a_target_without_a_summary_of_its_own_has_no_audience(private) -> None:
    joined, other = make_targets(2)
    add_point(joined, private[0])
    add_point(other, private[0])
    TargetSummary.objects.filter(pk=joined.pk).delete()

    rows = ensure_audiences({joined.pk, other.pk})

    assert [(row.target_id, row.audience) for row in rows] == [(other.pk, (private[0].pk,))]
    assert (AudienceSummary.objects.get().ra, AudienceSummary.objects.get().version) == (10.0, 0)


# --- What those know who know less ------------------------------------------------------------
def make_known(rng: random.Random) -> dict[str, object]:
    """What some audience knows: perhaps a place, perhaps surroundings, perhaps a first sight."""
    days = [timedelta(days=rng.randint(0, 2)) for _ in range(3)]
    n = rng.randint(1, 99)
    known: dict[str, object] = {"healpix29": n, "ebv": n / 7, "ebv_error": n / 70}
    if rng.random() < 0.6:
        known |= {"position_time": NIGHT + days[0], "position_alert": f"{rng.random()}"}
    if rng.random() < 0.6:
        known |= {
            "surroundings_time": NIGHT + days[1],
            "surroundings_alert": f"{rng.random()}",
            "alert_values": {"rb": n / 100},
            "n_survey_detections": n,
            "star_separation_arcsec": n / 3,
            "star_score": n / 100,
            "solar_system_name": f"({n})",
            "solar_system_separation_arcsec": n / 2,
        }
    if rng.random() < 0.6:
        known["first_seen"] = NIGHT - days[2]
    return known


@db
@pytest.mark.parametrize("seed", range(3))
def test_an_audience_knows_what_those_know_who_read_less(seed: int, private) -> None:
    rng = random.Random(seed)
    targets = make_targets(15)
    BaseTarget.objects.filter(pk__lt=targets[5].pk).update(permissions="PRIVATE")
    for target in targets:
        TargetSummary.objects.filter(pk=target.pk).update(**make_known(rng))
        sets = [each for each in SETS if rng.random() < 0.6]
        AudienceSummary.objects.bulk_create(
            AudienceSummary(
                target=target,
                programs=[private[n].pk for n in each],
                ra=rng.uniform(0, 360),
                dec=rng.uniform(-90, 90),
                **make_known(rng),
            )
            for each in sets
        )
    columns = list(dict.fromkeys([*SURROUNDINGS, *PLACE, "first_seen"]))
    before = list(
        AudienceSummary.objects.order_by("pk").values("pk", "target", "programs", *columns)
    )
    everybodys = [name for name in columns if name not in {"ra", "dec"}]
    openly = {row["pk"]: row for row in TargetSummary.objects.values("pk", *everybodys)}
    left_out = before[-1]["pk"]

    inherit([row["pk"] for row in before if row["pk"] != left_out])

    after = {row["pk"]: row for row in AudienceSummary.objects.values("pk", *columns)}
    for row in before:
        known = [
            other
            for other in before
            if other["target"] == row["target"] and set(other["programs"]) <= set(row["programs"])
        ]
        if row["target"] >= targets[5].pk:
            known.append({**openly[row["target"]], "ra": 10.0, "dec": 20.0})
        wanted = row if row["pk"] == left_out else {**row, **of_all(known)}
        assert after[row["pk"]] == {name: wanted[name] for name in ("pk", *columns)}


def of_all(known: Sequence[dict[str, object]]) -> dict[str, object]:
    """The newest surroundings, the earliest place and the first sight of what is known."""
    said = [row for row in known if row["surroundings_time"]]
    placed = [row for row in known if row["position_time"]]
    found: dict[str, object] = {
        "first_seen": min((row["first_seen"] for row in known if row["first_seen"]), default=None)
    }
    if said:
        newest = max(said, key=lambda row: (row["surroundings_time"], row["surroundings_alert"]))
        found |= {name: newest[name] for name in SURROUNDINGS}
    if placed:
        first = min(placed, key=lambda row: (row["position_time"], row["position_alert"]))
        found |= {name: first[name] for name in PLACE}
    return found


# --- What a reader is shown -------------------------------------------------------------------
@db
def test_a_reader_is_shown_the_richest_summary_that_they_may_see(private) -> None:
    keys = [program.pk for program in private]
    one, other, third = make_targets(3)
    for target, each in ((one, [0, 1, 2]), (one, [0, 1]), (one, [1]), (one, [0]), (other, [2])):
        AudienceSummary.objects.create(
            target=target, programs=[keys[n] for n in each], healpix29=1, ra=77.0, dec=7.0
        )
    ids = [one.pk, other.pk, third.pk]

    def shown(*numbers: int) -> dict[int, list[int]]:
        found = summaries_for([keys[n] for n in numbers], ids)
        return {pk: [keys.index(key) for key in row.programs] for pk, row in found.items()}

    assert shown() == {}
    assert summaries_for(keys, []) == {}
    assert summaries_for(keys, [other.pk]).keys() == {other.pk}
    assert shown(1) == {one.pk: [1]}
    assert shown(1, 0) == {one.pk: [0, 1]}
    assert shown(0, 2) == {one.pk: [0], other.pk: [2]}
    assert shown(0, 1, 2) == {one.pk: [0, 1, 2], other.pk: [2]}


@db
def test_a_shown_target_stands_where_its_reader_knows_it_with_the_target_s_own_facts(
    private,
) -> None:
    one, _ = make_targets(2, host_name="NGC 1", host_distance_mpc=40.0, survey="ZTF")
    AudienceSummary.objects.create(
        target=one, programs=[private[0].pk], healpix29=1, ra=77.0, dec=7.0, n_detections=9
    )
    targets = list(BaseTarget.objects.select_related("summary").order_by("pk"))

    show_targets([*targets, BaseTarget(name="without a summary")], [private[0].pk])

    assert [(target.ra, target.dec) for target in targets] == [(77.0, 7.0), (10.0, 20.0)]
    assert [target.summary.n_detections for target in targets] == [9, 0]
    for target in targets:
        summary = target.summary
        told = (summary.host_name, summary.host_distance_mpc, summary.survey, summary.is_test)
        assert told == ("NGC 1", 40.0, "ZTF", False)
    assert BaseTarget.objects.get(pk=one.pk).ra == 10.0


# --- While a program is not settled -----------------------------------------------------------
@db
@pytest.mark.parametrize(
    ("settled", "is_hidden"),
    [
        ("public", True),
        ("", True),
        ("group OTHER", True),
        ("group OWN", False),
        ("group OWN anew", False),
    ],
)
def test_targets_of_a_program_that_changed_hands_are_its_readers_until_it_is_settled(
    private, settled: str, is_hidden: bool
) -> None:
    touched, untouched = make_targets(2)
    add_point(touched, private[0])
    mine, others = reader(private[0]), reader(private[1])
    own, other = (str(private[n].group_id) for n in (0, 1))
    settled = settled.replace("OTHER", other).replace("OWN", own)
    Program.objects.filter(pk=private[0].pk).update(settled=settled)

    assert set(visible_targets(mine)) == {touched, untouched}
    assert set(visible_targets(make_admin())) == {touched, untouched}
    assert set(visible_targets(others)) == ({untouched} if is_hidden else {touched, untouched})
    assert not visible_targets(AnonymousUser()).exists()
