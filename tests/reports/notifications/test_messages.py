import json

import pytest
from django.db import IntegrityError
from guardian.shortcuts import remove_perm
from tom_targets.models import TargetName

from tests.factories import (
    make_event,
    make_group,
    make_message,
    make_observer,
    make_program,
    make_target,
    make_user,
)
from tom.changes.models import Change, Topic
from tom.events.models import Circular
from tom.reports.notifications.follows import follow
from tom.reports.notifications.messages import (
    mark_all_read,
    mark_read,
    notify_alerts,
    notify_message,
    unread_count,
)
from tom.reports.notifications.models import Notification

pytestmark = pytest.mark.django_db


def make_hermes(**data: object):
    body = {"title": "Spectrum of a candidate", "submitter": "x", "message_text": "", "data": data}
    return make_message(json.dumps(body).encode(), topic="hermes.spectra")


def test_whoever_follows_the_topic_is_told_at_once():
    user = make_observer()
    follow(user, kind="topic", value="hermes.spectra")

    told = notify_message(make_hermes())

    notification = Notification.objects.get(user=user)
    assert told == 1
    assert notification.title == "hermes.spectra: Spectrum of a candidate"
    change = Change.objects.get(topic=Topic.NOTIFICATION)
    assert (change.key, change.user_id) == (str(notification.pk), user.pk)


def test_a_message_told_again_notifies_nobody_again():
    follow(make_observer(), kind="topic", value="hermes.spectra")
    message = make_hermes()
    notify_message(message)

    assert notify_message(message) == 0
    assert Notification.objects.count() == 1


def test_the_database_holds_one_notification_a_person_and_cause():
    user = make_user()
    Notification.objects.create(user=user, kind="topic", cause="message:1", title="a")

    with pytest.raises(IntegrityError):
        Notification.objects.create(user=user, kind="topic", cause="message:1", title="b")


def test_nobody_else_is_told():
    follow(make_observer(), kind="topic", value="igwn.gwalert")

    assert notify_message(make_hermes()) == 0


def test_a_follower_of_an_event_is_told_of_each_message_of_its_chain():
    user, event = make_user(), make_event("S261120a", alert_types=("PRELIMINARY", "RETRACTION"))
    follow(user, kind="event", value="S261120a")

    for sequence in event.sequences.all():
        notify_message(sequence.message)

    titles = list(Notification.objects.order_by("pk").values_list("title", flat=True))
    assert titles == ["S261120a: S261120a PRELIMINARY", "S261120a: S261120a RETRACTION"]
    assert set(Notification.objects.values_list("event", flat=True)) == {event.pk}


def test_a_follower_of_an_event_is_told_of_its_circulars_and_of_hermes_messages_that_name_it():
    user, event = make_user(), make_event("S261120a")
    follow(user, kind="event", value="S261120a")
    message = make_message(topic="gcn.circulars")
    Circular.objects.create(
        circular_id=1, subject="LVK", body="", created_on=event.time, event=event, message=message
    )

    assert notify_message(message) == 1
    assert notify_message(make_hermes(event_id="S261120a")) == 1


@pytest.mark.parametrize(
    "row", [{"name": "ZTF26aaa"}, {"name": "AT2026x"}, {"name": "?", "aliases": ["AT2026x"]}]
)
def test_a_follower_of_a_target_is_told_of_a_message_that_names_it_in_any_way(row: dict):
    user, target = make_user(), make_target("ZTF26aaa")
    TargetName.objects.create(target=target, name="AT2026x")
    follow(user, kind="target", value=str(target.pk))

    assert notify_message(make_hermes(targets=[row])) == 1
    assert Notification.objects.get().target == target


def test_a_follower_of_a_target_is_told_of_the_alerts_that_update_it():
    user, target = make_user(), make_target("ZTF26aaa")
    follow(user, kind="target", value=str(target.pk))

    message = make_message(b"Obj\x01", topic="ztf_20261121_programid1")
    notify_alerts({target.pk: message}, programs=openly([target.pk]))

    assert Notification.objects.get().title == "ZTF26aaa: a new message"


def test_of_a_batch_of_alerts_the_follower_of_a_target_is_told_of_the_one_that_changed_it():
    user, followed, other = make_user(), make_target("ZTF26aaa"), make_target("ZTF26bbb")
    follow(user, kind="target", value=str(followed.pk))
    batch = {pk: make_message(topic="ztf_x") for pk in (followed.pk, other.pk, other.pk + 1)}

    assert notify_alerts(batch, programs=openly([followed.pk, other.pk])) == 1
    assert notify_alerts(batch, programs=openly([other.pk])) == 0
    assert Notification.objects.get().message == batch[followed.pk]


