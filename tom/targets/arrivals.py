"""Which message brought which alert: by it one sees how long an alert was on its way."""

from collections.abc import Collection, Sequence

from django.db import connection, models
from django.db.models import OuterRef, Subquery
from psycopg2.extras import execute_values

from tom.kept_queries import Given, among
from tom.records.alert import ObjectAlert
from tom.streams.models import AlertMessage
from tom.targets.objects import SurveyObject
from tom.targets.programs import Program, Visitor, of_readable_programs

# The object and the program were stored before, with the alert. Each object is looked up by itself:
# joined, the planner reads all objects of a young database for each alert.
KEEP = """
    INSERT INTO targets_arrival AS old (message_id, object_id, program_id, time, has_stamps)
    SELECT a.message, o.id, p.id, a.time, a.has_stamps
    FROM (VALUES %s) AS a (message, survey, name, program, time, has_stamps)
    CROSS JOIN LATERAL (
        SELECT id FROM targets_surveyobject
        WHERE survey = a.survey AND object_id = a.name
        OFFSET 0
    ) o
    JOIN targets_program p ON p.survey = a.survey AND p.number = a.program
    ON CONFLICT (message_id, object_id) DO UPDATE
    SET has_stamps = excluded.has_stamps, program_id = excluded.program_id
    WHERE (old.has_stamps, old.program_id) <> (excluded.has_stamps, excluded.program_id)
"""
KEPT = "(%s, %s, %s, %s, %s::timestamptz, %s)"


class ArrivalQuerySet(models.QuerySet["Arrival"]):
    """Reads of arrivals."""

    def visible_to(self, user: Visitor) -> "ArrivalQuerySet":
        """Those of public programs and of programs that the user may read.

        It does not look at the target: fetch that with its own `visible_to` first.
        """
        return self.filter(of_readable_programs(user))

    def newest_with_stamps(self, target_ids: Collection[int] | Given) -> "ArrivalQuerySet":
        """Of these rows the newest with stamps of each object of the targets.

        Each comes with its message, its program and its object.
        """
        rows = self.filter(object=OuterRef("pk"), has_stamps=True).order_by("-time", "-message")
        objects = SurveyObject.objects.filter(among("target", target_ids))
        newest = objects.annotate(newest=Subquery(rows.values("pk")[:1])).values("newest")
        found = Arrival.objects.filter(pk__in=newest)
        return found.select_related("message", "program", "object")


class Arrival(models.Model):
    """An alert of an object that a message brought; it stands on the object's target of now."""

    message = models.ForeignKey(
        AlertMessage, on_delete=models.CASCADE, related_name="arrivals", db_index=False
    )
    object = models.ForeignKey(
        SurveyObject, on_delete=models.CASCADE, related_name="arrivals", db_index=False
    )
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="+", db_index=False)
    time = models.DateTimeField(help_text="Middle of the alert's exposure, UTC")
    has_stamps = models.BooleanField(
        db_default=False, help_text="Whether the message's bytes hold stamps of the object"
    )

    objects = ArrivalQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["message", "object"], name="targets_arrival_once")
        ]
        indexes = [models.Index(fields=["object", "-time"], name="targets_arrival_newest")]

    def __str__(self) -> str:
        return f"{self.object_id} by {self.message_id}"


def keep_arrivals(told: Sequence[tuple[AlertMessage, ObjectAlert]]) -> None:
    """Keep which message brought each of these alerts, which are stored; one query."""
    # One message may tell several alerts of an object: the newest counts.
    newest: dict[tuple[int, str, str], tuple[object, ...]] = {}
    for message, alert in sorted(told, key=lambda pair: pair[1].time):
        of = (message.pk, alert.survey, alert.object_id)
        newest[of] = (*of, alert.program, alert.time, has_own_stamps(alert))
    # psycopg2's own cursor raises psycopg2's own errors.
    with connection.cursor() as cursor, connection.wrap_database_errors:
        execute_values(cursor.cursor, KEEP, list(newest.values()), template=KEPT, page_size=1000)


def has_own_stamps(alert: ObjectAlert) -> bool:
    """Whether an alert is a survey's own packet, with stamps."""
    return bool(alert.cutouts) and not alert.is_by_hand and not alert.is_retold
