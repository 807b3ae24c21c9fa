"""Observation requests, their history, and every call to a facility."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser
from django.db import models
from django.db.models import F, Q
from tom_observations.models import ObservationRecord
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate, told_to
from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.events.models import NonLocalizedEvent
from tom.followup.patience import STRAYS, request_patience
from tom.followup.states import ENDS, TABLE, UNDER_WAY, RequestState
from tom.followup.watch_models import FacilityWatch as FacilityWatch
from tom.followup.watch_models import OutboxSwitch as OutboxSwitch
from tom.outbox.models import Outgoing
from tom.outbox.waits import Patience
from tom.targets.models import Visitor

KEY_LENGTH = 50  # the longest name that an OCS portal accepts


class ObservationRequestQuerySet(models.QuerySet["ObservationRequest"]):
    """Reads of requests."""

    def visible_to(self, user: Visitor) -> "ObservationRequestQuerySet":
        """Return the requests of targets that the user may see, and those for fields of plans.

        Requests that others made privately are left out.
        """
        return self.filter(Q(target=None) | told_to(user, target="target", by="created_by"))

    def under_way(self) -> "ObservationRequestQuerySet":
        """Requests that have not ended."""
        return self.filter(state__in=UNDER_WAY)


class ObservationRequest(Outgoing):
    """A request that a facility observes a target, or fields of a plan for an event."""

    target = models.ForeignKey(
        BaseTarget,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="requests",
        help_text="None: it is for fields of a plan, which `spec` has",
    )
    event = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="requests",
    )
    candidate = models.ForeignKey(
        EventCandidate, null=True, blank=True, on_delete=models.SET_NULL, related_name="requests"
    )
    facility = models.CharField(max_length=32)
    instrument = models.CharField(max_length=64)
    spec = models.JSONField(
        help_text="What to observe, in our form, which is the same for each facility"
    )
    body = models.JSONField(help_text="What is sent to the facility, word for word")
    key = models.CharField(
        max_length=KEY_LENGTH, unique=True, help_text="A random key that is sent with the request"
    )
    # Of fields: "plan:facility:instrument:part". Of a target:
    # "target:facility:instrument", with ":private" if the request is private. A confirmed second
    # request adds the id of the first. None once the request has ended. So a second request needs
    # a person's confirmation, and two clicks at once make one request.
    guard = models.CharField(max_length=120, null=True, blank=True, unique=True)
    is_public = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether the target was public then, and a candidate by public points",
    )
    cancel_if_retracted = models.BooleanField(
        default=False,
        db_default=False,
        help_text="Whether a retraction of its event cancels it where a facility has it already",
    )
    window_start = models.DateTimeField()
    window_end = models.DateTimeField()

    state = models.CharField(
        max_length=24, choices=RequestState.choices, default=RequestState.PROPOSED
    )
    remote_id = models.CharField(max_length=64, blank=True)
    remote_state = models.CharField(
        max_length=64, blank=True, help_text="The state as the facility names it"
    )
    polled = models.DateTimeField(
        null=True, blank=True, help_text="When the facility last told the state"
    )
    strays_due = models.DateTimeField(
        null=True, blank=True, help_text="When to look for second copies of it there"
    )
    observed_told = models.DateTimeField(
        null=True, blank=True, help_text="When the facility told which exposures it took"
    )
    record = models.OneToOneField(
        ObservationRecord,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="What TOM Toolkit keeps of it",
    )
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = ObservationRequestQuerySet.as_manager()

    table = TABLE

    class Meta:
        ordering = ("-created", "-pk")
        constraints = [
            models.CheckConstraint(
                condition=Q(state__in=RequestState.values), name="followup_request_state"
            ),
            models.CheckConstraint(
                condition=Q(target__isnull=False) | Q(event__isnull=False, candidate=None),
                name="followup_request_for_something",
            ),
            models.CheckConstraint(
                condition=Q(window_end__gt=F("window_start")), name="followup_request_window"
            ),
            models.CheckConstraint(
                condition=~Q(state=RequestState.ACCEPTED) | ~Q(remote_id=""),
                name="followup_request_accepted_has_remote",
            ),
        ]
        indexes = [
            models.Index(fields=["facility", "remote_id"], name="followup_request_remote"),
            models.Index(fields=["target", "-created"], name="followup_request_target"),
            models.Index(
                fields=["state", "due_at"],
                condition=Q(state__in=sorted(UNDER_WAY)),
                name="followup_request_due",
            ),
            models.Index(
                fields=["facility"],
                condition=Q(
                    observed_told=None,
                    is_public=True,
                    state__in=["completed", "completed_after_cancel"],
                ),
                name="followup_request_observed",
            ),
            models.Index(
                fields=["strays_due"],
                condition=Q(strays_due__isnull=False),
                name="followup_request_strays",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.facility} {self.instrument} of {self.target_id}: {self.state}"

    @property
    def subject(self) -> str:
        """What is observed, in words; reads the target or the event."""
        if self.target is not None:
            return self.target.name
        return f"Plan for {self.event.event_id}" if self.event else "Plan"

    @property
    def is_live(self) -> bool:
        """Whether it has not ended."""
        return self.state not in ENDS

    @property
    def patience(self) -> Patience:
        return request_patience()

    def keep_move(self, old: str, by: AbstractBaseUser | None) -> None:
        StateChange.objects.create(
            request=self, old=old, new=self.state, reason=self.reason, by_id=by.pk if by else None
        )

    def answer_lost(self, now: datetime) -> None:
        # A request that a person cancelled meanwhile may arrive too. Its state stays.
        ObservationRequest.objects.filter(
            pk=self.pk,
            attempts=self.attempts,
            state__in=[RequestState.SUBMITTING, RequestState.CANCEL_REQUESTED],
        ).update(tried_at=now, strays_due=now + STRAYS.first)

    def tell(self) -> None:
        publish(Topic.REQUEST, self.pk)


class StateChange(models.Model):
    """One change of a request's state; rows are only added."""

    request = models.ForeignKey(
        ObservationRequest, on_delete=models.CASCADE, related_name="changes"
    )
    old = models.CharField(max_length=24, choices=RequestState.choices, blank=True)
    new = models.CharField(max_length=24, choices=RequestState.choices)
    reason = models.TextField(blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.old} to {self.new}"


