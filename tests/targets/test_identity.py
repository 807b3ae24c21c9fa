"""An object is a survey and its id: which target it belongs to, and what that target is called."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from itertools import permutations

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test.utils import CaptureQueriesContext
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests.factories import make_group
from tests.targets.alerts import NIGHT, make_alert, make_point
from tom.records.alert import ObjectAlert
from tom.targets.by_hand import add_points, make_target, program_of
from tom.targets.models import AudienceSummary, LightCurvePoint, Program, TargetSummary
from tom.targets.objects import SurveyObject
from tom.targets.store import store_alerts

pytestmark = pytest.mark.django_db

ARCSEC = 1 / 3600


def seen(
    survey: str,
    name: str,
    *,
    ra: float = 150.0,
    dec: float = 2.0,
    days: float = 0.0,
    program: int = 1,
) -> ObjectAlert:
    """An alert of a survey's object, with one detection."""
    point = make_point(f"{survey}-{name}-{days}", days=days, program=program, trigger=True)
    alert = make_alert(name, point, ra=ra, dec=dec, program=program)
    return replace(alert, survey=survey)


@pytest.fixture
def programs() -> dict[str, Group]:
    """ZTF and LSST have a public program 1 and private ones: 2 of group A, 3 of group B."""
    groups = {"A": make_group("group A"), "B": make_group("group B")}
    for survey in ("ZTF", "LSST", "ATLAS"):
        Program.objects.create(survey=survey, number=1, name="all", public=True, settled="public")
        for number, group in ((2, groups["A"]), (3, groups["B"])):
            row = Program(survey=survey, number=number, name=f"of {group.name}", group=group)
            row.settled = row.standing
            row.save()
    return groups


def partition() -> set[frozenset[tuple[str, str]]]:
    """Which objects are one target."""
    found: dict[int, set[tuple[str, str]]] = {}
    for row in SurveyObject.objects.all():
        found.setdefault(row.target_id, set()).add(row.key)
    return {frozenset(keys) for keys in found.values()}


def names(target: BaseTarget) -> set[str]:
    return {target.name, *target.aliases.values_list("name", flat=True)}


def target_of(survey: str, name: str) -> BaseTarget:
    return SurveyObject.objects.select_related("target").get(survey=survey, object_id=name).target


def test_readers_know_the_place_of_the_earliest_alert_that_they_may_read(programs) -> None:
    alerts = [
        seen("ZTF", "z", days=1.0),
        seen("ZTF", "z", days=0.5, ra=150.0001, program=2),
        seen("ZTF", "z", days=0.2, ra=150.0002, program=2),
        seen("ZTF", "z", days=0.8, ra=150.0003, program=2),
    ]
    mine = Program.objects.get(survey="ZTF", number=2).pk
    for number, told_ra in enumerate((None, 150.0001, 150.0002, 150.0002)):
        store_alerts([alerts[number]])

        audience = AudienceSummary.objects.filter(programs=[mine]).first()
        assert (audience and audience.ra) == told_ra
        assert target_of("ZTF", "z").ra == 150.0


def test_one_name_in_two_surveys_is_two_targets(programs) -> None:
    store_alerts([seen("ZTF", "4242", ra=10.0)])
    store_alerts([seen("LSST", "4242", ra=150.0)])
    store_alerts([seen("ZTF", "4242", ra=10.0, days=1), seen("LSST", "4242", ra=150.0, days=1)])

    ztf, lsst = target_of("ZTF", "4242"), target_of("LSST", "4242")
    assert (ztf.name, ztf.ra, lsst.name, lsst.ra) == ("4242", 10.0, "LSST 4242", 150.0)
    assert BaseTarget.objects.count() == 2
    assert set(ztf.points.values_list("survey", flat=True)) == {"ZTF"}
    assert set(lsst.points.values_list("survey", flat=True)) == {"LSST"}
    assert (ztf.points.count(), lsst.points.count()) == (2, 2)


