"""Scanning: a team's profiles of it, and the place where each person stopped in a list."""

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.events.models import NonLocalizedEvent
from tom.strategies.listings import Listing
from tom.strategies.models import Strategy


class Hide(models.TextChoices):
    """Which candidates are passed over."""

    MINE = "mine", "what I decided"
    ANYBODY = "anybody", "what anybody decided"
    NOTHING = "nothing", "nothing"


class Panel(models.TextChoices):
    """What the page shows of a candidate, in this order."""

    STAMPS = "stamps", "Cutouts"
    CURVE = "curve", "Light curve"
    EVIDENCE = "evidence", "Evidence"
    HOST = "host", "Host"
    NEAR = "near", "Neighbours"


def every_panel() -> list[str]:
    """Return the panels of a profile that nobody changed."""
    return list(Panel.values)


class ScanProfileQuerySet(models.QuerySet["ScanProfile"]):
    """Reads of profiles."""

    def visible_to(self, user: User) -> "ScanProfileQuerySet":
        """Return the profiles of everybody, and those of the user's groups."""
        if user.is_superuser:
            return self
        return self.filter(Q(group=None) | Q(group__in=user.groups.all()))


class ScanProfile(models.Model):
    """How a team scans a list: the order, what is passed over, and what is shown.

    Those who see a profile and give verdicts may change it.
    """

    name = models.CharField(max_length=64)
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The team that sees it. Empty: everybody.",
    )
    order = models.CharField(
        max_length=12, blank=True, help_text="As the page of an event names it"
    )
    everywhere = models.BooleanField(
        default=False, help_text="Whether candidates outside of the shown region are scanned, too"
    )
    up_now = models.BooleanField(
        default=False, help_text="Whether only candidates are scanned that are up at a site now"
    )
    hide = models.CharField(max_length=8, choices=Hide.choices, default=Hide.MINE)
    panels = ArrayField(
        models.CharField(max_length=12, choices=Panel.choices), default=every_panel, blank=True
    )
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    changed = models.DateTimeField(default=timezone.now, editable=False)

    objects = ScanProfileQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["group", "name"],
                name="candidates_profile_once",
                nulls_distinct=False,
                violation_error_message="This team has a profile of this name.",
            )
        ]
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name


class ScanPlaceQuerySet(models.QuerySet["ScanPlace"]):
    """Reads of places."""

    def of(self, listing: Listing) -> "ScanPlaceQuerySet":
        """The places of people in a list."""
        return self.filter(**{listing.owner_column: listing.owner.pk})


class ScanPlace(models.Model):
    """Where a person stopped in a list, and to whom they handed it over.

    The list is an event's, or that of a strategy without an event. A hand-over holds until the
    person goes on.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(
        NonLocalizedEvent, null=True, on_delete=models.CASCADE, related_name="+"
    )
    strategy = models.ForeignKey(
        Strategy, null=True, on_delete=models.CASCADE, related_name="+", db_index=False
    )
    candidate = models.ForeignKey(
        "candidates.EventCandidate",
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Where the person stopped; none: at the end of the list",
    )
    target = models.ForeignKey(
        BaseTarget,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The same in a list without an event",
    )
    passed = ArrayField(
        models.BigIntegerField(),
        default=list,
        blank=True,
        help_text="The keys of those before it, the nearest first: it may leave the list",
    )
    query = models.CharField(max_length=1000, blank=True, help_text="The list, as addresses say it")
    moved = models.DateTimeField()
    handed_to = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    note = models.CharField(max_length=300, blank=True)

    objects = ScanPlaceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event"], name="candidates_scan_place_once"),
            models.UniqueConstraint(
                fields=["user", "strategy"], name="candidates_scan_once_in_list"
            ),
            models.CheckConstraint(
                condition=Q(event__isnull=False, strategy=None, target=None)
                | Q(event=None, strategy__isnull=False, candidate=None),
                name="candidates_scan_of_one_list",
            ),
        ]
        indexes = [
            models.Index(fields=["event", "-moved"], name="candidates_scan_newest"),
            models.Index(fields=["strategy", "-moved"], name="candidates_scan_newest_in_list"),
        ]

    def __str__(self) -> str:
        return f"{self.user_id} in {self.listing}"

    @property
    def listing(self) -> Listing:
        """The list that is scanned."""
        return Listing(self.event, self.strategy)

    @property
    def member(self) -> int | None:
        """The key of the candidate, or of the target of a list without an event."""
        return self.candidate_id or self.target_id
