"""Scores: each is an opinion at one moment, from the points that one audience may see."""

from django.contrib.auth.models import User
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex
from django.db import models
from tom_targets.base_models import BaseTarget

from tom.moments import ThisXact, XactField
from tom.scoring.answers import SpectrumAnswer as SpectrumAnswer
from tom.scoring.own_models import OwnKind as OwnKind
from tom.scoring.own_models import OwnScorer as OwnScorer
from tom.scoring.own_models import OwnVersion as OwnVersion


class ScoreQuerySet(models.QuerySet["Score"]):
    """Reads of scores."""

    def visible_to(self, user: User) -> "ScoreQuerySet":
        """Leave out those of scorers that belong to a group of others.

        Whether the user may see the light curve that was scored is the caller's to ask.
        """
        return self.exclude(scorer__in=OwnScorer.objects.hidden_from(user).values("name"))


class Score(models.Model):
    """One scorer's opinion on a target with one state of its light curve, or why it abstained."""

    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="scores")
    programs = ArrayField(
        models.BigIntegerField(),
        default=list,
        db_default=[],
        help_text="The private programs whose points it used in addition to the public ones",
    )
    scorer = models.CharField(max_length=64)
    version = models.CharField(max_length=32)
    artefact_sha256 = models.CharField(max_length=64, blank=True)
    data_version = models.PositiveIntegerField(
        help_text="Version of the target's summary that the scorer saw"
    )
    since = models.DateTimeField(
        null=True, help_text="Detections before it were left out: the window of an event"
    )
    data_until = models.DateTimeField(
        null=True, help_text="Time of the newest point that the scorer saw"
    )
    probability = models.JSONField(null=True, help_text="Class to probability; None: abstained")
    sigma = models.FloatField(null=True, help_text="One standard deviation, in log-odds")
    reason = models.CharField(max_length=200, blank=True, help_text="Why it abstained")
    explanation = models.JSONField(
        default=list,
        blank=True,
        help_text="What moved the score. It is asked for the best of a ranking only",
    )
    created = models.DateTimeField(auto_now_add=True)
    xact = XactField(null=True, db_default=ThisXact(), editable=False)

    objects = ScoreQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["target", "programs", "scorer", "version", "data_version", "since"],
                name="scoring_score_of_audience_once",
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(fields=["target", "-created"], name="scoring_score_newest"),
            BrinIndex(fields=["created"], name="scoring_score_created"),
        ]

    def __str__(self) -> str:
        return f"{self.scorer} {self.version} of {self.target_id}"


class DueScore(models.Model):
    """A light curve that a scorer has not judged yet: of one target, for one audience."""

    scorer = models.CharField(max_length=64)
    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="+")
    programs = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    version = models.PositiveIntegerField(
        help_text="Version of the target's summary when this became due"
    )
    attempts = models.PositiveSmallIntegerField(
        default=0,
        db_default=0,
        help_text="Counted before the work, because the work may end its process",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scorer", "target", "programs"], name="scoring_due_once"
            )
        ]
        indexes = [models.Index(fields=["scorer", "attempts", "id"], name="scoring_due_next")]

    def __str__(self) -> str:
        return f"{self.scorer} of {self.target_id}"


class ScorerState(models.Model):
    """Whether a scorer works: after its process was ended it rests, and then is tried again."""

    scorer = models.CharField(max_length=64, unique=True)
    failures = models.PositiveIntegerField(
        default=0, help_text="How often its process ended one time after the other"
    )
    rests_until = models.DateTimeField(null=True, blank=True)
    detail = models.CharField(max_length=300, blank=True, help_text="Why its process was ended")
    failed_at = models.DateTimeField(null=True, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.scorer


class CatchUp(models.Model):
    """A scorer's way through what was stored before it came; one at a time for each scorer.

    It goes from target to target in the order of their keys.
    """

    scorer = models.CharField(max_length=64)
    since = models.DateTimeField(
        null=True, help_text="Targets last detected before it are left out; none: all count"
    )
    asked_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    reached = models.BigIntegerField(default=0, help_text="Key of the last target looked at")
    total = models.PositiveIntegerField(null=True, help_text="How many targets there were")
    looked_at = models.PositiveIntegerField(default=0, help_text="How many of them were looked at")
    handed_out = models.PositiveIntegerField(
        default=0, help_text="Light curves among them that the scorer had not judged"
    )
    ended = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["scorer"], condition=models.Q(ended=None), name="scoring_catch_up_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.scorer} since {self.since}"
