"""Private programs: each has readers, and who they are is chosen on the page of the team."""

import pytest
from django.contrib.auth.models import Group, User

from tests.factories import (
    make_admin,
    make_group,
    make_lead,
    make_observer,
    make_program,
    make_user,
)
from tests.targets.alerts import make_alert, make_point
from tests.web.team import entered, manage
from tom import intake
from tom.targets.audiences import readable_programs
from tom.targets.by_hand import program_of
from tom.targets.models import AudienceSummary, Program, TargetSummary
from tom.targets.settling import due_programs
from tom.targets.store import store_alerts
from tom.targets.visible import visible_targets
from tom.web.models import TeamChange
from tom.web.team import people

pytestmark = pytest.mark.django_db


@pytest.fixture
def ada(db) -> User:
    return make_admin("ada")


def settle() -> int:
    """What the sweep wakes; return for how many programs."""
    due = due_programs()
    for program in due:
        while intake.settle_program(program.pk):
            pass
    return len(due)


def store(
    name: str, program: int, *, magnitude: float = 18.0, others: tuple[int, ...] = ()
) -> None:
    points = [
        make_point(f"{name}-{number}", days=0.5, magnitude=17.0, program=number)
        for number in others
    ]
    trigger = make_point(f"{name}-t", days=1.0, magnitude=magnitude, program=program, trigger=True)
    store_alerts([make_alert(name, *points, trigger, program=program)])


# --- A private program has a group ------------------------------------------------------------
def test_the_form_of_the_administration_says_why(ada):
    fields = {"survey": "ZTF", "number": "9", "name": "nobody's", "group": ""}

    answer = entered(ada).post("/admin/targets/program/add/", fields)

    assert "A private program belongs to a group" in answer.text
    assert not Program.objects.filter(number=9).exists()


def test_the_form_of_the_administration_offers_no_role(ada):
    observers, _ = Group.objects.get_or_create(name="Observers")
    team = make_group("Kilonovae")
    fields = {"survey": "ZTF", "number": "9", "name": "theirs", "group": observers.pk}
    session = entered(ada)

    told = session.get("/admin/targets/program/add/").text
    session.post("/admin/targets/program/add/", fields)

    assert f'<option value="{team.pk}">' in told
    assert f'<option value="{observers.pk}">' not in told
    assert not Program.objects.filter(number=9).exists()


@pytest.mark.parametrize("readers", ["", "none", "999999"])
def test_the_page_of_the_team_says_why(ada, readers):
    fields = {"survey": "ZTF", "number": "9", "name": "nobody's", "readers": readers}

    answer = entered(ada).post("/team/programs/", fields, follow=True)

    assert "A private program belongs to a group: choose one." in answer.text
    assert not Program.objects.filter(number=9).exists()


# --- Made and given ---------------------------------------------------------------------------
def test_a_program_is_made_for_a_group_and_its_data_follow(ada):
    team = make_group("Kilonovae")
    member = make_observer("vera", groups=[team])

    status = manage(ada, "programs/", survey="ZTF", number="3", name="partnership", readers=team.pk)
    store("ZTF26three", 3)

    assert status == 302
    assert TeamChange.objects.get().words == "made the program ZTF partnership, read by Kilonovae"
    assert [target.name for target in visible_targets(member)] == ["ZTF26three"]
    assert due_programs() == []


@pytest.mark.parametrize(
    "fields",
    [
        {"number": "two"},
        {"number": "-1"},
        {"number": "99999999999"},
        {"number": "\u0663"},
        {"survey": ""},
        {"survey": "x" * 17},
        {"name": ""},
        {"name": "x" * 101},
        {"number": "2"},
        {"survey": "BY HAND"},
    ],
)
def test_a_program_that_cannot_be_is_refused(ada, fields):
    team = make_group("Kilonovae")
    make_program(2, group=team)
    whole = {"survey": "ZTF", "number": "3", "name": "partnership", "readers": team.pk}

    answer = entered(ada).post("/team/programs/", whole | fields, follow=True)

    assert answer.status_code == 200
    assert 'class="notice notice-error"' in answer.text
    assert Program.objects.count() == 1


