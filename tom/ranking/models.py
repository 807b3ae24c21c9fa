"""Rankings of lists, and their history: a row for each place that changed."""

from datetime import datetime
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tom.candidates.models import EventCandidate, Vetting
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.kept_queries import Given
from tom.moments import Moment, XactField
from tom.ranking.compared import Compared as Compared
from tom.ranking.compared import Comparison as Comparison
from tom.ranking.drawn import Drawn as Drawn
from tom.ranking.drawn import Exploration as Exploration
from tom.ranking.weighing import logistic, read_terms
from tom.strategies.listings import Listing as Listing
from tom.strategies.models import Strategy
from tom.strategies.watching import Near


class Ranking(models.Model):
    """A list in order, at one moment: an event's candidates, or the targets of a strategy's list.

    A ranking of an event that was made before strategies were rows has no strategy.
    """

    strategy = models.ForeignKey(
        Strategy, null=True, on_delete=models.PROTECT, related_name="rankings"
    )
    event = models.ForeignKey(
        NonLocalizedEvent, null=True, on_delete=models.CASCADE, related_name="rankings"
    )
    localization = models.ForeignKey(
        EventLocalization, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prior = models.FloatField(help_text="The chance of any one candidate before any evidence")
    log_none = models.FloatField(
        null=True,
        help_text=(
            "Natural logarithm of the weight of “none of these”. Infinite: no candidate can be it."
            " None: a list without an event, whose chances do not depend on each other"
        ),
    )
    log_sums = models.JSONField(
        default=list,
        help_text=(
            "Natural logarithms of the sums of the weights of all that some readers see, each with"
            " their private programs"
        ),
    )
    owned = ArrayField(
        models.BigIntegerField(),
        default=list,
        help_text="Candidates of private targets, in no sum: who sees them is asked later",
    )
    by = models.CharField(
        max_length=64,
        blank=True,
        default="",
        db_default="",
        help_text="The scorer whose number put the list in order; empty: chances did",
    )
    scorers = models.JSONField(default=dict, help_text="Scorer to version")
    basis = models.JSONField(
        default=dict,
        help_text="Strategy, window, scorers and constants it was made with; empty: not kept",
    )
    layout = models.JSONField(
        default=list, help_text="The terms of the places stored with it: their names and inputs"
    )
    created = models.DateTimeField(
        default=timezone.now, help_text="The moment whose data the ranking used"
    )
    snapshot = models.TextField(
        blank=True, default="", help_text="The transactions that it could see"
    )
    xact = XactField(null=True, help_text="The transaction that made it")
    published = models.DateTimeField(
        null=True, help_text="When it was stored and open pages were told; None: not kept"
    )

    class Meta:
        indexes = [
            models.Index(fields=["event", "-created"], name="scoring_ranking_newest"),
            models.Index(
                fields=["strategy", "-created"],
                condition=Q(event=None),
                name="ranking_newest_of_list",
            ),
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(event__isnull=False) | Q(strategy__isnull=False),
                name="ranking_of_some_list",
            )
        ]

    def __str__(self) -> str:
        return f"ranking of {self.listing} at {self.created:%Y-%m-%d %H:%M:%S}"

    @property
    def listing(self) -> Listing:
        """The list that was ranked."""
        return Listing(self.event, self.strategy)

    @property
    def moment(self) -> Moment:
        """The moment whose knowledge it used."""
        return Moment(self.created, self.snapshot or None, self.xact)


class RankedCandidateQuerySet(models.QuerySet["RankedCandidate"]):
    """Reads of places."""

    def newest(self) -> "RankedCandidateQuerySet":
        """The places that are valid now."""
        return self.filter(until=None)

    def of(self, listing: Listing) -> "RankedCandidateQuerySet":
        """The places of a list, at all times."""
        if listing.event is not None:
            return self.filter(event=listing.event)
        return self.filter(strategy=listing.strategy)

    def as_of(self, ranking: Ranking) -> "RankedCandidateQuerySet":
        """Return the places that were valid in a ranking, stored with it or with an earlier one."""
        if ranking.event_id:
            return self.of_event(ranking.event_id, ranking.pk)
        return self.filter(_stood(ranking.pk), strategy=ranking.strategy_id)

    def of_event(self, event: int | Given, ranking: int | Given) -> "RankedCandidateQuerySet":
        """As `as_of`, of a ranking of an event's list; both by their keys."""
        return self.filter(_stood(ranking), event=event)

    def in_order(self) -> "RankedCandidateQuerySet":
        """Sort by probability, the highest first.

        Of equal chances the target that was made first comes first; in an event's list the names
        decide.
        """
        return self.order_by("-log_weight", "target_id", "candidate__target__name", "programs")


