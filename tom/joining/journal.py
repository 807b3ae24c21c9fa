"""The changes of a join, row by row, and how each row is restored.

PostgreSQL turns rows into JSON and back, so that every number and time stays the same.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.contrib.contenttypes.models import ContentType
from django.db import connection
from django.db.models import Model
from django_comments.models import Comment
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_dataproducts.models import (
    AstrometryReducedDatum,
    DataProduct,
    PhotometryReducedDatum,
    ReducedDatum,
    SpectroscopyReducedDatum,
)
from tom_observations.models import ObservationRecord
from tom_targets.base_models import BaseTarget
from tom_targets.models import PersistentShare, TargetExtra, TargetList, TargetName

from tom.candidates.models import CandidateStanding, EventCandidate, Verdict
from tom.followup.models import ObservationRequest
from tom.joining.moving import give_stamp
from tom.moments import Fact
from tom.reports.gcn.models import CircularDraft
from tom.reports.hermes.models import Report
from tom.reports.notifications.models import Follow, Notification
from tom.shifts.models import Claim
from tom.targets.audiences import SURROUNDINGS
from tom.targets.models import (
    AudienceSummary,
    Cutout,
    LightCurvePoint,
    PointUpload,
    TargetSummary,
    UploadedSpectrum,
)
from tom.targets.objects import SurveyObject

Row = dict[str, Any]
Snapshot = dict[tuple[str, str], Row]
# A table, the key of a row, and the row before and after; None: there was no row.
Difference = list[Any]


@dataclass(frozen=True, slots=True)
class Watched:
    """A table with rows that belong to targets, and SQL that selects them.

    Changes of the columns in `apart` are not recorded: these columns count changes, or have the
    time of a change. The columns in `unread` are not read: they are large, and never change.
    """

    model: type[Model]
    whose: str = "t.target_id = ANY(%(ids)s)"
    apart: tuple[str, ...] = ()
    unread: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.model._meta.db_table

    @property
    def key(self) -> str:
        return str(self.model._meta.pk.column)


SUMMARIES = (TargetSummary, AudienceSummary)
COUNTS = ("version", "scored_version")
OF_CANDIDATES = "t.{0} IN (SELECT c.id FROM candidates_eventcandidate c WHERE {1})"
OF_CANDIDATE = OF_CANDIDATES.format("candidate_id", "c.target_id = ANY(%(ids)s)")
BY_TEXT = "t.object_pk = ANY(%(ids)s::text[]) AND t.content_type_id = %(kind)s"
# Tables that others refer to come first: a deleted row is restored after the rows that it names.
WATCHED = (
    Watched(BaseTarget, "t.id = ANY(%(ids)s)", apart=("modified",)),
    Watched(TargetName, apart=("modified",)),
    Watched(TargetExtra),
    Watched(TargetList.targets.through, "t.basetarget_id = ANY(%(ids)s)"),
    Watched(PersistentShare),
    Watched(ObservationRecord, apart=("modified",)),
    Watched(DataProduct, apart=("modified",)),
    Watched(ReducedDatum),
    Watched(PhotometryReducedDatum),
    Watched(SpectroscopyReducedDatum),
    Watched(AstrometryReducedDatum),
    Watched(GroupObjectPermission, BY_TEXT),
    Watched(UserObjectPermission, BY_TEXT),
    Watched(Comment, BY_TEXT),
    Watched(SurveyObject),
    Watched(TargetSummary, apart=COUNTS),
    Watched(AudienceSummary, apart=COUNTS),
    Watched(LightCurvePoint),
    Watched(Cutout, unread=("fits",)),
    Watched(PointUpload),
    Watched(UploadedSpectrum, unread=("wavelength", "flux", "error")),
    Watched(EventCandidate),
    Watched(CandidateStanding, OF_CANDIDATE),
    Watched(Verdict, f"({OF_CANDIDATE} OR t.target_id = ANY(%(ids)s))"),
    Watched(ObservationRequest, unread=("body", "spec")),
    Watched(Follow, "t.kind = 'target' AND t.value = ANY(%(ids)s::text[])"),
    Watched(Notification),
    Watched(Claim),
    Watched(
        Report.candidates.through,
        OF_CANDIDATES.format("eventcandidate_id", "c.target_id = ANY(%(ids)s)"),
    ),
    Watched(
        CircularDraft.candidates.through,
        OF_CANDIDATES.format("eventcandidate_id", "c.target_id = ANY(%(ids)s)"),
    ),
)
# The names in these statements are names of our tables and columns.
READ = """
    SELECT t.{key}::text, to_jsonb(t) - %(unread)s::text[] FROM {table} t WHERE {whose}