def test_one_name_in_two_surveys_in_one_batch_is_two_targets(programs) -> None:
    changes = store_alerts([seen("ZTF", "4242", ra=10.0), seen("LSST", "4242", ra=150.0, days=-1)])

    assert len(changes.changed) == 2
    assert {target.name for target in BaseTarget.objects.all()} == {"4242", "ZTF 4242"}
    assert target_of("LSST", "4242").name == "4242"  # whose alert is the earlier one


def test_one_source_in_two_surveys_is_one_target_and_each_keeps_its_points(programs) -> None:
    store_alerts([seen("ZTF", "ZTF26abc")])
    store_alerts([seen("LSST", "4242", dec=2.0 + 0.2 * ARCSEC, days=1)])

    target = BaseTarget.objects.get()
    assert names(target) == {"ZTF26abc", "4242"}
    assert (target.ra, target.dec) == (150.0, 2.0)
    assert sorted(target.points.values_list("survey", flat=True)) == ["LSST", "ZTF"]
    assert {p.object.key for p in target.points.select_related("object")} == {
        ("ZTF", "ZTF26abc"),
        ("LSST", "4242"),
    }
    summary = TargetSummary.objects.get()
    assert (summary.n_detections, summary.survey) == (2, "ZTF")


def test_where_a_joining_object_has_another_targets_name_its_alias_tells_its_survey(
    programs,
) -> None:
    store_alerts([seen("ZTF", "4242", ra=10.0), seen("ATLAS", "A1")])
    store_alerts([seen("LSST", "4242", dec=2.0 + 0.5 * ARCSEC)])

    assert target_of("ZTF", "4242").name == "4242"
    assert names(target_of("LSST", "4242")) == {"A1", "LSST 4242"}


@pytest.mark.parametrize(("apart", "n_targets"), [(0.0, 1), (0.99, 1), (1.01, 2), (3.0, 2)])
@pytest.mark.parametrize("dec", [-89.9999, -23.4, 0.0, 89.9999])
def test_the_cone_is_a_second_of_arc(programs, apart: float, n_targets: int, dec: float) -> None:
    store_alerts([seen("ZTF", "a", ra=0.0, dec=dec)])
    inwards = -1 if dec > 0 else 1
    store_alerts([seen("LSST", "b", ra=359.9999999, dec=dec + inwards * apart * ARCSEC)])

    assert BaseTarget.objects.count() == n_targets


def test_each_survey_may_have_a_cone_of_its_own(programs, settings) -> None:
    settings.JOIN_ARCSEC = {"ATLAS": 3.0}
    store_alerts([seen("ZTF", "a")])

    store_alerts([seen("LSST", "b", dec=2.0 + 2 * ARCSEC)])
    assert BaseTarget.objects.count() == 2
    store_alerts([seen("ATLAS", "c", dec=2.0 - 2 * ARCSEC)])
    assert target_of("ATLAS", "c") == target_of("ZTF", "a")


def test_two_objects_of_one_survey_are_never_joined_by_their_places(programs) -> None:
    near = 2.0 + 0.1 * ARCSEC
    store_alerts([seen("ZTF", "a"), seen("ZTF", "b", dec=near)])
    store_alerts([seen("ZTF", "c", dec=near)])
    store_alerts([seen("LSST", "l", dec=near)])
    store_alerts([seen("LSST", "m", dec=near)])

    # The first takes the oldest target, and none of the others has an LSST object then but it.
    assert sorted(len(keys) for keys in partition()) == [1, 2, 2]
    assert all(len({survey for survey, _ in keys}) == len(keys) for keys in partition())


def test_an_object_joins_the_nearest_target(programs) -> None:
    store_alerts([seen("ZTF", "far", dec=2.0 + 0.8 * ARCSEC), seen("ZTF", "near")])

    store_alerts([seen("LSST", "l", dec=2.0 + 0.3 * ARCSEC)])

    assert target_of("LSST", "l") == target_of("ZTF", "near")


