"""What we add to TOM Toolkit's targets: position index, summary, light curve, cutouts."""

from collections.abc import Iterable
from datetime import date

from django.conf import settings
from django.contrib.auth.models import AbstractBaseUser, AnonymousUser, Group, PermissionsMixin
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.db.models.functions import Cast
from guardian.models import GroupObjectPermission, UserObjectPermission
from tom_targets.base_models import BaseTarget
from tom_targets.permissions import targets_for_user

from tom.moments import Fact, XactField
from tom.targets.classified import Classification as Classification
from tom.targets.facts import SummaryFact as SummaryFact
from tom.targets.joins import TargetJoin
from tom.targets.months import month_of
from tom.targets.objects import SurveyObject

Visitor = AbstractBaseUser | AnonymousUser
# The keys of the private programs that somebody reads, without the public ones, ascending.
Audience = tuple[int, ...]
PUBLIC: Audience = ()
# After a program's standing: its targets are settled once more, for its readers changed.
ANEW = " anew"


class Program(models.Model):
    """A survey's program: who may see its data."""

    survey = models.CharField(max_length=16)
    number = models.IntegerField()
    name = models.CharField(max_length=100)
    public = models.BooleanField(default=False)
    group = models.ForeignKey(
        Group, null=True, blank=True, on_delete=models.PROTECT, related_name="programs"
    )
    # By what standing its targets were last settled, and how far the settling by a new one is.
    settled = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    settling = models.CharField(max_length=40, blank=True, db_default="", editable=False)
    settled_to = models.BigIntegerField(db_default=0, editable=False)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["survey", "number"], name="targets_program_number"),
            models.CheckConstraint(
                condition=Q(public=True) | Q(group__isnull=False),
                name="targets_program_has_readers",
                violation_error_message="A private program belongs to a group: choose one.",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.survey} {self.name}"

    @property
    def standing(self) -> str:
        """Who may see it, in a word that changes with it."""
        return "public" if self.public else f"group {self.group_id or 'none'}"

    @property
    def is_settled(self) -> bool:
        """Whether what is shown of its targets goes by its standing.

        It does, too, while its targets are settled again for another member of the same group.
        """
        return self.settled.removesuffix(ANEW) == self.standing


def of_readable_programs(user: Visitor) -> Q:
    """Rows whose `program` is public or belongs to a group of the user's; all for a superuser."""
    if getattr(user, "is_superuser", False):
        return Q()
    groups = getattr(user, "groups", None)
    mine = Q() if groups is None else Q(program__group__in=groups.all())
    return Q(program__public=True) | mine


# Summaries that scorers have not been handed as they are now.
DUE_FOR_SCORING = Q(scored_version__lt=models.F("version"))


class Figures(models.Model):
    """A light curve in short, and what the alerts said, as one audience may know them."""

    healpix29 = models.BigIntegerField(db_index=True, help_text="nested, order 29")
    # The earliest alert's, which gave the position; without it, no alert moves the target.
    position_time = models.DateTimeField(null=True, blank=True)
    position_alert = models.CharField(max_length=80, blank=True, db_default="")
    ebv = models.FloatField(null=True, blank=True)
    ebv_error = models.FloatField(null=True, blank=True)
    n_detections = models.PositiveIntegerField(default=0)
    n_limits = models.PositiveIntegerField(default=0)
    first_seen = models.DateTimeField(null=True, blank=True, db_index=True)
    first_detection = models.DateTimeField(null=True, blank=True)
    last_detection = models.DateTimeField(null=True, blank=True, db_index=True)
    last_magnitude = models.FloatField(null=True, blank=True)
    last_band = models.CharField(max_length=8, blank=True)
    peak_magnitude = models.FloatField(null=True, blank=True)
    # What the newest alert says of its object's surroundings.
    surroundings_time = models.DateTimeField(null=True, blank=True, help_text="Of that alert")
    surroundings_alert = models.CharField(
        max_length=80,
        blank=True,
        db_default="",
        help_text="Its id: of two at one time the greater is the newer",
    )
    alert_values = models.JSONField(default=dict, blank=True, help_text="rb, drb, ... as numbers")
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
            # The order of the list of targets.
            models.Index(
                models.F("last_detection").desc(nulls_last=True), name="targets_summary_newest"
            ),
        ]

    def __str__(self) -> str:
        return f"summary of {self.target_id}"

    @property
    def audience(self) -> Audience:
        return PUBLIC


