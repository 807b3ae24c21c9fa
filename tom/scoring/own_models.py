"""Scorers that people added in the browser: whose each is, and its versions."""

from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tom.kept_queries import Given
from tom.scoring.opinions import WEIGHING


class OwnKind(models.TextChoices):
    """What a scorer of one's own is made of."""

    ONNX = "onnx", "a model in ONNX"
    FILTER = "filter", "a filter in Python"


class OwnScorerQuerySet(models.QuerySet["OwnScorer"]):
    """Reads of scorers of one's own."""

    def visible_to(self, user: User) -> "OwnScorerQuerySet":
        """Return those that the user may see: everybody's, and those of their groups."""
        if user.is_superuser:
            return self
        return self.filter(Q(group=None) | Q(group__in=user.groups.all()))

    def hidden_from(self, user: User) -> "OwnScorerQuerySet":
        """Return the others."""
        return self.exclude(pk__in=self.visible_to(user).values("pk"))

    def at_work(self) -> "OwnScorerQuerySet":
        """Return those that judge, with their version in force, but without its parts."""
        rows = self.filter(active=True, in_force__isnull=False).select_related("in_force")
        return rows.defer("in_force__artefact", "in_force__card", "in_force__trial").order_by("pk")

    def weighing(self, now: datetime | Given) -> "OwnScorerQuerySet":
        """Return those at work whose shadow period is over; a filter weighs nowhere."""
        rows = self.at_work().filter(in_force__weighs_from__lte=now)
        return rows.filter(in_force__spec__kind__in=WEIGHING)


class OwnScorer(models.Model):
    """A scorer that a person added. Its group's members see it; it weighs in their lists alone."""

    name = models.CharField(max_length=40, unique=True)
    kind = models.CharField(max_length=8, choices=OwnKind.choices)
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who sees it and its scores. Empty: everyone.",
    )
    active = models.BooleanField(default=True, help_text="Whether it judges")
    in_force = models.ForeignKey(
        "OwnVersion",
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The version that judges",
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(default=timezone.now, editable=False)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    changed = models.DateTimeField(default=timezone.now, editable=False)

    objects = OwnScorerQuerySet.as_manager()

    class Meta:
        permissions = [("add_code", "Can add scorers that run code")]

    def __str__(self) -> str:
        return self.name

    @property
    def can_weigh(self) -> bool:
        """Whether its answer compares classes: a rank, an anomaly and a filter's tag do not."""
        return self.in_force is not None and self.in_force.spec["kind"] in WEIGHING


class OwnVersion(models.Model):
    """One version of a scorer of one's own. It is never changed but for when it begins to weigh."""

    scorer = models.ForeignKey(OwnScorer, on_delete=models.CASCADE, related_name="versions")
    version = models.CharField(max_length=32)
    spec = models.JSONField(help_text="The fields of its specification")
    options = models.JSONField(default=dict, help_text="What else its kind asks for")
    card = models.TextField(help_text="The model card")
    artefact = models.BinaryField(help_text="The model, or the source of the filter")
    sha256 = models.CharField(max_length=64)
    memory_mb = models.PositiveIntegerField()
    weighs_from = models.DateTimeField(
        null=True,
        blank=True,
        help_text="The end of its shadow period. Empty: nobody has ended it.",
    )
    trial = models.JSONField(default=dict, help_text="What the trial found when it was added")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(default=timezone.now, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["scorer", "version"], name="scoring_own_version_once")
        ]

    def __str__(self) -> str:
        return f"{self.scorer_id} {self.version}"
