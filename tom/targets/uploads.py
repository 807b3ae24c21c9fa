"""The tables of photometry that people upload."""

from django.conf import settings
from django.db import models
from tom_targets.base_models import BaseTarget

from tom.targets.programs import Program, Visitor, of_readable_programs


class PointUploadQuerySet(models.QuerySet["PointUpload"]):
    """Reads of uploads."""

    def visible_to(self, user: Visitor) -> "PointUploadQuerySet":
        """Uploads whose points the user may see, with their program and who brought them."""
        rows = self.select_related("program", "created_by")
        return rows.filter(of_readable_programs(user))


class PointUpload(models.Model):
    """A table of photometry that a person uploaded; its points' keys begin with its own."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="uploads")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="uploads")
    name = models.CharField(max_length=100, help_text="The name of the file, or how it was pasted")
    n_points = models.PositiveIntegerField()
    # What the target's summary said before, for an undo.
    first_seen_before = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = PointUploadQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.name}: {self.n_points} points of {self.target_id}"

    @property
    def key_prefix(self) -> str:
        """What the keys of its points begin with."""
        return f"{self.pk}:"
