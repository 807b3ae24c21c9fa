"""Several people who scan one list, for pages that do not stand empty."""

from django.contrib.auth.models import User
from django.utils import timezone
from tom_targets.base_models import BaseTarget

from tests import factories
from tom.candidates.models import EventCandidate, ScanProfile, VerdictReason, Vetting
from tom.candidates.scanning import hand_over, stop_at
from tom.candidates.verdicts import give_verdict, give_verdict_in_list
from tom.ranking.basis import Basis
from tom.ranking.changing import change_strategy
from tom.ranking.compared import Comparison
from tom.ranking.comparisons import ask_for_comparison, work_comparison
from tom.ranking.exploring import draw_if_due
from tom.ranking.models import Listing
from tom.ranking.services import rank_list
from tom.strategies.models import Strategy
from tom.strategies.versions import settings_of


def fill_scans(candidates: list[EventCandidate], person: User) -> list[str]:
    """Have two people scan, one of whom leaves the rest to `person`; return the profiles' pages."""
    listing, now = Listing(candidates[0].event, None), timezone.now()
    eve, max_ = factories.make_observer("eve"), factories.make_observer("max")
    for candidate, verdict in ((candidates[0], "promising"), (candidates[1], "watching")):
        give_verdict(candidate, Vetting(verdict), by=eve)
    give_verdict(candidates[1], Vetting.REJECTED, by=max_, reason=VerdictReason.STAR, note="bright")
    stop_at(eve, listing, candidates[2].pk, query="hide=mine", now=now)
    stop_at(max_, listing, None, query="", now=now)
    hand_over(eve, listing, person, note="two are left")
    profile = ScanProfile.objects.create(name="the night's own", hide="anybody")
    return ["/scanning/profiles/", "/scanning/profiles/new/", f"/scanning/profiles/{profile.pk}/"]


def fill_list(target: BaseTarget, person: User) -> list[str]:
    """Have a list without an event with a verdict in it; return its pages."""
    strategy = Strategy.objects.create(name="All that shines", with_tests=True, explore=1.0)
    rank_list(Listing(None, strategy), Basis.present(strategy, None))
    draw_if_due(strategy, timezone.now())
    give_verdict_in_list(strategy, target, Vetting.WATCHING, by=person, is_public=True)
    compared = _compare(strategy, person)
    address = f"/lists/{strategy.pk}"
    history = f"{address}/targets/{target.pk}/history/"
    wanted = settings_of(strategy) | {"weights": {"fast_transient": 0.5}, "prior": 0.01}
    change_strategy(strategy.pk, wanted, by=person, shown=0, note="It slept.")
    pages = [f"{address}/", f"{address}/scan/?hide=nothing", f"{address}/past/", history]
    pages += [f"{address}/versions/", f"{address}/change/", "/lists/new/"]
    return ["/lists/", *pages, "/lists/compare/", f"/lists/compare/{compared.pk}/"]


def _compare(strategy: Strategy, person: User) -> Comparison:
    """Compare it with one that is switched off."""
    draft = Strategy.objects.create(
        name="All that shines, brightly", with_tests=True, brighter_than=19.0, active=False
    )
    asked = {"nights": 2, "k": 5, "truth": "spectra"}
    comparison = ask_for_comparison([strategy, draft], **asked, by=person)
    while work_comparison(comparison.pk):
        pass
    return comparison
