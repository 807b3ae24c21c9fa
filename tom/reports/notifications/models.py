"""The things that people follow, and their notifications."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.streams.models import AlertMessage
from tom.targets.models import Visitor
from tom.targets.visible import own_targets, visible_targets

# How the cause of a notification begins that hands the rest of a list over.
HANDED_OVER = "scan:"


class FollowKind(models.TextChoices):
    """What a person can follow."""

    TOPIC = "topic", "Topic"
    EVENT = "event", "Event"
    TARGET = "target", "Target"


class FollowQuerySet(models.QuerySet["Follow"]):
    """Reads of what people follow."""

    def of(self, user: Visitor) -> "FollowQuerySet":
        return self.filter(user_id=user.pk) if user.is_authenticated else self.none()


class Follow(models.Model):
    """A person is notified of each new message about this topic, event or target."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="follows"
    )
    kind = models.CharField(max_length=8, choices=FollowKind.choices)
    value = models.CharField(
        max_length=255, help_text="The topic, the event id, or the target's primary key"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = FollowQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "kind", "value"], name="reports_follow_once"),
            models.CheckConstraint(condition=~Q(value=""), name="reports_follow_something"),
        ]
        indexes = [models.Index(fields=["kind", "value"], name="reports_follow_value")]
        ordering = ("kind", "value")

    def __str__(self) -> str:
        return f"{self.kind} {self.value}"


class NotificationQuerySet(models.QuerySet["Notification"]):
    """Reads of notifications."""

    def visible_to(self, user: Visitor) -> "NotificationQuerySet":
        """Return the user's own notifications, without those of targets now hidden from the user.

        If the target was private at the time of the notification, only users with their own rights
        to the target see it, even if the target is public now. The target's `created` is the time
        when it became public.
        """
        if not user.is_authenticated:
            return self.none()
        openly = Q(created__gte=F("target__created")) | Q(target__in=own_targets(user))
        seen = Q(target=None) | (Q(target__in=visible_targets(user)) & openly)
        return self.filter(seen, user_id=user.pk)

    def unread(self) -> "NotificationQuerySet":
        return self.filter(read_at=None)


class Notification(models.Model):
    """One notification to a person.

    `kind` is the kind of follow that caused it: the first in the order target, event, topic. Pages
    make links from `event`, `target` and `message`.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="notifications"
    )
    kind = models.CharField(max_length=8, choices=FollowKind.choices)
    cause = models.CharField(max_length=100, help_text="What made it; once per person")
    title = models.CharField(max_length=300)
    body = models.TextField(blank=True)
    message = models.ForeignKey(
        AlertMessage, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    event = models.ForeignKey(
        NonLocalizedEvent, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    target = models.ForeignKey(
        BaseTarget, null=True, on_delete=models.CASCADE, related_name="notifications"
    )
    created = models.DateTimeField(auto_now_add=True)
    read_at = models.DateTimeField(null=True, blank=True)

    objects = NotificationQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "cause"], name="reports_notification_once")
        ]
        indexes = [
            models.Index(fields=["user", "-created"], name="reports_notification_newest"),
            models.Index(
                fields=["user"], condition=Q(read_at=None), name="reports_notification_unread"
            ),
        ]
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.title

    @property
    def about(self) -> str:
        """What it is about, in a word: a list that was handed over may have no event."""
        is_list = self.cause.startswith(HANDED_OVER) and self.event_id is None
        return "List" if is_list else self.get_kind_display()
