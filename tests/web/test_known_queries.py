"""What a list and a target's page ask the database to learn what a reader knows."""

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from tests import factories
from tom.candidates.models import Verdict

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("private", [1, 7])
def test_a_list_takes_as_many_queries_however_much_was_said_privately(
    client: Client, django_assert_num_queries: DjangoAssertNumQueries, private: int
) -> None:
    event, group = factories.make_event("S261120ab"), factories.make_group()
    alice = factories.make_observer("alice", groups=[group])
    rows = [factories.make_candidate(event, rank=rank) for rank in range(1, 9)]
    for row in rows[:private]:
        Verdict.objects.create(candidate=row, by=alice, verdict="promising", is_public=False)
    client.force_login(alice)
    client.get("/events/S261120ab/")  # the first look is noted

    with django_assert_num_queries(40):
        page = client.get("/events/S261120ab/?vetting=promising")

    assert len(page.context["rows"]) == private


def test_a_target_s_page_counts_its_ranks_once(client: Client) -> None:
    event = factories.make_event("S261120ab")
    target = factories.make_target()
    factories.make_candidate(event, target, rank=2)
    factories.make_candidate(event, rank=1)
    client.force_login(factories.make_observer())

    with CaptureQueriesContext(connection) as queries:
        page = client.get(f"/targets/{target.pk}/")

    counts = [query["sql"] for query in queries if "width_bucket" in query["sql"]]
    assert len(counts) == 1
    assert page.context["bar"].candidate.rank == 2
