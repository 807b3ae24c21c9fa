"""Nonlocalized events: a chain of messages, and the localizations in them."""

from django.conf import settings
from django.contrib.postgres.indexes import GinIndex, GistIndex
from django.db import models

from tom.events import map_models  # noqa: F401  where Django looks for models
from tom.events.circular_rows import Circular as Circular
from tom.events.circular_rows import CircularNumberField as CircularNumberField
from tom.events.circular_rows import CircularVersion as CircularVersion
from tom.events.joins import EventJoin as EventJoin
from tom.forms.by_hand import PREFIX
from tom.streams.models import AlertMessage


class EventKind(models.TextChoices):
    GW = "gw", "Gravitational wave"
    GRB = "grb", "Gamma-ray burst"
    NEUTRINO = "neutrino", "Neutrino"
    FRB = "frb", "Fast radio burst"
    UNKNOWN = "unknown", "Unidentified"


class NonLocalizedEventQuerySet(models.QuerySet["NonLocalizedEvent"]):
    """Reads of events."""

    def due_for_ranking(self) -> "NonLocalizedEventQuerySet":
        """Return the events with a change that no ranking has included."""
        return self.filter(ranked_version__lt=models.F("rank_version"))


_Events = models.Manager.from_queryset(NonLocalizedEventQuerySet)


class StandingEvents(_Events["NonLocalizedEvent"]):
    """The events that were joined to no other one."""

    def get_queryset(self) -> NonLocalizedEventQuerySet:
        return NonLocalizedEventQuerySet(self.model, using=self._db).filter(joined_to=None)


class NonLocalizedEvent(models.Model):
    """An event somewhere in a region of the sky.

    `objects` has no event that was joined to another one: such an event is hidden, and its messages
    and maps belong to that one. `everything` has all.

    The fields from `alert_type` to `properties` are copied from the chain when a message is
    recorded. Each has the value of the newest message that gives one.
    """

    event_id = models.CharField(
        max_length=64, unique=True, help_text="The first name by which we heard of it"
    )
    names = models.JSONField(
        default=list, blank=True, help_text="Keys of all its names (event_names.key_of)"
    )
    kind = models.CharField(max_length=12, choices=EventKind.choices, default=EventKind.GW)
    time = models.DateTimeField(
        null=True, blank=True, db_index=True, help_text="When the event itself happened, UTC"
    )
    retracted = models.BooleanField(default=False)
    # Empty: a live event. Else each sign that it is a test. A test event reaches nothing real.
    test_reasons = models.JSONField(default=list, blank=True)
    alert_type = models.CharField(max_length=16, blank=True)
    time_created = models.DateTimeField(null=True, blank=True)
    significant = models.BooleanField(null=True, blank=True)
    far = models.FloatField(null=True, blank=True, help_text="False alarm rate, Hz")
    classification = models.JSONField(default=dict, blank=True)
    properties = models.JSONField(default=dict, blank=True)
    pinned = models.ForeignKey(
        "EventLocalization", null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    used = models.ForeignKey(
        "EventLocalization",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="The localization that it uses, copied here so that lists read one row",
    )
    match_due = models.BooleanField(
        default=False, help_text="Whether its candidates must be sought again before it is ranked"
    )
    # A count that grows with each change that may change the ranking, and the count last ranked.
    rank_version = models.PositiveIntegerField(default=0)
    ranked_version = models.PositiveIntegerField(default=0)
    created = models.DateTimeField(auto_now_add=True)

    joined_to = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="The event that this one is the same as, by a join that stands",
    )

    objects = StandingEvents()
    everything = _Events()

    class Meta:
        ordering = ("-time", "-pk")
        indexes = [
            models.Index(
                fields=["id"],
                condition=models.Q(ranked_version__lt=models.F("rank_version")),
                name="events_event_unranked",
            ),
            GinIndex(fields=["names"], opclasses=["jsonb_path_ops"], name="events_event_names"),
            models.Index(
                fields=["joined_to"],
                condition=~models.Q(joined_to=None),
                name="events_event_joined",
            ),
        ]

    def __str__(self) -> str:
        return self.event_id

    @property
    def is_live(self) -> bool:
        """Whether the event may reach a real facility, a public topic or the people on shift."""
        return not self.test_reasons and not self.retracted and self.joined_to_id is None

    @property
    def is_due(self) -> bool:
        """Whether a change came that no ranking has included."""
        return self.match_due or self.ranked_version < self.rank_version

    @property
    def is_by_hand(self) -> bool:
        """Whether a person made it, not a mission's message."""
        return self.event_id.startswith(PREFIX)

    @property
    def public_name(self) -> str:
        """What others call it: `HAND-` is known here alone."""
        return self.event_id.removeprefix(PREFIX)


