"""Logging in, one's account, tokens, and who may do what."""

import io
from datetime import timedelta
from importlib import import_module

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal.auth import (
    TOTP,
    format_hotp_value,
    generate_totp_secret,
    hotp_value,
    yield_hotp_counters_from_time,
)
from django.core.cache import cache
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from django.test import Client
from django.utils import timezone
from rest_framework.authtoken.models import Token

from tests.factories import PASSWORD, make_admin, make_group, make_target, make_user
from tom.targets.visible import visible_targets
from tom.web.accounts import ensure_demo_user
from tom.web.models import ApiToken
from tom.web.permissions import OBSERVERS_MAY, ensure_roles, find_permissions
from tom.web.tokens import renew_token

pytestmark = pytest.mark.django_db
LOGIN = "/accounts/login/"


@pytest.fixture(autouse=True)
def nobody_has_tried():
    cache.clear()


# --- Logging in -------------------------------------------------------------------------------
def test_a_page_asks_to_log_in_and_leads_back(client):
    make_user("ada")

    asked = client.get("/account/")
    answer = client.post(asked["Location"], {"login": "ada", "password": PASSWORD})

    assert asked["Location"] == f"{LOGIN}?next=/account/"
    assert answer["Location"] == "/account/"
    assert client.get("/account/").status_code == 200


def test_a_wrong_password_says_nothing_of_who_exists(client):
    make_user("ada")

    said = [
        client.post(LOGIN, {"login": name, "password": "wrong"}).content.replace(name.encode(), b"")
        for name in ("ada", "bob")
    ]

    assert b"not correct" in said[0]
    assert errors(said[0]) == errors(said[1])


def errors(page: bytes) -> bytes:
    return page.partition(b'role="alert">')[2].partition(b"</div>")[0]


def test_after_five_wrong_passwords_the_right_one_waits(client):
    make_user("ada")

    for _ in range(5):
        client.post(LOGIN, {"login": "ada", "password": "wrong"})
    last = client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    assert last.status_code == 200
    assert b"Too many" in last.content
    assert client.get("/account/").status_code == 302


def try_to_log_in(password: str, *, address: str, name: str = "ada") -> bool:
    """Whether a password opens the account from an address."""
    client = Client(REMOTE_ADDR=address)
    client.post(LOGIN, {"login": name, "password": password})
    return client.get("/account/").status_code == 200


def test_wrong_passwords_from_elsewhere_do_not_lock_the_owner_out():
    make_user("ada")

    for _ in range(8):
        try_to_log_in("wrong", address="198.51.100.7")

    assert not try_to_log_in(PASSWORD, address="198.51.100.7")
    assert try_to_log_in(PASSWORD, address="192.0.2.1")


def test_who_guesses_from_many_addresses_is_stopped_and_the_owner_is_not():
    make_user("ada")
    make_user("bob")
    assert try_to_log_in(PASSWORD, address="192.0.2.1")

    for number in range(60):
        try_to_log_in("wrong", address=f"198.51.100.{number}")

    assert not try_to_log_in(PASSWORD, address="198.51.100.200")
    assert try_to_log_in(PASSWORD, address="192.0.2.1")
    assert try_to_log_in(PASSWORD, address="198.51.100.200", name="bob")
    call_command("unlock", "ada", stdout=io.StringIO())
    assert try_to_log_in(PASSWORD, address="198.51.100.200")


def test_an_address_that_is_claimed_counts_for_nothing():
    make_user("ada")
    for number in range(6):
        client = Client(REMOTE_ADDR="198.51.100.7", headers={"x-forwarded-for": f"10.0.0.{number}"})
        client.post(LOGIN, {"login": "ada", "password": "wrong"})

    assert not try_to_log_in(PASSWORD, address="198.51.100.7")


def test_the_administration_has_no_door_of_its_own(client):
    make_admin("root")

    answer = client.post("/admin/login/", {"username": "root", "password": PASSWORD})

    assert answer["Location"].startswith(LOGIN)
    assert client.get("/admin/").status_code == 302


