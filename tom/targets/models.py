"""What we add to TOM Toolkit's targets, as rows: summaries and points; the others by name."""

from collections.abc import Iterable
from datetime import date

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from tom_targets.base_models import BaseTarget

from tom.moments import Fact, XactField
from tom.targets.arrivals import Arrival as Arrival
from tom.targets.classified import Classification as Classification
from tom.targets.facts import SummaryFact as SummaryFact
from tom.targets.given import GivenName as GivenName
from tom.targets.histories import StoredHistory as StoredHistory
from tom.targets.joins import TargetJoin as TargetJoin
from tom.targets.months import month_of
from tom.targets.objects import SurveyObject
from tom.targets.peaks import PeakPoint as PeakPoint
from tom.targets.programs import ANEW as ANEW
from tom.targets.programs import PUBLIC as PUBLIC
from tom.targets.programs import Audience as Audience
from tom.targets.programs import Program as Program
from tom.targets.programs import Visitor as Visitor
from tom.targets.programs import of_readable_programs as of_readable_programs
from tom.targets.programs import private_programs as private_programs
from tom.targets.said import ObjectWords as ObjectWords
from tom.targets.spectra import UploadedSpectrum as UploadedSpectrum
from tom.targets.stamps import Cutout as Cutout
from tom.targets.stamps import CutoutKind as CutoutKind
from tom.targets.tags import Tag as Tag
from tom.targets.template_changes import TemplateChange as TemplateChange
from tom.targets.uploads import PointUpload as PointUpload
from tom.targets.withdrawals import Withdrawal as Withdrawal
from tom.targets.withdrawn_points import WithdrawnPoint as WithdrawnPoint

# Summaries that scorers have not been handed as they are now.
DUE_FOR_SCORING = Q(scored_version__lt=models.F("version"))


class Figures(models.Model):
    """A light curve in short, and what the alerts said, as one audience may know them."""

    healpix29 = models.BigIntegerField(
        db_index=True, help_text="HEALPix index of the place: nested, order 29"
    )
    # The earliest alert's, which gave the position; without it, no alert moves the target.
    position_time = models.DateTimeField(null=True, blank=True)
    position_alert = models.CharField(max_length=80, blank=True, db_default="")
    ebv = models.FloatField(null=True, blank=True)
    ebv_error = models.FloatField(null=True, blank=True)
    n_detections = models.PositiveIntegerField(default=0)
    n_limits = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField(null=True, blank=True, db_index=True)
    first_detection = models.DateTimeField(null=True, blank=True)
    last_detection = models.DateTimeField(null=True, blank=True)
    last_magnitude = models.FloatField(null=True, blank=True)
    last_band = models.CharField(max_length=8, blank=True)
    peak_magnitude = models.FloatField(null=True, blank=True)
    # What the newest alert says of its object's surroundings.
    surroundings_time = models.DateTimeField(
        null=True, blank=True, help_text="The time of that alert, UTC"
    )
    surroundings_alert = models.CharField(
        max_length=80,
        blank=True,
        db_default="",
        help_text="The id of that alert. Of two at one time the one with the greater id counts",
    )
    alert_values = models.JSONField(
        default=dict,
        blank=True,
        help_text="The survey's own scores of that alert, such as rb and drb",
    )
    n_survey_detections = models.PositiveIntegerField(
        null=True, blank=True, help_text="How often the survey saw something here, as it says"
    )
    star_separation_arcsec = models.FloatField(null=True, blank=True)
    star_score = models.FloatField(null=True, blank=True, help_text="0 galaxy to 1 star")
    solar_system_name = models.CharField(max_length=100, blank=True)
    solar_system_separation_arcsec = models.FloatField(null=True, blank=True)
    # A count that grows with every change of the light curve and every event that the target
    # becomes a candidate of, and the count last scored.
    version = models.PositiveIntegerField(default=1)
    scored_version = models.PositiveIntegerField(default=0)

    class Meta:
        abstract = True


class TargetSummary(Figures):
    """One row of ours for each target: where it is on the sky, and its light curve in short.

    The figures are computed from public points and public alerts alone, so that they may be shown
    to everybody who may see the target; those of narrower audiences stand in `AudienceSummary`.
    """

    target = models.OneToOneField(
        BaseTarget, on_delete=models.CASCADE, primary_key=True, related_name="summary"
    )
    survey = models.CharField(max_length=16, blank=True)
    # Known from test topics alone, the demonstration's too: it must reach nothing real.
    is_test = models.BooleanField(default=False)
    host_name = models.CharField(max_length=100, blank=True)
    host_distance_mpc = models.FloatField(null=True, blank=True)
    host_distance_error_mpc = models.FloatField(null=True, blank=True)

    class Meta:
        indexes = [
            models.Index(
                fields=["target"],
                condition=DUE_FOR_SCORING,
                name="targets_summary_unscored",
            ),
            # The orders of the list of targets, with all that a far page of it is found by.
            models.Index(
                *(models.F("last_detection").desc(nulls_last=True), "target"),
                name="targets_summary_newest",
            ),
            models.Index(
                *(models.F("first_detection").desc(nulls_last=True), "target"),
                name="targets_summary_first",
            ),
            models.Index(fields=["last_magnitude", "target"], name="targets_summary_brightest"),
        ]

    def __str__(self) -> str:
        return f"summary of {self.target_id}"

    @property
    def audience(self) -> Audience:
        return PUBLIC


