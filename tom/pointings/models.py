"""Pointings of telescopes, the fields of view on the sky that they share, and uploaded tables."""

from datetime import datetime, timedelta

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import models
from django.db.models import F, Q

from tom.events.models import NonLocalizedEvent
from tom.pointings import prepared  # noqa: F401  where Django looks for models
from tom.targets.models import Visitor

# Visits that name no event count for an event so long before and after it.
DAYS_BEFORE, DAYS_AFTER = 30, 30


class Status(models.TextChoices):
    """What became of a pointing."""

    PLANNED = "planned", "Planned"
    COMPLETED = "completed", "Completed"
    CANCELLED = "cancelled", "Cancelled"


class Source(models.TextChoices):
    """How we came to know of a pointing."""

    TABLE = "table", "Table"
    API = "api", "API"
    TREASURE_MAP = "treasuremap", "Treasure Map"
    OBSLOCTAP = "obsloctap", "ObsLocTAP"
    OWN = "own", "Our requests"


class DepthUnit(models.TextChoices):
    """What the number of a depth means; each is a limit, 5 sigma where nothing else is said."""

    AB = "ab_mag", "AB mag"
    VEGA = "vega_mag", "Vega mag"
    JANSKY = "flux_jy", "Jy"
    ERG = "flux_erg", "erg/s/cm²"


class Footprint(models.Model):
    """A field of view, pointed at a place; all pointings at the same place share it."""

    sha256 = models.CharField(max_length=64, unique=True, help_text="Of its shape and its place")
    rings = models.JSONField(help_text="[[[ra, dec], ...], ...]: its outline, ICRS degrees")
    shape = models.JSONField(help_text="What its ranges are computed from")
    ranges = models.BinaryField(
        null=True, help_text="tom.pointings.packing of its ranges; None: not computed yet"
    )
    area_deg2 = models.FloatField(null=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(ranges__isnull=True),
                name="pointings_footprint_due",
            )
        ]

    def __str__(self) -> str:
        return self.sha256[:12]


class PointingTableQuerySet(models.QuerySet["PointingTable"]):
    """Reads of uploaded tables."""

    def visible_to(self, user: Visitor) -> "PointingTableQuerySet":
        """Tables for everybody, and those of the user's groups; an administrator reads all."""
        return self.filter(_readable(user))


class PointingTable(models.Model):
    """A table of pointings that a person uploaded; it can be taken back."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="+")
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    name = models.CharField(max_length=100, help_text="The name of the file, or how it was pasted")
    n_pointings = models.PositiveIntegerField()
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = PointingTableQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return self.name


class PointingQuerySet(models.QuerySet["Pointing"]):
    """Reads of pointings."""

    def visible_to(self, user: Visitor) -> "PointingQuerySet":
        """Pointings for everybody, and those of the user's groups; an administrator reads all."""
        return self.filter(_readable(user))

    def about(self, event: NonLocalizedEvent) -> "PointingQuerySet":
        """Those that name the event, and visits near its time that name no event."""
        own = Q(event=event)
        if event.time is None:
            return self.filter(own)
        return self.filter(own | Q(event=None, time__range=_around(event.time)))


def _readable(user: Visitor) -> Q:
    if isinstance(user, User) and user.is_superuser:
        return Q()
    if not isinstance(user, User):
        return Q(group=None)
    return Q(group=None) | Q(group__in=user.groups.values("pk"))


def _around(time: datetime) -> tuple[datetime, datetime]:
    return time - timedelta(days=DAYS_BEFORE), time + timedelta(days=DAYS_AFTER)


class Pointing(models.Model):
    """A telescope at one place at one time, as somebody told it."""

    event = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="pointings",
        help_text="None: a visit that names no event",
    )
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="For whose members alone it is; None: for everybody",
    )
    source = models.CharField(max_length=12, choices=Source.choices)
    external_id = models.CharField(max_length=100, help_text="What its source knows it by")
    table = models.ForeignKey(
        PointingTable, null=True, blank=True, on_delete=models.CASCADE, related_name="pointings"
    )
    facility = models.CharField(max_length=100, blank=True)
    instrument = models.CharField(max_length=100)
    team = models.CharField(max_length=100, blank=True, help_text="Who pointed it")
    ra = models.FloatField(help_text="ICRS degrees")
    dec = models.FloatField(help_text="ICRS degrees")
    position_angle = models.FloatField(default=0, help_text="Degrees from north to east")
    footprint = models.ForeignKey(Footprint, on_delete=models.PROTECT, related_name="pointings")
    time = models.DateTimeField(help_text="When it began, or is to begin, UTC")
    exposure_s = models.FloatField(null=True, blank=True, help_text="Seconds")
    band = models.CharField(max_length=20, blank=True)
    depth = models.FloatField(null=True, blank=True)
    depth_unit = models.CharField(max_length=10, choices=DepthUnit.choices, blank=True)
    status = models.CharField(max_length=10, choices=Status.choices)
    created = models.DateTimeField(auto_now_add=True)

    objects = PointingQuerySet.as_manager()

    class Meta:
        constraints = [
            # The same pointing for other readers is another row: who may see it does not change
            # by somebody else's telling it, too.
            models.UniqueConstraint(
                fields=["source", "external_id", "event", "group"],
                nulls_distinct=False,
                name="pointings_pointing_once",
            ),
            models.CheckConstraint(
                condition=Q(dec__range=(-90, 90), ra__gte=0, ra__lt=360),
                name="pointings_pointing_place",
            ),
            models.CheckConstraint(
                condition=Q(status__in=Status.values), name="pointings_pointing_status"
            ),
        ]
        indexes = [
            models.Index(fields=["event", "time"], name="pointings_pointing_event"),
            models.Index(
                fields=["time"], condition=Q(event=None), name="pointings_pointing_visits"
            ),
        ]
        ordering = (F("time").asc(), "pk")

    def __str__(self) -> str:
        return f"{self.instrument} at {self.ra:.3f} {self.dec:+.3f}"


class QueryState(models.TextChoices):
    """What became of a question to a service."""

    WAITING = "waiting", "Waiting"
    ASKING = "asking", "Being asked"
    DONE = "done", "Answered"
    FAILED = "failed", "Failed"


UNDER_WAY = (QueryState.WAITING, QueryState.ASKING)


class PointingQuery(models.Model):
    """The newest question to one service for an event's pointings, and what came of it."""

    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="pointing_queries"
    )
    source = models.CharField(max_length=12, choices=Source.choices)
    state = models.CharField(max_length=8, choices=QueryState.choices, default=QueryState.WAITING)
    reason = models.TextField(blank=True)
    added = models.PositiveIntegerField(default=0)
    known = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(
        default=0, help_text="Rows without a usable place, time, status or field of view"
    )
    made = models.DateTimeField(help_text="When a person wanted it asked")
    asked = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "source"], name="pointings_query_once")
        ]
        ordering = ("source",)

    def __str__(self) -> str:
        return f"{self.source} for {self.event_id}"

    @property
    def is_under_way(self) -> bool:
        """Whether an answer is still to come."""
        return self.state in UNDER_WAY
