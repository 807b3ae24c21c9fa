"""Filters of streams as rows, what each left out, and what a trial of one found."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q

from tom.streams.rules import Cone, Outcome, Rule, Sign

_OUTCOMES = [(each.value, each.value) for each in Outcome]
_SIGNS = [
    (Sign.BOTH.value, "brighter or fainter than the reference"),
    (Sign.POSITIVE.value, "brighter than the reference alone"),
    (Sign.NEGATIVE.value, "fainter than the reference alone"),
]


class StreamFilter(models.Model):
    """What a stream's survey packets must be to be kept; a changed one is another row.

    It is a draft until it is switched on (`began`), and in force until it is switched off.
    """

    stream = models.ForeignKey("streams.Stream", models.CASCADE, related_name="filters")
    least_reliability = models.FloatField(null=True, blank=True)
    brightest = models.FloatField(null=True, blank=True, help_text="AB magnitude")
    faintest = models.FloatField(null=True, blank=True, help_text="AB magnitude")
    sign = models.CharField(max_length=16, choices=_SIGNS, blank=True, default=Sign.BOTH)
    least_dec = models.FloatField(null=True, blank=True, help_text="ICRS, degrees")
    most_dec = models.FloatField(null=True, blank=True, help_text="ICRS, degrees")
    cones = models.JSONField(default=list, blank=True, help_text="[ra, dec, radius] in degrees")
    in_regions = models.BooleanField(
        default=False, help_text="Passes in the region of an open event, or in a cone"
    )
    no_solar_system = models.BooleanField(default=False)
    programs = ArrayField(models.IntegerField(), default=list, blank=True)
    saved = models.DateTimeField(auto_now_add=True)
    began = models.DateTimeField(null=True, blank=True)
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ("stream", "-pk")
        constraints = [
            models.UniqueConstraint(
                fields=["stream"], condition=Q(began=None), name="streams_filter_one_draft"
            ),
            models.UniqueConstraint(
                fields=["stream"],
                condition=Q(began__isnull=False, ended=None),
                name="streams_filter_one_in_force",
            ),
            models.CheckConstraint(
                condition=Q(least_reliability=None) | Q(least_reliability__range=(0, 1)),
                name="streams_filter_reliability",
            ),
            models.CheckConstraint(
                condition=Q(brightest=None) | Q(faintest=None) | Q(brightest__lte=F("faintest")),
                name="streams_filter_magnitudes",
            ),
            models.CheckConstraint(
                condition=Q(least_dec=None) | Q(most_dec=None) | Q(least_dec__lte=F("most_dec")),
                name="streams_filter_declinations",
            ),
        ]

    def __str__(self) -> str:
        return f"filter {self.pk} of {self.stream_id}"

    @property
    def rule(self) -> Rule:
        """What it asks of a trigger."""
        return Rule(
            least_reliability=self.least_reliability,
            brightest=self.brightest,
            faintest=self.faintest,
            sign=self.sign,
            least_dec=self.least_dec,
            most_dec=self.most_dec,
            cones=tuple(Cone(*each) for each in self.cones),
            in_regions=self.in_regions,
            no_solar_system=self.no_solar_system,
            programs=tuple(self.programs),
        )


class FilterCount(models.Model):
    """How many packets of a night a filter passed, or left out by one of its conditions.

    Counted in the transaction that moves the position past them, so each once.
    """

    filter = models.ForeignKey(StreamFilter, models.CASCADE, related_name="counts")
    night = models.DateField(help_text="The night of the exposure: the date of its evening")
    outcome = models.CharField(max_length=16, choices=_OUTCOMES)
    messages = models.BigIntegerField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["filter", "night", "outcome"], name="streams_filter_count"
            )
        ]

    def __str__(self) -> str:
        return f"{self.messages} {self.outcome} in the night of {self.night}"


class FilterTrial(models.Model):
    """The newest trial of a filter: what it would have passed of what is stored, by night."""

    filter = models.OneToOneField(StreamFilter, models.CASCADE, related_name="trial")
    asked = models.DateTimeField()
    moved = models.DateTimeField(help_text="When the trial last made progress")
    finished = models.DateTimeField(null=True, blank=True)
    fault = models.TextField(blank=True)
    nights = models.JSONField(
        default=list,
        blank=True,
        help_text="For each night its figures, as tom.streams.trials.NightTried has them",
    )

    def __str__(self) -> str:
        return f"trial of {self.filter_id}"