class AudienceSummary(Figures):
    """What the readers of some private programs know of a target.

    `programs` are these, ascending, and each has a point of the target. Who may read them is
    asked when a page is made.
    """

    # No index on the target alone: that on it and its programs serves it.
    target = models.ForeignKey(
        BaseTarget, on_delete=models.CASCADE, related_name="audience_summaries", db_index=False
    )
    programs = ArrayField(models.BigIntegerField())
    ra = models.FloatField(null=True)
    dec = models.FloatField(null=True)

    # The target's, for every reader: copied from its `TargetSummary` where a page shows them.
    survey = ""
    is_test = False
    host_name = ""
    host_distance_mpc: float | None = None
    host_distance_error_mpc: float | None = None

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["target", "programs"], name="targets_audience_once")
        ]
        indexes = [
            models.Index(
                fields=["id"],
                condition=DUE_FOR_SCORING,
                name="targets_audience_unscored",
            ),
            models.Index(
                *(models.F("last_detection").desc(nulls_last=True), "target"),
                include=["programs"],
                name="targets_audience_newest",
            ),
            models.Index(
                *(models.F("first_detection").desc(nulls_last=True), "target"),
                include=["programs"],
                name="targets_audience_first",
            ),
            models.Index(
                fields=["last_magnitude", "target"],
                include=["programs"],
                name="targets_audience_brightest",
            ),
        ]

    def __str__(self) -> str:
        return f"summary of {self.target_id} for {self.programs}"

    @property
    def audience(self) -> Audience:
        return tuple(self.programs)


class PointKind(models.TextChoices):
    """Where a point of the light curve comes from."""

    ALERT = "alert", "Alert"
    LIMIT = "limit", "Limit"
    FORCED = "forced", "Forced"


# Every reader takes points in this order, which is total: no result depends on how they came.
POINT_ORDER = ("time", "kind", "survey", "key")


class LightCurvePointQuerySet(models.QuerySet["LightCurvePoint"]):
    """Reads of light curve points."""

    def visible_to(self, user: Visitor) -> "LightCurvePointQuerySet":
        """Points whose program is public or belongs to a group of the user's.

        It does not look at the target: fetch that with its own `visible_to` first.
        """
        return self.filter(of_readable_programs(user))

    def shown_to(self, programs: Iterable[int]) -> "LightCurvePointQuerySet":
        """Points that an audience knows: those of public programs, and of these."""
        return self.filter(Q(program__public=True) | Q(program__in=list(programs)))


class Point(Fact):
    """A detection, limit or forced measurement, with the identity its survey gave it."""

    survey = models.CharField(max_length=16)
    kind = models.CharField(max_length=8, choices=PointKind.choices)
    key = models.CharField(max_length=80, help_text="The survey's identity, never a measured value")
    time = models.DateTimeField(help_text="Middle of the exposure, UTC")
    band = models.CharField(max_length=8)
    flux = models.FloatField(null=True, help_text="Signed, nJy (AB 31.4); None for a limit")
    flux_error = models.FloatField(null=True, help_text="nJy; a fifth of the 5-sigma limit")
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    real_bogus = models.FloatField(null=True, help_text="The survey's own score of this detection")
    # An alert's own copy is kept against the rounded ones in later alerts' histories.
    is_trigger = models.BooleanField(default=False)

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return f"{self.survey} {self.kind} {self.key}"


class MonthField(models.DateField[date, date]):
    """The first day of the month of the row's `time`, in UTC, set when the row is made."""

    def pre_save(self, model_instance: models.Model, add: bool) -> date:
        """Set the month of a new row; an existing row keeps its month."""
        if add:
            setattr(model_instance, self.attname, month_of(model_instance.time))  # type: ignore[attr-defined]
        month: date = super().pre_save(model_instance, add)
        return month


class LightCurvePoint(Point):
    """A point of the light curve of the object whose packet names it.

    A detection may stand in the histories of two objects: each keeps a point of its own.
    """

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="points")
    # Of the time with which the point was first stored: the partition that it stands in.
    month = MonthField(editable=False)
    # The object whose packet first named it. The database checks no key here: points go with their
    # target, and an index for each of them would cost more than it is worth.
    object = models.ForeignKey(
        SurveyObject,
        null=True,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        db_index=False,
        related_name="points",
    )

    objects = LightCurvePointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "survey", "kind", "key", "month"], name="targets_point_once"
            )
        ]
        indexes = [models.Index(fields=["target", "time"], name="targets_point_target_time")]


class ReplacedPoint(Point):
    """A point as it was before a better copy replaced it. The database adds the row."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="+")
    replaced = models.DateTimeField(help_text="When the better copy was stored")
    replaced_by = XactField(help_text="Which transaction stored it")

    class Meta:
        indexes = [models.Index(fields=["target", "time"], name="targets_replaced_target_time")]
