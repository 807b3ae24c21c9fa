"""Delete scores and places that were computed while other people could read the points."""

from collections.abc import Sequence

from django.db.models import Q

from tom.candidates.models import CandidateFact, CandidateStanding, EventCandidate
from tom.ranking.locks import hold_rankings
from tom.ranking.models import RankedCandidate
from tom.scoring.models import Score


def forget_scores(target_ids: Sequence[int]) -> None:
    """Delete the public scores and places of targets of which some points are no longer public."""
    if not target_ids:
        return
    candidates = EventCandidate.objects.filter(target__in=target_ids)
    hold_rankings(candidates.order_by("event_id").values_list("event_id", flat=True).distinct())
    locked = candidates.select_for_update(no_key=True).order_by("event_id", "target_id")
    ids = list(locked.values_list("pk", flat=True))
    EventCandidate.objects.filter(pk__in=ids).update(
        rank=None, log_weight=None, log_weight_low=None, log_weight_high=None
    )
    RankedCandidate.objects.filter(candidate__in=ids, programs=[]).delete()
    RankedCandidate.objects.filter(target__in=target_ids, programs=[]).delete()
    Score.objects.filter(target__in=target_ids, programs=[]).delete()


def forget_audiences(target_ids: Sequence[int], program_id: int) -> None:
    """Delete scores, places and standings for audiences of a program that is public now."""
    if not target_ids:
        return
    theirs = Q(programs__contains=[program_id])
    candidates = EventCandidate.objects.filter(target__in=target_ids)
    hold_rankings(candidates.order_by("event_id").values_list("event_id", flat=True).distinct())
    RankedCandidate.objects.filter(theirs, candidate__in=candidates).delete()
    RankedCandidate.objects.filter(theirs, target__in=target_ids).delete()
    CandidateStanding.objects.filter(theirs, candidate__in=candidates).delete()
    CandidateFact.objects.filter(theirs, candidate__in=candidates).delete()
    Score.objects.filter(theirs, target__in=target_ids).delete()
