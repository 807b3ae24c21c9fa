"""Comments: who reads what was said, before and after a target becomes public."""

import pytest
from django_comments.models import Comment

from tests import factories
from tom.targets.models import BaseTarget
from tom.web.comments import add_comment

pytestmark = pytest.mark.django_db


def test_what_was_said_of_a_private_target_stays_with_its_group(client):
    team = factories.make_group()
    member, other = factories.make_observer(groups=[team]), factories.make_observer()
    target = factories.make_target(private=True, owners=[team])
    add_comment(target, "said among us", by=member)

    target.permissions = BaseTarget.Permissions.PUBLIC
    target.save()
    add_comment(target, "said to all", by=member)
    read = []
    for user in (member, factories.make_admin(), other):
        client.force_login(user)
        text = client.get(f"/targets/{target.pk}/").text
        read.append(["said among us" in text, "said to all" in text])

    assert read == [[True, True], [True, True], [False, True]]


def test_an_answer_to_a_comment_shows_no_more_than_the_page(client):
    team = factories.make_group()
    target = factories.make_target(private=True, owners=[team])
    add_comment(target, "said among us", by=factories.make_observer(groups=[team]))
    BaseTarget.objects.update(permissions=BaseTarget.Permissions.PUBLIC)
    client.force_login(factories.make_observer())

    answer = client.post(
        f"/targets/{target.pk}/comment/", {"comment": "hello"}, headers={"HX-Request": "true"}
    )

    assert "hello" in answer.text
    assert "said among us" not in answer.text


def test_the_form_says_who_will_read_it(client):
    team = factories.make_group()
    client.force_login(factories.make_observer(groups=[team]))
    private, public = factories.make_target(private=True, owners=[team]), factories.make_target()

    texts = [client.get(f"/targets/{target.pk}/").text for target in (private, public)]

    assert ["groups only" in text for text in texts] == [True, False]
    assert ["everybody who may see the target" in text for text in texts] == [False, True]


@pytest.mark.parametrize(
    ("text", "said"), [(" \r\n ", "and this has 0."), ("x" * 3001, "and this has 3,001.")]
)
def test_a_comment_that_is_not_kept_is_said_and_swapped_in_with_its_text(client, text, said):
    client.force_login(factories.make_observer())
    target = factories.make_target()
    address = f"/targets/{target.pk}/comment/"

    page = client.post(address, {"comment": text}, follow=True).text
    part = client.post(address, {"comment": text}, headers={"HX-Request": "true"}).text

    for answer in (page, part):
        assert f"The comment is not kept. A comment has 1 to 3,000 characters, {said}" in answer
    assert f">{text}</textarea>" in part
    assert not Comment.objects.exists()


def test_the_end_of_a_line_counts_once(client):
    client.force_login(factories.make_observer())
    target = factories.make_target()

    client.post(f"/targets/{target.pk}/comment/", {"comment": "x\r\n" * 1499 + "xx"})

    assert len(Comment.objects.get().comment) == 3000