class Localization(models.Model):
    """The bytes of a sky map, stored once by their hash, with compact arrays and figures."""

    sha256 = models.CharField(max_length=64, unique=True)
    fits = models.BinaryField()
    packed = models.BinaryField(help_text="tom.sky.pack of the parsed map")
    n_rows = models.PositiveIntegerField()
    area_50 = models.FloatField(help_text="deg2")
    area_90 = models.FloatField(help_text="deg2")
    distance_mean = models.FloatField(null=True, blank=True, help_text="Mpc")
    distance_std = models.FloatField(null=True, blank=True, help_text="Mpc")
    distance_fraction = models.FloatField(
        default=0, help_text="Share of the probability that has a distance"
    )
    max_ra = models.FloatField()
    max_dec = models.FloatField()
    contours = models.JSONField(
        default=dict, blank=True, help_text="Level to [[[ra, dec], ...], ...]"
    )
    left_out = models.JSONField(
        default=list,
        blank=True,
        help_text="Figures of its header that are impossible, with the reasons",
    )
    created = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return self.sha256[:12]


class EventLocalization(models.Model):
    """The use of a localization for an event: its author, its sender and its kind of product."""

    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="localizations"
    )
    localization = models.ForeignKey(Localization, on_delete=models.PROTECT, related_name="uses")
    author = models.CharField(max_length=64, blank=True, help_text="A pipeline, or a mission")
    sender = models.CharField(
        max_length=64, blank=True, default="", help_text="The mission that sent it"
    )
    origin = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The event that it came with, if that one was joined to its event",
    )
    product = models.CharField(max_length=32, help_text="skymap or combined_skymap")
    time = models.DateTimeField(help_text="The time of the message that brought it")
    set_aside = models.BooleanField(
        default=False, help_text="Whether every message that brought it was set aside"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "origin", "sender", "product", "time", "localization"],
                name="events_localization_once",
                nulls_distinct=False,
            )
        ]
        ordering = ("time", "pk")

    def __str__(self) -> str:
        return f"{self.product} of {self.event_id} at {self.time:%Y-%m-%d %H:%M}"


class Region(models.Model):
    """A credible region of a map: the ranges of sky within one level, computed once."""

    localization = models.ForeignKey(Localization, on_delete=models.CASCADE, related_name="regions")
    level = models.FloatField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["localization", "level"], name="events_region_once")
        ]

    def __str__(self) -> str:
        return f"{self.level:g} of {self.localization_id}"


class RegionRange(models.Model):
    """A range of nested order-29 HEALPix cells of a region, from `first` to before `stop`.

    The ranges of one region do not overlap. One look into the index finds every region at a place.
    """

    pk = models.CompositePrimaryKey("region_id", "first")
    region = models.ForeignKey(
        Region, on_delete=models.CASCADE, related_name="ranges", db_index=False
    )
    first = models.BigIntegerField()
    stop = models.BigIntegerField()

    class Meta:
        indexes = [
            GistIndex(
                models.Func("first", "stop", function="int8range"), name="events_range_places"
            )
        ]

    def __str__(self) -> str:
        return f"[{self.first}, {self.stop})"


class EventSequence(models.Model):
    """One message of an event's chain; the messages' own times give the numbers."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="sequences")
    number = models.PositiveIntegerField(default=0)
    sender = models.CharField(
        max_length=64, blank=True, default="", help_text="The mission that sent it"
    )
    origin = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        blank=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The event that it came with, if that one was joined to its event",
    )
    alert_type = models.CharField(max_length=16)
    time_created = models.DateTimeField()
    message = models.ForeignKey(AlertMessage, on_delete=models.PROTECT, related_name="+")
    localization = models.ForeignKey(
        EventLocalization, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    details = models.JSONField(default=dict, help_text="The message without its map")
    left_out = models.JSONField(
        default=list,
        blank=True,
        help_text="The parts of the message that could not be used, with the reasons",
    )
    is_early = models.BooleanField(
        default=False,
        help_text="It is dated after it was received. So other messages count before it",
    )
    set_aside = models.DateTimeField(null=True, blank=True, help_text="When a person set it aside")
    set_aside_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event", "origin", "sender", "alert_type", "time_created"],
                name="events_sequence_once",
                nulls_distinct=False,
            )
        ]
        ordering = ("number", "pk")

    def __str__(self) -> str:
        return f"{self.number} {self.alert_type}"
