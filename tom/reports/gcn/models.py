"""Drafts of GCN Circulars, and each text that they had."""

from django.conf import settings
from django.db import models
from django.db.models import Exists, OuterRef

from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.targets.models import Visitor
from tom.targets.visible import visible_targets


class CircularDraftQuerySet(models.QuerySet["CircularDraft"]):
    """Reads of drafts."""

    def visible_to(self, user: Visitor) -> "CircularDraftQuerySet":
        """Return the drafts all of whose candidates the user may see."""
        if not user.is_authenticated:
            return self.none()
        hidden = CircularDraft.candidates.through.objects.filter(
            circulardraft=OuterRef("pk")
        ).exclude(eventcandidate__target__in=visible_targets(user))
        return self.exclude(Exists(hidden))

    def kept(self) -> "CircularDraftQuerySet":
        """Return the drafts that nobody discarded."""
        return self.filter(discarded=None)


class CircularDraft(models.Model):
    """A GCN Circular about an event that a person writes. It is never sent from here."""

    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="circular_drafts"
    )
    candidates = models.ManyToManyField(EventCandidate, related_name="circular_drafts")
    programs = models.JSONField(default=list, help_text="Names of the programs whose data it uses")
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    discarded = models.DateTimeField(null=True, blank=True, help_text="None: it is kept")
    discarded_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = CircularDraftQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"draft {self.pk} about {self.event_id}"


class DraftVersion(models.Model):
    """One text of a draft; the first is filled from the data."""

    draft = models.ForeignKey(CircularDraft, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["draft", "number"], name="reports_draft_version_once")
        ]
        ordering = ("number",)

    def __str__(self) -> str:
        return f"{self.draft_id}, version {self.number}"
