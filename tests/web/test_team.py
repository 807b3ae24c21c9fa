"""The page of the team: who is here, who may what, and what changes of people do."""

import threading
from contextlib import closing

import pytest
from django.contrib.auth.models import Group, Permission, User
from django.db import connection
from django.test import Client

from tests.factories import (
    PASSWORD,
    make_admin,
    make_event,
    make_group,
    make_lead,
    make_observer,
    make_program,
    make_target,
    make_user,
)
from tests.web.team import entered, manage
from tests.web.test_refusals import words_of
from tom.strategies.models import Strategy
from tom.targets.models import Program
from tom.targets.visible import visible_targets
from tom.web.models import TeamChange
from tom.web.permissions import OBSERVERS, TELL, WORDS, find_permissions
from tom.web.team import people, roles
from tom.web.team.invitations import make_invitation
from tom.web.team.record import RefusedChangeError
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db


def role(person: User) -> roles.Role:
    return roles.role_of(User.objects.get(pk=person.pk))


def recorded() -> list[str]:
    return [f"{row.by_name} {row.words}" for row in TeamChange.objects.order_by("pk")]


# --- What everybody sees ----------------------------------------------------------------------
def test_everybody_sees_who_is_here_with_role_and_groups(client):
    team = make_group("Kilonovae")
    make_admin("ada")
    make_lead("lise", groups=[team])
    make_user("gone", is_active=False)
    client.force_login(make_user("vera"))

    told = words_of(client.get("/team/").text)

    for sentence in ("ada Administrator", "lise Lead Kilonovae", "vera Reader"):
        assert sentence in told
    assert "gone switched off" in told
    assert "AnonymousUser" not in told


def test_the_table_of_rights_is_what_the_permissions_say(client):
    client.force_login(make_admin("ada"))
    before = rights_of(client)
    app, _, codename = TELL.partition(".")
    Group.objects.get(name=OBSERVERS).permissions.remove(
        Permission.objects.get(content_type__app_label=app, codename=codename)
    )

    after = rights_of(client)

    assert before[WORDS[TELL]] == ["no", "yes", "yes", "yes"]
    assert after[WORDS[TELL]] == ["no", "no", "no", "yes"]
    assert before.keys() == set(WORDS.values())


def rights_of(client: Client) -> dict[str, list[str]]:
    table = client.get("/team/").text.partition('class="rows rights"')[2].partition("</table>")[0]
    rows = [words_of(row) for row in table.split("<tr>")[2:]]
    return {row.rsplit(" ", 4)[0]: row.rsplit(" ", 4)[1:] for row in rows}


def test_somebody_new_reads_what_they_lack_and_whom_to_ask(client):
    team = make_group("Kilonovae")
    make_admin("ada")
    make_lead("lise", groups=[team])
    make_lead("marie", groups=[make_group("Supernovae")])
    client.force_login(make_user("vera"))

    told = words_of(client.get("/team/").text)

    assert "Private targets are seen by the members of their groups: you are in none" in told
    assert "Observers may: ask ada, lise or marie." in told
    assert "Administrators may: ask ada." in told
    assert "Kilonovae lise To be in it, ask ada or lise." in told


def test_a_right_given_by_hand_is_shown(client):
    app, _, codename = TELL.partition(".")
    odd = make_user("odd")
    odd.user_permissions.add(Permission.objects.get(content_type__app_label=app, codename=codename))
    client.force_login(make_user("vera"))

    assert f"may also {WORDS[TELL]}" in client.get("/team/").text


def test_the_page_asks_as_often_however_many_are_here(client, django_assert_max_num_queries):
    def people_here(number: int) -> None:
        for _ in range(number):
            make_lead(groups=[make_group(), make_group()])
            person = make_user()
            people.give_role(person.pk, roles.OBSERVER, by=ada)

    ada = make_admin("ada")
    client.force_login(ada)
    people_here(12)

    with django_assert_max_num_queries(40):
        client.get("/team/")


def test_a_private_program_is_told_to_its_readers_alone():
    team = make_group("Kilonovae")
    program = make_program(2, group=team)
    ada = make_admin("ada")
    assert manage(ada, f"programs/{program.pk}/", readers=make_group("other").pk) == 302

    told = {
        name: entered(person).get("/team/").text
        for name, person in {"ada": ada, "vera": make_user("vera")}.items()
    }

    assert "ZTF program 2" in told["ada"]
    assert "ZTF program 2" not in told["vera"]


