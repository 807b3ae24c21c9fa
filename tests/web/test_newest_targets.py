"""The list of targets in its orders, above all for who reads private programs."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.db.models import Q, QuerySet
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from tom_targets.base_models import BaseTarget

from tests.factories import MERGER, make_group, make_observer, make_program
from tests.targets.test_summary import make_targets
from tom.targets.models import AudienceSummary, TargetSummary
from tom.targets.visible import visible_targets
from tom.web import target_order
from tom.web.known import join_summaries
from tom.web.pagination import page_of
from tom.web.target_order import ORDERS, first_targets, in_turn, page_in_turn

pytestmark = pytest.mark.django_db


def a_figure(rng: random.Random, asked: str) -> datetime | float:
    hours = rng.randint(0, 99)
    return 18 + hours / 10 if asked == "bright" else MERGER + timedelta(hours=hours)


@pytest.mark.parametrize("which", [Q(), ~Q(name__endswith="3"), Q(name__endswith="3")])
@pytest.mark.parametrize("asked", ["seen", "new", "bright"])
@pytest.mark.parametrize("n_programs", [0, 1, 2])
def test_any_page_in_an_order_is_that_of_the_list_sorted_in_python(
    n_programs: int, asked: str, which: Q
) -> None:
    rng = random.Random(n_programs)
    figure, falls = ORDERS[asked]
    groups = [make_group() for _ in range(2)]
    programs = [make_program(n + 2, group=group).pk for n, group in enumerate(groups)]
    mine = programs[:n_programs]
    reader = make_observer("vera", groups=groups[:n_programs])
    known = {}
    for target in make_targets(30):
        last = rng.choice([None, a_figure(rng, asked), a_figure(rng, asked)])
        TargetSummary.objects.filter(target=target).update(**{figure: last})
        known[target.name] = last
        for keys in rng.sample([programs[:1], programs[1:], programs], rng.randint(0, 2)):
            told = rng.choice([None, a_figure(rng, asked)])
            AudienceSummary.objects.create(
                target=target, programs=keys, healpix29=1, **{figure: told}
            )
        own = AudienceSummary.objects.filter(target=target, programs__contained_by=mine)
        fullest = own.order_by("-programs__len", "-programs").first()
        if fullest is not None and getattr(fullest, figure) is not None:
            known[target.name] = getattr(fullest, figure)
    fitting = set(visible_targets(reader).filter(which).values_list("name", flat=True))
    as_made = [name for name in known if name in fitting]
    # Sorted falling, alike ones stand as they were made all the same.
    seen = [name for name in as_made if known[name] is not None]
    seen.sort(key=known.get, reverse=falls)
    expected = seen + [name for name in as_made if known[name] is None]
    targets = visible_targets(reader).select_related("summary")
    rows = join_summaries(targets, "pk", mine).order_by(*in_turn(asked, mine))

    for first, last in ((0, 1), (0, 5), (5, 10), (25, 35), (0, 30), (40, 50)):
        found = first_targets(reader, asked, first=first, last=last, which=which)
        assert [target.name for target in found] == expected[first:last]
    if which:
        few = list(BaseTarget.objects.filter(which).values_list("pk", flat=True))
        for keys in (None, few):
            pages = [*_pages(rows, reader, asked, which, expected, keys)]
            assert True in dict(pages).values() or len(expected) < 12


def _pages(
    rows: QuerySet[BaseTarget],
    reader: User,
    asked: str,
    which: Q,
    expected: list[str],
    few: list[int] | None = None,
) -> Iterator[tuple[int, bool]]:
    """Compare pages of three with the list; say of each if no more than the first were read."""
    small = {"PER_PAGE": 3, "WINDOW": 2, "FEW_SORTED": 2, "page_of": partial(page_of, per_page=3)}
    with patch.multiple(target_order, **small):
        for number in range(1, 12):
            request = RequestFactory().get(f"/targets/?page={number}")
            request.user = reader
            page = page_in_turn(request, rows, asked, which=which, name="", few=few)
            first = (page.number - 1) * 3
            assert [target.name for target in page.object_list] == expected[first : first + 3]
            if page.number == number:
                assert page.has_next() == (number * 3 < len(expected))
                yield number, page.paginator.is_more


def test_a_page_waits_for_what_fits_behind_the_first_that_its_reader_alone_knows() -> None:
    group = make_group()
    program = make_program(2, group=group)
    targets = make_targets(40)
    told, others = targets[:20], targets[20:]
    for hours, target in enumerate(targets):
        last = MERGER - timedelta(hours=hours)
        TargetSummary.objects.filter(target=target).update(last_detection=last)
        if target in told:
            AudienceSummary.objects.create(
                target=target, programs=[program.pk], healpix29=1, last_detection=last
            )
    fitting = [target.name for target in (*told[10:], *others)]
    reader = make_observer("vera", groups=[group])
    rows = join_summaries(visible_targets(reader).select_related("summary"), "pk", [program.pk])
    rows = rows.order_by(*in_turn("seen", [program.pk]))

    assert list(_pages(rows, reader, "seen", Q(name__in=fitting), fitting))


def test_the_page_shows_first_what_its_reader_alone_saw_last(client: Client) -> None:
    group = make_group()
    program = make_program(2, group=group)
    old, new = make_targets(2)
    TargetSummary.objects.filter(target=old).update(last_detection=MERGER)
    TargetSummary.objects.filter(target=new).update(last_detection=MERGER + timedelta(days=1))
    AudienceSummary.objects.create(
        target=old,
        programs=[program.pk],
        healpix29=1,
        last_detection=MERGER + timedelta(days=2),
    )

    def names() -> list[str]:
        text = client.get("/targets/").text
        return sorted((old.name, new.name), key=lambda name: text.index(f"<b>{name}</b>"))

    client.force_login(make_observer("stranger"))
    assert names() == [new.name, old.name]
    client.force_login(make_observer("member", groups=[group]))
    assert names() == [old.name, new.name]


def test_a_far_page_reads_the_summaries_and_only_its_own_targets() -> None:
    group = make_group()
    program = make_program(2, group=group)
    for hours, target in enumerate(make_targets(12)):
        last = MERGER - timedelta(hours=hours)
        TargetSummary.objects.filter(target=target).update(last_detection=last)
        if hours % 2:
            AudienceSummary.objects.create(
                target=target, programs=[program.pk], healpix29=1, last_detection=last
            )
    reader = make_observer("vera", groups=[group])

    with CaptureQueriesContext(connection) as asked:
        found = first_targets(reader, "seen", first=8, last=11)

    assert [target.name for target in found] == ["t8", "t9", "t10"]
    *_, order, read = (each["sql"] for each in asked)
    assert '"tom_targets_basetarget"."name"' not in order
    assert '"tom_targets_basetarget"."name"' in read


@pytest.mark.parametrize("asked", ["seen", "new", "bright"])
def test_a_far_page_is_found_by_indexes_that_have_all_it_needs(asked: str) -> None:
    group = make_group()
    make_program(2, group=group)
    reader = make_observer("vera", groups=[group])
    with CaptureQueriesContext(connection) as queries:
        first_targets(reader, asked, first=8, last=11)
    order = next(each["sql"] for each in queries if "UNION ALL" in each["sql"])
    index = {"seen": "newest", "new": "first", "bright": "brightest"}[asked]

    with connection.cursor() as cursor:
        for way in ("seqscan", "bitmapscan", "sort"):  # the ways of a small table
            cursor.execute(f"SET LOCAL enable_{way} = off")
        cursor.execute(f"EXPLAIN {order}")
        plan = "\n".join(line for (line,) in cursor.fetchall())

    assert f"Index Only Scan using targets_summary_{index}" in plan
    assert f"Index Only Scan using targets_audience_{index}" in plan
    assert "Sort  (" not in plan
