"""What was known of targets at which time: a row for each change of what the ranking reads.

The database adds the rows itself (a trigger), so that no writer can forget it.
"""

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from tom_targets.base_models import BaseTarget

from tom.moments import Fact

# What is kept of both kinds of summary, and what the public one alone holds.
OF_BOTH = (
    *("healpix29", "ebv", "ebv_error", "first_seen", "surroundings_time", "surroundings_alert"),
    *("alert_values", "n_survey_detections", "star_separation_arcsec", "star_score"),
    *("solar_system_name", "solar_system_separation_arcsec"),
)
OF_THE_TARGET = ("host_name", "host_distance_mpc", "host_distance_error_mpc")


class SummaryFact(Fact):
    """The surroundings of a target as one audience knew them since a moment.

    The columns are those of the summary. Of an audience there is no host: it is the target's.
    """

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="+")
    programs = ArrayField(models.BigIntegerField())
    healpix29 = models.BigIntegerField(null=True)
    ebv = models.FloatField(null=True)
    ebv_error = models.FloatField(null=True)
    first_seen = models.DateTimeField(null=True)
    surroundings_time = models.DateTimeField(null=True)
    surroundings_alert = models.CharField(max_length=80, null=True)  # noqa: DJ001  as SQL copies it
    alert_values = models.JSONField(null=True)
    n_survey_detections = models.PositiveIntegerField(null=True)
    star_separation_arcsec = models.FloatField(null=True)
    star_score = models.FloatField(null=True)
    solar_system_name = models.CharField(max_length=100, null=True)  # noqa: DJ001  as above
    solar_system_separation_arcsec = models.FloatField(null=True)
    host_name = models.CharField(max_length=100, null=True)  # noqa: DJ001  as above
    host_distance_mpc = models.FloatField(null=True)
    host_distance_error_mpc = models.FloatField(null=True)

    class Meta:
        indexes = [models.Index(fields=["target", "programs", "-id"], name="targets_fact_newest")]

    def __str__(self) -> str:
        return f"summary of {self.target_id} for {self.programs} from {self.stored}"


def forget_facts(target_ids: Sequence[int], program_id: int) -> None:
    """Delete what was known of targets while a program was public, except for its readers.

    What is known now, without the program, is noted again.
    """
    parameters = {"ids": list(target_ids), "program": [program_id]}
    with connection.cursor() as cursor:
        for statement in (FORGET, NOTE_PRESENT, NOTE_PRESENT_OF_AUDIENCES):
            cursor.execute(statement, parameters)


def _copied(programs: str, columns: Sequence[str], table: str) -> str:
    names = ", ".join(columns)
    return f"""
        INSERT INTO targets_summaryfact (target_id, programs, {names})
        SELECT target_id, {programs}, {names} FROM {table}
        WHERE target_id = ANY(%(ids)s)
    """  # noqa: S608  of our own text alone


FORGET = """
    DELETE FROM targets_summaryfact
    WHERE target_id = ANY(%(ids)s) AND NOT programs @> %(program)s::bigint[]
"""
NOTE_PRESENT = _copied("'{}'", (*OF_BOTH, *OF_THE_TARGET), "targets_targetsummary")
NOTE_PRESENT_OF_AUDIENCES = (
    _copied("programs", OF_BOTH, "targets_audiencesummary")
    + "AND NOT programs @> %(program)s::bigint[]"
)
