"""A target's redshift, as a person gave it, and its source.

TOM Toolkit's extra field `redshift` holds it. The field `redshift_source` holds the source and the
redshift that it is of: a redshift that somebody else writes has no source.
"""

from collections.abc import Iterable
from typing import Final

from tom_targets.models import TargetExtra

from tom.records import Classification
from tom.records.redshift import Redshift, RedshiftSource
from tom.targets.objects import SurveyObject

REDSHIFT: Final = "redshift"
SOURCE: Final = "redshift_source"
MOST_REDSHIFT: Final = 20


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
    rows = TargetExtra.objects.filter(target__in=target_ids, key__in=(REDSHIFT, SOURCE))
    values, sources = {}, {}
    for target_id, key, text, value in rows.values_list("target_id", "key", "value", "float_value"):
        if key == SOURCE:
            sources[target_id] = text
        elif value is not None and value > 0:
            values[target_id] = value
    return {
        target_id: Redshift(value, _source(sources.get(target_id, ""), value))
        for target_id, value in values.items()
    }


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
    """Keep the redshifts that others tell of objects here, where a target has none; count them.

    What a person gave stays.
    """
    given = {(said.survey, said.object_id): said.redshift for said in told if said.redshift}
    if not given:
        return 0
    rows = SurveyObject.objects.filter(object_id__in={name for _, name in given})
    owners = {row.target_id: given[row.key] for row in rows if row.key in given}
    known = redshifts_of(owners)
    new = {pk: value for pk, value in owners.items() if value and pk not in known}
    for target_id, redshift in new.items():
        keep_redshift(target_id, redshift)
    return len(new)


def keep_redshift(
    target_id: int,
    redshift: float | None,
    source: RedshiftSource = RedshiftSource.UNKNOWN,
) -> None:
    """Write a target's redshift and its source over those that it has; None forgets both.

    Who calls this makes the target due for the scorers that ask for it (`note_given`).
    """
    if redshift is None or not source:
        gone = (REDSHIFT, SOURCE) if redshift is None else (SOURCE,)
        TargetExtra.objects.filter(target=target_id, key__in=gone).delete()
    if redshift is None:
        return
    rows = [TargetExtra(key=REDSHIFT, value=str(redshift), float_value=redshift)]
    if source:
        rows.append(TargetExtra(key=SOURCE, value=f"{source} {redshift}"))
    for row in rows:
        row.target_id, row.bool_value = target_id, True
    TargetExtra.objects.bulk_create(
        rows,
        update_conflicts=True,
        unique_fields=["target", "key"],
        update_fields=["value", "float_value", "bool_value", "time_value"],
    )
