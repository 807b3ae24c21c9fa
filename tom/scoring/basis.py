"""What a ranking rests on beside the rows that it reads: kept with it, so that it can be redone."""

from typing import Any

from django.conf import settings
from django.forms.models import model_to_dict

from tom.candidates.models import CandidateRule
from tom.scoring import context, fusion, opinions

# Every module whose constants decide what a term weighs.
WEIGHING = (context, fusion, opinions)


def basis_of(rule: CandidateRule) -> dict[str, Any]:
    """Return the weights, the rule of the event's kind, and every constant, as JSON keeps them.

    Parameters
    ----------
    rule
        The rule by which the ranking's candidates were found.
    """
    return {
        "weights": settings.SCORER_WEIGHTS,
        "horizon_mpc": settings.HOST_HORIZON_MPC,
        "rule": model_to_dict(rule, exclude=["id", "kind"]),
        "constants": constants(),
    }


def constants() -> dict[str, Any]:
    """Every constant that decides what a term weighs, by its name."""
    return {
        name: _plain(value)
        for module in WEIGHING
        for name, value in sorted(vars(module).items())
        if name.isupper() and not name.startswith("_")
    }


def _plain(value: Any) -> Any:
    """As JSON gives it back: a set in order, a tuple as a list."""
    if isinstance(value, dict):
        return {str(name): _plain(inner) for name, inner in value.items()}
    if isinstance(value, frozenset | set):
        return sorted(map(str, value))
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    return value
