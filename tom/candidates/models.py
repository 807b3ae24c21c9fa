"""Candidates (one target for one event), and people's verdicts on them. Each verdict is kept."""

import uuid

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.postgres.expressions import ArraySubquery
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.facts import CandidateFact as CandidateFact
from tom.candidates.scans import ScanPlace as ScanPlace
from tom.candidates.scans import ScanProfile as ScanProfile
from tom.candidates.told import ToldCandidate as ToldCandidate
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.strategies.listings import Listing
from tom.strategies.models import Strategy
from tom.targets.audiences import private_programs_of
from tom.targets.facts import SummaryFact
from tom.targets.models import PUBLIC, Audience, Visitor
from tom.targets.visible import is_shown, own_targets


class Vetting(models.TextChoices):
    NEW = "new", "New"
    WATCHING = "watching", "Watching"
    PROMISING = "promising", "Promising"
    REJECTED = "rejected", "Rejected"


class EventCandidateQuerySet(models.QuerySet["EventCandidate"]):
    """Reads of candidates."""

    def visible_to(self, user: Visitor) -> "EventCandidateQuerySet":
        """Return the candidates of visible targets, by points that the user may read."""
        return self.filter(is_shown(user, target="target")).known_to(user)

    def known_publicly(self) -> "EventCandidateQuerySet":
        """Return the candidates that are candidates by public points, of public targets."""
        return self.filter(is_public=True).exclude(
            target__permissions=BaseTarget.Permissions.PRIVATE
        )

    def known_to(self, user: Visitor) -> "EventCandidateQuerySet":
        """Return the candidates by public points, or by private points that the user may read."""
        return self.filter(Q(is_public=True) | Exists(standings_known_to(user, candidate="pk")))


class Standing(models.Model):
    """A candidate's place on the map and in the ranking, as one audience may know it."""

    credible_level_2d = models.FloatField(null=True, blank=True)
    credible_level_3d = models.FloatField(null=True, blank=True)
    probdensity = models.FloatField(null=True, blank=True, help_text="1/sr")
    # The newest place in the ranking, copied here so that a page reads one table. This rank counts
    # the candidates of all audiences. A page shows the rank among the candidates its reader sees.
    rank = models.PositiveIntegerField(null=True, blank=True)
    # Natural logarithms. `tom.ranking.chances` makes chances of them: one sum for each reader.
    log_weight = models.FloatField(null=True, blank=True)
    log_weight_low = models.FloatField(null=True, blank=True)
    log_weight_high = models.FloatField(null=True, blank=True)
    created = models.DateTimeField(auto_now_add=True)

    # The chance for one reader and its interval, 0 to 1. Set in memory, for a page or a message.
    posterior: float | None = None
    posterior_low: float | None = None
    posterior_high: float | None = None
    # No event's list is in the order of a scorer's number.
    number: float | None = None

    class Meta:
        abstract = True


class EventCandidate(Standing):
    """A target that lies in an event's localization and its time window.

    The figures here are those by public points. `is_public` says whether the public points make
    the target a candidate.
    """

    # Each ranking writes all rows again, in every index. So there is no index on `event` alone: the
    # index on event and rank serves it.
    event = models.ForeignKey(
        NonLocalizedEvent, on_delete=models.CASCADE, related_name="candidates", db_index=False
    )
    # The unique constraint serves the target: it comes first there.
    target = models.ForeignKey(
        BaseTarget, on_delete=models.CASCADE, related_name="candidacies", db_index=False
    )
    localization = models.ForeignKey(
        EventLocalization, null=True, on_delete=models.SET_NULL, related_name="+", db_index=False
    )
    is_public = models.BooleanField(default=True, db_default=True)
    # The newest verdict that nobody took back, copied here so that a page reads one table.
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
            # With the key: the few of an event among some thousand targets are found by it alone.
            models.UniqueConstraint(
                fields=["target", "event"], include=["id"], name="candidates_candidate_of_event"
            )
        ]
        # It has all that a rank among what a reader sees is counted from.
        indexes = [
            models.Index(
                fields=["event", "rank"],
                include=["target", "is_public"],
                name="candidates_candidate_place",
            )
        ]

    def __str__(self) -> str:
        return f"{self.target_id} for {self.event_id}"

    @property
    def audience(self) -> Audience:
        return PUBLIC