"""
READ_ONE = "SELECT to_jsonb(t) FROM {table} t WHERE t.{key}::text = %s"
INSERT = """
    INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, %s)
    ON CONFLICT DO NOTHING
"""
CHANGE_BACK = """
    UPDATE {table} t
    SET ({names}) = (SELECT {names} FROM jsonb_populate_record(NULL::{table}, %s))
    WHERE t.{key}::text = %s
"""
TABLES = {table.name: table for table in WATCHED}


def snapshot(ids: Sequence[int]) -> Snapshot:
    """Read every watched row of these targets."""
    kind = ContentType.objects.get_for_model(BaseTarget).pk
    found: Snapshot = {}
    with connection.cursor() as cursor:
        for table in WATCHED:
            wanted: dict[str, Any] = {"ids": list(ids), "kind": kind, "unread": list(table.unread)}
            cursor.execute(READ.format(key=table.key, table=table.name, whose=table.whose), wanted)
            found |= {(table.name, key): json.loads(row) for key, row in cursor.fetchall()}
    return found


def differences(before: Snapshot, after: Snapshot) -> list[Difference]:
    """Return the rows that changed, in the order of `WATCHED`."""
    order = {table.name: number for number, table in enumerate(WATCHED)}
    changes: list[Difference] = []
    for name, key in sorted(before.keys() | after.keys(), key=lambda each: (order[each[0]], each)):
        was, now = before.get((name, key)), after.get((name, key))
        if was is None or now is None:
            changes.append([name, key, was, now])
            continue
        table = TABLES[name]
        changed = [each for each in was if each not in table.apart and was[each] != now[each]]
        if changed and table.model in SUMMARIES:
            changes.append([name, key, was, now])
        elif changed:
            changes.append([name, key, {c: was[c] for c in changed}, {c: now[c] for c in changed}])
    return changes


def restore(changes: Sequence[Difference]) -> None:
    """Restore the rows before a join; a column that changed again since then stays."""
    for name, key, was, _ in reversed(changes):
        if was is None:
            _delete(TABLES[name], key)
    with connection.cursor() as cursor:
        for name, _, was, now in changes:
            if was is not None and now is None:
                _insert(cursor, TABLES[name], was)
        for name, key, was, now in changes:
            if was is not None and now is not None:
                _change_back(cursor, TABLES[name], key, was, now)


def restore_surroundings(changes: Sequence[Difference]) -> None:
    """Restore the surroundings of summaries that have none now."""
    names = ", ".join(SURROUNDINGS)
    with connection.cursor() as cursor:
        for name, key, was, now in changes:
            table = TABLES[name]
            if table.model in SUMMARIES and was is not None and now is not None:
                update = CHANGE_BACK.format(table=table.name, key=table.key, names=names)
                cursor.execute(f"{update} AND t.surroundings_time IS NULL", [json.dumps(was), key])


def _delete(table: Watched, key: str) -> None:
    """Delete a row that the join made, except a candidate that other rows name.

    Targets and their summaries stay too.
    """
    if table.model in (BaseTarget, *SUMMARIES) or (
        table.model is EventCandidate and _is_told_of(key)
    ):
        return
    table.model._base_manager.filter(pk=key).delete()


def _is_told_of(key: str) -> bool:
    """Whether a row that cannot be computed again names this candidate."""
    return any(
        link.related_model._base_manager.filter(**{link.field.name: key}).exists()
        for link in EventCandidate._meta.related_objects
        if not issubclass(link.related_model, Fact | CandidateStanding)
    )


def _insert(cursor: Any, table: Watched, was: Row) -> None:
    if table.model is CandidateStanding and "event_id" not in was:  # of an older version
        was = was | {"event_id": EventCandidate.objects.get(pk=was["candidate_id"]).event_id}
    cursor.execute(INSERT.format(table=table.name), [json.dumps(was)])


def _change_back(cursor: Any, table: Watched, key: str, was: Row, now: Row) -> None:
    cursor.execute(READ_ONE.format(table=table.name, key=table.key), [key])
    found = cursor.fetchone()
    if found is None:
        return
    current = json.loads(found[0])
    columns = [
        f'"{name}"' for name in was if current[name] == now[name] and name not in table.apart
    ]
    if columns and table.model is Cutout and "target_id" in was:
        give_stamp(int(key), was["target_id"])
    elif columns:
        names = ", ".join(columns)
        update = CHANGE_BACK.format(table=table.name, key=table.key, names=names)
        cursor.execute(update, [json.dumps(was), key])