def test_another_group_s_program_is_computed_anew_for_its_new_readers(
    ada, django_capture_on_commit_callbacks
):
    first, second = make_group("first"), make_group("second")
    program = make_program(2, group=first)
    Program.objects.update(settled=program.standing)
    store("ZTF26two", 2, magnitude=18.5)
    had, has = make_observer("had", groups=[first]), make_observer("has", groups=[second])
    seen = [visible_targets(each).exists() for each in (had, has)]

    with django_capture_on_commit_callbacks() as callbacks:
        manage(ada, f"programs/{program.pk}/", readers=second.pk)
    woken = len(callbacks)
    settled = settle()

    assert seen == [True, False]
    assert (woken, settled) == (1, 1)
    had, has = (User.objects.get(pk=each.pk) for each in (had, has))  # as their next requests do
    assert [visible_targets(each).exists() for each in (had, has)] == [False, True]
    assert [readable_programs(each) for each in (had, has)] == [[], [program.pk]]
    assert AudienceSummary.objects.get(programs=[program.pk]).last_magnitude == pytest.approx(18.5)


def test_an_opened_program_is_everybody_s_and_is_closed_again_by_an_undo(ada):
    team = make_group("Kilonovae")
    program = make_program(2, group=team)
    Program.objects.update(settled=program.standing)
    store("ZTF26two", 2, magnitude=18.5)
    reader = make_user("reader")

    manage(ada, f"programs/{program.pk}/", readers="public")
    settle()
    opened = visible_targets(reader).exists()
    figures = TargetSummary.objects.get().last_magnitude
    manage(ada, f"changes/{TeamChange.objects.get().pk}/undo/")
    settle()

    program.refresh_from_db()
    assert opened
    assert figures == pytest.approx(18.5)
    assert (program.public, program.group) == (False, team)
    assert not visible_targets(reader).exists()


def test_who_joins_a_second_group_reads_figures_of_both_programs(ada):
    first, second = make_group("first"), make_group("second")
    for number, group in ((2, first), (3, second)):
        made = make_program(number, group=group)
        Program.objects.filter(pk=made.pk).update(settled=made.standing)
    store("ZTF26both", 2, others=(3,))
    both = list(Program.objects.order_by("pk").values_list("pk", flat=True))
    person = make_observer("vera", groups=[first])
    User.objects.filter(pk=ada.pk).update(is_superuser=False)  # nobody reads both yet
    AudienceSummary.objects.filter(programs=both).delete()
    lead = make_lead("lise", groups=[second])

    people.join(person.pk, second, by=lead)
    settle()

    assert AudienceSummary.objects.get(programs=both).n_detections == 2


def test_a_program_given_on_while_it_was_due_leaves_its_old_readers_nothing(ada):
    first, second, third = make_group("first"), make_group("second"), make_group("third")
    program = make_program(2, group=first)
    Program.objects.update(settled=program.standing)
    store("ZTF26two", 2)
    had = make_observer("had", groups=[first])

    people.join(make_observer("new").pk, first, by=ada)  # due, and not settled yet
    manage(ada, f"programs/{program.pk}/", readers=second.pk)
    people.join(make_observer("newer").pk, second, by=ada)
    manage(ada, f"programs/{program.pk}/", readers=third.pk)
    settle()

    assert not visible_targets(had).exists()
    assert not visible_targets(User.objects.get(username="newer")).exists()


# --- By whom ----------------------------------------------------------------------------------
def test_a_lead_gives_the_programs_of_their_own_groups_to_their_own_groups():
    mine, also, other = make_group("mine"), make_group("also"), make_group("other")
    own, foreign = make_program(2, group=mine), make_program(3, group=other)
    lise = make_lead("lise", groups=[mine, also])

    given = manage(lise, f"programs/{own.pk}/", readers=also.pk)
    refused = [
        manage(lise, f"programs/{own.pk}/", readers=other.pk),
        manage(lise, f"programs/{foreign.pk}/", readers=mine.pk),
        manage(lise, f"programs/{foreign.pk}/", readers="public"),
        manage(lise, "programs/", survey="ZTF", number="4", name="x", readers=other.pk),
        manage(make_observer("olga"), f"programs/{own.pk}/", readers=mine.pk),
    ]

    assert given == 302
    assert refused == [403] * 5
    assert Program.objects.get(pk=own.pk).group == also
    assert Program.objects.get(pk=foreign.pk).group == other


def test_what_people_upload_for_a_group_is_given_to_nobody_else(ada):
    program = program_of(make_group("Kilonovae"))

    refused = manage(ada, f"programs/{program.pk}/", readers=make_group("other").pk)

    assert refused == 403


def test_uploads_are_named_by_their_group_s_new_name(ada):
    group = make_group("Kilonovae")
    program = program_of(group)

    manage(ada, f"groups/{group.pk}/", name="Mergers")

    program.refresh_from_db()
    assert program.name == "uploads of Mergers"
    assert program_of(Group.objects.get(pk=group.pk)) == program
