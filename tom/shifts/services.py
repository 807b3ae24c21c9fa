"""Begin, end, take over and call off shifts."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from tom.changes.models import Topic
from tom.changes.publish import publish
from tom.shifts.claims import hand_over_claims, release_claims_of
from tom.shifts.models import LONGEST_NOTE, Shift

LONGEST: Final = timedelta(hours=48)
"""A longer shift is a mistake in a date."""
_FAR: Final = timedelta(days=366)


class ShiftError(Exception):
    """This shift cannot be so; the message says why, for the person who asked."""


def add_shift(person: User, *, start: datetime, end: datetime, by: User, now: datetime) -> Shift:
    """Add a shift of a person.

    Raises
    ------
    ShiftError
        If it ends before it begins, lasts too long, lies in the past or too far in the future, or
        overlaps another shift of the same person.
    """
    _judge_times(start, end, now=now)
    with _one_at_once(person):
        shift = Shift.objects.create(person=person, start=start, end=end, created_by=by)
        publish(Topic.SHIFT, shift.pk)
    return shift


def end_shift(shift: Shift, *, by: User, now: datetime) -> bool:
    """End a shift that is under way, and release its person's claims; False if it had ended."""
    with transaction.atomic():
        if not _cut(shift, by=by, now=now):
            return False
        release_claims_of(shift.person, by=by, now=now)
        publish(Topic.SHIFT, shift.pk)
    return True


def take_over(shift: Shift, person: User, *, end: datetime, now: datetime) -> Shift:
    """End another person's shift; the new person begins one, and has the former one's claims.

    Raises
    ------
    ShiftError
        If the shift is no longer under way or is the person's own, or the new one cannot be so.
    """
    if shift.person_id == person.pk:
        msg = "This is your own shift."
        raise ShiftError(msg)
    _judge_times(now, end, now=now)
    with _one_at_once(person):
        if not _cut(shift, by=person, now=now):
            msg = "That shift is no longer under way."
            raise ShiftError(msg)
        taken = Shift.objects.create(
            person=person, start=now, end=end, created_by=person, taken_from=shift
        )
        hand_over_claims(shift.person, person, until=end, now=now)
        publish(Topic.SHIFT, taken.pk)
    return taken


def call_off(shift: Shift, *, now: datetime) -> bool:
    """Call off a shift that has not begun; False if it has begun, or was called off."""
    with transaction.atomic():
        rows = Shift.objects.standing().filter(pk=shift.pk, start__gt=now)
        changed = bool(rows.update(called_off=now))
        if changed:
            publish(Topic.SHIFT, shift.pk)
    return changed


def write_note(
    shift: Shift, text: str, *, by: User, now: datetime, after: datetime | None = None
) -> None:
    """Store what the next person should know.

    `after` is when the note was saved that the writer saw; None: there was none.

    Raises
    ------
    ShiftError
        If the text is too long, or another note was saved meanwhile.
    """
    if len(text) > LONGEST_NOTE:
        msg = f"A note has at most {LONGEST_NOTE} characters."
        raise ShiftError(msg)
    with transaction.atomic():
        seen = Shift.objects.filter(pk=shift.pk, note_time=after)
        if not seen.update(note=text, note_by=by, note_time=now):
            msg = "Somebody saved another note meanwhile. It stands above, yours below: join them."
            raise ShiftError(msg)
        publish(Topic.SHIFT, shift.pk)


def people_on_shift(now: datetime) -> list[User]:
    """Return the active people whose shift is under way, the longest on shift first."""
    shifts = Shift.objects.on_at(now).filter(person__is_active=True).select_related("person")
    return [shift.person for shift in shifts]


def _cut(shift: Shift, *, by: User, now: datetime) -> bool:
    rows = Shift.objects.on_at(now).filter(pk=shift.pk, start__lt=now)
    return bool(rows.update(end=now, ended_by=by))


def _judge_times(start: datetime, end: datetime, *, now: datetime) -> None:
    why = ""
    if end <= start:
        why = "A shift ends after it begins."
    elif end - start > LONGEST:
        why = f"A shift lasts at most {LONGEST.total_seconds() / 3600:.0f} hours."
    elif end <= now or start < now - LONGEST:
        why = "That time is over."
    elif start > now + _FAR:
        why = "A shift begins within a year."
    if why:
        raise ShiftError(why)


@contextmanager
def _one_at_once(person: User) -> Iterator[None]:
    """Run the block in a transaction; refuse a second shift of the person at the same time."""
    try:
        with transaction.atomic():
            yield
    except IntegrityError as error:
        if "shifts_shift_one_at_once" not in str(error):
            raise
        msg = f"{person.get_username()} has a shift at that time already."
        raise ShiftError(msg) from error
