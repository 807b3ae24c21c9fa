"""Invitations: a link that makes one account, once, and else says plainly that it does not."""

import re
import threading
from contextlib import closing
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.core.cache import cache
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests.factories import make_admin, make_group, make_lead, make_observer, make_user
from tests.web.team import entered, manage
from tests.web.test_refusals import words_of
from tom.web.models import Invitation, TeamChange
from tom.web.team import people, roles
from tom.web.team.invitations import make_invitation

pytestmark = pytest.mark.django_db
PHRASE = "three merging stars 9"
FIELDS = {"username": "vera", "email": "", "password1": PHRASE, "password2": PHRASE}


@pytest.fixture(autouse=True)
def nobody_has_tried():
    cache.clear()


@pytest.fixture
def ada(db) -> User:
    return make_admin("ada")


def link_to(by: User, role: roles.Role = roles.OBSERVER, groups=(), days: int = 7) -> str:  # type: ignore[no-untyped-def]
    _, secret = make_invitation(role=role, groups=groups, note="", days=days, by=by)
    return f"/invitation/{secret}/"


# --- Made -------------------------------------------------------------------------------------
def test_a_link_is_shown_once_and_kept_nowhere(ada):
    team = make_group("Kilonovae")
    session = entered(ada)

    made = session.post(
        "/team/invitations/", {"role": "observer", "groups": [team.pk], "days": "7", "note": "Vera"}
    )
    link = re.search(r'<code id="link"[^>]*>([^<]+)</code>', made.text)
    again = session.get("/team/").text
    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM web_invitation t")
        rows = cursor.fetchall()

    assert link is not None
    secret = link[1].rstrip("/").rsplit("/", 1)[1]
    assert len(secret) >= 43
    assert "no-store" in made["Cache-Control"]
    assert secret not in again
    assert secret not in rows[0][0]
    assert "Observer, Kilonovae Vera by ada" in words_of(again)
    assert TeamChange.objects.get().words == "invited an observer, for Kilonovae"


def test_a_lead_invites_for_what_a_lead_may_give():
    mine, other = make_group("mine"), make_group("other")
    lise = make_lead("lise", groups=[mine])

    made = manage(lise, "invitations/", role="lead", groups=[mine.pk], days="1")
    refused = [
        manage(lise, "invitations/", role="administrator", days="1"),
        manage(lise, "invitations/", role="reader", groups=[other.pk], days="1"),
        manage(make_observer("olga"), "invitations/", role="reader", days="1"),
    ]

    assert made == 200
    assert refused == [403] * 3
    assert Invitation.objects.count() == 1


@pytest.mark.parametrize(
    "fields", [{"role": "owner"}, {"role": "reader", "groups": ["9" * 30]}, {"days": "7"}]
)
def test_an_invitation_to_nothing_is_refused(ada, fields):
    answer = entered(ada).post("/team/invitations/", fields, follow=True)

    assert answer.status_code == 200
    assert "Choose a" in answer.text
    assert not Invitation.objects.exists()


# --- Used -------------------------------------------------------------------------------------
def test_whoever_has_the_link_makes_an_account_and_reads_what_to_do_first(ada, client):
    team = make_group("Kilonovae")
    link = link_to(ada, roles.OBSERVER, [team])

    page = client.get(link)
    answer = client.post(link, FIELDS | {"email": "vera@example.org"}, follow=True)

    made = User.objects.get(username="vera")
    assert "You will be an observer of" in words_of(page.text)
    assert answer.redirect_chain == [("/team/welcome/", 302)]
    assert "Welcome, vera" in answer.text
    assert "What to do first" in answer.text
    assert roles.role_of(made) == roles.OBSERVER
    assert team in made.groups.all()
    assert (made.email, made.check_password(PHRASE)) == ("vera@example.org", True)
    assert TeamChange.objects.latest("pk").words == "came as an observer, invited by ada"


def test_looking_at_a_link_uses_nothing_up(ada, client):
    link = link_to(ada)

    for method in (client.get, client.head):
        assert method(link).status_code == 200

    assert client.post(link, FIELDS).status_code == 302


@pytest.mark.parametrize(
    ("field", "value", "why"),
    [
        ("username", "ADA", "already exists"),
        ("username", "", "required"),
        ("username", "ve ra", "valid username"),
        ("username", "v" * 151, "at most 150"),
        ("email", "nowhere", "valid email"),
        ("password2", "another", "match"),
        ("password1", "vera", "similar"),
        ("password1", "short1", "too short"),
        ("password1", "12345678901", "numeric"),
        ("password1", "password", "common"),
    ],
)
def test_what_makes_no_account_says_why_and_the_link_stays(ada, client, field, value, why):
    link = link_to(ada)
    fields = FIELDS | {field: value}
    if field == "password1":
        fields["password2"] = value

    answer = client.post(link, fields)

    assert answer.status_code == 422
    assert why in answer.text
    assert PHRASE not in answer.text
    assert not User.objects.filter(username__iexact="vera").exists()
    assert client.post(link, FIELDS).status_code == 302


