"""Places among what a reader sees, counted by the database: it would send 100,000 rows else."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import accumulate
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import Count, Expression, F, FloatField, Func, IntegerField, QuerySet
from django.db.models.functions import Cast

Place = tuple[Any, float]
# What rows stand in, the step that they have reached, and how many they are.
Steps = tuple[Any, int, int]
# So many ranks in a list are counted: to count all that stand above takes long.
MOST_RANKED = 1_000
# More than there are.
ALL_RANKED = 2**31
# The ranking counts what its reader may not see, too: so many places of it are looked at first for
# one that the reader may see.
REACH = 2


def count_above(
    asked: Iterable[Place], *among: Callable[[list[float]], Iterable[Steps]]
) -> dict[Place, int]:
    """Count the rows that stand above each place.

    Parameters
    ----------
    asked
        What each stands in, an event, by its key; and its place there, a number.
    among
        What counts rows by steps, as `by_step` does.
    """
    wanted = set(asked)
    steps = sorted({place for _, place in wanted})
    reached: dict[Any, list[int]] = defaultdict(lambda: [0] * (len(steps) + 1))
    for count in among if steps else ():
        for whole, step, n in count(steps):
            reached[whole][step] += n
    above = {whole: list(accumulate(counts)) for whole, counts in reached.items()}
    return {
        (whole, place): above[whole][bisect_left(steps, place)] if whole in above else 0
        for whole, place in wanted
    }


def count_first(
    asked: Collection[Place],
    count: Callable[[Collection[Place]], Mapping[Place, int]],
    *,
    most: int,
) -> dict[Place, int]:
    """Count what stands above each place, and no more than `most`.

    `count` counts all above some places. The first places are counted at once; those farther down
    only where fewer than `most` stand above the last of the first ones.
    """
    reach = REACH * most
    above = dict(count({(whole, min(place, reach)) for whole, place in asked}))
    far = {(whole, place) for whole, place in asked if place > reach}
    above |= count({row for row in far if above[row[0], reach] < most}) if far else {}
    return {(whole, place): min(above.get((whole, place), most), most) for whole, place in asked}


def by_step(rows: QuerySet[Any, Any], steps: Expression) -> QuerySet[Any, Steps]:
    """For each whole and step: how many rows have reached that step, but not the next.

    `rows` have the aliases `whole` and `place`, which say what they stand in, and where.
    """
    ends = Cast(steps, ArrayField(FloatField()))
    step = Func(F("place"), ends, function="width_bucket", output_field=IntegerField())
    known = rows.filter(place__isnull=False).order_by()
    counted = known.values(of=F("whole"), step=step).annotate(n=Count("*"))
    steps_reached: QuerySet[Any, Steps] = counted.values_list("of", "step", "n")
    return steps_reached
