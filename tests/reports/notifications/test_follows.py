import pytest
from django.db import IntegrityError

from tests.factories import make_event, make_group, make_target, make_user
from tom.reports.notifications.follows import (
    CannotFollowError,
    follow,
    is_following,
    unfollow,
)
from tom.reports.notifications.models import Follow

pytestmark = pytest.mark.django_db


def test_following_twice_is_following_once():
    user = make_user()
    make_event("S261120a")

    first = follow(user, kind="event", value="S261120a")
    second = follow(user, kind="event", value="S261120a")

    assert first == second
    assert is_following(user, kind="event", value="S261120a")


def test_the_database_holds_one_follow_a_person_and_thing():
    user = make_user()
    Follow.objects.create(user=user, kind="topic", value="igwn.gwalert")

    with pytest.raises(IntegrityError):
        Follow.objects.create(user=user, kind="topic", value="igwn.gwalert")


def test_unfollow_says_whether_there_was_something_to_stop():
    user = make_user()
    follow(user, kind="topic", value="gcn.circulars")

    assert unfollow(user, kind="topic", value="gcn.circulars")
    assert not unfollow(user, kind="topic", value="gcn.circulars")


def test_a_topic_that_said_nothing_yet_can_be_followed():
    assert follow(make_user(), kind="topic", value="hermes.new").pk


@pytest.mark.parametrize(
    ("kind", "value"),
    [("event", "S000000x"), ("target", "0"), ("target", "9" * 30), ("target", "x"),
     ("planet", "mars"), ("topic", ""), ("topic", "a\0b"), ("topic", "t" * 256)],
)  # fmt: skip
def test_what_is_not_there_cannot_be_followed(kind: str, value: str):
    with pytest.raises(CannotFollowError):
        follow(make_user(), kind=kind, value=value)


def test_a_private_target_is_followed_by_those_who_may_see_it_and_by_nobody_else():
    group = make_group()
    target = make_target(private=True, owners=[group])
    member, other = make_user(), make_user()
    member.groups.add(group)

    assert follow(member, kind="target", value=str(target.pk)).pk
    with pytest.raises(CannotFollowError):
        follow(other, kind="target", value=str(target.pk))