def test_somebody_logged_in_uses_nothing_up(ada, client):
    link = link_to(ada)
    client.force_login(make_user("olga"))

    answers = [client.get(link), client.post(link, FIELDS)]

    assert [answer.status_code for answer in answers] == [409, 409]
    assert "You are logged in as olga" in answers[0].text
    assert Client().post(link, FIELDS).status_code == 302


@pytest.mark.django_db(transaction=True)
def test_of_two_who_use_a_link_at_once_one_gets_in():
    link = link_to(make_admin("ada"))
    start = threading.Barrier(2)
    statuses = []

    def use(name: str) -> None:
        with closing(connection):
            start.wait()
            statuses.append(Client().post(link, FIELDS | {"username": name}).status_code)

    threads = [threading.Thread(target=use, args=[name]) for name in ("vera", "eve")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [302, 410]
    assert User.objects.filter(username__in=["vera", "eve"]).count() == 1


# --- Ended ------------------------------------------------------------------------------------
def use_up(link: str, ada: User) -> None:
    Client().post(link, FIELDS | {"username": "somebody"})


def let_run_out(link: str, ada: User) -> None:
    Invitation.objects.update(expires=timezone.now() - timedelta(seconds=1))


def take_back(link: str, ada: User) -> None:
    manage(ada, f"invitations/{Invitation.objects.get().pk}/revoke/")


@pytest.mark.parametrize(
    ("end", "why"),
    [(use_up, "was used already"), (let_run_out, "has expired"), (take_back, "was taken back")],
)
def test_a_link_that_ended_says_so_and_nothing_of_what_it_gave(ada, end, why):
    link = link_to(ada, roles.LEAD, [make_group("Kilonovae")])
    end(link, ada)

    answers = [Client().get(link), Client().post(link, FIELDS)]

    for answer in answers:
        assert answer.status_code == 410
        assert why in answer.text
        for secret in ("ada", "Kilonovae", "lead"):
            assert secret not in words_of(answer.text)
    assert not User.objects.filter(username="vera").exists()


@pytest.mark.parametrize(
    "end", ["x", "x" * 43, "..%2f", "%ff", "%00", "\u0661", "a b", "'", "x" * 5000, "%ed%a0%80"]
)
def test_an_invented_link_is_none(end):
    answers = [Client().get(f"/invitation/{end}/"), Client().post(f"/invitation/{end}/", FIELDS)]

    for answer in answers:
        assert answer.status_code in {400, 404}
    assert not User.objects.filter(username="vera").exists()


def test_who_invents_links_is_stopped(ada, client):
    statuses = [client.get(f"/invitation/{number}/").status_code for number in range(25)]

    assert statuses[0] == 404
    assert statuses[-1] == 429
    assert client.post(link_to(ada), FIELDS).status_code == 429
    assert not User.objects.filter(username="vera").exists()


@pytest.mark.parametrize("lose", ["switched off", "made a reader", "taken out of the group"])
def test_an_invitation_is_as_good_as_its_maker(ada, client, lose):
    team = make_group("Kilonovae")
    lise = make_lead("lise", groups=[team])
    link = link_to(lise, roles.OBSERVER, [team])
    if lose == "switched off":
        people.switch_off(lise.pk, by=ada)
    elif lose == "made a reader":
        people.give_role(lise.pk, roles.READER, by=ada)
    else:
        people.leave(lise.pk, team, by=ada)

    answer = client.post(link, FIELDS)

    assert answer.status_code == 410
    assert "was taken back" in answer.text
    assert "by lise" not in entered(ada).get("/team/").text


def test_a_lead_takes_back_no_invitation_of_an_administrator(ada):
    link_to(ada, roles.ADMINISTRATOR)
    invitation = Invitation.objects.get()

    refused = manage(make_lead("lise"), f"invitations/{invitation.pk}/revoke/")

    assert refused == 403
    assert Invitation.objects.get().revoked is None


def test_an_invitation_is_taken_back_once(ada):
    link_to(ada)
    path = f"/team/invitations/{Invitation.objects.get().pk}/revoke/"

    first, second = (entered(ada).post(path, follow=True) for _ in range(2))

    assert "no longer open" not in first.text
    assert "no longer open" in second.text
    assert TeamChange.objects.count() == 2
