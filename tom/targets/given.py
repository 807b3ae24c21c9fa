"""Who gave a target another name; TOM Toolkit's alias itself says when."""

from django.conf import settings
from django.db import models
from tom_targets.models import TargetName


class GivenName(models.Model):
    """A name that a person gave. One of a survey's object has no such row, nor has an older one."""

    alias = models.OneToOneField(
        TargetName, primary_key=True, on_delete=models.CASCADE, related_name="given"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )

    def __str__(self) -> str:
        return f"{self.alias_id} by {self.by_id}"
