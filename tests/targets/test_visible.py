"""Who sees which target: TOM Toolkit's own rule, asked in another way."""

import pytest
from django.contrib.auth.models import Permission, User
from guardian.shortcuts import assign_perm
from tom_targets.base_models import BaseTarget
from tom_targets.permissions import targets_for_user

from tests import factories
from tom.targets.models import LightCurvePoint, Program, TargetSummary
from tom.targets.visible import is_public, visible_targets

pytestmark = pytest.mark.django_db


@pytest.fixture
def people() -> dict[str, User]:
    """People with no right, by a group, by themselves, by both, to all, and by another group."""
    ours, others = factories.make_group("ours"), factories.make_group("others")
    kinds = BaseTarget.Permissions
    targets = [factories.make_target(f"T{n}") for n in range(6)]
    for target, kind in zip(targets, [kinds.PUBLIC, kinds.OPEN, *[kinds.PRIVATE] * 4], strict=True):
        BaseTarget.objects.filter(pk=target.pk).update(permissions=kind)
    people = {
        "none": factories.make_observer("none"),
        "group": factories.make_observer("group", groups=[ours]),
        "own": factories.make_observer("own"),
        "both": factories.make_observer("both", groups=[ours]),
        "all": factories.make_observer("all"),
        "others": factories.make_observer("others", groups=[others]),
    }
    assign_perm("tom_targets.view_target", ours, targets[2])
    assign_perm("tom_targets.view_target", people["own"], targets[3])
    assign_perm("tom_targets.view_target", people["both"], targets[4])
    # Another right is none to see it.
    assign_perm("tom_targets.change_target", others, targets[5])
    view = Permission.objects.get(codename="view_target", content_type__app_label="tom_targets")
    people["all"].user_permissions.add(view)
    return {name: User.objects.get(pk=person.pk) for name, person in people.items()}


SEEN = {"none": "01", "group": "012", "own": "013", "both": "0124", "all": "012345", "others": "01"}


@pytest.mark.parametrize("name", SEEN)
def test_a_person_sees_what_the_rule_of_tom_toolkit_gives_them(
    people: dict[str, User], name: str
) -> None:
    seen = visible_targets(people[name]).order_by("name")

    assert "".join(target.name[1:] for target in seen) == SEEN[name]
    rule = targets_for_user(people[name], BaseTarget.objects.all(), "view_target")
    assert set(seen) == set(rule)


def test_of_somebody_without_a_right_no_right_is_asked_for_at_each_target(
    people: dict[str, User],
) -> None:
    asked = {name: str(visible_targets(people[name]).query) for name in ("none", "group")}

    assert "objectpermission" not in asked["none"]
    assert "groupobjectpermission" in asked["group"]
    assert "userobjectpermission" not in asked["group"]


@pytest.mark.parametrize("name", SEEN)
def test_what_is_counted_without_a_right_is_seen_and_not_private(
    people: dict[str, User], name: str
) -> None:
    for target in BaseTarget.objects.all():
        TargetSummary.objects.get_or_create(target=target, defaults={"healpix29": 1})
    program = factories.make_program(2, group=factories.make_group())
    LightCurvePoint.objects.filter(target__name="T1").update(program=program)
    Program.objects.filter(pk=program.pk).update(settled="")  # it changed hands just now

    rows = TargetSummary.objects.filter(is_public(people[name], target="target"))

    assert [row.target.name for row in rows] == ["T0"]
    assert not visible_targets(people[name]).filter(name="T1").exists()


def test_no_right_is_looked_up_to_count(people: dict[str, User]) -> None:
    rows = TargetSummary.objects.filter(is_public(people["both"], target="target"))

    assert "objectpermission" not in str(rows.query)
