"""What targets are called, and who is found by a name or a place."""

from collections.abc import Sequence

import pytest
from django.contrib.auth.models import Group
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetName

from tests.targets.alerts import make_alert, make_point
from tests.targets.test_identity import ARCSEC, programs
from tom.sky.healpix import healpix29
from tom.targets.models import AudienceSummary, Program, TargetSummary
from tom.targets.names import Holder, choose_names, find_holders, name_targets, rename
from tom.targets.newcomers import Newcomer
from tom.targets.objects import BY_HAND, SurveyObject
from tom.targets.same import BadNameError, find_same, give_name
from tom.targets.search import find_by_name, find_exactly, find_in_cone

pytestmark = pytest.mark.django_db
__all__ = ["programs"]  # a fixture


def make(
    name: str,
    *aliases: str,
    private: bool = False,
    survey: str = "ZTF",
    ra: float = 150.0,
    dec: float = 2.0,
) -> BaseTarget:
    """A target of a name and aliases, with a summary and without any object."""
    kind = "PRIVATE" if private else "PUBLIC"
    target = BaseTarget(name=name, type="SIDEREAL", ra=ra, dec=dec, permissions=kind)
    BaseTarget.objects.bulk_create([target])
    healpix = int(healpix29(ra, dec))
    TargetSummary.objects.create(target=target, healpix29=healpix, survey=survey)
    TargetName.objects.bulk_create(TargetName(target=target, name=alias) for alias in aliases)
    return target


def add_object(target: BaseTarget, survey: str, name: str, *numbers: int) -> SurveyObject:
    """An object of a target that these programs of its survey told of."""
    rows = Program.objects.filter(survey=survey, number__in=numbers or [1])
    keys = [row.pk for row in rows]
    return SurveyObject.objects.create(survey=survey, object_id=name, target=target, programs=keys)


def founder(name: str, *, survey: str = "ZTF", private: bool = False) -> Newcomer:
    alert = make_alert(name, make_point("7", trigger=True))
    object.__setattr__(alert, "survey", survey)
    return Newcomer(alert, not private, is_test=False, programs=frozenset(), groups=frozenset())


def names_of(target: BaseTarget) -> tuple[str, set[str]]:
    fresh = BaseTarget.objects.get(pk=target.pk)
    return fresh.name, set(fresh.aliases.values_list("name", flat=True))


# --- The names of new targets -----------------------------------------------------------------
def test_a_holder_has_a_name_as_its_own_or_as_an_alias() -> None:
    one, two = make("a", "b"), make("c", private=True)

    assert find_holders(["a", "b", "c", "d"]) == {
        "a": Holder(one.pk, is_private=False, is_alias=False),
        "b": Holder(one.pk, is_private=False, is_alias=True),
        "c": Holder(two.pk, is_private=True, is_alias=False),
    }


@pytest.mark.parametrize("private", [False, True])
@pytest.mark.parametrize(
    ("taken", "chosen"),
    [([], "x"), (["x"], "ZTF x"), (["ZTF x"], "x"), (["x", "ZTF x"], "ZTF x 7")],
)
def test_a_new_target_is_named_by_its_object_or_with_its_survey(
    private: bool, taken: Sequence[str], chosen: str
) -> None:
    for name in taken:
        make(f"holder of {name}", name)

    assert choose_names([founder("x", private=private)]) == [chosen]


def test_of_two_objects_of_one_name_in_a_batch_the_first_has_it() -> None:
    both = [founder("x"), founder("x", survey="LSST"), founder("y")]

    assert choose_names(both) == ["x", "LSST x", "y"]


def test_a_long_id_that_is_taken_is_cut_to_what_a_name_may_have(programs) -> None:
    name = "x" * 99
    private, alias = make(name, private=True), make("short")
    add_object(alias, "LSST", name)
    assert choose_names([founder(name)]) == [name]
    assert names_of(private) == (f"ZTF {name}"[:100], set())
    make(name)

    (second,) = choose_names([founder(name, survey="LSST")])
    make(second)
    (third,) = choose_names([founder(name, survey="LSST")])
    name_targets([alias.pk])
    rename(alias, SurveyObject.objects.get())

    assert second == f"LSST {name}"[:100]
    assert (len(third) <= 100, third.endswith(" 7")) == (True, True)
    assert names_of(alias) == (f"{second[:80]} ({alias.pk})", set())


@pytest.mark.parametrize(
    ("survey", "taken", "now"),
    [("LSST", [], "LSST x"), ("", [], "x (PK)"), ("LSST", ["LSST x"], "x (PK)")],
)
@pytest.mark.parametrize("as_alias", [False, True])
def test_a_private_target_gives_its_name_to_a_public_object(
    survey: str, taken: Sequence[str], now: str, as_alias: bool
) -> None:
    own = ("secret", "x") if as_alias else ("x",)
    bystander = make("bystander", *taken, survey="ATLAS")
    holder = make(*own, private=True, survey=survey)
    before = names_of(bystander)

    assert choose_names([founder("x")]) == ["x"]

    now = now.replace("PK", str(holder.pk))
    assert names_of(holder) == (("secret", {now}) if as_alias else (now, set()))
    assert names_of(bystander) == before


