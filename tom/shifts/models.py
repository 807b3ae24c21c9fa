"""Shifts, claims of targets, and each person's last visit."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import Func, Q
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.kept_queries import Given
from tom.targets.models import Visitor
from tom.targets.visible import visible_targets

LONGEST_NOTE = 10_000


class ShiftQuerySet(models.QuerySet["Shift"]):
    """Reads of shifts. They hold nothing private: everybody who is logged in may see them."""

    def visible_to(self, user: Visitor) -> "ShiftQuerySet":
        return self.all() if user.is_authenticated else self.none()

    def standing(self) -> "ShiftQuerySet":
        """Return the shifts that nobody called off."""
        return self.filter(called_off=None)

    def on_at(self, now: datetime) -> "ShiftQuerySet":
        """Return the shifts that are under way at a time."""
        return self.standing().filter(start__lte=now, end__gt=now)


class Shift(models.Model):
    """A time in which a person is on shift; several people may be on shift at once."""

    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="shifts"
    )
    start = models.DateTimeField()
    end = models.DateTimeField(db_index=True)
    created = models.DateTimeField(auto_now_add=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    taken_from = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The shift that ended when this person took over",
    )
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Who ended it before its time",
    )
    called_off = models.DateTimeField(
        null=True, blank=True, help_text="When it was called off, before it began"
    )
    note = models.TextField(blank=True, help_text="What the next person should know")
    note_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    note_time = models.DateTimeField(null=True, blank=True)

    objects = ShiftQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(end__gt=models.F("start")), name="shifts_shift_forward"
            ),
            # No person has two shifts at once. Both ranges are of types that PostgreSQL indexes
            # without an extension.
            ExclusionConstraint(
                name="shifts_shift_one_at_once",
                expressions=[
                    (
                        Func("person", "person", models.Value("[]"), function="int8range"),
                        RangeOperators.OVERLAPS,
                    ),
                    (Func("start", "end", function="tstzrange"), RangeOperators.OVERLAPS),
                ],
                condition=Q(called_off=None),
            ),
        ]
        ordering = ("start", "pk")

    def __str__(self) -> str:
        return f"{self.person} from {self.start:%Y-%m-%d %H:%M}"


class ClaimQuerySet(models.QuerySet["Claim"]):
    """Reads of claims."""

    def visible_to(self, user: Visitor) -> "ClaimQuerySet":
        """Return the claims of targets that the user may see."""
        return self.filter(target__in=visible_targets(user))

    def held_at(self, now: datetime | Given) -> "ClaimQuerySet":
        """Return the claims that hold at a time."""
        return self.filter(Q(released=None) | Q(released__gt=now), created__lte=now, until__gt=now)


class Claim(models.Model):
    """A person has a target: "I have this one". It holds until it is released, or until `until`."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="claims")
    event = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The event among whose candidates it was claimed",
    )
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="claims"
    )
    created = models.DateTimeField()
    until = models.DateTimeField(help_text="When it ends by itself")
    released = models.DateTimeField(null=True, blank=True)
    released_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )

    objects = ClaimQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target"], condition=Q(released=None), name="shifts_claim_one_holds"
            )
        ]
        indexes = [models.Index(fields=["-created"], name="shifts_claim_newest")]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.by} has {self.target_id}"


class Visit(models.Model):
    """When a person last opened a page, and when before the pause that came before that."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+"
    )
    last = models.DateTimeField(help_text="When the person last opened a page")
    away_since = models.DateTimeField(
        null=True, blank=True, help_text="When the last pause began; none: what came is read"
    )

    def __str__(self) -> str:
        return f"{self.user_id} at {self.last:%Y-%m-%d %H:%M}"
