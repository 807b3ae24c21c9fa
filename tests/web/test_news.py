"""What came since a person's last look at an event: new candidates, and places that changed."""

import re
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.candidates.looks import last_look, note_look
from tom.candidates.models import EventCandidate, Look
from tom.events.models import NonLocalizedEvent
from tom.scoring.models import RankedCandidate, Ranking

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"


def make_past(event: NonLocalizedEvent, order: list[EventCandidate]) -> None:
    """Have the candidates stand in this order two hours ago."""
    then = timezone.now() - timedelta(hours=2)
    ranking = factories.make_ranking(event)
    Ranking.objects.filter(pk=ranking.pk).update(created=then)
    places = [
        RankedCandidate(
            ranking=ranking,
            candidate=candidate,
            rank=rank,
            posterior=0.1,
            posterior_low=0.1,
            posterior_high=0.1,
            terms=[],
        )
        for rank, candidate in enumerate(order, 1)
    ]
    RankedCandidate.objects.bulk_create(places)
    EventCandidate.objects.filter(pk__in=[row.pk for row in order]).update(created=then)


def moves(text: str) -> dict[str, str]:
    rows = re.findall(r"<tr data-row(.*?)</tr>", text, re.DOTALL)
    found = {}
    for row in rows:
        name = re.search(r"<b>(ZTF26row\d)</b>", row)
        moved = re.search(r'class="moved[^>]*>([^<]*)<', row)
        assert name is not None
        found[name[1]] = moved[1] if moved else ""
    return found


def test_rows_say_how_they_moved_since_the_last_look(client: Client) -> None:
    vera = factories.make_observer("vera")
    client.force_login(vera)
    event = factories.make_event("S261120ab")
    hidden = factories.make_candidate(event, factories.make_target(private=True), rank=9)
    first, second, third, _ = (
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 5)
    )
    make_past(event, [hidden, second, third, first])
    seen = timezone.now() - timedelta(hours=1)
    Look.objects.create(user=vera, event=event, seen=seen)

    page = client.get(PAGE).text
    again = client.get(f"{PAGE}?part=candidates&live=1").text
    only = client.get(f"{PAGE}?since=look").text

    expected = {"ZTF26row1": "▲2", "ZTF26row2": "▼1", "ZTF26row3": "▼1", "ZTF26row4": "new"}
    assert moves(page) == moves(again) == expected
    assert moves(only) == {"ZTF26row4": "new"}


def test_a_first_look_has_no_news(client: Client) -> None:
    client.force_login(factories.make_observer())
    event = factories.make_event("S261120ab")
    factories.make_candidate(event, factories.make_target("ZTF26row1"))

    assert moves(client.get(PAGE).text) == moves(client.get(PAGE).text) == {"ZTF26row1": ""}


def test_who_looks_again_at_once_keeps_their_news() -> None:
    vera, event, start = factories.make_observer(), factories.make_event(), timezone.now()

    looks = []
    for minutes in (0, 10, 60, 70, 200):
        note_look(vera, event, now=start + timedelta(minutes=minutes))
        since = last_look(vera, event)
        looks.append(since and round((since - start).total_seconds() / 60))

    assert looks == [None, None, 10, 10, 70]
