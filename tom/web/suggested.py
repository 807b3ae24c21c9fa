"""What to take spectra of for the scorers' sake, as the page of feedback shows it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User

from tom.ranking.suggesting import share_of, suggest
from tom.strategies.models import Strategy
from tom.targets.visible import visible_targets

FAINTEST: Final = 19.0
"""Where the form begins: an AB magnitude that a 2 m telescope's spectrograph reaches."""
FAINTEST_ASKED: Final = (10.0, 25.0)
SPECTRA: Final = 10
SPECTRA_ASKED: Final = (1, 50)


def read_suggested(user: User, query: Mapping[str, str], *, now: datetime) -> dict[str, Any]:
    """Suggest whose spectra would teach most; the address says how many, and how faint at most."""
    faintest = _within(query.get("faintest", ""), FAINTEST_ASKED, FAINTEST)
    most = round(_within(query.get("spectra", ""), SPECTRA_ASKED, SPECTRA))
    lists = list(Strategy.objects.visible_to(user).without_event().filter(explore__gt=0))
    found = suggest(lists, faintest=faintest, most=most, now=now)
    shown = visible_targets(user).in_bulk([each.target for each in found])
    return {
        "suggested": [(shown[each.target], each) for each in found if each.target in shown],
        "explored": share_of(lists),
        "faintest": f"{faintest:g}",
        "spectra": most,
    }


def _within(text: str, bounds: tuple[float, float], otherwise: float) -> float:
    try:
        number = float(text)
    except ValueError:
        return otherwise
    low, high = bounds
    return number if low <= number <= high else otherwise  # NaN is neither
