"""How far people are with the verdicts on a list of candidates, and how far they agree."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tom.candidates.models import Verdict

# By a candidate's key: each person's present verdict on it.
Said = Mapping[int, Sequence[Verdict]]


@dataclass(frozen=True)
class Progress:
    """How many of `total` candidates anybody decided, and how many each person did, most first."""

    total: int
    decided: int
    by: list[tuple[str, int]]

    @property
    def share(self) -> float:
        """The share that is decided, 0 to 1; of an empty list 0."""
        return self.decided / self.total if self.total else 0.0


@dataclass(frozen=True)
class Agreement:
    """Of the candidates on which two people or more have a verdict: how many have one verdict.

    `differing` has the keys of the others, in the order of the list.
    """

    together: int
    alike: int
    differing: list[int]

    @property
    def share(self) -> float | None:
        """The share of these candidates on which all say the same, 0 to 1; None: there is none."""
        return self.alike / self.together if self.together else None


def count_progress(keys: Collection[int], said: Said) -> Progress:
    """Count who decided how many of these candidates."""
    by: Counter[str] = Counter()
    decided = 0
    for key in keys:
        verdicts = said.get(key, ())
        decided += bool(verdicts)
        by.update(row.by.get_username() for row in verdicts if row.by)
    return Progress(len(keys), decided, sorted(by.items(), key=lambda item: (-item[1], item[0])))


def measure_agreement(keys: Collection[int], said: Said) -> Agreement:
    """Compare the verdicts on each of these candidates that several people decided."""
    words = {key: {row.verdict for row in said[key]} for key in keys if len(said.get(key, ())) > 1}
    differing = [key for key, different in words.items() if len(different) > 1]
    return Agreement(len(words), len(words) - len(differing), differing)
