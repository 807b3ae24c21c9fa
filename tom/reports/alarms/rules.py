"""The rules of alarms: which events call whom, when, and who is called next."""

from datetime import datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import Q

from tom.reports.alarms.contacts import Channel, Contact

MOST_STEPS: Final = 5
_SHARES: Final = ("has_ns", "has_remnant", "not_terrestrial", "class_chance")
_AMOUNTS: Final = ("far_per_year", "area_deg2", "distance_mpc")


class Source(models.TextChoices):
    """What an event may be, as a rule names it."""

    CBC = "cbc", "Merger (CBC)"
    BURST = "burst", "Gravitational-wave burst"
    GRB = "grb", "Gamma-ray burst"
    NEUTRINO = "neutrino", "Neutrino"
    FRB = "frb", "Fast radio burst"
    UNKNOWN = "unknown", "Unidentified"


def _share(text: str) -> "models.FloatField[float | None, float | None]":
    return models.FloatField(
        null=True,
        blank=True,
        validators=[MinValueValidator(0.0), MaxValueValidator(1.0)],
        help_text=text,
    )


def _amount(text: str) -> "models.FloatField[float | None, float | None]":
    return models.FloatField(
        null=True, blank=True, validators=[MinValueValidator(0.0)], help_text=text
    )


class AlarmRuleQuerySet(models.QuerySet["AlarmRule"]):
    """Reads of rules."""

    def standing(self) -> "AlarmRuleQuerySet":
        """Return the rules that nobody removed."""
        return self.filter(removed=None)

    def in_force(self) -> "AlarmRuleQuerySet":
        return self.standing().filter(is_on=True)


class AlarmRule(models.Model):
    """Which events raise an alarm, and its quiet hours. A threshold of None asks for nothing.

    A rule is removed, and not deleted: alarms that it raised name it.
    """

    name = models.CharField(max_length=100)
    is_on = models.BooleanField(default=True)
    sources = ArrayField(models.CharField(max_length=12, choices=Source.choices))
    only_significant = models.BooleanField(
        default=True, help_text="Only events that their author calls significant"
    )
    far_per_year = _amount("False alarms a year, at most")
    has_ns = _share("Chance that a neutron star took part (HasNS), at least")
    has_remnant = _share("Chance that matter stays outside (HasRemnant), at least")
    not_terrestrial = _share("Chance that it is astrophysical, at least")
    classes = ArrayField(models.CharField(max_length=32), default=list, blank=True)
    class_chance = _share("Chance of these classes together, at least")
    area_deg2 = _amount("Area of the 90% region, at most, deg2")
    distance_mpc = _amount("Mean distance, at most, Mpc")
    quiet_from = models.TimeField(null=True, blank=True)
    quiet_to = models.TimeField(null=True, blank=True)
    zone = models.CharField(max_length=64, default="UTC", help_text="IANA name of the time zone")
    changed = models.DateTimeField(auto_now=True)
    changed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    removed = models.DateTimeField(null=True, blank=True)

    objects = AlarmRuleQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["name"], condition=Q(removed=None), name="reports_rule_name"
            ),
            models.CheckConstraint(
                condition=Q(quiet_from=None, quiet_to=None)
                | Q(quiet_from__isnull=False, quiet_to__isnull=False),
                name="reports_rule_quiet_both",
            ),
            *(
                models.CheckConstraint(
                    condition=Q((name, None)) | Q((f"{name}__range", (0.0, 1.0))),
                    name=f"reports_rule_{name}",
                )
                for name in _SHARES
            ),
            *(
                models.CheckConstraint(
                    condition=Q((name, None)) | Q((f"{name}__gte", 0.0)),
                    name=f"reports_rule_{name}",
                )
                for name in _AMOUNTS
            ),
        ]
        ordering = ("name", "pk")

    def __str__(self) -> str:
        return self.name

    @property
    def words(self) -> str:
        """Which events it asks for, as one text."""
        parts = [Source(source).label for source in self.sources]
        parts += ["significant"] if self.only_significant else []
        named = (
            ("at most {:g} false alarms a year", self.far_per_year),
            ("astrophysical ≥ {:g}", self.not_terrestrial),
            ("HasNS ≥ {:g}", self.has_ns),
            ("HasRemnant ≥ {:g}", self.has_remnant),
            (" + ".join(self.classes) + " ≥ {:g}", self.class_chance),
            ("90% region ≤ {:g} deg²", self.area_deg2),
            ("distance ≤ {:g} Mpc", self.distance_mpc),
        )
        return ", ".join(parts + [text.format(value) for text, value in named if value is not None])

    def quiet_until(self, now: datetime) -> datetime | None:
        """Return when the quiet hours around `now` end; None if there are none now.

        The times are those of the clock in the rule's zone, so they follow its summer time.
        """
        if self.quiet_from is None or self.quiet_to is None or self.quiet_from == self.quiet_to:
            return None
        local = now.astimezone(ZoneInfo(self.zone))
        clock = local.time().replace(tzinfo=None)
        if not _is_within(clock, self.quiet_from, self.quiet_to):
            return None
        ends_today = clock < self.quiet_to
        day = local.date() if ends_today else local.date() + timedelta(days=1)
        end = datetime.combine(day, self.quiet_to, tzinfo=ZoneInfo(self.zone)).astimezone(
            now.tzinfo
        )
        # In the hour that a clock repeats, the first of the two may be over.
        return end if end > now else now + timedelta(minutes=1)


class AlarmStep(models.Model):
    """Whom a rule calls, so many minutes after the alarm, if nobody has answered until then."""

    rule = models.ForeignKey(AlarmRule, on_delete=models.CASCADE, related_name="steps")
    number = models.PositiveSmallIntegerField(help_text="From 1")
    after_minutes = models.PositiveSmallIntegerField(help_text="After the alarm")
    on_shift = models.BooleanField(default=False, help_text="Whoever is on shift then")
    people = models.ManyToManyField(settings.AUTH_USER_MODEL, blank=True, related_name="+")
    contacts = models.ManyToManyField(
        Contact, blank=True, related_name="+", help_text="Contacts of the team"
    )
    channels = ArrayField(
        models.CharField(max_length=8, choices=Channel.choices),
        help_text="By which of their contacts people are called",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["rule", "number"], name="reports_step_once"),
            models.CheckConstraint(
                condition=Q(number__gte=1, number__lte=MOST_STEPS), name="reports_step_number"
            ),
        ]
        ordering = ("rule", "number")

    def __str__(self) -> str:
        return f"step {self.number} of {self.rule_id}"

    @property
    def words(self) -> str:
        """Whom it calls and when, as one text. It reads all people and contacts: prefetch them."""
        people = ["whoever is on shift"] if self.on_shift else []
        people += [person.get_username() for person in self.people.all()]
        by = ", ".join(Channel(channel).label for channel in self.channels)
        called = [f"{', '.join(people)} by {by}"] if people else []
        called += [contact.name for contact in self.contacts.all()]
        when = f"after {self.after_minutes} min" if self.after_minutes else "at once"
        return f"{when}: {'; '.join(called)}"


def _is_within(clock: time, start: time, end: time) -> bool:
    """Whether a clock's time is from `start` to before `end`, over midnight if `end` is less."""
    if start < end:
        return start <= clock < end
    return clock >= start or clock < end
