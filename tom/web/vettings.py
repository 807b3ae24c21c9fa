"""What readers see of people's verdicts on candidates: each only those that are told to them.

A candidate's row shows the newest verdict of all; where some were given privately, a reader's
filters, lists and exports go by the newest of those that they may see.
"""

from collections import defaultdict
from collections.abc import Iterable

from django.contrib.auth.models import User
from django.db.models import Case, F, OuterRef, Q, Subquery, Value, When
from django.db.models.functions import Coalesce

from tom.candidates.models import EventCandidate, Verdict, Vetting
from tom.targets.models import Visitor


def vetting_of(user: Visitor) -> Case:
    """A candidate's vetting as a reader sees it, in a query of candidates."""
    mine = Verdict.objects.visible_to(user).filter(candidate=OuterRef(OuterRef("pk")))
    said = Verdict.objects.filter(pk__in=mine.standing().values("pk")).exclude(verdict=Vetting.NEW)
    newest = Subquery(said.order_by("-created", "-pk").values("verdict")[:1])
    privately = Verdict.objects.filter(is_public=False).values("candidate")
    seen = Coalesce(newest, Value(Vetting.NEW.value))
    return Case(When(Q(pk__in=privately), then=seen), default=F("vetting"))


def show_vettings(candidates: Iterable[EventCandidate], user: Visitor) -> None:
    """Give candidates their vetting as a reader sees it.

    In memory alone: never save such a candidate.
    """
    rows = list(candidates)
    said = Verdict.objects.filter(is_public=False, candidate__event__in={r.event_id for r in rows})
    privately = set(said.values_list("candidate", flat=True)) if rows else set()
    differing = [row for row in rows if row.pk in privately]
    told = verdicts_on(differing, user) if differing else {}
    for row in differing:
        newest = next(iter(told[row.pk]), None)
        row.vetting = newest.verdict if newest else Vetting.NEW
        row.vetted = newest.created if newest else None
        row.vetted_by = newest.by if newest else None


def verdicts_on(candidates: Iterable[EventCandidate], user: Visitor) -> dict[int, list[Verdict]]:
    """Each person's present verdict on each of these candidates, the newest first."""
    rows = Verdict.objects.visible_to(user).filter(candidate__in=[row.pk for row in candidates])
    standing = rows.standing().select_related("by")
    said: dict[int, list[Verdict]] = defaultdict(list)
    for row in sorted(standing, key=lambda row: (row.created, row.pk), reverse=True):
        if row.verdict != Vetting.NEW:
            said[row.candidate_id].append(row)
    return said


def verdict_of(said: Iterable[Verdict], user: User) -> str:
    """The user's own verdict among these; "" for none."""
    return next((row.verdict for row in said if row.by_id == user.pk), "")