@pytest.mark.parametrize(("door", "digits"), [(LOGIN, "0123456789"), ("/admin/", "٠١٢٣٤٥٦٧٨٩")])
def test_a_second_factor_is_asked_for_at_every_door(client, settings, door, digits):
    settings.MFA_TOTP_TOLERANCE = 1  # the half minute of the code may end before it is sent
    user, secret = make_admin("root"), generate_totp_secret()
    TOTP.activate(user, secret)
    asked = client.get(door, follow=True).redirect_chain

    first = client.post(LOGIN, {"login": "root", "password": PASSWORD})
    before = client.get("/account/").status_code
    for wrong in ("000000", "ä²"):
        client.post(first["Location"], {"code": wrong})
    still = client.get("/account/").status_code
    _, counter, _ = yield_hotp_counters_from_time()
    code = format_hotp_value(hotp_value(secret, counter)).translate(dict(enumerate(digits, 48)))
    client.post(first["Location"], {"code": code})

    assert all(where.startswith(("/accounts/login/", "/admin/login/")) for where, _ in asked)
    assert first["Location"] == "/accounts/2fa/authenticate/"
    assert (before, still) == (302, 302)
    assert client.get("/account/").status_code == 200


def test_a_code_that_is_none_is_refused_where_a_second_factor_is_set_up(client):
    client.post(LOGIN, {"login": make_user("ada").username, "password": PASSWORD})

    answer = client.post("/accounts/2fa/totp/activate/", {"code": "ä²"})

    assert "Incorrect code." in answer.text
    assert not Authenticator.objects.exists()


def test_a_password_change_ends_the_person_s_other_sessions_and_tokens(client):
    user = make_user("ada")
    token = renew_token(user)
    elsewhere = Client()
    for each in (client, elsewhere):
        each.post(LOGIN, {"login": "ada", "password": PASSWORD})
    before = elsewhere.get("/account/").status_code
    new = "quite another phrase 7"

    client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    assert before == 200
    assert client.get("/account/").status_code == 200
    assert elsewhere.get("/account/").status_code == 302
    assert elsewhere.get("/changes/").status_code == 302
    assert not opens(token)


@pytest.mark.parametrize("kind", ["totp", "recovery_codes"])
def test_an_administrator_sees_no_secret_of_a_second_factor(client, kind):
    user, secret = make_user("ada"), generate_totp_secret()
    TOTP.activate(user, secret)
    RecoveryCodes.activate(user)
    found = Authenticator.objects.get(user=user, type=kind)
    client.force_login(make_admin())
    address = "/admin/mfa/authenticator/"

    pages = [client.get(f"{address}{end}") for end in ("", f"{found.pk}/change/")]
    pages += [client.get(f"{address}{found.pk}/{end}/") for end in ("delete", "history")]
    changed = client.post(f"{address}{found.pk}/change/", {"data": "{}"})

    assert [page.status_code for page in pages] == [200] * 4
    kept = found.data.get("secret") or found.data["seed"]
    for page in pages:
        assert secret not in page.text
        assert kept not in page.text
    assert changed.status_code == 403
    assert client.get(f"{address}add/").status_code == 403


# --- Behind a proxy ---------------------------------------------------------------------------
def guess_through(address: str, forwarded: str) -> None:
    client = Client(REMOTE_ADDR=address, headers={"x-forwarded-for": forwarded})
    client.post(LOGIN, {"login": "ada", "password": "wrong"})


def enters_through(address: str, forwarded: str) -> bool:
    client = Client(REMOTE_ADDR=address, headers={"x-forwarded-for": forwarded})
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    return client.get("/account/").status_code == 200


def test_behind_a_proxy_tries_count_by_the_address_that_it_adds(settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1
    make_user("ada")

    # Whatever a client claims stands before the address that the proxy saw.
    for number in range(6):
        guess_through("10.0.0.1", f"203.0.113.{number}, 198.51.100.7")

    assert not enters_through("10.0.0.1", "192.0.2.1, 198.51.100.7")
    assert enters_through("10.0.0.1", "198.51.100.7, 192.0.2.1")


@pytest.mark.parametrize("odd", ["unknown", "", ",", "1.2.3.4.5", "x" * 5000])
def test_a_proxy_that_names_no_address_is_no_failure(client, settings, odd):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    answer = client.post(
        LOGIN, {"login": "ada", "password": "wrong"}, headers={"x-forwarded-for": odd}
    )

    assert answer.status_code in {200, 403}


def test_without_a_proxy_no_header_says_who_tries(settings):
    assert settings.ALLAUTH_TRUSTED_PROXY_COUNT == 0  # as in the embedded mode
    make_user("ada")

    for number in range(6):
        guess_through("198.51.100.7", f"203.0.113.{number}")

    assert not enters_through("198.51.100.7", "192.0.2.1")
    assert enters_through("192.0.2.1", "198.51.100.7")


def test_logging_in_elsewhere_is_refused(client):
    make_user("ada")

    answer = client.post(
        f"{LOGIN}?next=https://evil.example/", {"login": "ada", "password": PASSWORD}
    )

    assert answer["Location"] == "/"


def test_logging_out_takes_a_post(client):
    client.force_login(make_user())

    assert client.get("/accounts/logout/").status_code == 200
    assert client.get("/account/").status_code == 200
    client.post("/accounts/logout/")
    assert client.get("/account/").status_code == 302


def test_the_session_changes_at_the_log_in(client):
    make_user("ada")
    client.get(LOGIN)
    before = client.session.session_key
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    assert client.session.session_key not in {None, before}


def test_cookies_are_for_this_site_s_pages_alone(client, settings):
    settings.SESSION_COOKIE_SECURE = settings.CSRF_COOKIE_SECURE = True
    make_user("ada")
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    session = client.cookies["sessionid"]

    assert session["httponly"]
    assert session["secure"]
    assert session["samesite"] == "Lax"


def test_a_form_without_the_csrf_token_is_refused():
    client = Client(enforce_csrf_checks=True)
    client.force_login(make_user())

    assert client.post("/account/token/").status_code == 403


def test_one_may_change_one_s_password(client):
    user = make_user("ada")
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})
    new = "quite another phrase 7"

    answer = client.post(
        "/accounts/password/change/",
        {"oldpassword": PASSWORD, "password1": new, "password2": new},
    )

    user.refresh_from_db()
    assert answer.status_code == 302
    assert user.check_password(new)
    assert client.get("/account/").status_code == 200