SKY = [
    seen("ZTF", "z1", days=2),
    seen("LSST", "l1", dec=2.0 + 0.4 * ARCSEC, days=1),
    seen("ATLAS", "a1", dec=2.0 - 0.3 * ARCSEC),
    seen("ZTF", "z2", ra=20.0),
    seen("LSST", "z2", ra=20.0 + 30 * ARCSEC, days=3),
]


@pytest.mark.parametrize("order", list(permutations(range(len(SKY))))[::7])
def test_objects_are_the_same_targets_in_whatever_order_they_come(
    programs, order: Sequence[int]
) -> None:
    for index in order:
        store_alerts([SKY[index]])

    assert partition() == {
        frozenset({("ZTF", "z1"), ("LSST", "l1"), ("ATLAS", "a1")}),
        frozenset({("ZTF", "z2")}),
        frozenset({("LSST", "z2")}),
    }
    joined = target_of("ZTF", "z1")
    assert joined.dec == pytest.approx(2.0 - 0.3 * ARCSEC, abs=1e-12)  # of the earliest alert
    assert names(joined) == {"z1", "l1", "a1"}


def test_in_one_batch_the_order_of_the_alerts_makes_no_difference(programs) -> None:
    store_alerts(SKY)
    forward = partition(), sorted(BaseTarget.objects.values_list("name", "ra", "dec"))
    BaseTarget.objects.all().delete()
    store_alerts(SKY[::-1])

    assert (partition(), sorted(BaseTarget.objects.values_list("name", "ra", "dec"))) == forward


def test_the_queries_of_a_batch_do_not_depend_on_how_many_objects_are_new(programs) -> None:
    store_alerts([seen("ZTF", f"z{n}", ra=n * 1.0) for n in range(40)])

    def count(first: int, last: int) -> int:
        alerts = [
            seen("LSST", f"l{n}", ra=n * 1.0, dec=2.0 + ARCSEC / 4) for n in range(first, last)
        ]
        with CaptureQueriesContext(
            connection,
        ) as queries:
            store_alerts([*alerts, seen("LSST", f"alone{first}", ra=first + 0.5)])
        return len(queries)

    assert count(0, 2) == count(2, 32)
    assert BaseTarget.objects.count() == 42


# --- Who may know of it -----------------------------------------------------------------------
def test_a_private_object_stands_in_a_public_target_without_a_trace_for_others(programs) -> None:
    store_alerts([seen("LSST", "l", days=1)])
    before = BaseTarget.objects.values().get(), TargetSummary.objects.values().get()

    store_alerts([seen("ZTF", "hidden", dec=2.0 + 0.2 * ARCSEC, program=2)])

    assert (BaseTarget.objects.values().get(), TargetSummary.objects.values().get()) == before
    assert not TargetName.objects.exists()
    private = AudienceSummary.objects.get()
    assert private.programs == [Program.objects.get(survey="ZTF", number=2).pk]
    assert private.n_detections == 2


def test_a_public_object_makes_no_private_target_public(programs) -> None:
    store_alerts([seen("ZTF", "hidden", program=2)])
    store_alerts([seen("LSST", "l", dec=2.0 + 0.2 * ARCSEC)])

    hidden, public = target_of("ZTF", "hidden"), target_of("LSST", "l")
    assert (hidden.permissions, public.permissions) == ("PRIVATE", "PUBLIC")
    assert hidden != public


def test_two_groups_share_nothing_because_of_a_place(programs) -> None:
    store_alerts([seen("ZTF", "of A", program=2)])
    store_alerts([seen("LSST", "of B", program=3)])
    store_alerts([seen("ATLAS", "of A too", program=2)])

    assert partition() == {
        frozenset({("ZTF", "of A"), ("ATLAS", "of A too")}),
        frozenset({("LSST", "of B")}),
    }


