"""A candidate is one target for one event; what people say of it is kept, verdict by verdict."""

import uuid

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.facts import CandidateFact as CandidateFact
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.targets.audiences import private_programs_of
from tom.targets.models import PUBLIC, Audience, Visitor
from tom.targets.visible import own_targets, visible_targets


class Vetting(models.TextChoices):
    NEW = "new", "New"
    WATCHING = "watching", "Watching"
    PROMISING = "promising", "Promising"
    REJECTED = "rejected", "Rejected"


class EventCandidateQuerySet(models.QuerySet["EventCandidate"]):
    """Reads of candidates."""

    def visible_to(self, user: Visitor) -> "EventCandidateQuerySet":
        """Those whose target the user may see, and which points that the user may see make one."""
        return self.filter(target__in=visible_targets(user)).known_to(user)

    def known_publicly(self) -> "EventCandidateQuerySet":
        """Those of public targets that are candidates by public points."""
        return self.filter(is_public=True).exclude(
            target__permissions=BaseTarget.Permissions.PRIVATE
        )

    def known_to(self, user: Visitor) -> "EventCandidateQuerySet":
        """Those that are candidates by public points, or by points that the user may read."""
        return self.filter(Q(is_public=True) | Exists(standings_known_to(user, candidate="pk")))


class Standing(models.Model):
    """Where a candidate lies on the map and in the ranking, as one audience may know it."""

    credible_level_2d = models.FloatField(null=True, blank=True)
    credible_level_3d = models.FloatField(null=True, blank=True)
    probdensity = models.FloatField(null=True, blank=True, help_text="1/sr")
    # The newest place in the ranking, copied here so that a page reads one table. Places count
    # all audiences: nobody is shown a rank but among the candidates that they may see.
    rank = models.PositiveIntegerField(null=True, blank=True)
    posterior = models.FloatField(null=True, blank=True)
    posterior_low = models.FloatField(null=True, blank=True)
    posterior_high = models.FloatField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        abstract = True


class EventCandidate(Standing):
    """A target that lies in an event's localization and its time window.

    Its own standing is the one by public points; `is_public` says whether these make it one.
    """

    # Each ranking writes all rows again, in every index: none that another one begins with.
    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="candidates", db_index=False
    )
    target = models.ForeignKey(BaseTarget, on_delete=models.CASCADE, related_name="candidacies")
    localization = models.ForeignKey(
        EventLocalization, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    is_public = models.BooleanField(default=True, db_default=True)
    # The newest verdict that stands, copied here so that a page reads one table.
    vetting = models.CharField(max_length=12, choices=Vetting.choices, default=Vetting.NEW)
    vetted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
    )
    vetted = models.DateTimeField(null=True, blank=True)

    objects = EventCandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["event", "target"], name="candidates_candidate_once")
        ]
        indexes = [models.Index(fields=["event", "rank"], name="candidates_candidate_rank")]

    def __str__(self) -> str:
        return f"{self.target_id} for {self.event_id}"

    @property
    def audience(self) -> Audience:
        return PUBLIC


class CandidateStanding(Standing):
    """The standing of a candidate for those who may read some private programs of its target."""

    candidate = models.ForeignKey(
        EventCandidate, on_delete=models.CASCADE, related_name="standings"
    )
    programs = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "programs"], name="candidates_standing_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.candidate_id} for {self.programs}"

    @property
    def localization_id(self) -> int | None:
        return self.candidate.localization_id

    @property
    def audience(self) -> Audience:
        return tuple(self.programs)


def standings_known_to(user: Visitor, *, candidate: str) -> models.QuerySet[CandidateStanding]:
    """Standings by points that the user may read, of the candidate that the outer query names."""
    mine = ArraySubquery(private_programs_of(user).values("pk"))
    return CandidateStanding.objects.filter(
        candidate=OuterRef(candidate), programs__contained_by=mine
    )


def told_to(user: Visitor, *, target: str, by: str) -> Q:
    """Which rows about targets that the user may see are shown to them.

    Those that are `is_public`. What was said or asked privately is shown to those who could see
    the target or the candidate then, public or not now. The rows have a `candidate` and the time
    `created`; `target` and `by` name the way to their target and to who made them.
    """
    known_then = standings_known_to(user, candidate="candidate").filter(
        created__lte=OuterRef("created")
    )
    theirs = Q((f"{target}__in", own_targets(user))) | Exists(known_then) | Q((by, user.pk))
    return Q((f"{target}__in", visible_targets(user))) & (Q(is_public=True) | theirs)


class VerdictReason(models.TextChoices):
    """Why a candidate is rejected, in the order of the keys 1, 2, ... that say so."""

    STAR = "star", "Star or variable star"
    MOVING = "moving", "Minor planet"
    NUCLEUS = "nucleus", "Active nucleus"
    EARLIER = "earlier", "Active before the event"
    ARTEFACT = "artefact", "Not real"
    DISTANCE = "distance", "At another distance"
    SUPERNOVA = "supernova", "Supernova or another class"


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Reads of verdicts."""

    def visible_to(self, user: Visitor) -> "VerdictQuerySet":
        """Verdicts on targets that the user may see, but for others' that were given privately."""
        return self.filter(told_to(user, target="candidate__target", by="by"))

    def given(self) -> "VerdictQuerySet":
        """Verdicts that nobody took back."""
        return self.filter(undoes=None, undone_by=None)

    def standing(self) -> "VerdictQuerySet":
        """The newest verdict of each person on each candidate that was not taken back."""
        newest = ("candidate", "by", "-created", "-pk")
        return self.given().order_by(*newest).distinct("candidate", "by")


class Verdict(models.Model):
    """What one person made of a candidate at one moment; rows are only added.

    A row that `undoes` another takes that one back.
    """

    candidate = models.ForeignKey(EventCandidate, on_delete=models.CASCADE, related_name="verdicts")
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    verdict = models.CharField(max_length=12, choices=Vetting.choices)
    reason = models.CharField(max_length=12, choices=VerdictReason.choices, blank=True)
    note = models.CharField(max_length=300, blank=True)
    created = models.DateTimeField(default=timezone.now)
    is_public = models.BooleanField(
        default=True,
        db_default=True,
        help_text="Whether the target was public then, and a candidate by public points",
    )
    # Whoever sends a verdict twice (an answer was lost) gives one.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="undone_by"
    )

    objects = VerdictQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["candidate", "by", "-created"], name="candidates_verdict_newest"),
            models.Index(fields=["by", "-created"], name="candidates_verdict_last"),
        ]

    def __str__(self) -> str:
        return f"{self.verdict} for {self.candidate_id}"

    @property
    def why(self) -> str:
        """The reason and the note as one text; "" where neither was given."""
        return ": ".join(filter(None, [self.get_reason_display(), self.note]))


class Look(models.Model):
    """When a person last looked at an event's candidates, and when they did before that."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="+")
    seen = models.DateTimeField()
    since = models.DateTimeField(null=True, help_text="The look before, which news is told from")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event"], name="candidates_look_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.event_id}"