@pytest.mark.parametrize(
    "page",
    [
        "/account/",
        "/accounts/password/change/",
        "/accounts/2fa/",
        "/accounts/2fa/totp/activate/",
        "/accounts/reauthenticate/",
        "/accounts/logout/",
    ],
)
def test_the_account_pages_come_in_our_frame(client, page):
    make_user("ada")
    client.post(LOGIN, {"login": "ada", "password": PASSWORD})

    response = client.get(page)

    assert response.status_code == 200
    assert b'class="brand"' in response.content
    assert b"<script>" not in response.content


# --- Tokens -----------------------------------------------------------------------------------
def opens(token: str) -> bool:
    answer = Client().get("/api/events/", headers={"authorization": f"Token {token}"})
    return answer.status_code == 200


def shown_token(page: str) -> str:
    return page.partition('<code id="token">')[2].partition("</code>")[0]


def test_a_token_is_shown_once_and_logged_never(client, caplog):
    client.force_login(make_user())

    made = client.post("/account/token/")
    token = shown_token(made.text)
    again = client.get("/account/")

    assert opens(token)
    assert "no-store" in made["Cache-Control"]
    assert token not in again.text
    assert "<b>API token</b>" in again.text
    assert "API token made" in caplog.text
    assert token not in caplog.text


def test_no_table_holds_a_token():
    token = renew_token(make_user())

    with connection.cursor() as cursor:
        cursor.execute("SELECT row_to_json(t)::text FROM web_apitoken t")
        rows = cursor.fetchall()

    assert len(rows) == 1
    assert token not in rows[0][0]


def test_a_token_that_was_replaced_or_ended_opens_nothing(client):
    user = make_user()
    client.force_login(user)
    old = renew_token(user)
    new = shown_token(client.post("/account/token/").text)
    before = (opens(old), opens(new))

    client.post("/account/token/", {"end": str(ApiToken.objects.get().pk)})

    assert before == (False, True)
    assert not opens(new)
    assert "You have no token." in client.get("/account/").text


def test_each_token_has_a_name_and_an_end_and_is_listed_without_its_value(client):
    client.force_login(make_user())
    made = {
        name: shown_token(client.post("/account/token/", {"name": name, "days": "7"}).text)
        for name in ("plots", "night shift")
    }

    page = client.get("/account/").text

    week = timezone.now() + timedelta(days=7)
    for name, token in made.items():
        assert opens(token)
        assert f"<b>{name}</b>" in page
        assert token not in page
        kept = ApiToken.objects.get(name=name)
        assert abs(kept.expires - week) < timedelta(minutes=5)
        assert kept.key not in page
    assert page.count(f"expires {week:%Y-%m-%d}") == 2


def test_a_token_opens_nothing_after_its_end():
    user = make_user()
    token = renew_token(user)
    before = opens(token)
    ApiToken.objects.update(expires=timezone.now() - timedelta(seconds=1))

    answer = Client().get("/api/events/", headers={"authorization": f"Token {token}"})

    assert before
    assert answer.status_code == 401
    assert "has expired" in answer.json()["detail"]


def test_one_token_ends_and_the_others_stay(client):
    user = make_user()
    client.force_login(user)
    one, other = renew_token(user, "one"), renew_token(user, "other")

    client.post("/account/token/", {"end": str(ApiToken.objects.get(name="one").pk)})

    assert (opens(one), opens(other)) == (False, True)


