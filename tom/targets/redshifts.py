"""A target's redshift, as a person gave it, and its source.

TOM Toolkit's extra field `redshift` holds it. The field `redshift_source` holds the source and the
redshift that it is of: a redshift that somebody else writes has no source. Where others told it,
the field `redshift_told` holds the time at which they did, and the redshift.
"""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from django.db.models import QuerySet
from tom_targets.models import TargetExtra

from tom.kept_queries import AnyOf, Given, kept_query
from tom.records import Classification
from tom.records.redshift import Redshift, RedshiftSource
from tom.targets.objects import SurveyObject

REDSHIFT: Final = "redshift"
SOURCE: Final = "redshift_source"
TOLD: Final = "redshift_told"
MOST_REDSHIFT: Final = 20
_NEVER: Final = datetime(1900, 1, 1, tzinfo=UTC)


class _Told(NamedTuple):
    """A redshift that somebody else told, by its time."""

    time: datetime
    value: float


class BadRedshiftError(ValueError):
    """What was given is not a redshift; the text says what one is."""


def read_redshift(text: str) -> float | None:
    """Read a redshift; None where the text is empty.

    Raises
    ------
    BadRedshiftError
        If it is not a number above 0 and below `MOST_REDSHIFT`.
    """
    text = text.strip()
    if not text:
        return None
    try:
        redshift = float(text)
    except ValueError:
        redshift = 0.0
    if not 0 < redshift < MOST_REDSHIFT:  # NaN is neither
        message = f"A redshift is a number above 0 and below {MOST_REDSHIFT}."
        raise BadRedshiftError(message)
    return redshift


def redshifts_of(target_ids: Iterable[int]) -> dict[int, float]:
    """Return the redshifts of those of these targets that have one."""
    return {target_id: each.value for target_id, each in given_redshifts(target_ids).items()}


def given_redshifts(target_ids: Iterable[int]) -> dict[int, Redshift]:
    """Return the redshifts of those of these targets that have one, with their sources."""
    values, sources = {}, {}
    for target_id, key, text, value in _given(targets=list(target_ids)):
        if key == SOURCE:
            sources[target_id] = text
        elif value is not None and value > 0:
            values[target_id] = value
    return {
        target_id: Redshift(value, _source(sources.get(target_id, ""), value))
        for target_id, value in values.items()
    }


@kept_query
def _given(*, targets: Given) -> QuerySet[TargetExtra, Any]:
    rows = TargetExtra.objects.filter(AnyOf("target", targets), key__in=(REDSHIFT, SOURCE))
    return rows.values_list("target_id", "key", "value", "float_value")


def read_source(text: str) -> RedshiftSource:
    """Read what a redshift was measured on; raise BadRedshiftError if it is none of the sources."""
    try:
        return RedshiftSource(text)
    except ValueError as error:
        message = "The source of a redshift is one of those in the list."
        raise BadRedshiftError(message) from error


def _source(text: str, redshift: float) -> RedshiftSource:
    """Return the source of a redshift; a text that is of another redshift tells nothing of it."""
    source, _, of = text.partition(" ")
    known = source in set(RedshiftSource) and of == str(redshift)
    return RedshiftSource(source) if known else RedshiftSource.UNKNOWN


def keep_told_redshifts(told: Iterable[Classification]) -> int:
    """Keep the redshifts that others tell of objects here; count them.

    One of a later time takes the place of an earlier one. What a person gave stays.
    """
    in_order = sorted(told, key=lambda said: said.time or _NEVER)
    given = {
        (said.survey, said.object_id): _Told(said.time or _NEVER, said.redshift)
        for said in in_order
        if said.redshift
    }
    if not given:
        return 0
    newest: dict[int, _Told] = {}
    for row in SurveyObject.objects.filter(object_id__in={name for _, name in given}):
        if row.key in given:
            newest[row.target_id] = max(given[row.key], newest.get(row.target_id, given[row.key]))
    known, before = redshifts_of(newest), _told_before(newest)
    new = {
        pk: each
        for pk, each in newest.items()
        if pk not in known or (pk in before and before[pk].value == known[pk] and each > before[pk])
    }
    for pk, each in new.items():
        if each.value != known.get(pk):
            keep_redshift(pk, each.value)
        _write(pk, [TargetExtra(key=TOLD, value=f"{each.time.isoformat()} {each.value}")])
    return sum(each.value != known.get(pk) for pk, each in new.items())


def _told_before(target_ids: Iterable[int]) -> dict[int, _Told]:
    """Return what others told, and when, of those of these targets whose redshift was told."""
    rows = TargetExtra.objects.filter(target__in=target_ids, key=TOLD)
    found = {pk: text.partition(" ") for pk, text in rows.values_list("target_id", "value")}
    return {
        pk: _Told(datetime.fromisoformat(time), float(value))
        for pk, (time, _, value) in found.items()
    }


def keep_redshift(
    target_id: int,
    redshift: float | None,
    source: RedshiftSource = RedshiftSource.UNKNOWN,
) -> None:
    """Write a target's redshift and its source over those that it has; None forgets both.

    Who calls this makes the target due for the scorers that ask for it (`note_given`).
    """
    gone = [TOLD]
    gone += [SOURCE] if redshift is None or not source else []
    gone += [REDSHIFT] if redshift is None else []
    TargetExtra.objects.filter(target=target_id, key__in=gone).delete()
    if redshift is None:
        return
    rows = [TargetExtra(key=REDSHIFT, value=str(redshift), float_value=redshift)]
    if source:
        rows.append(TargetExtra(key=SOURCE, value=f"{source} {redshift}"))
    _write(target_id, rows)


def _write(target_id: int, rows: Sequence[TargetExtra]) -> None:
    for row in rows:
        row.target_id, row.bool_value = target_id, True
    TargetExtra.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["target", "key"],
        update_fields=["value", "float_value", "bool_value", "time_value"],
    )
