"""Stamps of a target that are kept as rows, since the packets that had them were let go."""

from django.db import models
from tom_targets.base_models import BaseTarget

from tom.targets.programs import Program, Visitor, of_readable_programs


class CutoutKind(models.TextChoices):
    SCIENCE = "science", "Science"
    TEMPLATE = "template", "Template"
    DIFFERENCE = "difference", "Difference"


class CutoutQuerySet(models.QuerySet["Cutout"]):
    """Reads of cutouts."""

    def visible_to(self, user: Visitor) -> "CutoutQuerySet":
        """Cutouts of programs that are public or belong to a group of the user's.

        It does not look at the target: fetch that with its own `visible_to` first.
        """
        return self.filter(of_readable_programs(user))

    def newest(self) -> "CutoutQuerySet":
        """The newest cutout of each target and kind, of whichever program."""
        newest = ("-time", "program__survey", "program__number", "pk")
        return self.order_by("target", "kind", *newest).distinct("target", "kind")


class Cutout(models.Model):
    """The newest kept stamp of each kind of a program's alerts of a target (FITS, gzipped or not).

    Newer ones stand in the packets of the target's alerts (ADR 28).
    """

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="cutouts")
    kind = models.CharField(max_length=12, choices=CutoutKind.choices)
    time = models.DateTimeField()
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    fits = models.BinaryField()
    middle_x = models.FloatField(
        null=True, help_text="Column of the source, from 0, where the detector's edge cut the stamp"
    )
    middle_y = models.FloatField(
        null=True, help_text="Row of the source, from 0, where the detector's edge cut the stamp"
    )

    objects = CutoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "kind", "program"], name="targets_cutout_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.kind} cutout of {self.target_id}"

    @property
    def middle(self) -> tuple[float, float] | None:
        """Column and row of the source, where the detector's edge cut the stamp."""
        if self.middle_x is None or self.middle_y is None:
            return None
        return self.middle_x, self.middle_y
