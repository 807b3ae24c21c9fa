"""Several people who scan one list, for pages that do not stand empty."""

from django.contrib.auth.models import User
from django.utils import timezone

from tests import factories
from tom.candidates.models import EventCandidate, ScanProfile, VerdictReason, Vetting
from tom.candidates.scanning import hand_over, stop_at
from tom.candidates.verdicts import give_verdict


def fill_scans(candidates: list[EventCandidate], person: User) -> list[str]:
    """Have two people scan, one of whom leaves the rest to `person`; return the profiles' pages."""
    event, now = candidates[0].event, timezone.now()
    eve, max_ = factories.make_observer("eve"), factories.make_observer("max")
    for candidate, verdict in ((candidates[0], "promising"), (candidates[1], "watching")):
        give_verdict(candidate, Vetting(verdict), by=eve)
    give_verdict(candidates[1], Vetting.REJECTED, by=max_, reason=VerdictReason.STAR, note="bright")
    stop_at(eve, event, candidates[2], query="hide=mine", now=now)
    stop_at(max_, event, None, query="", now=now)
    hand_over(eve, event, person, note="two are left")
    profile = ScanProfile.objects.create(name="the night's own", hide="anybody")
    return ["/scanning/profiles/", "/scanning/profiles/new/", f"/scanning/profiles/{profile.pk}/"]
