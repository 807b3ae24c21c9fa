"""Rankings of an event's candidates, and their history: rows for what moved."""

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils import timezone

from tom.candidates.models import EventCandidate
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.moments import Moment, XactField
from tom.ranking.weighing import read_terms


class Ranking(models.Model):
    """An event's candidates in order, at one moment."""

    event = models.ForeignKey(NonLocalizedEvent, on_delete=models.CASCADE, related_name="rankings")
    localization = models.ForeignKey(
        EventLocalization, null=True, on_delete=models.SET_NULL, related_name="+"
    )
    prior = models.FloatField(help_text="Of any one candidate, before any evidence")
    scorers = models.JSONField(default=dict, help_text="Scorer to version")
    basis = models.JSONField(
        default=dict,
        help_text="Weights, rule, window, scorers and constants it was made with; empty: not kept",
    )
    layout = models.JSONField(
        default=list, help_text="The terms of the places stored with it: their names and inputs"
    )
    created = models.DateTimeField(default=timezone.now, help_text="The moment of what it knew")
    snapshot = models.TextField(blank=True, default="", help_text="Which transactions it saw")
    xact = XactField(null=True, help_text="The transaction that made it")

    class Meta:
        indexes = [models.Index(fields=["event", "-created"], name="scoring_ranking_newest")]

    def __str__(self) -> str:
        return f"ranking of {self.event_id} at {self.created:%Y-%m-%d %H:%M:%S}"

    @property
    def moment(self) -> Moment:
        """The moment whose knowledge it rests on."""
        return Moment(self.created, self.snapshot or None, self.xact)


class RankedCandidateQuerySet(models.QuerySet["RankedCandidate"]):
    """Reads of places."""

    def newest(self) -> "RankedCandidateQuerySet":
        """The places that stand now."""
        return self.filter(until=None)

    def standing(self, event: NonLocalizedEvent) -> "RankedCandidateQuerySet":
        """The places that stand now among an event's."""
        return self.newest().filter(event=event)

    def as_of(self, ranking: Ranking) -> "RankedCandidateQuerySet":
        """The places that stood in a ranking, be they stored with it or with an earlier one."""
        return self.filter(
            Q(until=None) | Q(until__gt=ranking.pk), event=ranking.event_id, ranking__lte=ranking.pk
        )

    def in_order(self) -> "RankedCandidateQuerySet":
        """The most probable first, as the ranking orders: those alike by their names."""
        return self.order_by("-log_odds", "candidate__target__name", "programs")


class RankedCandidate(models.Model):
    """What one audience knew of a candidate from a ranking on, with every term that says so.

    It stands until another row of the same candidate and audience takes its place.
    """

    # As few indexes and checks as there can be: 25,000 rows are written at once. The event is the
    # ranking's own, here so that one index finds an event's places in their order.
    event = models.ForeignKey(
        NonLocalizedEvent,
        on_delete=models.CASCADE,
        related_name="+",
        db_constraint=False,
        db_index=False,
    )
    ranking = models.ForeignKey(
        Ranking, on_delete=models.CASCADE, related_name="places", db_index=False
    )
    until = models.ForeignKey(
        Ranking,
        null=True,
        on_delete=models.SET_NULL,
        related_name="+",
        db_index=False,
        help_text="None: it stands",
    )
    candidate = models.ForeignKey(EventCandidate, on_delete=models.CASCADE, related_name="places")
    programs = ArrayField(models.BigIntegerField(), default=list, db_default=[])
    log_odds = models.FloatField(help_text="Natural; the ranking's order")
    posterior = models.FloatField()
    posterior_low = models.FloatField()
    posterior_high = models.FloatField()
    terms = models.JSONField(help_text="The figures of each term of the ranking's layout")
    fingerprint = models.BigIntegerField(
        default=0, db_default=0, help_text="Of all terms: the same where nothing moved"
    )

    objects = RankedCandidateQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ranking", "candidate", "programs"], name="scoring_place_of_audience_once"
            )
        ]
        # With all that places are counted by: beside their terms the rows are too wide to read.
        indexes = [
            models.Index(
                fields=["event", "-posterior"],
                include=["candidate", "programs", "ranking", "until"],
                name="ranking_place_order",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.candidate_id} from {self.ranking_id}"

    def read_terms(self) -> list[dict[str, Any]]:
        """Every term of the place, with its name."""
        return read_terms(self.ranking.layout, self.terms)
