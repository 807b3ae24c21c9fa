"""The newest words of each object: the database keeps them, and who may know them finds it."""

import random
from datetime import UTC, datetime, timedelta
from importlib import import_module
from itertools import product
from threading import Thread
from types import SimpleNamespace

import pytest
from django.db import connection, transaction

from tests.factories import make_group, make_program, make_target
from tests.targets.test_words import say
from tom.targets.classified import Classification, find_classified
from tom.targets.models import ObjectWords, Program, SurveyObject
from tom.taxonomy import within

NOW = datetime(2026, 11, 1, tzinfo=UTC)
NAMES = ("ZTF26aaaaaaa", "ZTF26bbbbbbb", "ZTF26ccccccc")
AUTHORS, CLASSES = ("Fink", "Lasair"), ("supernova Ia", "supernova", "agn", "")


def words_of_all() -> dict[str, set[str]]:
    return {row.object_id: set(row.words) for row in ObjectWords.objects.all()}


def tell(rng: random.Random, programs: list[Program | None], n: int) -> list[Classification]:
    """Store what is said at random of the objects, some of it at one time, some of it tests."""
    rows = [
        Classification(
            survey="ZTF", object_id=rng.choice(NAMES), author=rng.choice(AUTHORS),
            classifier=rng.choice("ab"), version="1", taxonomy="1", says=rng.choice(CLASSES),
            time=NOW - timedelta(days=rng.randrange(4)), program=rng.choice(programs),
            is_test=rng.random() < 0.2, probabilities={}, digest=str(number),
        )
        for number in range(n)
    ]  # fmt: skip
    return [
        row
        for at in range(0, n, 7)
        for row in Classification.objects.bulk_create(rows[at : at + 7])
    ]


def expected(
    said: list[Classification], reader: set[int], label: str | None, author: str | None
) -> set[str]:
    """The objects whose newest words, among what the reader may know, are asked for."""
    known = [
        row for row in said
        if not row.is_test and (row.program_id is None or row.program_id in reader)
    ]  # fmt: skip
    known.sort(key=lambda row: (row.time, row.pk))
    newest = {(row.object_id, row.author, row.classifier): row.says for row in known}
    return {
        name
        for (name, by, _), says in newest.items()
        if author in (None, by) and (label is None or says in within(label))
    }


@pytest.mark.django_db
@pytest.mark.parametrize("seed", range(4))
def test_each_reader_finds_what_they_may_know_by_its_newest_words(seed: int) -> None:
    rng = random.Random(seed)
    ours, theirs = (make_program(number, group=make_group(str(number))) for number in (77, 78))
    public = make_program()
    for name in NAMES:
        SurveyObject.objects.create(
            survey="ZTF", object_id=name, target=make_target(name, points=0), programs=[public.pk]
        )
    said = tell(rng, [None, None, ours, theirs], rng.choice([5, 15, 60]))

    for reader, label, author in product(
        ([], [ours.pk], [ours.pk, theirs.pk]),
        (None, "supernova", "supernova Ia", "agn"),
        (None, *AUTHORS),
    ):
        if label is None and author is None:
            continue
        found = find_classified(reader, label=label, author=author)

        names = set(found.values_list("object_id", flat=True))
        assert names == expected(said, set(reader), label, author), (reader, label, author)


@pytest.mark.django_db
def test_what_a_group_was_told_is_its_own_until_it_is_for_everybody() -> None:
    program = make_program(77, group=make_group())
    SurveyObject.objects.create(
        survey="ZTF", object_id=NAMES[0], target=make_target(NAMES[0]), programs=[make_program().pk]
    )
    say("Fink", "snn", "supernova", program=program)

    assert not find_classified([], label="supernova").exists()
    assert not find_classified([], author="Fink").exists()
    assert find_classified([program.pk], label="supernova").exists()
    Program.objects.filter(pk=program.pk).update(public=True)
    assert find_classified([], label="supernova").exists()


@pytest.mark.django_db
def test_words_are_kept_of_an_object_that_comes_later() -> None:
    say("Fink", "snn", "supernova")

    assert words_of_all() == {NAMES[0]: {"supernova|Fink|", "supernova||", "|Fink|"}}


@pytest.mark.django_db
def test_an_upgrade_fills_in_the_words_of_what_is_stored(monkeypatch: pytest.MonkeyPatch) -> None:
    tell(random.Random(5), [None, make_program(77, group=make_group())], 40)
    migration = import_module("tom.targets.migrations.0037_newest_words")
    monkeypatch.setattr(migration, "BATCH", 2)
    kept = words_of_all()
    ObjectWords.objects.all().delete()

    migration.fill(None, SimpleNamespace(connection=connection))

    assert words_of_all() == kept


@pytest.mark.django_db(transaction=True)
def test_two_at_once_keep_the_words_of_both() -> None:
    def say_too() -> None:
        say("Lasair", "r0b", "agn")
        connection.close()

    say("Fink", "snn", "agn", days=3)
    other = Thread(target=say_too)
    with transaction.atomic():
        say("Fink", "snn", "supernova")
        other.start()
        other.join(0.5)  # it waits for the end of this transaction
    other.join(20)

    assert {"supernova||", "agn|Lasair|"} <= words_of_all()[NAMES[0]]
    assert "agn|Fink|" not in words_of_all()[NAMES[0]]
