"""What a message of Lasair says of an object's class: Sherlock, and annotators.

https://lasair-lsst.readthedocs.io/en/main/concepts/annotations.html
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from tom.formats.json_text import read_json_fields
from tom.formats.times import in_utc
from tom.formats.values import number, text
from tom.forms.retelling import MOST, chances_of, judge, named
from tom.records.classification import Judgement

Fields = Mapping[str, Any]

# Of r0b: how many points are brighter, and whose score it is. https://github.com/LasairVRAs/lvra
_NO_CHANCE: Final = re.compile(r"n_gt[0-9]+|.*(_id|_ID|Id)")
# Sherlock's: https://lasair-ztf.readthedocs.io/en/main/core_functions/sherlock.html
_OWN: Final = {"bs": "variable", "nt": "transient"}


def judgements_of(record: Fields) -> Iterator[Judgement]:
    """Yield what Sherlock and each annotator say."""
    yield from _of_sherlock(record)
    given = record.get("annotations") or record.get("annotation") or record
    listed = given if isinstance(given, list) else [given]
    for annotation in listed[:MOST]:
        if isinstance(annotation, dict):
            yield from _of_annotator(annotation)


def _of_sherlock(record: Fields) -> Iterator[Judgement]:
    sherlock = fields_of(record.get("sherlock"))
    found = named(sherlock.get("classification") or record.get("classification"))
    if found and "topic" not in record:
        yield judge("Sherlock", sherlock.get("sherlock_version"), {found: 1.0}, _OWN)


def _of_annotator(annotation: Fields) -> Iterator[Judgement]:
    """Yield what one annotation says, at its own time: an annotator may change its mind.

    Its classification is the name of a class, or a score as r0b's, in a text too. What stands
    beside a score, as r0b's flags, is an opinion of its own: 1 is no better than a score of .9.
    """
    topic = text(annotation.get("topic"), most=80)
    if not topic:
        return
    beside = _chances(annotation.get("classdict"))
    found = named(annotation.get("classification"))
    score = chances_of({_score_of(topic): number(annotation.get("classification"))})
    if score:
        said = {topic: score, f"{topic} classdict": beside}
    else:
        said = {topic: beside or ({found: 1.0} if found else {})}
    for classifier, chances in said.items():
        if chances:
            judged = judge(classifier, annotation.get("version"), chances, _OWN)
            yield replace(judged, time=time_of(annotation.get("timestamp")))


def _score_of(topic: str) -> str:
    """What a score is the chance of: r0b's is that it is real, of others nobody says it."""
    return "real" if topic.startswith("r0b") else "score"


def _chances(given: Any) -> dict[str, float]:
    """Read classes with their chances, and flags as 1 and 0; counts and ids are none."""
    listed = read_json_fields(given.encode()) if isinstance(given, str) else given
    return chances_of(
        {
            name: float(value) if isinstance(value, bool) else value
            for name, value in fields_of(listed).items()
            if not _NO_CHANCE.fullmatch(name)
        }
    )


def time_of(value: Any) -> datetime | None:
    """Read a time in UTC; None if it is none."""
    given = text(value, most=40)
    try:
        return in_utc(datetime.fromisoformat(given)) if given else None
    except ValueError:
        return None


def fields_of(value: Any) -> Fields:
    """An object's fields; none where it is another thing."""
    return value if isinstance(value, dict) else {}
