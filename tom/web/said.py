"""The filter of a list by what brokers say of its targets: a class, and who says so."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.http import QueryDict

from tom.forms.registry import broker_names
from tom.targets.classified import find_classified, guess_said
from tom.taxonomy import ROOTS, WIDER

CLASSES = tuple(sorted((*WIDER, *ROOTS)))
# So few that a filter by what brokers say, or by a text, asks for are read at once.
FEW = 5_000


@dataclass(frozen=True)
class SaidFilter:
    """What is asked for: targets that are held for a class, or of which somebody said anything.

    None asks for nothing. A template finds here what there is to choose from, too.
    """

    label: str | None = None
    author: str | None = None

    def __bool__(self) -> bool:
        return self.label is not None or self.author is not None

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes to choose from."""
        return CLASSES

    @property
    def authors(self) -> tuple[str, ...]:
        """Who may have said something."""
        return broker_names()

    def targets(self, programs: Collection[int]) -> QuerySet[Any, Any]:
        """The keys of the targets that are asked for, as a reader of these programs may know."""
        return find_classified(programs, label=self.label, author=self.author)

    def is_few(self, programs: Collection[int]) -> bool:
        """Whether the database guesses that so few are asked for that they can be read at once."""
        return bool(self) and guess_said(programs, label=self.label, author=self.author) <= FEW

    def few(self, programs: Collection[int]) -> list[int] | None:
        """The same keys, read; None: there are more than `FEW`."""
        if not self.is_few(programs):
            return None
        read = list(self.targets(programs).values_list("target", flat=True)[: FEW + 1])
        return read if len(read) <= FEW else None

    def of(self, target: str, programs: Collection[int]) -> Q:
        """Ask for rows whose target, at the end of a path, is one of `targets`; or for nothing."""
        return Q((f"{target}__in", self.targets(programs))) if self else Q()


def read_said(query: QueryDict) -> SaidFilter:
    """Read the filter from an address; a choice that is none counts as not made."""
    return SaidFilter(
        label=_one_of(CLASSES, query.get("class")), author=_one_of(broker_names(), query.get("by"))
    )


def _one_of(choices: Collection[str], value: str | None) -> str | None:
    return value if value in choices else None