def _stood(ranking: int | Given) -> Q:
    return (Q(until=None) | Q(until__gt=ranking)) & Q(ranking__lte=ranking)


class RankedCandidate(models.Model):
    """The place of a target in a list for one audience, from a ranking on, with all its terms.

    A place is valid until a later ranking ends it. In an event's list it names the event's
    candidate, in a list without an event the target.
    """

    # As few indexes and checks as possible: 25,000 rows are written at once. Nobody deletes
    # rankings. Only `joining` deletes candidates, and no ranking runs at the same time. The event
    # is a copy of the ranking's, so that one index finds an event's places in their order.
    event = models.ForeignKey(
        NonLocalizedEvent,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    strategy = models.ForeignKey(
        Strategy,
        null=True,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The strategy of a list without an event",
    )
    ranking = models.ForeignKey(
        Ranking,
        on_delete=models.CASCADE,
        related_name="places",
        db_constraint=False,
        db_index=False,
    )
    until = models.ForeignKey(
        Ranking,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The ranking that ended this place. None: the place is valid",
    )
    candidate = models.ForeignKey(
        EventCandidate,
        null=True,
        on_delete=models.CASCADE,
        related_name="places",
        db_constraint=False,
        db_index=False,
    )
    target = models.ForeignKey(
        BaseTarget,
        null=True,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
        help_text="The target, in a list without an event",
    )
    programs = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    log_weight = models.FloatField(
        help_text=(
            "Natural logarithm of its weight among the event's candidates; in a list without an"
            " event, of its odds, or a scorer's number. The ranking is in this order"
        )
    )
    log_weight_low = models.FloatField(help_text="The lower end of its central 90%")
    log_weight_high = models.FloatField(help_text="The upper end of its central 90%")
    terms = models.JSONField(help_text="The figures of each term of the ranking's layout")
    fingerprint = models.BigIntegerField(
        default=0,
        db_default=0,
        help_text="A digest of all terms. It stays the same if nothing moved",
    )

    # What people made of it in a list without an event, for one reader, and the watched place that
    # its target is near. Set in memory.
    vetting: str = Vetting.NEW
    vetted: datetime | None = None
    near: Near | None = None

    objects = RankedCandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["candidate", "ranking", "programs"], name="ranking_place_of_audience_once"
            ),
            models.UniqueConstraint(
                fields=["target", "ranking", "programs"],
                condition=Q(target__isnull=False),
                name="ranking_place_in_list_once",
            ),
        ]
        # The index has all columns for counting places: the rows are wide because of their terms.
        indexes = [
            models.Index(
                fields=["event", "-log_weight"],
                include=["candidate", "programs", "ranking", "until"],
                name="ranking_place_order",
            ),
            models.Index(
                fields=["strategy", "-log_weight", "target"],
                include=["programs", "id"],
                condition=Q(strategy__isnull=False, until=None),
                name="ranking_place_in_turn",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate_id or self.target_id} from {self.ranking_id}"

    @property
    def number(self) -> float | None:
        """The number of the scorer that puts the list in order; None: chances do."""
        return self.log_weight if self.ranking.by else None

    @property
    def posterior(self) -> float | None:
        """The chance in a list without an event, 0 to 1; its interval likewise."""
        return self._chance(self.log_weight)

    @property
    def posterior_low(self) -> float | None:
        return self._chance(self.log_weight_low)

    @property
    def posterior_high(self) -> float | None:
        return self._chance(self.log_weight_high)

    def _chance(self, log_odds: float) -> float | None:
        return None if self.ranking.by else logistic(log_odds)

    def read_terms(self) -> list[dict[str, Any]]:
        """Return every term of the place, with its name and inputs."""
        return read_terms(self.ranking.layout, self.terms)