def test_a_private_target_keeps_a_name_that_the_public_object_does_not_need() -> None:
    holder = make("ZTF x", private=True)

    assert choose_names([founder("x")]) == ["x"]
    assert names_of(holder) == ("ZTF x", set())


def test_a_private_target_gives_nothing_to_a_private_object() -> None:
    holder = make("x", private=True)

    assert choose_names([founder("x", private=True)]) == ["ZTF x"]
    assert names_of(holder) == ("x", set())


# --- Aliases in step with objects -------------------------------------------------------------
def test_each_object_that_everybody_may_know_is_an_alias_once(programs) -> None:
    target, other = make("z"), make("l")
    Program.objects.create(survey=BY_HAND, number=1, name="all", public=True)
    for survey, name in (("ZTF", "z"), ("LSST", "l"), ("ATLAS", "a"), (BY_HAND, "by hand")):
        add_object(target, survey, name)

    for _ in range(2):
        name_targets([target.pk, target.pk])

    assert names_of(target) == ("z", {"LSST l", "a"})
    assert names_of(other) == ("l", set())


def test_an_object_whose_names_are_all_taken_has_none(programs) -> None:
    target = make("z")
    make("l", "LSST l")
    add_object(target, "LSST", "l")

    name_targets([target.pk])

    assert names_of(target) == ("z", set())


def test_two_objects_of_one_name_that_come_at_once_have_an_alias_each(programs) -> None:
    one, other = make("one"), make("other")
    for target, survey in ((one, "ZTF"), (other, "LSST")):
        add_object(target, survey, "same")

    name_targets([one.pk, other.pk])

    assert names_of(one)[1] | names_of(other)[1] == {"same", "LSST same"}


def test_a_private_target_tells_its_readers_each_object(programs) -> None:
    target = make("z", private=True)
    add_object(target, "ZTF", "z", 2)
    add_object(target, "LSST", "l", 2)

    name_targets([target.pk])

    assert names_of(target) == ("z", {"l"})


def test_what_not_everybody_may_know_names_no_public_target(programs) -> None:
    target = make("hidden", "hidden too", "LSST l", "a person's")
    add_object(target, "ZTF", "hidden", 2)
    add_object(target, "ATLAS", "hidden too", 2, 3)
    add_object(target, "LSST", "l", 1, 2)
    untouched = make("other", "an alias", "ATLAS hidden too")
    add_object(untouched, "ATLAS", "an alias", 2)
    named = make("a person named it so", "secret")
    for name, number in (("secret", 2), ("open", 1)):
        add_object(named, "ZTF", name, number)

    name_targets([target.pk, named.pk])

    # The open object's id is free: it names the target, whose alias with the survey stays.
    assert names_of(target) == ("l", {"LSST l", "a person's"})
    assert names_of(untouched) == ("other", {"an alias", "ATLAS hidden too"})
    assert names_of(named) == ("a person named it so", {"open"})


def test_a_target_without_an_open_object_keeps_its_name_and_no_alias_of_them(programs) -> None:
    target = make("hidden", "hidden too")
    add_object(target, "ZTF", "hidden", 2)
    add_object(target, "LSST", "hidden too", 3)

    name_targets([target.pk])

    assert names_of(target) == ("hidden", set())


def test_a_target_is_renamed_by_what_nobody_else_is_called(programs) -> None:
    target = make("old", "l", "LSST l")
    row = add_object(target, "LSST", "l")

    rename(target, row)
    assert (target.name, names_of(target)) == ("l", ("l", {"LSST l"}))

    TargetName.objects.all().delete()
    BaseTarget.objects.filter(pk=target.pk).update(name="old")
    make("l", "LSST l")
    rename(target, row)
    assert names_of(target) == (f"LSST l ({target.pk})", set())


# --- Names that people give -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("given", "kept"),
    [("mine", "mine"), ("  my   own \t source ", "my own source"), ("x" * 100, "x" * 100)],
)
def test_a_name_is_kept_with_one_space_between_words(given: str, kept: str) -> None:
    target = make("z")

    assert give_name(target, given).name == kept
    assert names_of(target) == ("z", {kept})