def test_a_follower_of_a_surveys_topic_does_not_learn_what_others_follow():
    user, other, target = make_user(), make_observer(), make_target("ZTF26aaa")
    follow(user, kind="target", value=str(target.pk))
    follow(other, kind="topic", value="ztf_x")

    notify_alerts({target.pk: make_message(topic="ztf_x")}, programs=openly([target.pk]))

    assert Notification.objects.get().user == user


def test_a_batch_of_alerts_reads_all_that_is_followed_in_four_queries(
    django_assert_max_num_queries,
):
    user = make_user()
    targets = [make_target(f"ZTF26aa{letter}") for letter in "abcdefgh"]
    for target in targets:
        follow(user, kind="target", value=str(target.pk))
    batch = {target.pk: make_message(topic="ztf_x") for target in targets}
    brought = openly([target.pk for target in targets])
    notify_alerts(batch, programs=brought)

    # And of each whether the follower may see it, and was told already.
    with django_assert_max_num_queries(4 + 8 * len(targets)):
        assert notify_alerts(batch, programs=brought) == 0


def test_a_batch_of_alerts_costs_one_query_where_nobody_follows_a_target(
    django_assert_num_queries,
):
    target, message = make_target("ZTF26aaa"), make_message(topic="ztf_x")
    brought = openly([target.pk])

    with django_assert_num_queries(1):
        notify_alerts({target.pk: message}, programs=brought)


def test_a_follower_who_may_no_longer_see_a_target_is_not_told_and_sees_no_earlier_notification():
    group = make_group()
    target = make_target("ZTF26secret", private=True, owners=[group])
    user = make_user()
    user.groups.add(group)
    follow(user, kind="target", value=str(target.pk))
    notify_message(make_hermes(targets=[{"name": "ZTF26secret"}]))
    assert unread_count(user) == 1

    remove_perm("tom_targets.view_target", group, target)

    assert notify_message(make_hermes(targets=[{"name": "ZTF26secret"}, {"name": "b"}])) == 0
    assert not Notification.objects.visible_to(user).exists()


def test_the_content_of_a_topic_is_told_only_to_those_who_may_read_messages():
    follow(make_user(), kind="topic", value="hermes.spectra")

    assert notify_message(make_hermes()) == 0


def test_whoever_follows_in_more_than_one_way_is_told_once_by_the_most_particular():
    user, target = make_observer(), make_target("ZTF26aaa")
    make_event("S261120a")
    for kind, value in [("topic", "hermes.spectra"), ("event", "S261120a"), ("target", target.pk)]:
        follow(user, kind=kind, value=str(value))

    told = notify_message(make_hermes(event_id="S261120a", targets=[{"name": "ZTF26aaa"}]))

    assert told == 1
    assert Notification.objects.get().kind == "target"


def test_somebody_who_left_is_not_told():
    user = make_observer()
    follow(user, kind="topic", value="hermes.spectra")
    user.is_active = False
    user.save()

    assert notify_message(make_hermes()) == 0


@pytest.mark.parametrize(
    "payload",
    [b"", b"\xff", b"[]", b'{"title": 3}', b'{"title": "t", "data": 7}',
     b'{"title": "t", "data": {"targets": {}, "event_id": ["x"]}}',
     b'{"title": "a\\u0000b\\ud800c"}',
     b'{"title": "t", "data": {"event_id": "\\ud800", "targets": [{"name": "\\ud800"}]}}',
     b'{"title": "t", "data": {"event_id": "a\\u0000", "targets": [{"name": "b\\u0000"}, 4]}}'],
)  # fmt: skip
def test_a_strange_payload_is_told_without_failing(payload: bytes):
    follow(make_observer(), kind="topic", value="hermes.odd")

    assert notify_message(make_message(payload or b" ", topic="hermes.odd")) == 1


def test_a_notification_stays_until_it_is_read():
    user = make_observer()
    follow(user, kind="topic", value="hermes.spectra")
    for _ in range(3):
        notify_message(make_hermes(number=Notification.objects.count()))
    assert unread_count(user) == 3

    mark_read(Notification.objects.first())
    assert unread_count(user) == 2
    assert mark_all_read(user) == 2
    assert mark_all_read(user) == 0
    assert unread_count(user) == 0


def test_nobody_marks_or_counts_what_is_anothers():
    user, other = make_observer(), make_observer()
    follow(user, kind="topic", value="hermes.spectra")
    notify_message(make_hermes())

    assert mark_all_read(other) == 0
    assert (unread_count(user), unread_count(other)) == (1, 0)


def openly(target_ids):
    """That public points of these targets came."""
    return {key: [make_program().pk] for key in target_ids}