# --- Roles ------------------------------------------------------------------------------------
@pytest.mark.parametrize("given", roles.ROLES, ids=lambda role: role.key)
@pytest.mark.parametrize("before", roles.ROLES, ids=lambda role: role.key)
def test_a_role_replaces_the_one_before(given, before):
    ada, person = make_admin("ada"), make_user("vera")
    people.give_role(person.pk, before, by=ada)

    assert manage(ada, f"people/{person.pk}/role/", role=given.key) == 302

    person = User.objects.get(pk=person.pk)
    mine = {name for name in WORDS if person.has_perm(name)}
    assert role(person) == given
    assert mine == roles.rights_of_roles()[given.key]
    assert person.is_staff == given.is_administrator


def test_a_lead_gives_every_role_but_an_administrator_s():
    lise, person, ada = make_lead("lise"), make_user("vera"), make_admin("ada")

    given = manage(lise, f"people/{person.pk}/role/", role="lead")
    refused = [
        manage(lise, f"people/{person.pk}/role/", role="administrator"),
        manage(lise, f"people/{lise.pk}/role/", role="administrator"),
        manage(lise, f"people/{ada.pk}/role/", role="reader"),
        manage(lise, f"people/{ada.pk}/switch/", do="off"),
    ]

    assert given == 302
    assert refused == [403] * 4
    assert [role(each).key for each in (person, lise, ada)] == ["lead", "lead", "administrator"]
    assert User.objects.get(pk=ada.pk).is_active


def test_who_may_enter_the_administration_is_no_lead_s_to_change():
    staff = make_user("staff", is_staff=True)

    assert manage(make_lead("lise"), f"people/{staff.pk}/switch/", do="off") == 403


@pytest.mark.parametrize("path", ["role/", "groups/", "switch/"])
@pytest.mark.parametrize("make", [make_user, make_observer])
def test_nobody_else_changes_anything(path, make):
    person = make_user("vera")

    status = manage(make("olga"), f"people/{person.pk}/{path}", role="lead", do="off", group="1")

    assert status == 403
    assert (role(person), person.is_active) == (roles.READER, True)
    assert recorded() == []


@pytest.mark.parametrize("odd", ["", "owner", "administrator\u0661", "None"])
def test_a_role_that_is_none_changes_nothing(odd):
    ada, person = make_admin("ada"), make_user("vera")

    answer = entered(ada).post(f"/team/people/{person.pk}/role/", {"role": odd}, follow=True)

    assert "Choose a role." in answer.text
    assert role(person) == roles.READER


# --- The last administrator -------------------------------------------------------------------
@pytest.mark.parametrize(
    ("path", "fields"),
    [("role/", {"role": "lead"}), ("role/", {"role": "reader"}), ("switch/", {"do": "off"})],
)
def test_the_last_administrator_stays(path, fields):
    ada = make_admin("ada")
    gone = make_admin("gone")
    people.switch_off(gone.pk, by=ada)

    answer = entered(ada).post(f"/team/people/{ada.pk}/{path}", fields, follow=True)

    assert "ada is the last administrator: make another one first." in answer.text
    assert role(ada) == roles.ADMINISTRATOR
    assert User.objects.get(pk=ada.pk).is_active


def in_administration(by: User, person: User, **changed: str) -> str:
    """Send the administration's form of a person as it stands, but for what is changed."""
    address = f"/admin/auth/user/{person.pk}/change/"
    form = entered(by).get(address).context["adminform"].form
    fields = {name: form[name].value() for name in ("username", "is_active", "is_superuser")}
    joined = {f"date_joined_{i}": text for i, text in enumerate(("2026-11-20", "00:00:00"))}
    fields = {name: value for name, value in (fields | changed).items() if value}
    return entered(by).post(address, joined | fields, follow=True).text


@pytest.mark.parametrize("name", ["is_active", "is_superuser"])
def test_the_last_administrator_stays_in_the_administration_too(name):
    ada = make_admin("ada")

    refused = in_administration(ada, ada, **{name: ""})
    kept = role(ada), User.objects.get(pk=ada.pk).is_active
    eve = make_admin("eve")
    in_administration(eve, ada, **{name: ""})

    assert "is the last administrator" in refused
    assert kept == (roles.ADMINISTRATOR, True)
    assert not getattr(User.objects.get(pk=ada.pk), name)