def test_nobody_ends_a_token_of_somebody_else(client):
    token = renew_token(make_user())
    client.force_login(make_admin())

    client.post("/account/token/", {"end": str(ApiToken.objects.get().pk)})

    assert opens(token)


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"days": "0"}, "works for 1 to 365 days"),
        ({"days": "366"}, "works for 1 to 365 days"),
        ({"days": "-7"}, "works for 1 to 365 days"),
        ({"days": "9" * 40}, "works for 1 to 365 days"),
        ({"days": "\u0663"}, "works for 1 to 365 days"),
        ({"name": "x" * 61}, "1 to 60 characters"),
        ({"name": "a\u202eb"}, "1 to 60 characters"),
        ({"end": "none"}, "API tokens"),
        ({"end": "9" * 40}, "API tokens"),
    ],
)
def test_no_token_is_made_that_cannot_be(client, fields, why):
    client.force_login(make_user())

    answer = client.post("/account/token/", fields, follow=True)

    assert answer.status_code == 200
    assert why in answer.text
    assert not ApiToken.objects.exists()


def test_one_has_twenty_tokens_and_no_more(client):
    user = make_user()
    client.force_login(user)
    for number in range(20):
        renew_token(user, f"{number}")

    more = client.post("/account/token/", {"name": "one more"}, follow=True)
    again = client.post("/account/token/", {"name": "19"})

    assert "You have 20 tokens: end one first." in more.text
    assert opens(shown_token(again.text))


def test_another_password_ends_the_token():
    user = make_user()
    token = renew_token(user)

    user.set_password("another one")
    user.save()

    assert not opens(token)
    assert opens(renew_token(user))


def test_the_last_use_of_a_token_is_kept_to_the_hour():
    token = renew_token(make_user())
    opens(token)
    first = ApiToken.objects.get().last_used
    opens(token)

    assert first is not None
    assert ApiToken.objects.get().last_used == first


def test_tokens_that_were_kept_as_they_are_go_on_working_as_hashes():
    user = make_user()
    Token.objects.filter(user=user).delete()
    plain = Token.objects.create(user=user).key
    migration = import_module("tom.web.migrations.0002_hash_tokens")
    then = MigrationLoader(connection).project_state(("web", "0002_hash_tokens")).apps
    with connection.cursor() as cursor:  # what the next migration gives to the rows that it finds
        cursor.execute("ALTER TABLE web_apitoken ALTER name SET DEFAULT 'API token'")
        cursor.execute("ALTER TABLE web_apitoken ALTER expires SET DEFAULT now() + interval '1 y'")

    migration.hash_tokens(then, None)

    assert opens(plain)
    assert not Token.objects.exists()


def test_an_administrator_finds_nobodys_token(client):
    client.force_login(make_admin())
    token = renew_token(make_user())

    pages = [client.get("/admin/"), client.get("/admin/authtoken/tokenproxy/")]

    assert "token" not in pages[0].text.lower().replace("csrfmiddlewaretoken", "")
    assert pages[1].status_code == 404
    assert token not in pages[0].text


def test_the_command_makes_a_token_and_prints_it():
    user = make_user("ada")
    old = renew_token(user)
    out = io.StringIO()

    call_command("api_token", "ada", stdout=out)

    assert opens(out.getvalue().strip())
    assert not opens(old)


def test_the_command_knows_no_token_of_nobody():
    with pytest.raises(CommandError, match="no active user"):
        call_command("api_token", "nobody")


# --- Roles ------------------------------------------------------------------------------------
def test_every_permission_of_observers_exists():
    assert len(find_permissions(OBSERVERS_MAY)) == len(OBSERVERS_MAY)


def test_observers_have_their_permissions_after_a_migration_and_keep_others():
    group = ensure_roles()
    extra = find_permissions(["auth.view_user"])
    group.permissions.add(*extra)

    again = ensure_roles()

    assert again == group
    assert set(again.permissions.all()) == {*find_permissions(OBSERVERS_MAY), *extra}


def test_observers_see_no_private_target_that_is_not_theirs(django_user_model):
    user = make_user()
    user.groups.add(ensure_roles())
    make_target(private=True, owners=[make_group()])

    assert not visible_targets(user).exists()


def test_the_demo_user_is_made_once_with_its_password():
    user, created = ensure_demo_user("a password")
    again, created_again = ensure_demo_user("another password")

    assert (created, created_again) == (True, False)
    assert user == again
    assert user.is_superuser
    assert user.groups.filter(name="Observers").exists()
    assert again.check_password("a password")
