"""A strategy: the classes that a list looks for, its targets, its evidence, and its readers."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tom.events.models import EventKind
from tom.strategies.choice import StrategyChoice as StrategyChoice
from tom.strategies.versions import StrategyVersion as StrategyVersion
from tom.strategies.watching import WatchList as WatchList
from tom.taxonomy import ROOTS, WIDER, find_class

SOUGHT = "kilonova"
# The longest window: a time before the year 1 cannot be written.
MOST_DAYS = 36525.0
# A list without an event is ranked this often, because it changes with time.
RANKED_EVERY = timedelta(minutes=1)


def kilonova() -> list[str]:
    """Return the class that is sought by default."""
    return [SOUGHT]


LEAST_PRIOR = 1e-12
TAKEN = "Another list has this name: choose another one."
DAYS = [MinValueValidator(0.0), MaxValueValidator(MOST_DAYS)]


class StrategyQuerySet(models.QuerySet["Strategy"]):
    """Reads of strategies."""

    def without_event(self) -> "StrategyQuerySet":
        """Return the strategies that make a list without an event and are switched on."""
        return self.filter(kind="", active=True)

    def due(self) -> "StrategyQuerySet":
        """Return the strategies of `without_event` whose list is due for ranking."""
        now = timezone.now()
        # A time of ranking in the future: the clock was set back.
        past = Q(ranked=None) | Q(ranked__lt=now - RANKED_EVERY) | Q(ranked__gt=now)
        return self.without_event().filter(past)

    def visible_to(self, user: User) -> "StrategyQuerySet":
        """Return the strategies whose lists the user may see: of no group, or of their groups."""
        if user.is_superuser:
            return self
        return self.filter(Q(group=None) | Q(group__in=user.groups.all()))


class Strategy(models.Model):
    """How a list is made: the list of each event of a kind, or one list without any event.

    A list has the targets in a region that were detected in a window. For an event, these are its
    localization and the time around it. For a list without an event, these are a cone and the time
    until now.
    """

    name = models.CharField(max_length=64, unique=True, error_messages={"unique": TAKEN})
    kind = models.CharField(
        max_length=12,
        choices=EventKind.choices,
        blank=True,
        help_text="It makes the list of each event of this kind. Empty: one list without an event.",
    )
    sought = ArrayField(
        models.CharField(max_length=64),
        default=kilonova,
        help_text="The classes that are sought, by their names in the taxonomy",
    )
    prior = models.FloatField(
        null=True,
        blank=True,
        help_text="The chance of any one target before all evidence. Empty: that of the site.",
    )
    weights = models.JSONField(
        default=dict,
        blank=True,
        help_text=(
            "The weight of a scorer by its name, 0 to 1. A scorer that is not named has the weight"
            " that the site gives it."
        ),
    )
    terms = ArrayField(
        models.CharField(max_length=64),
        default=list,
        blank=True,
        help_text="The terms that are weighed in addition to the scorers. Empty: all.",
    )
    by = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text=(
            "A scorer whose number puts a list without an event in order. Empty: the chance of what"
            " is sought."
        ),
    )
    within = models.CharField(
        max_length=64,
        blank=True,
        default="",
        help_text=(
            "A scorer that says of which class each target is: its number is compared with those of"
            " its class. Empty: with none."
        ),
    )
    days_before = models.FloatField(
        null=True,
        blank=True,
        validators=DAYS,
        help_text=(
            "The last detection must be no earlier than so many days before the event (without an"
            " event: before now). Empty: at any time."
        ),
    )
    days_after = models.FloatField(
        null=True,
        blank=True,
        validators=DAYS,
        help_text=(
            "The first detection must be no later than so many days after the event. Empty: at any"
            " time."
        ),
    )
    level_stored = models.FloatField(
        default=0.99,
        help_text="Candidates within this credible level of an event's map are stored, 0 to 1",
    )
    level_shown = models.FloatField(
        default=0.9,
        help_text="The list shows at first those within this credible level of the map, 0 to 1",
    )
    brighter_than = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(-30.0), MaxValueValidator(40.0)],
        help_text=(
            "The AB magnitude that a target of a list without an event must have reached in those"
            " days. Empty: any."
        ),
    )
    first_seen_days = models.FloatField(
        null=True,
        blank=True,
        validators=DAYS,
        help_text=(
            "A target of a list without an event was first seen at most so many days ago."
            " Empty: at any time."
        ),
    )
    ra = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(360.0)],
        help_text="Degrees: the middle of the cone of a list without an event. Empty: all the sky.",
    )
    dec = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(-90.0), MaxValueValidator(90.0)],
        help_text="Degrees",
    )
    radius_deg = models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(180.0)],
        help_text="Degrees: the radius of the cone",
    )
    watched = models.ForeignKey(
        WatchList,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="The places near which a list without an event has its targets. Empty: anywhere.",
    )
    with_tests = models.BooleanField(
        default=False,
        help_text=(
            "Whether a list without an event may hold targets that are known from tests alone, such"
            " as those of the demonstration night"
        ),
    )
    explore = models.FloatField(
        default=0.0,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=(
            "The share, 0 to 1, of a night's looks at a list without an event that goes to targets"
            " drawn at random from all of it. 0 or empty: none are drawn."
        ),
    )
    group = models.ForeignKey(
        Group,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Who sees a list without an event. Empty: everyone.",
    )
    active = models.BooleanField(
        default=True,
        help_text="Whether a list without an event is made. The list of an event is always made.",
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        editable=False,
        on_delete=models.SET_NULL,
        related_name="+",
    )
    created = models.DateTimeField(default=timezone.now, editable=False)
    ranked = models.DateTimeField(
        null=True, editable=False, help_text="When the list without an event was last ranked"
    )

    objects = StrategyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "strategies"
        constraints = [
            models.UniqueConstraint(
                fields=["kind"],
                condition=~Q(kind=""),
                name="strategies_one_of_a_kind",
                violation_error_message="This kind of event has a strategy: change that one.",
            ),
            models.CheckConstraint(
                condition=Q(level_stored__gt=0, level_stored__lte=1, level_shown__gt=0)
                & Q(level_shown__lte=models.F("level_stored")),
                name="strategies_levels",
            ),
            models.CheckConstraint(
                condition=Q(prior=None) | Q(prior__gt=0, prior__lt=1), name="strategies_prior"
            ),
            models.CheckConstraint(
                condition=Q(explore__gte=0, explore__lte=1), name="strategies_explore"
            ),
            models.CheckConstraint(
                condition=Q(ra=None, dec=None, radius_deg=None)
                | Q(ra__isnull=False, dec__isnull=False, radius_deg__isnull=False),
                name="strategies_whole_cone",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse settings that no ranking could use, with a text for each field.

        Raises
        ------
        ValidationError
        """
        errors = {**self._wrong_evidence(), **self._wrong_region(), **self._wrong_for_its_kind()}
        if errors:
            raise ValidationError(errors)

    def _wrong_evidence(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        unknown = [label for label in self.sought or [] if label not in (*WIDER, *ROOTS)]
        if unknown:
            errors["sought"] = _no_class(unknown[0])
        if self.prior is not None and not LEAST_PRIOR <= self.prior < 1:
            errors["prior"] = f"a prior must be at least {LEAST_PRIOR:g} and less than 1"
        wrong = _wrong_weight(self.weights)
        if wrong:
            errors["weights"] = wrong
        return errors

    def _wrong_region(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        for name in ("level_stored", "level_shown"):
            level = getattr(self, name)
            if level is not None and not 0 < level <= 1:
                errors[name] = "a level must be more than 0 and at most 1"
        if not errors and (self.level_shown or 0) > (self.level_stored or 1):
            errors["level_shown"] = "what is shown must be stored: at most the level stored"
        cone = {name: getattr(self, name) for name in CONE}
        if any(value is not None for value in cone.values()):
            missing = [name for name, value in cone.items() if value is None]
            errors |= dict.fromkeys(missing, "a cone has a right ascension, declination and radius")
        return errors

    def _wrong_for_its_kind(self) -> dict[str, str]:
        if not self.kind:
            return self._wrong_without_event()
        unused = [name for name in ONLY_WITHOUT_EVENT if getattr(self, name) is not None]
        errors = dict.fromkeys(unused, "this is for a list without an event: leave it empty here")
        for name in ("with_tests", "explore", "by", "within"):
            if getattr(self, name):
                errors[name] = "this is for a list without an event"
        return errors

    def _wrong_without_event(self) -> dict[str, str]:
        errors: dict[str, str] = {}
        if self.days_after is not None:
            errors["days_after"] = "a list without an event has no event to count days from"
        if self.within and not self.by:
            errors["within"] = "choose the scorer whose number is compared within a class"
        for name in ("days_before", "first_seen_days", "radius_deg"):
            if getattr(self, name) == 0:
                errors[name] = "with 0 the list could hold nothing: leave it empty for no limit"
        return errors


CONE = ("ra", "dec", "radius_deg")
ONLY_WITHOUT_EVENT = ("brighter_than", "first_seen_days", *CONE, "watched", "group")


def _no_class(name: str) -> str:
    """Return the text that a name is no class, and which class it may mean."""
    meant = find_class(name)
    hint = f": write {meant!r}" if meant else ""
    return f"the taxonomy has no class {name!r}{hint}"


def _wrong_weight(weights: Any) -> str:
    """Return the fault of weights by a scorer's name; "" if there is none."""
    if not isinstance(weights, dict):
        return 'write them as {"scorer": 0.5}'
    for name, weight in weights.items():
        is_number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not is_number or not 0 <= weight <= 1:
            return f"the weight of {name} must lie in 0 to 1"
    return ""