class CandidateStanding(Standing):
    """The standing of a candidate for those who may read some private programs of its target."""

    # No index on the candidate alone: that on it and its programs serves it.
    candidate = models.ForeignKey(
        EventCandidate, on_delete=models.CASCADE, related_name="standings", db_index=False
    )
    # A copy of the candidate's, so that one index finds an event's standings in their order.
    event = models.ForeignKey(
        NonLocalizedEvent,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    programs = ArrayField(models.BigIntegerField())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "programs"], name="candidates_standing_once"
            )
        ]
        indexes = [
            models.Index(fields=["event", "rank"], name="candidates_standing_rank"),
            # Whether any lacks a figure that a list is put in order by: hardly ever one does.
            models.Index(
                fields=["event"],
                condition=Q(rank=None) | Q(credible_level_2d=None) | Q(log_weight=None),
                name="candidates_standing_lacks",
            ),
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
    """Return the standings, by points the user may read, of the outer query's candidate."""
    mine = ArraySubquery(private_programs_of(user).values("pk"))
    return CandidateStanding.objects.filter(
        candidate=OuterRef(candidate), programs__contained_by=mine
    )


def told_to(user: Visitor, *, target: str, by: str) -> Q:
    """Return the condition that a row about a visible target is shown to the user.

    Public rows (`is_public`) are shown. A private row is shown to its author, and to those who
    could see the target or the candidate by their own rights at that time, even if it is public
    now. The rows have a `candidate` and the time `created`. `target` and `by` are the lookups of a
    row's target and of its author.
    """
    known_then = standings_known_to(user, candidate="candidate").filter(
        created__lte=OuterRef("created")
    )
    theirs = Q((f"{target}__in", own_targets(user))) | Exists(known_then) | Q((by, user.pk))
    return is_shown(user, target=target) & (Q(is_public=True) | theirs)


def told_in_lists(user: User) -> Q:
    """Return the condition that a verdict in a list without an event is shown to the user.

    As `told_to`: a private verdict is shown to its author, and to those who knew the target at that
    time by a right to it, or by a private program's points.
    """
    mine = ArraySubquery(private_programs_of(user).values("pk"))
    known_then = SummaryFact.objects.filter(target=OuterRef("target"), programs__contained_by=mine)
    known_then = known_then.filter(Q(stored=None) | Q(stored__lte=OuterRef("created")))
    known_then = known_then.exclude(programs=[])
    theirs = Q(target__in=own_targets(user)) | Exists(known_then) | Q(by=user.pk)
    return is_shown(user, target="target") & (Q(is_public=True) | theirs)


class VerdictReason(models.TextChoices):
    """Why a candidate is rejected; the keys 1, 2, ... select the reasons in this order."""

    STAR = "star", "Star or variable star"
    MOVING = "moving", "Minor planet"
    NUCLEUS = "nucleus", "Active nucleus"
    EARLIER = "earlier", "Active before the event"
    ARTEFACT = "artefact", "Not real"
    DISTANCE = "distance", "At another distance"
    SUPERNOVA = "supernova", "Supernova or another class"

    @property
    def needs_event(self) -> bool:
        """Whether it compares with an event: in a list without one it says nothing."""
        return self in {VerdictReason.EARLIER, VerdictReason.DISTANCE}


class VerdictQuerySet(models.QuerySet["Verdict"]):
    """Reads of verdicts."""

    def visible_to(self, user: Visitor) -> "VerdictQuerySet":
        """Return the verdicts on candidates of events, without others' private verdicts."""
        told = told_to(user, target="candidate__target", by="by")
        return self.filter(told, candidate__isnull=False)

    def visible_in_lists(self, user: User) -> "VerdictQuerySet":
        """Return the verdicts in lists without an event, without others' private verdicts."""
        lists = Strategy.objects.visible_to(user)
        return self.filter(told_in_lists(user), strategy__in=lists)

    def given(self) -> "VerdictQuerySet":
        """Return the verdicts that nobody took back, without the rows that take one back."""
        return self.filter(undoes=None, undone_by=None)

    def given_in(self, listing: Listing) -> "VerdictQuerySet":
        """Return the verdicts on members of a list."""
        if listing.event is None:
            return self.filter(strategy=listing.strategy)
        return self.filter(candidate__event=listing.event)

    def standing(self) -> "VerdictQuerySet":
        """Return each person's newest verdict on each thing, of those not taken back."""
        thing = ("candidate", "strategy", "target", "by")
        return self.given().order_by(*thing, "-created", "-pk").distinct(*thing)


class Verdict(models.Model):
    """One person's verdict at one moment, on an event's candidate, or on a target in a list.

    Rows are only added. A row with `undoes` takes that earlier verdict back.
    """

    candidate = models.ForeignKey(
        EventCandidate, null=True, on_delete=models.CASCADE, related_name="verdicts"
    )
    strategy = models.ForeignKey(
        Strategy,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_index=False,
        help_text="Whose list without an event it was given in",
    )
    target = models.ForeignKey(
        BaseTarget,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        help_text="The target in that list; of a candidate, the candidate names it",
    )
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
    # A verdict that is sent twice (the answer was lost) has one key, and is stored once.
    key = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    undoes = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.CASCADE, related_name="undone_by"
    )

    objects = VerdictQuerySet.as_manager()

    class Meta:
        indexes = [
            models.Index(fields=["candidate", "by", "-created"], name="candidates_verdict_newest"),
            models.Index(fields=["by", "-created"], name="candidates_verdict_last"),
            models.Index(
                fields=["strategy", "target", "by", "-created"],
                condition=Q(strategy__isnull=False),
                name="candidates_verdict_in_list",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(candidate__isnull=False, strategy=None, target=None)
                | Q(candidate=None, strategy__isnull=False, target__isnull=False),
                name="candidates_verdict_on_one_thing",
            )
        ]

    def __str__(self) -> str:
        return f"{self.verdict} for {self.candidate_id or self.target_id}"

    @property
    def on(self) -> BaseTarget:
        """The target that it is about."""
        return (self.candidate or self).target  # type: ignore[return-value]  # one of them has it

    @property
    def listing(self) -> Listing:
        """The list in which it was given."""
        return Listing(self.candidate.event if self.candidate else None, self.strategy)

    @property
    def why(self) -> str:
        """The reason and the note as one text; "" if neither was given."""
        return ": ".join(filter(None, [self.get_reason_display(), self.note]))


class Look(models.Model):
    """The time of a person's last look at an event's candidates, and of the look before it."""

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="+")
    seen = models.DateTimeField()
    since = models.DateTimeField(
        null=True, help_text="The look before this one. What is newer is marked as news"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["user", "event"], name="candidates_look_once")
        ]

    def __str__(self) -> str:
        return f"{self.user_id} at {self.event_id}"
