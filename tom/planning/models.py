"""Plans as rows: what was asked, with which map, and what came of it."""

from django.contrib.auth.models import User
from django.db import models

from tom.events.models import Localization, NonLocalizedEvent
from tom.followup.models import ObservationRequest


class PlanState(models.TextChoices):
    """How far a plan is."""

    WAITING = "waiting", "Waiting"
    WORKING = "working", "Being made"
    DONE = "done", "Checked"
    REFUSED = "refused", "Refused by the check"
    FAILED = "failed", "Failed"


UNDER_WAY = (PlanState.WAITING, PlanState.WORKING)


class Plan(models.Model):
    """A night's pointings for an event's map. The same task and map give the same plan again."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="plans")
    localization = models.ForeignKey(
        Localization, on_delete=models.PROTECT, related_name="+", help_text="The map it is made for"
    )
    map_name = models.CharField(max_length=200, help_text="The map in words")
    telescope = models.CharField(max_length=100)
    task = models.JSONField(help_text="What was asked (tom.planning.plain.write_task)")
    form = models.JSONField(default=dict, help_text="The form as it was filled in")
    state = models.CharField(max_length=16, choices=PlanState.choices, default=PlanState.WAITING)
    step = models.CharField(max_length=100, blank=True, help_text="What is done now")
    result = models.JSONField(
        default=dict, help_text="The plan (tom.planning.plain.work_task); empty: there is none"
    )
    reason = models.TextField(blank=True, help_text="Why there is no plan")
    requests = models.ManyToManyField(
        ObservationRequest, related_name="plans", help_text="What was sent of it"
    )
    created_by = models.ForeignKey(
        User, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)
    begun = models.DateTimeField(null=True)
    finished = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created", "-pk")
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(state__in=("waiting", "working")),
                name="planning_plan_under_way",
            )
        ]

    def __str__(self) -> str:
        return f"{self.telescope} for {self.event_id} at {self.created:%Y-%m-%d %H:%M}"

    @property
    def is_under_way(self) -> bool:
        """Whether it waits or is being made."""
        return self.state in UNDER_WAY

    @property
    def bands(self) -> list[str]:
        """The bands of its pointings, in the order in which they come."""
        usual = self.task["telescope"]["band"]
        return list(dict.fromkeys(row.get("band") or usual for row in self.result["pointings"]))
