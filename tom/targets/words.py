"""What brokers say of a target, side by side: the newest word of each, and where they disagree."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget

from tom.kept_queries import Given, kept_query, numbered, pairs
from tom.targets.classified import VOICE, Classification, cells_at, told_of
from tom.targets.objects import BY_HAND, own_objects
from tom.targets.programs import Visitor
from tom.targets.tags import Tag, tags_on
from tom.targets.visible import Reader, reader_of
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


def newest_words(target: BaseTarget, user: Visitor, *, most: int) -> list[Word]:
    """The opinions of `classifications_of` side by side, of no more than `most` rows."""
    objects, cells = own_objects(target), cells_at(target)
    values = numbered("object", objects) | numbered("cell", cells)
    return words_of(_newest_told(reader_of(user), len(objects), len(cells), most, **values))


@kept_query
def _newest_told(
    reader: Reader, n_objects: int, n_cells: int, most: int, **values: Given
) -> QuerySet[Classification]:
    objects, cells = pairs(values, "object", n_objects), pairs(values, "cell", n_cells)
    return told_of(objects, cells, reader.user).in_turn()[:most]


def first_tags(target: BaseTarget, user: Visitor, *, most: int) -> list[Tag]:
    """The first `most` of `tags_of`."""
    objects = [key for key in own_objects(target) if key[0] != BY_HAND]
    return _tags(reader_of(user), len(objects), most, **numbered("object", objects))


@kept_query
def _tags(reader: Reader, n_objects: int, most: int, **values: Given) -> QuerySet[Tag]:
    return tags_on(pairs(values, "object", n_objects), reader.user)[:most]


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
