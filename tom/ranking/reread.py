"""Points of members that this process has read before: only those of changed targets are read.

Between two rankings of an event few of its targets change, and to read ten points of each of 25,000
takes a second. Whatever changes a target's points raises the version of its summary in the same
transaction. The versions are read in one statement with the moment, so that they are those of the
very points that the moment knows: a ranking rests on the same numbers as its replay.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

import numpy as np
from django.db import connection

from tom.events.models import NonLocalizedEvent
from tom.moments import Moment
from tom.ranking.weighing import FloatArray, IntArray
from tom.targets.models import Audience

# Numbers kept for all lists, some 100 MB; beyond that the lists that waited longest are forgotten.
MOST: Final = 12_000_000

Key = tuple[object, ...]
Read = Callable[[IntArray], FloatArray]


class Versions(NamedTuple):
    """The version of each target that an event's lists may name, by audience, at a moment.

    `about` is what else the points of all targets depend on. Targets that no one gave a version are
    always read.
    """

    about: Key
    of: Mapping[Audience, Mapping[int, int]]


class _Kept(NamedTuple):
    """What was read: the version of each target then, and rows of numbers, target by target."""

    versions: Mapping[int, int]
    rows: FloatArray


_kept: dict[Key, _Kept] = {}


def look_now(event: NonLocalizedEvent) -> tuple[Moment, Versions]:
    """Return the present moment with the versions of the event's targets then; one query."""
    with connection.cursor() as cursor:
        cursor.execute(NOW, {"event": event.pk})
        time, snapshot, xact, programs, targets, versions, narrower = cursor.fetchone()
    of: dict[Audience, dict[int, int]] = {(): dict(zip(targets, versions, strict=True))}
    for target, audience, version in narrower or ():
        of.setdefault(tuple(audience), {})[target] = version
    # The day: what is dropped for its age changes no version.
    about = (connection.settings_dict["NAME"], event.pk, tuple(programs), time.date())
    return Moment(time, snapshot, xact), Versions(about, of)


def read_anew(
    versions: Versions | None, about: Key, audience: Audience, targets: IntArray, read: Read
) -> FloatArray:
    """Return what `read` returns of all targets, but call it for those that changed alone.

    Parameters
    ----------
    versions
        None: all are read, and nothing is kept.
    about
        What the numbers are, and what they depend on besides the targets and the audience.
    read
        Returns rows of numbers for some targets, shape (rows, columns): the first column is the
        target. The rows of a target are in order.

    Returns
    -------
    array, shape (rows, columns)
        The targets ascend.
    """
    if versions is None:
        return _by_target(read(targets))
    key, now = (versions.about, about, audience), versions.of.get(audience, {})
    kept = _kept.pop(key, None)
    if kept is None:
        rows = read(targets)
    else:
        held = np.array([_is_held(pk, now, kept.versions) for pk in targets.tolist()], bool)
        rows = np.concatenate([_of(kept.rows, targets[held]), read(targets[~held])])
    rows = _by_target(rows)
    _keep(key, _Kept({pk: now[pk] for pk in targets.tolist() if pk in now}, rows))
    return rows


def _is_held(pk: int, now: Mapping[int, int], then: Mapping[int, int]) -> bool:
    return pk in now and now[pk] == then.get(pk)


def _by_target(rows: FloatArray) -> FloatArray:
    return rows[np.argsort(rows[:, 0], kind="stable")]


def _of(rows: FloatArray, targets: IntArray) -> FloatArray:
    """Return the rows of these targets; both `rows` and what is returned ascend."""
    wanted = np.append(np.sort(targets), -1)
    found: FloatArray = rows[wanted[np.searchsorted(wanted[:-1], rows[:, 0])] == rows[:, 0]]
    return found


def _keep(key: Key, found: _Kept) -> None:
    """Keep what was read, as the newest; forget the oldest where too much is kept."""
    _kept[key] = found
    while (
        len(_kept) > 1 and sum(one.rows.size + len(one.versions) for one in _kept.values()) > MOST
    ):
        _kept.pop(next(iter(_kept)))


def forget() -> None:
    """Forget all that was kept."""
    _kept.clear()


NOW: Final[Any] = """
    SELECT statement_timestamp(), pg_current_snapshot()::text,
        pg_current_xact_id_if_assigned()::text,
        ARRAY(SELECT id FROM targets_program WHERE public ORDER BY id),
        coalesce(array_agg(s.target_id), '{}'), coalesce(array_agg(s.version), '{}'),
        (
            SELECT json_agg(json_build_array(a.target_id, a.programs, a.version))
            FROM targets_audiencesummary a
            JOIN candidates_eventcandidate c USING (target_id) WHERE c.event_id = %(event)s
        )
    FROM candidates_eventcandidate c JOIN targets_targetsummary s USING (target_id)
    WHERE c.event_id = %(event)s
"""
