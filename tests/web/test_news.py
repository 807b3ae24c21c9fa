"""What came since a person's last look at an event: new candidates, and places that changed."""

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from tests import factories
from tom.candidates.looks import last_look, note_look
from tom.candidates.models import CandidateStanding, EventCandidate, Look
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate, Ranking
from tom.web import candidate_rows
from tom.web.known import count_ranks, fullest, rank_visible
from tom.web.templatetags import sky

pytestmark = pytest.mark.django_db
PAGE = "/events/S261120ab/"


def make_past(event: NonLocalizedEvent, order: list[EventCandidate]) -> None:
    """Have the candidates stand in this order two hours ago."""
    then = timezone.now() - timedelta(hours=2)
    factories.make_past(event, order)
    EventCandidate.objects.filter(pk__in=[row.pk for row in order]).update(created=then)


def moves(text: str) -> dict[str, str]:
    rows = re.findall(r"<tr\s+data-row(.*?)</tr>", text, re.DOTALL)
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
    again = client.get(f"{PAGE}?part=candidates&auto=1").text

    expected = {"ZTF26row1": "▲2", "ZTF26row2": "▼1", "ZTF26row3": "▼1", "ZTF26row4": "new"}
    assert moves(page) == moves(again) == expected


def test_who_fell_below_the_ranks_that_are_counted_fell_by_so_many_or_more(
    client: Client, monkeypatch
) -> None:
    for counting in (rank_visible, count_ranks):
        monkeypatch.setitem(counting.__kwdefaults__, "most", 2)
    for module in (candidate_rows, sky):
        monkeypatch.setattr(module, "MOST_RANKED", 2)
    vera = factories.make_observer("vera")
    client.force_login(vera)
    event = factories.make_event("S261120ab")
    rows = [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 5)
    ]
    make_past(event, [rows[3], *rows[:2]])
    Look.objects.create(user=vera, event=event, seen=timezone.now() - timedelta(hours=1))

    page = client.get(PAGE).text

    assert moves(page) == {
        "ZTF26row1": "▲1", "ZTF26row2": "▲1", "ZTF26row3": "new", "ZTF26row4": "▼2+"
    }  # fmt: skip
    ranks = re.findall(r'<td class="num quiet rank">\s*(\S+)', page)
    assert ranks == ["1", "2", "2+", "2+"]


def test_those_of_one_chance_stand_by_their_names_and_do_not_move(client: Client) -> None:
    vera = factories.make_observer("vera")
    client.force_login(vera)
    event = factories.make_event("S261120ab")
    rows = [
        factories.make_candidate(
            event, factories.make_target(f"ZTF26row{rank}"), rank=rank, posterior=0.5
        )
        for rank in range(1, 5)
    ]
    make_past(event, rows)
    RankedCandidate.objects.update(log_weight=0.0)
    Look.objects.create(user=vera, event=event, seen=timezone.now() - timedelta(hours=1))

    assert set(moves(client.get(PAGE).text).values()) == {""}
    assert moves(client.get(f"{PAGE}?since=moved").text) == {}


def test_what_is_new_and_what_moved_can_be_shown_alone(client: Client) -> None:
    vera = factories.make_observer("vera")
    client.force_login(vera)
    event = factories.make_event("S261120ab")
    hidden = factories.make_candidate(event, factories.make_target(private=True), rank=9)
    rows = [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 7)
    ]
    # What is hidden fell from the first place: nobody whom she sees moved by that.
    make_past(event, [hidden, rows[0], rows[2], rows[1], rows[3], rows[4]])
    Look.objects.create(user=vera, event=event, seen=timezone.now() - timedelta(hours=1))

    new, moved, odd, csv = (
        client.get(address).text
        for address in (
            f"{PAGE}?since=new",
            f"{PAGE}?since=moved",
            f"{PAGE}?since=odd",
            f"{PAGE}candidates.csv?since=moved",
        )
    )

    assert moves(new) == {"ZTF26row6": "new"}
    assert moves(moved) == {"ZTF26row2": "▲1", "ZTF26row3": "▼1", "ZTF26row6": "new"}
    assert len(moves(odd)) == 6
    assert re.findall(r"ZTF26row\d", csv) == ["ZTF26row2", "ZTF26row3", "ZTF26row6"]


def test_a_reader_of_a_program_is_told_moves_among_what_they_know(client: Client) -> None:
    group = factories.make_group()
    program = factories.make_program(2, group=group)
    paul = factories.make_observer("paul", groups=[group])
    client.force_login(paul)
    event = factories.make_event("S261120ab")
    rows = [
        factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
        for rank in range(1, 4)
    ]
    make_past(event, rows)
    then = Ranking.objects.get(created__lt=timezone.now() - timedelta(hours=1))
    # By the program's points the third stood first then, and stands third now.
    now = Ranking.objects.exclude(pk=then.pk).latest("pk")
    factories.make_place(then, rows[2], posterior=0.9, programs=[program.pk])
    factories.make_place(now, rows[2], posterior=0.1, programs=[program.pk])
    CandidateStanding.objects.create(
        candidate=rows[2],
        event=event,
        programs=[program.pk],
        rank=4,
        log_weight=factories.log_odds(0.1),
        credible_level_2d=0.1,
    )
    CandidateStanding.objects.update(created=then.created)
    Look.objects.create(user=paul, event=event, seen=timezone.now() - timedelta(hours=1))

    expected = {"ZTF26row1": "▲1", "ZTF26row2": "▲1", "ZTF26row3": "▼2"}
    assert moves(client.get(PAGE).text) == expected
    assert moves(client.get(f"{PAGE}?since=moved").text) == expected


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


def drop_other_indexes() -> None:
    """For this test: in a table of no rows PostgreSQL may prefer any index of several."""
    table = RankedCandidate._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT ranking_place_of_audience_once")
        cursor.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = %s"
            " AND indexname NOT IN ('ranking_place_order', %s)",
            [table, "scoring_rankedcandidate_pkey"],
        )
        for (name,) in cursor.fetchall():
            cursor.execute(f"DROP INDEX {name}")
        for scan in ("seqscan", "bitmapscan"):
            cursor.execute(f"SET LOCAL enable_{scan} = off")


def test_places_in_a_ranking_are_counted_from_an_index_alone() -> None:
    """Beside their terms the rows are wide: 100,000 of them took a second to read."""
    program = factories.make_program(2, group=factories.make_group())
    event = factories.make_event()
    ranking = factories.make_ranking(event)
    drop_other_indexes()
    for programs in ([], [program.pk]):
        rows = fullest(RankedCandidate.objects.as_of(ranking), programs)
        plan = rows.filter(log_weight__gte=0).values_list("log_weight").explain()

        assert "Index Only Scan using ranking_place_order" in plan
