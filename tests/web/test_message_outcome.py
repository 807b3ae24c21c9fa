"""A message leads to what it made, and a notification to what it is about."""

import pytest
from django.test import Client

from tests import factories
from tests.streams.packets import make_circular, make_ztf_packet
from tom import intake
from tom.events.models import EventSequence
from tom.reports.notifications.models import Notification
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db


def read(client: Client, path: str) -> str:
    return " ".join(client.get(path).text.split())


def test_an_alert_leads_to_its_place_in_the_chain_and_the_targets_one_may_see(client) -> None:
    event = factories.make_event("S261118zz")
    team = factories.make_group("team")
    for number in range(3):
        factories.make_candidate(event, rank=number + 1)
    factories.make_candidate(event, factories.make_target(private=True, owners=[team]), rank=4)
    message = EventSequence.objects.get(event=event, number=3).message_id
    client.force_login(factories.make_observer("stranger"))

    stranger = read(client, f"/messages/{message}/")
    client.force_login(factories.make_observer("member", groups=[team]))
    member = read(client, f"/messages/{message}/")

    assert 'became <a href="/events/S261118zz/">S261118zz</a>, 3rd of the chain' in stranger
    assert "3 targets" in stranger
    assert "4 targets" in member
    assert ">S261118zz</a>, 3rd" in read(client, "/messages/")


def test_a_circular_and_its_message_lead_to_each_other(client) -> None:
    message, _ = store_message("gcn.circulars", make_circular(circularId=40_000))
    intake.work_message(message.pk)
    client.force_login(factories.make_observer())

    assert 'href="/circulars/40000/"' in read(client, f"/messages/{message.pk}/")
    assert f'href="/messages/{message.pk}/"' in read(client, "/circulars/40000/")


@pytest.fixture
def team():
    return factories.make_group("team")


@pytest.mark.parametrize(
    ("program", "private", "seen_by_stranger"),
    [(1, False, True), (2, False, False), (1, True, False)],
)
def test_a_survey_alert_leads_to_its_target_only_who_may_know(
    client, team, program, private, seen_by_stranger
) -> None:
    factories.make_program(2, group=team)
    target = factories.make_target("ZTF26aaaaaaa", private=private, owners=[team])
    packet = make_ztf_packet(object_id="ZTF26aaaaaaa", programid=program)
    message = factories.make_message(packet, topic="ztf", kind="ztf.avro")
    link = f'href="/targets/{target.pk}/"'

    client.force_login(factories.make_observer("stranger"))
    assert (link in read(client, f"/messages/{message.pk}/")) == seen_by_stranger
    client.force_login(factories.make_observer("member", groups=[team]))
    assert link in read(client, f"/messages/{message.pk}/")


def test_a_notification_of_a_topic_opens_the_event_that_its_message_is_about(client) -> None:
    event = factories.make_event("S261118zz")
    message = EventSequence.objects.get(event=event, number=1).message
    user = factories.make_observer()
    told = Notification.objects.create(
        user=user, kind="topic", cause="message:1", title="igwn.gwalert", message=message
    )
    client.force_login(user)

    assert client.post(f"/notifications/{told.pk}/").url == "/events/S261118zz/"
