"""The candidates' places on the map at each time: a row for each change.

A trigger of the database adds the rows, so that no writer can forget one.
"""

from collections.abc import Sequence

from django.contrib.postgres.fields import ArrayField
from django.db import connection, models

from tom.events.models import EventLocalization
from tom.moments import Fact


class CandidateFact(Fact):
    """The figures of a candidate that one audience knew from a moment on.

    The public row of each candidate also names the localization by which it was matched, even if
    the candidate is not public.
    """

    # The database deletes facts with their candidate. It may still add some during that.
    candidate = models.ForeignKey(
        "candidates.EventCandidate",
        on_delete=models.DO_NOTHING,
        related_name="facts",
        db_constraint=False,
    )
    programs = ArrayField(models.BigIntegerField())
    is_known = models.BooleanField(help_text="Whether their points make the target a candidate")
    localization = models.ForeignKey(
        EventLocalization,
        null=True,
        on_delete=models.DO_NOTHING,
        related_name="+",
        db_constraint=False,
    )
    credible_level_2d = models.FloatField(null=True)
    credible_level_3d = models.FloatField(null=True)
    probdensity = models.FloatField(null=True, help_text="1/sr")

    class Meta:
        indexes = [
            models.Index(fields=["candidate", "programs", "-id"], name="candidates_fact_newest")
        ]

    def __str__(self) -> str:
        return f"{self.candidate_id} for {self.programs} from {self.stored}"


def forget_public_facts(target_ids: Sequence[int]) -> None:
    """Delete the public facts of these targets' candidates; add one with the present figures.

    Used when points are no longer public.
    """
    with connection.cursor() as cursor:
        for statement in (FORGET, NOTE_PRESENT):
            cursor.execute(statement, {"ids": list(target_ids)})


FORGET = """
    DELETE FROM candidates_candidatefact f USING candidates_eventcandidate c
    WHERE f.candidate_id = c.id AND f.programs = '{}' AND c.target_id = ANY(%(ids)s)
"""
NOTE_PRESENT = """
    INSERT INTO candidates_candidatefact (candidate_id, programs, is_known, localization_id,
        credible_level_2d, credible_level_3d, probdensity)
    SELECT id, '{}', is_public, localization_id, credible_level_2d, credible_level_3d, probdensity
    FROM candidates_eventcandidate WHERE target_id = ANY(%(ids)s)
"""
