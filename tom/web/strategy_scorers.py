"""The scorers whose weight a person can choose for a list."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from django.conf import settings
from django.contrib.auth.models import User
from django.utils import timezone

from tom.ranking.numbered import KINDS, tells_classes
from tom.scoring.contract import ScorerSpec
from tom.scoring.models import OwnScorer
from tom.scoring.opinions import WEIGHING
from tom.scoring.own import spec_of
from tom.scoring.services import scorers


@dataclass(frozen=True)
class Weigher:
    """A scorer whose answer can weigh; `spec` None: it is not here any more.

    `note` says what else decides whether it weighs.
    """

    name: str
    spec: ScorerSpec | None
    note: str = ""

    @property
    def site_weight(self) -> str:
        """The weight where a list gives none."""
        return f"{settings.SCORER_WEIGHTS.get(self.name, 1.0):g}"


def weighers_for(user: User, named: Iterable[str]) -> list[Weigher]:
    """Return the scorers that can weigh and that the user may see, by name.

    `named` are those that a list gives a weight: one of them may be gone.
    """
    installed = [scorer.spec for scorer in scorers() if scorer.spec.kind in WEIGHING]
    found = {spec.name: Weigher(spec.name, spec) for spec in installed}
    found |= {each.name: each for each in _own(user)}
    gone = set(named) - found.keys() - hidden_scorers(user)
    found |= {
        name: Weigher(name, None, "It is not here, or it weighs in no list.") for name in gone
    }
    return sorted(found.values(), key=lambda each: each.name)


class Orderer(NamedTuple):
    """A scorer that can help to put a list in order; `group_id` None: in everybody's list."""

    name: str
    group_id: int | None


def orderers_for(user: User) -> tuple[list[Orderer], list[Orderer]]:
    """Return the scorers whose number can, and those that can say the class of a target.

    Of those that people added, the ones that the user may see.
    """
    found: dict[str, tuple[ScorerSpec, int | None]] = {
        scorer.spec.name: (scorer.spec, None) for scorer in scorers()
    }
    for row in OwnScorer.objects.visible_to(user).at_work():
        if row.in_force is not None:
            found[row.name] = spec_of(row.in_force.spec), row.group_id
    known = sorted(found.items())
    numbers = [Orderer(name, group) for name, (spec, group) in known if spec.kind in KINDS]
    classes = [Orderer(name, group) for name, (spec, group) in known if tells_classes(spec)]
    return numbers, classes


def hidden_scorers(user: User) -> set[str]:
    """Return the names of the scorers of groups that the user is not in."""
    return set(OwnScorer.objects.hidden_from(user).values_list("name", flat=True))


def _own(user: User) -> Iterable[Weigher]:
    for row in OwnScorer.objects.visible_to(user).at_work().select_related("group"):
        if row.in_force is not None and row.can_weigh:
            yield Weigher(row.name, spec_of(row.in_force.spec), _note_of(row))


def _note_of(row: OwnScorer) -> str:
    starts = row.in_force and row.in_force.weighs_from
    notes = [
        f"It weighs in the lists of {row.group} alone." if row.group else "",
        "" if starts and starts <= timezone.now() else "It is in its shadow period.",
    ]
    return " ".join(filter(None, notes))