class AudienceSummary(Figures):
    """What those know of a target who may read some private programs, too.

    `programs` are these, ascending, and each has a point of the target. Who may read them is
    asked when a page is made.
    """

    target = models.ForeignKey(
        BaseTarget, on_delete=models.CASCADE, related_name="audience_summaries"
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
            )
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
        """Set it; a row that is there keeps its own."""
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
    """A point as it was until a better copy of it came. The database adds it by itself."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="+")
    replaced = models.DateTimeField(help_text="When the better copy was stored")
    replaced_by = XactField(help_text="Which transaction stored it")

    class Meta:
        indexes = [models.Index(fields=["target", "time"], name="targets_replaced_target_time")]


class CutoutKind(models.TextChoices):
    SCIENCE = "science", "Science"
    TEMPLATE = "template", "Template"
    DIFFERENCE = "difference", "Difference"


class CutoutQuerySet(models.QuerySet["Cutout"]):
    """Reads of cutouts."""

    def visible_to(self, user: Visitor) -> "CutoutQuerySet":
        """Cutouts of programs that are public or belong to a group of the user's.

        It does not look at the target: fetch that with its own `visible_to` first.
        """
        return self.filter(of_readable_programs(user))

    def newest(self) -> "CutoutQuerySet":
        """The newest cutout of each target and kind, of whichever program."""
        newest = ("-time", "program__survey", "program__number", "pk")
        return self.order_by("target", "kind", *newest).distinct("target", "kind")

    def due(self) -> "CutoutQuerySet":
        """Cutouts that nobody has tried to draw."""
        return self.filter(png=None, fault="")


class Cutout(models.Model):
    """The newest stamp of each kind of a program's alerts of a target (FITS, gzipped or not).

    A worker draws its picture once: then it has `png`, or the reason why it has none in `fault`.
    """

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="cutouts")
    kind = models.CharField(max_length=12, choices=CutoutKind.choices)
    time = models.DateTimeField()
    program = models.ForeignKey(Program, on_delete=models.PROTECT)
    fits = models.BinaryField()
    middle_x = models.FloatField(
        null=True, help_text="Column of the source, from 0, where the detector's edge cut the stamp"
    )
    middle_y = models.FloatField(null=True, help_text="Its row")
    png = models.BinaryField(null=True, help_text="North up, east to the left")
    width_arcsec = models.FloatField(
        null=True, help_text="Of the picture; None where its orientation is not known"
    )
    fault = models.CharField(max_length=200, blank=True, db_default="")

    objects = CutoutQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "kind", "program"], name="targets_cutout_once"
            )
        ]
        indexes = [
            models.Index(fields=["id"], condition=Q(png=None, fault=""), name="targets_cutout_due")
        ]

    def __str__(self) -> str:
        return f"{self.kind} cutout of {self.target_id}"


def visible_targets(user: Visitor) -> models.QuerySet[BaseTarget]:
    """Targets the user may see: TOM Toolkit's rule, and none for someone not logged in.

    While a program that changed hands is not settled, its targets are shown to its readers alone:
    what stands in their rows may still be computed from its points.

    The query is made once for a user as they were read: making it asks the database, too.
    """
    if not user.is_authenticated:
        return BaseTarget.objects.none()
    is_superuser = bool(getattr(user, "is_superuser", False))
    made: dict[bool, models.QuerySet[BaseTarget]] = getattr(user, "_targets_seen", {})
    if is_superuser not in made:
        # TOM Toolkit carries no types.
        rows = targets_for_user(user, BaseTarget.objects.all(), "view_target")  # type: ignore[no-untyped-call]
        made[is_superuser] = _unhidden(rows) if is_superuser else _without_unsettled(rows, user)
        user._targets_seen = made  # type: ignore[attr-defined]  # of this request's own user
    return made[is_superuser].all()


def _unhidden(targets: models.QuerySet[BaseTarget]) -> models.QuerySet[BaseTarget]:
    """Targets that were not joined to others: those are private, of no group."""
    hidden = TargetJoin.objects.filter(other=OuterRef("pk"), hides_other=True)
    return targets.filter(~Exists(hidden))


def _without_unsettled(
    targets: models.QuerySet[BaseTarget], user: Visitor
) -> models.QuerySet[BaseTarget]:
    """Targets without a point of a private program that is not settled and not the user's."""
    groups = getattr(user, "groups", None)
    others = Program.objects.filter(public=False)
    if groups is not None:
        others = others.exclude(group__in=groups.all())
    unsettled = [row.pk for row in others if not row.is_settled]
    if not unsettled:
        return targets
    points = LightCurvePoint.objects.filter(target=OuterRef("pk"), program__in=unsettled)
    return targets.filter(~Exists(points))


def own_targets(user: Visitor) -> models.QuerySet[BaseTarget]:
    """Targets that a person may see by a right of their own, be they public by now or not.

    What was said of a target while it was private stays with these people.
    """
    if not isinstance(user, PermissionsMixin):
        return BaseTarget.objects.none()
    targets: models.QuerySet[BaseTarget] = BaseTarget.objects.all()
    if user.is_superuser:
        return targets
    view = {
        "permission__codename": "view_target",
        "permission__content_type__app_label": "tom_targets",
    }
    key = Cast("object_pk", models.BigIntegerField())
    groups = GroupObjectPermission.objects.filter(**view, group__in=user.groups.all())
    people = UserObjectPermission.objects.filter(**view, user=user.pk)
    theirs = Q(pk__in=groups.values_list(key)) | Q(pk__in=people.values_list(key))
    return targets.filter(theirs)


class PointUploadQuerySet(models.QuerySet["PointUpload"]):
    """Reads of uploads."""

    def visible_to(self, user: Visitor) -> "PointUploadQuerySet":
        """Uploads whose points the user may see, with their program and who brought them."""
        rows = self.select_related("program", "created_by")
        return rows.filter(of_readable_programs(user))


class PointUpload(models.Model):
    """A table of photometry that a person uploaded; its points' keys begin with its own."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="uploads")
    program = models.ForeignKey(Program, on_delete=models.PROTECT, related_name="uploads")
    name = models.CharField(max_length=100, help_text="Of the file, or how it was pasted")
    n_points = models.PositiveIntegerField()
    # What the target's summary said before, for an undo.
    first_seen_before = models.DateTimeField(null=True, blank=True)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    created = models.DateTimeField(auto_now_add=True)

    objects = PointUploadQuerySet.as_manager()

    class Meta:
        ordering = ("-created", "-pk")

    def __str__(self) -> str:
        return f"{self.name}: {self.n_points} points of {self.target_id}"

    @property
    def key_prefix(self) -> str:
        """What the keys of its points begin with."""
        return f"{self.pk}:"
