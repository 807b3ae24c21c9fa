"""Queries whose text is made once answer as those that are made anew, and hang on nothing else."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.db.models import Func, IntegerField, Q, QuerySet
from pytest_django import DjangoAssertNumQueries, Settings

from tests import factories
from tests.targets.test_summary import make_targets
from tom import kept_queries
from tom.candidates.models import EventCandidate
from tom.kept_queries import AnyOf, ChangedTextError, Given, among, kept_query
from tom.targets.visible import reader_of

pytestmark = pytest.mark.django_db


def test_a_query_answers_with_the_values_of_each_time() -> None:
    first, second, _ = (Group.objects.create(name=name) for name in ("a", "b", "c"))

    @kept_query
    def groups(*, keys: Given, name: Given) -> QuerySet[Group, Any]:
        return Group.objects.filter(AnyOf("pk", keys) | Q(name=name)).values_list("name", flat=True)

    assert groups(keys=[first.pk, second.pk], name="c") == ["a", "b", "c"]
    assert groups(keys=[second.pk], name="nobody") == ["b"]
    assert groups(keys=[], name=None) == []


def test_a_text_is_made_once_for_each_shape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_queries, "is_checked", False)
    made = []

    @kept_query
    def groups(order: str, most: int, *, name: Given) -> QuerySet[Group]:
        made.append((order, most))
        return Group.objects.filter(name__in="abc").exclude(name=name).order_by(order)[:most]

    kept = [Group.objects.create(name=name) for name in ("a", "b", "c")]

    assert groups("name", 2, name="a") == kept[1:]
    assert groups("name", 2, name="c") == kept[:2]
    assert groups("-name", 1, name="c") == [kept[1]]
    assert made == [("name", 2), ("-name", 1)]


def test_rows_come_with_what_is_joined_to_them(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    @kept_query
    def candidates(*, event: Given) -> QuerySet[EventCandidate]:
        rows = EventCandidate.objects.filter(event=event).select_related("target__summary")
        return rows.prefetch_related("verdicts").order_by("pk")

    event = factories.make_event()
    made = [factories.make_candidate(event) for _ in range(2)]
    factories.make_candidate(factories.make_event())

    with django_assert_num_queries(2):
        found = candidates(event=event.pk)
        assert [row.target.summary.pk for row in found] == [row.target_id for row in made]
        assert [list(row.verdicts.all()) for row in found] == [[], []]


def test_two_queries_put_together_and_one_that_nothing_fits() -> None:
    @kept_query
    def either(*, one: Given, other: Given) -> QuerySet[Group, Any]:
        parts = (Group.objects.filter(name=name).values_list("name") for name in (one, other))
        one_part, other_part = parts
        return one_part.union(other_part, all=True).order_by("name")

    @kept_query
    def nothing(*, name: Given) -> QuerySet[Group]:
        return Group.objects.filter(among("name", []), name=name)

    Group.objects.create(name="a")
    Group.objects.create(name="b")

    assert either(one="b", other="a") == [("a",), ("b",)]
    assert nothing(name="a") == []


def test_a_query_that_hangs_on_more_than_it_was_given_is_caught() -> None:
    wanted = ["a"]

    @kept_query
    def groups() -> QuerySet[Group]:
        return Group.objects.filter(name=wanted[-1])

    assert groups() == []
    wanted.append("b")
    with pytest.raises(ChangedTextError):
        groups()


def test_a_compared_query_is_compared_again_once_a_setting_has_changed(settings: Settings) -> None:
    @kept_query
    def groups() -> QuerySet[Group]:
        return Group.objects.filter(name=settings.DEFAULT_FROM_EMAIL)

    assert groups() == groups() == []
    settings.DEFAULT_FROM_EMAIL = "another@example.org"
    with pytest.raises(ChangedTextError):
        groups()


@pytest.mark.django_db(transaction=True)
def test_each_thread_asks_by_its_own_connection() -> None:
    @kept_query
    def backend(*, name: Given) -> QuerySet[Group, Any]:
        pid = Func(function="pg_backend_pid", output_field=IntegerField())
        return Group.objects.filter(name=name).values_list(pid, flat=True)

    Group.objects.create(name="a")

    def ask() -> tuple[list[int], int]:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                (mine,) = cursor.fetchone()
            return backend(name="a"), mine
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        (here,), (there, its_own) = backend(name="a"), pool.submit(ask).result()
    assert there == [its_own]
    assert here != its_own


def test_readers_are_alike_as_long_as_they_may_read_the_same() -> None:
    group = factories.make_group()
    vera = factories.make_observer("vera")
    before = reader_of(vera)

    def anew() -> User:
        return User.objects.get(pk=vera.pk)

    assert reader_of(anew()) == before
    assert reader_of(factories.make_observer("edwin")) != before
    program = factories.make_program(2, group=group)
    with_program = reader_of(anew())
    assert with_program != before
    vera.groups.add(group)
    assert reader_of(anew()) not in (before, with_program)
    vera.groups.remove(group)
    assert reader_of(anew()) == with_program
    program.delete()
    assert reader_of(anew()) == before
    User.objects.filter(pk=vera.pk).update(is_superuser=True)
    assert reader_of(anew()) != before


def test_a_right_that_is_given_or_taken_is_known_at_once() -> None:
    from guardian.shortcuts import assign_perm, remove_perm

    from tom.targets.visible import visible_targets

    vera = factories.make_observer("vera")
    (target,) = make_targets(1)
    type(target).objects.filter(pk=target.pk).update(permissions="PRIVATE")

    def is_seen() -> bool:
        return visible_targets(User.objects.get(pk=vera.pk)).filter(pk=target.pk).exists()

    assert not is_seen()
    assign_perm("tom_targets.view_target", vera, target)
    assert is_seen()
    remove_perm("tom_targets.view_target", vera, target)
    assert not is_seen()