@pytest.mark.parametrize("at_once", [False, True])
def test_the_last_administrator_is_not_deleted(at_once):
    ada = make_admin("ada")
    address = "/admin/auth/user/" if at_once else f"/admin/auth/user/{ada.pk}/delete/"
    fields = {"action": "delete_selected", "_selected_action": [ada.pk], "post": "yes"}

    entered(ada).post(address, fields)

    assert User.objects.filter(pk=ada.pk).exists()


@pytest.mark.django_db(transaction=True)
def test_of_two_administrators_who_give_up_at_once_one_stays():
    both = [make_admin("ada"), make_admin("eve")]
    start = threading.Barrier(2)
    refused = []

    def give_up(person: User) -> None:
        with closing(connection):
            start.wait()
            try:
                people.give_role(person.pk, roles.READER, by=person)
            except RefusedChangeError:
                refused.append(person)

    threads = [threading.Thread(target=give_up, args=[person]) for person in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert User.objects.filter(is_superuser=True).count() == 1
    assert len(refused) == 1


# --- Groups -----------------------------------------------------------------------------------
def test_a_member_sees_the_group_s_private_targets_until_they_leave():
    ada, person, team = make_admin("ada"), make_observer("vera"), make_group("Kilonovae")
    target = make_target(private=True, owners=[team])

    def sees() -> bool:
        return target in visible_targets(User.objects.get(pk=person.pk))

    before = sees()
    manage(ada, f"people/{person.pk}/groups/", group=team.pk, do="join")
    within = sees()
    manage(ada, f"people/{person.pk}/groups/", group=team.pk, do="leave")

    assert (before, within, sees()) == (False, True, False)
    assert role(person) == roles.OBSERVER


def test_a_lead_chooses_the_members_of_their_own_groups_alone():
    mine, other, person = make_group("mine"), make_group("other"), make_user("vera")
    lise = make_lead("lise", groups=[mine])

    own = manage(lise, f"people/{person.pk}/groups/", group=mine.pk, do="join")
    refused = [
        manage(lise, f"people/{person.pk}/groups/", group=other.pk, do="join"),
        manage(lise, f"people/{lise.pk}/groups/", group=other.pk, do="join"),
        manage(lise, f"groups/{other.pk}/", name="taken over"),
    ]

    assert own == 302
    assert refused == [403] * 3
    assert list(User.objects.get(pk=person.pk).groups.all()) == [mine]


@pytest.mark.parametrize("name", ["Observers", "Leads"])
def test_a_role_is_not_given_as_a_group(name):
    ada, person = make_admin("ada"), make_user("vera")
    group, _ = Group.objects.get_or_create(name=name)

    joined = manage(ada, f"people/{person.pk}/groups/", group=group.pk, do="join")
    renamed = manage(ada, f"groups/{group.pk}/", name="Others")

    assert (joined, renamed) == (403, 403)
    assert role(person) == roles.READER


def test_a_group_is_made_and_renamed_and_a_lead_is_its_first_member():
    lise = make_lead("lise")

    manage(lise, "groups/", name="  Fast   transients ")
    group = Group.objects.get(name="Fast transients")
    manage(lise, f"groups/{group.pk}/", name="Slow transients")

    assert lise.groups.filter(pk=group.pk, name="Slow transients").exists()
    assert recorded() == [
        "lise made the group Fast transients",
        "lise named the group Fast transients Slow transients",
    ]


@pytest.mark.parametrize(
    "name", ["", "   ", "kilonovae", "observers", "LEADS", "ZTF program 3", "x" * 81, "a\u202eb"]
)
def test_a_name_that_is_none_or_taken_makes_no_group(name):
    make_group("Kilonovae")
    before = Group.objects.count()

    answer = entered(make_admin("ada")).post("/team/groups/", {"name": name}, follow=True)

    assert answer.status_code == 200
    assert 'class="notice notice-error"' in answer.text
    assert Group.objects.count() == before


def test_a_deleted_group_is_brought_back_with_its_members():
    lise, vera = make_lead("lise"), make_user("vera")
    manage(lise, "groups/", name="Kilonovae")
    group = Group.objects.get(name="Kilonovae")
    manage(lise, f"people/{vera.pk}/groups/", group=group.pk, do="join")
    Program.objects.create(survey="ZTF", number=7, name="opened", public=True, group=group)

    assert manage(lise, f"groups/{group.pk}/delete/") == 302
    gone = not Group.objects.filter(name="Kilonovae").exists()
    change = TeamChange.objects.first()
    stranger = make_lead("stranger")
    refused = manage(stranger, f"changes/{change.pk}/undo/")
    session = entered(lise)
    offered = f"changes/{change.pk}/undo" in session.get("/team/").text
    session.post(f"/team/changes/{change.pk}/undo/")
    again = session.post(f"/team/changes/{change.pk}/undo/", follow=True).text

    assert (gone, refused, offered) == (True, 403, True)
    back = Group.objects.get(name="Kilonovae")
    assert set(back.user_set.all()) == {lise, vera}
    assert "This was changed again since" in again
    assert recorded()[-2:] == [
        "lise deleted the group Kilonovae, which had 2 members",
        "lise brought the group Kilonovae back, with 2 members",
    ]


def hang_a_program(group: Group, _by: User) -> None:
    make_program(2, group=group)


def hang_a_target(group: Group, _by: User) -> None:
    make_target(private=True, owners=[group])


def hang_an_invitation(group: Group, by: User) -> None:
    make_invitation(role=roles.READER, groups=[group], note="", days=1, by=by)


def hang_a_list(group: Group, _by: User) -> None:
    Strategy.objects.create(name="Ours", group=group)


def hang_a_right(group: Group, _by: User) -> None:
    group.permissions.add(*find_permissions([TELL]))


@pytest.mark.parametrize(
    ("hang", "why"),
    [
        (hang_a_program, "it alone reads what is private of ZTF program 2."),
        (hang_a_target, "1 private target was or is shared with it."),
        (hang_an_invitation, "an open invitation names it."),
        (hang_a_list, "it alone sees the list Ours."),
        (hang_a_right, "the administration gave it rights of its own."),
    ],
)
def test_a_group_on_which_something_hangs_is_not_deleted(hang, why):
    ada, group = make_admin("ada"), make_group("Kilonovae")
    hang(group, ada)

    answer = entered(ada).post(f"/team/groups/{group.pk}/delete/", follow=True)

    assert f"Kilonovae was not deleted: {why}" in words_of(answer.text)
    assert Group.objects.filter(pk=group.pk).exists()


def test_nobody_deletes_a_group_that_is_not_theirs_nor_a_role():
    other = make_group("other")
    observers, _ = Group.objects.get_or_create(name=OBSERVERS)

    refused = [
        manage(make_lead("lise"), f"groups/{other.pk}/delete/"),
        manage(make_observer("olga"), f"groups/{other.pk}/delete/"),
        manage(make_admin("ada"), f"groups/{observers.pk}/delete/"),
    ]

    assert refused == [403] * 3
    assert Group.objects.filter(pk__in=[other.pk, observers.pk]).count() == 2


def test_a_name_taken_since_keeps_a_deleted_group_from_coming_back():
    ada, group = make_admin("ada"), make_group("Kilonovae")
    manage(ada, f"groups/{group.pk}/delete/")
    change = TeamChange.objects.get()
    make_group("kilonovae")

    answer = entered(ada).post(f"/team/changes/{change.pk}/undo/", follow=True)

    assert "The name Kilonovae is taken." in words_of(answer.text)
    change.refresh_from_db()
    assert change.after == "deleted"


# --- Off and on -------------------------------------------------------------------------------
def test_whoever_is_switched_off_is_out_at_once_and_comes_back_by_the_password(client):
    ada, person = make_admin("ada"), make_observer("vera")
    token = renew_token(person)
    session = entered(person)

    def opens() -> tuple[bool, bool]:
        called = Client().get("/api/events/", headers={"authorization": f"Token {token}"})
        return session.get("/account/").status_code == 200, called.status_code == 200

    before = opens()
    manage(ada, f"people/{person.pk}/switch/", do="off")
    off = opens()
    client.post("/accounts/login/", {"login": "vera", "password": PASSWORD})
    came_in = client.get("/account/").status_code
    manage(ada, f"people/{person.pk}/switch/", do="on")
    after = opens()
    client.post("/accounts/login/", {"login": "vera", "password": PASSWORD})

    assert (before, off, came_in) == ((True, True), (False, False), 302)
    assert after == (False, False)  # what ended stays ended
    assert client.get("/account/").status_code == 200


def test_switching_off_ends_nobody_else_s_session():
    ada, person, other = make_admin("ada"), make_user("vera"), make_user("eve")
    stays = entered(other)

    manage(ada, f"people/{person.pk}/switch/", do="off")

    assert stays.get("/account/").status_code == 200


# --- The record -------------------------------------------------------------------------------
def test_each_change_is_kept_with_who_and_what_and_shown(client):
    ada, person, team = make_admin("ada"), make_user("vera"), make_group("Kilonovae")
    manage(ada, f"people/{person.pk}/role/", role="observer")
    manage(ada, f"people/{person.pk}/role/", role="observer")  # again: nothing changes
    manage(ada, f"people/{person.pk}/groups/", group=team.pk, do="join")
    manage(ada, f"people/{person.pk}/switch/", do="off")
    client.force_login(make_user("eve"))

    told = words_of(client.get("/team/").text)

    assert recorded() == [
        "ada made vera an observer; was a reader",
        "ada added vera to Kilonovae",
        "ada switched vera off",
    ]
    for sentence in recorded():
        assert sentence in told
    assert "Undo" not in told


def test_a_change_outlives_who_made_it(client):
    ada, person = make_admin("ada"), make_user("vera")
    manage(ada, f"people/{person.pk}/role/", role="observer")
    ada.delete()
    person.delete()
    client.force_login(make_admin("eve"))

    assert "ada made vera an observer" in words_of(client.get("/team/").text)


def changed(ada: User, person: User, team: Group) -> dict[str, dict[str, object]]:
    return {
        f"people/{person.pk}/role/": {"role": "lead"},
        f"people/{person.pk}/groups/": {"group": team.pk, "do": "join"},
        f"people/{person.pk}/switch/": {"do": "off"},
        f"groups/{team.pk}/": {"name": "another name"},
    }


def standing(person: User, team: Group) -> tuple[object, ...]:
    person, team = User.objects.get(pk=person.pk), Group.objects.get(pk=team.pk)
    return role(person), person.is_active, list(person.groups.order_by("pk")), team.name


@pytest.mark.parametrize("number", range(4))
def test_a_change_is_undone_once(number):
    ada, person, team = make_admin("ada"), make_observer("vera"), make_group("Kilonovae")
    path, fields = list(changed(ada, person, team).items())[number]
    before = standing(person, team)
    manage(ada, path, **fields)
    between = standing(person, team)
    change = TeamChange.objects.get()

    manage(ada, f"changes/{change.pk}/undo/")
    after = standing(person, team)
    again = entered(ada).post(f"/team/changes/{change.pk}/undo/", follow=True)

    assert before != between
    assert after == before
    assert "This was changed again since" in again.text
    assert standing(person, team) == before
    assert TeamChange.objects.count() == 2


def test_an_undo_needs_the_right_to_the_opposite():
    ada, person = make_admin("ada"), make_admin("vera")
    manage(ada, f"people/{person.pk}/role/", role="reader")
    change = TeamChange.objects.get()
    lise = make_lead("lise")

    refused = manage(lise, f"changes/{change.pk}/undo/")

    assert refused == 403
    assert role(person) == roles.READER
    assert f"changes/{change.pk}/undo" not in entered(lise).get("/team/").text
    assert f"changes/{change.pk}/undo" in entered(ada).get("/team/").text


def test_a_form_comes_back_to_this_site_alone():
    ada, person = make_admin("ada"), make_user("vera")
    address = f"/team/people/{person.pk}/role/"

    there = entered(ada).post(address, {"role": "lead", "next": "https://evil.example/"})
    here = entered(ada).post(address, {"role": "reader", "next": f"/team/people/{person.pk}/"})

    assert there["Location"] == "/team/"
    assert here["Location"] == f"/team/people/{person.pk}/"


def test_a_person_s_page_shows_what_can_be_changed():
    ada, person = make_admin("ada"), make_observer("vera", groups=[make_group("Kilonovae")])
    make_event()

    page = entered(ada).get(f"/team/people/{person.pk}/")

    assert page.status_code == 200
    told = words_of(page.text)
    assert "Take out" in told
    assert "Switch off" in told
    assert entered(ada).get("/team/people/999999/").status_code == 404
