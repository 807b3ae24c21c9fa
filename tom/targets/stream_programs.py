"""The programs of a group's streams: what comes by such a stream is for the group alone.

A survey has one program for each stream and each of its own programs. Its number is below 0 and
tells both. So what is private by its stream goes where all that is private by its survey goes.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from django.contrib.auth.models import Group
from django.db import transaction

from tom.forms.registry import survey_of
from tom.records import Classification, ObjectAlert, Retelling
from tom.streams.models import AlertMessage, Stream
from tom.targets.programs import Program

WORDS: Final = 998
"""Stands for the program of what is said of an object, where a survey has no public program."""
_OTHER: Final = 999
"""Stands for a number that has no place below it; it is never public."""
_EACH: Final = 1000


def number_for(stream_id: int, number: int) -> int:
    """Return the number of a stream's program for a survey's own one."""
    return _number(stream_id, number if 0 <= number < WORDS else _OTHER)


def _number(stream_id: int, own: int) -> int:
    return -(stream_id * _EACH + own)


def is_open(survey: str, number: int) -> bool:
    """Whether everybody might read this program of a stream, were the stream for everybody."""
    own = -number % _EACH
    return own == WORDS or own in survey_of(survey).public_programs


def make_stream_program(survey: str, number: int) -> Program:
    """Return a new program of a stream, not saved, with the readers that the stream has now.

    Raises
    ------
    Stream.DoesNotExist
        If the stream is deleted.
    """
    stream = Stream.objects.select_related("group").get(pk=-number // _EACH)
    own = -number % _EACH
    what = "what it says" if own == WORDS else f"program {own}"
    made = Program(survey=survey, number=number, name=f"{what}, by {stream.name}"[:100])
    made.group = stream.group
    made.public = stream.group is None and is_open(survey, number)
    if not made.public and made.group is None:
        made.group = _group_of_nobody(survey, number)
    made.settled = made.standing
    return made


def _group_of_nobody(survey: str, number: int) -> Group:
    """What a survey keeps private, by a stream that was opened meanwhile: its own program's."""
    own = Program.objects.filter(survey=survey, number=-number % _EACH, public=False).first()
    if own is not None and own.group is not None:
        return own.group
    return Group.objects.get_or_create(name=f"{survey} program {-number % _EACH}")[0]


def follow_stream(stream: Stream) -> None:
    """Give the programs of a stream the readers that the stream has now.

    What a survey itself keeps private stays with the group that had it. The caller has saved the
    stream; the sweep settles the programs' targets.
    """
    first, last = -(stream.pk * _EACH + _OTHER), -stream.pk * _EACH
    rows = Program.objects.filter(number__range=(first, last)).order_by("pk")
    with transaction.atomic():
        for row in rows.select_for_update(no_key=True):
            opens = stream.group_id is None and is_open(row.survey, row.number)
            if opens or stream.group_id is not None:
                row.public, row.group = opens, stream.group
                row.save(update_fields=["public", "group"])


def in_private(told: Retelling, stream_id: int) -> Retelling:
    """Return what a message of a group's stream says, in the programs of that stream.

    Its history is not noted as stored: another packet may bring it for other readers.
    """
    return replace(told, alerts=tuple(_alerts_in_private(told.alerts, stream_id)))


def _alerts_in_private(alerts: Iterable[ObjectAlert], stream_id: int) -> Iterable[ObjectAlert]:
    for alert in alerts:
        yield replace(
            alert,
            program=number_for(stream_id, alert.program),
            points=tuple(
                replace(point, program=number_for(stream_id, point.program))
                for point in alert.points
            ),
            template_changes=tuple(
                replace(change, program=number_for(stream_id, change.program))
                for change in alert.template_changes
            ),
            history=frozenset(),
        )


def programs_of_words(
    told: Iterable[tuple[AlertMessage, Classification]],
) -> dict[int, dict[str, Program]]:
    """Find or make the programs of what groups' streams say of objects, by message and survey.

    It is the program of the survey's public points, whose readers are scored with it.
    """
    found: dict[tuple[int, str], Program] = {}
    programs: dict[int, dict[str, Program]] = defaultdict(dict)
    for message, said in told:
        if message.group_id is None or message.stream is None:
            continue
        key = (message.stream, said.survey)
        if key not in found:
            found[key] = _program_of_words(*key)
        programs[message.pk][said.survey] = found[key]
    return dict(programs)


def _program_of_words(stream_id: int, survey: str) -> Program:
    number = _number(stream_id, min(survey_of(survey).public_programs, default=WORDS))
    fresh = make_stream_program(survey, number)
    program, _ = Program.objects.get_or_create(
        survey=survey,
        number=number,
        defaults={
            "name": fresh.name,
            "public": fresh.public,
            "group": fresh.group,
            "settled": fresh.settled,
        },
    )
    return program