@pytest.mark.parametrize(
    ("given", "why"),
    [
        *((text, "1 to 100 characters") for text in ("", "   ", "x" * 101, "a\x07b", "a\u200bb")),
        *(("z", "has this name already"), ("alias", "has this name already")),
        *((name, "This name cannot be given here") for name in ("theirs", "their alias")),
        *((f"{prefix}2026abc", "has this name already") for prefix in ("", "AT ", "SN", "sn ")),
    ],
)
def test_what_is_no_name_for_a_target_is_refused_with_why(given: str, why: str) -> None:
    target = make("z", "alias", "AT2026abc")
    make("theirs", "their alias")
    before = names_of(target)

    with pytest.raises(BadNameError, match=why):
        give_name(target, given)

    assert names_of(target) == before


def test_a_name_of_tns_may_be_as_many_targets_as_it_has_spellings() -> None:
    given = [give_name(make(f"z{n}"), "SN 2026abc").name for n in range(5)]

    assert sorted(given) == ["2026abc", "AT 2026abc", "AT2026abc", "SN 2026abc", "SN2026abc"]
    with pytest.raises(BadNameError, match="cannot be given here"):
        give_name(make("z5"), "AT2026abc")


def test_the_same_source_is_told_by_a_name_of_tns_or_by_its_place(settings) -> None:
    settings.JOIN_ARCSEC = {"ATLAS": 5.0}
    target = make("z", "AT2026abc", ra=10.0)
    named = make("SN 2026abc", ra=200.0)
    near = make("near", ra=10.0, dec=2.0 + 0.9 * ARCSEC)
    farther = make("farther", ra=10.0, dec=2.0 + 3.0 * ARCSEC)
    make("zz", ra=200.0)
    everything = BaseTarget.objects.select_related("summary")

    assert {row.name for row in find_same(target, everything, [])} == {"SN 2026abc", "near"}
    TargetSummary.objects.filter(pk=target.pk).update(survey="ATLAS")
    target = everything.get(pk=target.pk)
    assert set(find_same(target, everything, [])) == {named, near, farther}
    assert find_same(target, everything.exclude(pk=near.pk).exclude(pk=named.pk), []) == [farther]
    target.ra = None
    assert find_same(target, everything, []) == [named]


# --- Search -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("text", "by_part", "exactly"),
    [
        ("ZTF26abc", {"ZTF26abc"}, {"ZTF26abc"}),
        ("ztf26ABC", {"ZTF26abc"}, {"ZTF26abc"}),
        ("26ab", {"ZTF26abc", "z2"}, set()),
        ("at2026AB", {"z2"}, {"z2"}),
        ("4242", {"z2"}, {"z2"}),
        ("424", set(), set()),  # an object's id counts as a whole
        ("hidden", set(), set()),
        ("%", set(), set()),
        ("_", set(), set()),
    ],
)
def test_a_text_finds_targets_by_their_names(
    programs, text: str, by_part: set[str], exactly: set[str]
) -> None:
    make("ZTF26abc")
    other = make("z2", "AT2026ab")
    add_object(other, "LSST", "4242", 1, 2)
    add_object(other, "ATLAS", "hidden", 2)
    everything = BaseTarget.objects.all()

    assert {row.name for row in find_by_name(everything, text)} == by_part
    assert {row.name for row in find_exactly(everything, [text, "no such"])} == exactly


def test_an_object_s_id_is_found_by_those_who_read_a_program_that_told_it(
    programs: dict[str, Group],
) -> None:
    target = make("z")
    add_object(target, "ATLAS", "Hidden", 2)
    mine, other = (Program.objects.get(survey="ATLAS", number=number).pk for number in (2, 3))

    for readable, found in (([], []), ([other], []), ([mine], [target]), ([other, mine], [target])):
        assert list(find_exactly(BaseTarget.objects.all(), ["hIDDEN"], readable)) == found
        assert list(find_by_name(BaseTarget.objects.all(), "hIDDEN", readable)) == found
    assert not find_exactly(BaseTarget.objects.exclude(pk=target.pk), ["hidden"], [mine]).exists()


def test_a_cone_is_about_the_place_that_its_reader_knows(programs) -> None:
    target = make("z", ra=10.0, dec=0.0)
    a, b = (Program.objects.get(survey="ZTF", number=number).pk for number in (2, 3))
    for keys, dec in (([a], 1.0), ([b], 2.0), (sorted([a, b]), 3.0)):
        AudienceSummary.objects.create(
            target=target, programs=keys, ra=10.0, dec=dec, healpix29=int(healpix29(10.0, dec))
        )

    def found(programs: Sequence[int], dec: float) -> list[float]:
        rows = find_in_cone(
            BaseTarget.objects.all(), programs, ra=10.0, dec=dec, radius_arcsec=36.0
        )
        return [row.separation_arcsec for row in rows]

    for reader, place in (((), 0.0), ((a,), 1.0), ((b,), 2.0), ((b, a), 3.0)):
        for dec in (0.0, 1.0, 2.0, 3.0):
            wanted = [pytest.approx(18.0, abs=1e-4)] if dec == place else []
            assert found(reader, dec + 0.005) == wanted