class Exchange(models.Model):
    """One call to a facility and its answer, secrets removed; rows are only added."""

    request = models.ForeignKey(
        ObservationRequest,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="exchanges",
        help_text="None: the call was about many requests",
    )
    facility = models.CharField(max_length=32)
    method = models.CharField(max_length=8)
    url = models.TextField()
    sent = models.TextField(blank=True)
    status = models.PositiveIntegerField(
        null=True, blank=True, help_text="None: there was no answer"
    )
    received = models.TextField(blank=True)
    error = models.TextField(blank=True)
    seconds = models.FloatField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)

    def __str__(self) -> str:
        return f"{self.method} {self.url}: {self.status or self.error}"


class Stray(models.Model):
    """A second copy of a request at its facility: a call that we gave up arrived late."""

    request = models.ForeignKey(ObservationRequest, on_delete=models.CASCADE, related_name="strays")
    remote_id = models.CharField(max_length=64)
    remote_state = models.CharField(max_length=64, help_text="The state as the facility names it")
    canceled = models.DateTimeField(null=True, blank=True, help_text="When we cancelled it")
    reason = models.TextField(blank=True, help_text="Why it is not cancelled")
    found = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("pk",)
        constraints = [
            models.UniqueConstraint(fields=["request", "remote_id"], name="followup_stray_once"),
        ]

    def __str__(self) -> str:
        return f"{self.remote_id}: {self.remote_state}"
