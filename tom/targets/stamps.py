"""The cutouts of a target, as rows: the stamps of its alerts, and the pictures made of them."""

from django.db import models
from django.db.models import Q
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

    def due(self) -> "CutoutQuerySet":
        """Cutouts that nobody has tried to draw."""
        return self.filter(png=None, fault="")


class Cutout(models.Model):
    """The newest stamp of each kind of a program's alerts of a target (FITS, gzipped or not).

    A worker draws its picture once: then it has `png`, or the reason why it has none in `fault`.
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
    png = models.BinaryField(null=True, help_text="North up, east to the left")
    width_arcsec = models.FloatField(
        null=True, help_text="Of the picture; None where its orientation is not known"
    )
    fault = models.CharField(max_length=200, blank=True, db_default="")

    objects = CutoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "kind", "program"], name="targets_cutout_once"
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(png=None, fault=""), name="targets_cutout_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} cutout of {self.target_id}"
