"""Who a session's person is and what they may do."""

import pytest
from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.factories import make_admin, make_group, make_lead, make_observer, make_user
from tom.web.permissions import FOLLOW, TAKE_SHIFT

OWN, OF_A_GROUP = "change_eventcandidate", "view_stream"


@pytest.fixture
def mixed(db: None) -> User:
    """A person with a right of their own, and with one by a group; the group of others has more."""
    group, others = make_group("mine"), make_group("others")
    group.permissions.add(Permission.objects.get(codename=OF_A_GROUP))
    others.permissions.add(Permission.objects.get(codename="change_stream"))
    user = make_user("vera")
    user.groups.add(group)
    user.user_permissions.add(Permission.objects.get(codename=OWN))
    return user


def test_a_persons_rights_are_those_that_django_finds(mixed: User) -> None:
    for user in (mixed, make_user("new"), make_observer("ada"), make_lead("bob"), make_admin()):
        again = User.objects.get(pk=user.pk)
        assert again.get_all_permissions() == AuthenticationBackend().get_all_permissions(
            User.objects.get(pk=user.pk)
        )
    rights = User.objects.get(pk=mixed.pk).get_all_permissions()
    assert {right.partition(".")[2] for right in rights} == {OWN, OF_A_GROUP}


def test_rights_are_asked_for_once_and_by_one_query(mixed: User) -> None:
    user = User.objects.get(pk=mixed.pk)

    with CaptureQueriesContext(connection) as asked:
        found = [user.has_perm(name) for name in (FOLLOW, f"candidates.{OWN}", TAKE_SHIFT)]

    assert found == [False, True, False]
    assert len(asked) == 1


def test_a_right_that_is_taken_is_gone_with_the_next_page(mixed: User) -> None:
    client = Client()
    client.force_login(mixed)
    assert client.get("/streams/").status_code == 200

    mixed.groups.clear()

    assert client.get("/streams/").status_code == 403


@pytest.mark.parametrize("superuser", [False, True])
def test_who_is_switched_off_has_no_right_and_no_session(mixed: User, *, superuser: bool) -> None:
    client = Client()
    client.force_login(mixed)
    assert client.get("/account/").status_code == 200

    User.objects.filter(pk=mixed.pk).update(is_active=False, is_superuser=superuser)

    assert client.get("/account/").status_code == 302
    assert not User.objects.get(pk=mixed.pk).get_all_permissions()
