"""A candidate is one target for one event."""

from django.conf import settings
from django.db import models
from tom_targets.base_models import BaseTarget

from tom.events.models import EventKind, EventLocalization, NonLocalizedEvent
from tom.targets.models import Visitor, visible_targets

# Days before and after an event in which a candidate must have shone, where no row of ours says
# otherwise; None: no window.
WINDOWS: dict[str, tuple[float | None, float | None]] = {
    EventKind.GW: (1.0, 14.0),
    EventKind.GRB: (0.1, 30.0),
    EventKind.NEUTRINO: (365.0, 30.0),
    EventKind.FRB: (None, None),
    EventKind.UNKNOWN: (1.0, 14.0),
}


class CandidateRule(models.Model):
    """For one kind of event: which targets become candidates, and which are shown."""

    kind = models.CharField(max_length=12, choices=EventKind.choices, unique=True)
    level_stored = models.FloatField(default=0.99)
    level_shown = models.FloatField(default=0.9)
    days_before = models.FloatField(null=True, blank=True, help_text="None: no window")
    days_after = models.FloatField(null=True, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(level_stored__gt=0, level_stored__lte=1, level_shown__gt=0)
                & models.Q(level_shown__lte=models.F("level_stored")),
                name="candidates_rule_levels",
            )
        ]

    def __str__(self) -> str:
        return self.kind


class Vetting(models.TextChoices):
    NEW = "new", "New"
    WATCHING = "watching", "Watching"
    PROMISING = "promising", "Promising"
    REJECTED = "rejected", "Rejected"


class EventCandidateQuerySet(models.QuerySet["EventCandidate"]):
    """Reads of candidates."""

    def visible_to(self, user: Visitor) -> "EventCandidateQuerySet":
        return self.filter(target__in=visible_targets(user))


class EventCandidate(models.Model):
    """A target that lies in an event's localization and its time window."""

    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="candidates"
    )
    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="candidacies")
    localization = models.ForeignKey(
        EventLocalization, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    credible_level_2d = models.FloatField(null=True, blank=True)
    credible_level_3d = models.FloatField(null=True, blank=True)
    probdensity = models.FloatField(null=True, blank=True, help_text="1/sr")
    vetting = models.CharField(max_length=12, choices=Vetting.choices, default=Vetting.NEW)
    vetted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    vetted = models.DateTimeField(null=True, blank=True)
    # The newest place in the ranking, copied here so that a page reads one table.
    rank = models.PositiveIntegerField(null=True, blank=True)
    posterior = models.FloatField(null=True, blank=True)
    posterior_low = models.FloatField(null=True, blank=True)
    posterior_high = models.FloatField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    objects = EventCandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "target"], name="candidates_candidate_once")
        ]
        indexes = [models.Index(fields=["event", "rank"], name="candidates_candidate_rank")]

    def __str__(self) -> str:
        return f"{self.target_id} for {self.event_id}"
