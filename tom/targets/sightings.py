"""What is kept of each object of a survey: who told of it, and where it was first seen."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from django.db import connection
from psycopg2.extras import execute_values

from tom.records.alert import ObjectAlert
from tom.targets.objects import ObjectKey, SurveyObject

NOTE = """
    UPDATE targets_surveyobject o
    SET programs = ARRAY(SELECT DISTINCT unnest(o.programs || n.programs) ORDER BY 1),
        ra = n.ra, dec = n.dec, position_time = n.position_time,
        position_alert = n.position_alert
    FROM (VALUES %s) AS n (id, programs, ra, dec, position_time, position_alert)
    WHERE o.id = n.id
"""
NOTED = "(%s, %s::bigint[], %s::float8, %s::float8, %s::timestamptz, %s)"


def key_of(alert: ObjectAlert) -> ObjectKey:
    """The object that an alert is about."""
    return alert.survey, alert.object_id


def find_objects(keys: Iterable[ObjectKey]) -> dict[ObjectKey, SurveyObject]:
    """The objects that are known already."""
    wanted = set(keys)
    rows = SurveyObject.objects.filter(
        survey__in={survey for survey, _ in wanted}, object_id__in={name for _, name in wanted}
    )
    return {row.key: row for row in rows if row.key in wanted}


def note_sightings(
    objects: Mapping[ObjectKey, SurveyObject],
    first: Mapping[ObjectKey, ObjectAlert],
    told: Mapping[ObjectKey, Collection[int]],
    *,
    public: Collection[int],
) -> set[ObjectKey]:
    """Note who told of objects, and their places where these alerts are earlier ones.

    Return those that everybody may know of only now. `public` are the programs that everybody
    reads. The caller holds the locks of the objects' targets.
    """
    changed: list[tuple[Any, ...]] = []
    opened: set[ObjectKey] = set()
    for key, row in objects.items():
        was_open, is_open = row.is_known_to(public), not set(public).isdisjoint(told[key])
        if is_open and not was_open:
            opened.add(key)
        alert, stands = first[key], (row.position_time, row.position_alert)
        is_earlier = row.position_time is None or (alert.time, alert.alert_id) < stands
        if key in opened or (is_earlier and is_open == was_open):
            changed.append(_note(row, told[key], alert))
        elif not set(told[key]) <= set(row.programs):
            changed.append(_note(row, told[key], None))
    if changed:
        with connection.cursor() as cursor, connection.wrap_database_errors:
            execute_values(cursor.cursor, NOTE, changed, template=NOTED)
    return opened


def _note(
    row: SurveyObject, programs: Collection[int], alert: ObjectAlert | None
) -> tuple[Any, ...]:
    place = (row.ra, row.dec, row.position_time, row.position_alert)
    if alert is not None:
        place = (alert.ra, alert.dec, alert.time, alert.alert_id)
    return (row.pk, sorted(programs), *place)
