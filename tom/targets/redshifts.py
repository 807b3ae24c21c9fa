"""A target's redshift, as a person gave it; TOM Toolkit's extra field of this name holds it."""

from collections.abc import Iterable
from typing import Final

from tom_targets.models import TargetExtra

from tom.records import Classification
from tom.targets.objects import SurveyObject

REDSHIFT: Final = "redshift"
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
    rows = TargetExtra.objects.filter(target__in=target_ids, key=REDSHIFT, float_value__gt=0)
    found = rows.values_list("target_id", "float_value")
    return {target_id: value for target_id, value in found if value is not None}


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


def keep_redshift(target_id: int, redshift: float | None) -> None:
    """Write a target's redshift over the one that it has; None forgets that.

    Who calls this makes the target due for the scorers that ask for it (`note_given`).
    """
    if redshift is None:
        TargetExtra.objects.filter(target=target_id, key=REDSHIFT).delete()
        return
    row = TargetExtra(
        target_id=target_id,
        key=REDSHIFT,
        value=str(redshift),
        float_value=redshift,
        bool_value=True,
    )
    TargetExtra.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["target", "key"],
        update_fields=["value", "float_value", "bool_value", "time_value"],
    )
