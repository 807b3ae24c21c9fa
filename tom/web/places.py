"""Places among what a reader sees, counted by the database: it would send 100,000 rows else."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, F, FloatField, Func, IntegerField, QuerySet, Value

Place = tuple[Any, float]


def count_above(asked: Iterable[Place], *among: QuerySet[Any, Any]) -> dict[Place, int]:
    """Count the rows that stand above each place.

    Parameters
    ----------
    asked
        What each stands in, an event, by its key; and its place there, a number.
    among
        Rows with the aliases `whole` and `place`, which say the same of them.
    """
    wanted = set(asked)
    steps = sorted({place for _, place in wanted})
    reached: dict[Any, list[int]] = defaultdict(lambda: [0] * (len(steps) + 1))
    for rows in among if steps else ():
        for whole, step, n in _by_step(rows, steps):
            reached[whole][step] += n
    above = {whole: list(accumulate(counts)) for whole, counts in reached.items()}
    return {
        (whole, place): above[whole][bisect_left(steps, place)] if whole in above else 0
        for whole, place in wanted
    }


def _by_step(rows: QuerySet[Any, Any], steps: list[float]) -> Iterator[tuple[Any, int, int]]:
    """For each whole and step: how many rows have reached that step, but not the next."""
    step = Func(
        F("place"),
        Value(steps, output_field=ArrayField(FloatField())),
        function="width_bucket",
        output_field=IntegerField(),
    )
    known = rows.filter(place__isnull=False).order_by()
    counted = known.values(of=F("whole"), step=step).annotate(n=Count("*"))
    yield from counted.values_list("of", "step", "n")