def test_a_public_alert_of_an_object_tells_its_own_name_and_no_private_one(programs) -> None:
    store_alerts([seen("ZTF", "hidden", program=2)])
    store_alerts([seen("LSST", "later public", dec=2.0 + 0.2 * ARCSEC, program=2)])
    assert names(BaseTarget.objects.get()) == {"hidden", "later public"}

    store_alerts([seen("LSST", "later public", dec=2.0 + 0.2 * ARCSEC, days=1)])

    target = BaseTarget.objects.get()
    assert (target.permissions, names(target)) == ("PUBLIC", {"later public"})
    assert target.dec == pytest.approx(2.0 + 0.2 * ARCSEC)

    store_alerts([seen("ZTF", "hidden", days=2)])
    assert names(target) == {"later public", "hidden"}


def test_a_public_object_gets_its_name_though_a_private_target_has_it(programs) -> None:
    store_alerts([seen("ZTF", "4242", ra=10.0, program=2)])
    store_alerts([seen("LSST", "4242", ra=150.0)])

    assert target_of("LSST", "4242").name == "4242"
    assert target_of("ZTF", "4242").name == "ZTF 4242"


def test_an_object_of_a_test_joins_no_real_target_nor_the_reverse(programs) -> None:
    store_alerts([seen("ZTF", "a")])
    store_alerts([seen("LSST", "b")], tests={("LSST", "b")})
    store_alerts([seen("ATLAS", "c", dec=2.0 + 0.1 * ARCSEC)])

    assert partition() == {frozenset({("ZTF", "a"), ("ATLAS", "c")}), frozenset({("LSST", "b")})}
    assert TargetSummary.objects.get(target=target_of("LSST", "b")).is_test


# --- What people name -------------------------------------------------------------------------
def test_an_object_near_a_target_that_a_person_named_so_is_that_target(programs) -> None:
    made = make_target(name="ZTF26abc", ra=150.0, dec=2.0, group=None, now=NIGHT)

    store_alerts([seen("ZTF", "ZTF26abc", dec=2.0 + 9 * ARCSEC)])
    store_alerts([seen("LSST", "ZTF26abc", ra=10.0)])

    assert target_of("ZTF", "ZTF26abc") == made
    assert target_of("LSST", "ZTF26abc").name == "LSST ZTF26abc"


def test_an_alias_that_a_person_gave_is_told_by_the_objects_place_too(programs) -> None:
    made = make_target(name="AT2026x", ra=150.0, dec=2.0, group=None, now=NIGHT)
    TargetName.objects.create(target=made, name="4242")

    store_alerts([seen("ZTF", "4242", dec=2.0 + 9 * ARCSEC), seen("LSST", "4242", ra=10.0)])

    assert target_of("ZTF", "4242") == made
    assert target_of("LSST", "4242") != made


def test_a_target_made_by_hand_is_itself_and_takes_in_what_is_there(programs) -> None:
    store_alerts([seen("ZTF", "z")])
    made = make_target(name="mine", ra=150.0, dec=2.0, group=None, now=NIGHT)
    assert made != target_of("ZTF", "z")

    other = make_target(name="other", ra=20.0, dec=2.0, group=None, now=NIGHT)
    store_alerts([seen("LSST", "l", ra=20.0)])
    assert target_of("LSST", "l") == other


def test_points_that_people_bring_stay_with_their_target_whatever_it_is_called(
    programs, django_user_model
) -> None:
    store_alerts([seen("ZTF", "z")])
    target = BaseTarget.objects.get()
    make_target(name="other", ra=20.0, dec=2.0, group=None, now=NIGHT)
    BaseTarget.objects.filter(pk=target.pk).update(name="renamed")
    person = django_user_model.objects.create_user("p")
    for _ in range(2):
        add_points(
            BaseTarget.objects.get(pk=target.pk),
            [],
            program=program_of(None),
            name="t",
            by=person,
            now=NIGHT + timedelta(days=1),
        )

    assert SurveyObject.objects.filter(target=target, survey="BY HAND").count() == 1
    assert LightCurvePoint.objects.filter(target=target).count() == 1
