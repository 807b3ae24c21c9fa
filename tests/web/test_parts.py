"""Parts that are swapped by themselves lead to whole pages, and ask for themselves again."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone

from tests import factories
from tests.web.test_pages_with_rows import make_candidates, make_request
from tom.reports.notifications.models import Notification

pytestmark = pytest.mark.django_db

PARTS = [
    (
        "/events/S261120ab/?region=all&part=candidates",
        "candidate-list",
        "/events/S261120ab/?region=all&auto=1",  # it asks for itself
    ),
    ("/messages/?state=dead&part=list", "messages", "/messages/?state=dead"),
    ("/requests/?state=under-way&part=list&part=list", "requests", "/requests/?state=under-way"),
    ("/notifications/?page=2&part=list", "notifications", "/notifications/?page=2"),
]


@pytest.fixture
def long_lists(client):
    """Lists of more than a page, before an observer."""
    user = factories.make_observer()
    client.force_login(user)
    event = factories.make_event("S261120ab", time=timezone.now() - timedelta(hours=3))
    make_candidates(event, 31)
    for number in range(51):
        factories.make_message(state="dead")
        make_request(user, factories.make_target(points=0))
        Notification.objects.create(user=user, kind="event", cause=str(number), title="x")


@pytest.mark.parametrize(("address", "name", "asked"), PARTS)
def test_a_part_leads_to_whole_pages(client, long_lists, address, name, asked):
    text = client.get(address).text

    again = re.search(rf'id="{name}"\s+hx-get="([^"]*)"', text)
    links = re.findall(r'href="(\?[^"]*)"', text) + re.findall(r'name="next" value="([^"]*)"', text)

    assert again is not None
    assert unescape(again[1]) == asked
    assert links
    assert not any("part=" in link or "auto=" in link for link in links)


def test_the_list_of_notifications_keeps_its_page(client, long_lists):
    text = client.get("/notifications/?page=2&part=list").text

    assert "of 51" in text
    assert "Previous" in text
