"""What brokers say of a target, side by side: the newest word of each, and where they disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from tom.targets.classified import VOICE, Classification
from tom.taxonomy import agree


@dataclass
class Word:
    """The newest opinion of one classifier of one object, and its earlier ones, newest first."""

    newest: Classification
    earlier: list[Classification] = field(default_factory=list)
    n_earlier: int = 0  # of which `earlier` are the newest


@dataclass
class Side:
    """Classes that an object may be of at once, each with those who say it."""

    classes: dict[str, list[str]] = field(default_factory=dict)

    @property
    def n_voices(self) -> int:
        return sum(map(len, self.classes.values()))

    def takes(self, label: str) -> bool:
        """Whether a class agrees with all that are here."""
        return all(agree(label, other) for other in self.classes)


def words_of(rows: Iterable[Classification]) -> list[Word]:
    """Put opinions side by side, the newest first.

    `rows` come as `in_turn` orders them.
    """
    words: dict[tuple[object, ...], Word] = {}
    for row in rows:
        key = tuple(getattr(row, name) for name in VOICE)
        if key in words:
            words[key].earlier.append(row)
        else:
            words[key] = Word(row, n_earlier=row.n_said - 1)  # type: ignore[attr-defined]
    return list(words.values())


def disagreement(words: Iterable[Word]) -> list[Side]:
    """Return the sides of a disagreement, the one with most voices first; empty if there is none.

    A class and a wider one that holds it agree. Tests, and who holds no class for likelier than
    not, have no voice.
    """
    said: dict[str, list[str]] = {}
    for word in words:
        row = word.newest
        if row.says and not row.is_test:
            said.setdefault(row.says, []).append(f"{row.author} {row.classifier}")
    sides: list[Side] = []
    for label in sorted(said, key=lambda each: (-len(said[each]), each)):
        side = next((side for side in sides if side.takes(label)), None)
        if side is None:
            side = Side()
            sides.append(side)
        side.classes[label] = said[label]
    sides.sort(key=lambda side: -side.n_voices)
    return sides if len(sides) > 1 else []
