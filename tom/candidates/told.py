"""Candidates by somebody's word: a message says that an object belongs to an event."""

from collections.abc import Sequence

from django.db import models
from django.db.models import Q, QuerySet
from django.utils import timezone

from tom.events.models import NonLocalizedEvent
from tom.forms.event_names import key_of
from tom.records.retelling import Membership
from tom.streams.models import AlertMessage
from tom.targets.models import TargetSummary
from tom.targets.objects import targets_of


class ToldCandidate(models.Model):
    """One author's word that an object of a survey belongs to an event; rows are only added.

    Either may come later than the word: the event is known by a key of its name.
    """

    author = models.CharField(max_length=64)
    survey = models.CharField(max_length=16)
    object_id = models.CharField(max_length=100, help_text="The survey's own id")
    event_key = models.CharField(max_length=64, help_text="event_names.key_of its name")
    message = models.ForeignKey(AlertMessage, on_delete=models.PROTECT, related_name="+")
    created = models.DateTimeField(default=timezone.now)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["event_key", "survey", "object_id", "author"], name="candidates_told_once"
            )
        ]

    def __str__(self) -> str:
        return f"{self.survey} {self.object_id} for {self.event_key}"


def note_told(message: AlertMessage, told: Sequence[Membership]) -> list[NonLocalizedEvent]:
    """Store which objects a message says belong to which events; return those that are known.

    The caller has called `hold_events`, so that no event that is being stored is missed.
    """
    keys = {key_of(each.event) for each in told} - {""}
    if not keys:
        return []
    rows = [
        ToldCandidate(
            author=each.author,
            survey=each.survey,
            object_id=each.object_id,
            event_key=key_of(each.event),
            message=message,
        )
        for each in told
        if key_of(each.event) in keys
    ]
    ToldCandidate.objects.bulk_create(rows, ignore_conflicts=True, batch_size=1000)
    named = Q()
    for key in keys:
        named |= Q(names__contains=[key])
    return list(NonLocalizedEvent.objects.filter(named).order_by("pk"))


def told_summaries(event: NonLocalizedEvent) -> QuerySet[TargetSummary]:
    """The public targets that somebody says belong to an event, wherever and whenever they are.

    A target that is known only from a test is none of a live event.
    """
    said = ToldCandidate.objects.filter(event_key__in=event.names)
    targets = targets_of(said.values_list("survey", "object_id"))
    rows = TargetSummary.objects.filter(pk__in=targets, first_detection__isnull=False)
    return rows.filter(is_test=False) if event.is_live else rows
