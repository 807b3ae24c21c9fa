"""An object of a survey: what its alerts are about, known by the survey's own id for it."""

from collections.abc import Collection, Iterable

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Lower
from tom_targets.base_models import BaseTarget

# A survey and its id of an object.
ObjectKey = tuple[str, str]
# What people make and bring has no survey: each of these objects is named as its target was.
BY_HAND = "BY HAND"
LONGEST_NAME = 100


def spellings_of(survey: str, object_id: str) -> tuple[str, str]:
    """The names that an object may have: its id, or with its survey if the id is taken."""
    return object_id, f"{survey} {object_id}"[:LONGEST_NAME]


class SurveyObject(models.Model):
    """An object as one survey knows it, and the target that its alerts belong to.

    A target may be several objects, mostly of several surveys.
    """

    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100, help_text="The survey's own id")
    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="survey_objects")
    # Whoever may read one of them may know the name.
    programs = ArrayField(
        models.BigIntegerField(), default=list, help_text="Programs that sent an alert of it"
    )
    # Where its earliest alert saw it: the earliest public one, where there is one.
    ra = models.FloatField(null=True, help_text="ICRS degrees")
    dec = models.FloatField(null=True, help_text="ICRS degrees")
    position_time = models.DateTimeField(null=True)
    position_alert = models.CharField(max_length=80, blank=True, db_default="")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            # With what tells the targets of some thousand objects, and who may know of them.
            models.UniqueConstraint(
                fields=["survey", "object_id"],
                include=["target", "programs"],
                name="targets_object_of_survey",
            )
        ]
        indexes = [models.Index(Lower("object_id"), name="targets_object_lower")]

    def __str__(self) -> str:
        return f"{self.survey} {self.object_id}"

    @property
    def key(self) -> ObjectKey:
        return self.survey, self.object_id

    @property
    def spellings(self) -> tuple[str, str]:
        return spellings_of(*self.key)

    def is_known_to(self, programs: Collection[int]) -> bool:
        """Whether a reader of these programs may know of it."""
        return not set(programs).isdisjoint(self.programs)


def own_objects(target: BaseTarget) -> list[ObjectKey]:
    """The objects of a target that bear one of its names: others are not everybody's to know of."""
    names = {target.name, *(alias.name for alias in target.aliases.all())}
    objects = target.survey_objects.all()
    return [row.key for row in objects if names.intersection(row.spellings)]


def targets_of(keys: Iterable[ObjectKey]) -> set[int]:
    """Return the targets of those of these objects that are known; one query."""
    wanted = set(keys)
    rows = SurveyObject.objects.filter(object_id__in={object_id for _, object_id in wanted})
    return {row.target_id for row in rows if row.key in wanted}
