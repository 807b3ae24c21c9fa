"""Joins of events that are one physical event: who joined them, and who took them apart."""

from django.conf import settings
from django.db import models


class EventJoin(models.Model):
    """Two events that somebody, or a message, says are one; or that a person took apart.

    While a join stands, `other` is hidden and its messages and maps belong to `kept`. Once it is
    parted, no message joins the two again; only a person does.
    """

    kept = models.ForeignKey(
        "events.NonLocalizedEvent", on_delete=models.CASCADE, related_name="joins"
    )
    other = models.ForeignKey(
        "events.NonLocalizedEvent", on_delete=models.CASCADE, related_name="joins_as_other"
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="None: a message that names both",
    )
    names = models.JSONField(default=list, help_text="Keys of the kept event's names before")
    moved = models.JSONField(
        default=dict, help_text="What moved beside messages and maps, with where it was before"
    )
    created = models.DateTimeField(auto_now_add=True)
    parted = models.DateTimeField(null=True, blank=True)
    parted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["other"],
                condition=models.Q(parted=None),
                name="events_join_stands_once",
            ),
            models.CheckConstraint(
                condition=~models.Q(kept=models.F("other")), name="events_join_of_two"
            ),
        ]
        ordering = ("-pk",)

    def __str__(self) -> str:
        return f"{self.other_id} joined to {self.kept_id}"
