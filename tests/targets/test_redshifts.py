"""Redshifts that people give: what is one, and how it is kept."""

import pytest
from tom_targets.models import TargetExtra

from tests.factories import make_target
from tom.records.redshift import RedshiftSource
from tom.targets.redshifts import (
    BadRedshiftError,
    given_redshifts,
    keep_redshift,
    read_redshift,
    redshifts_of,
)


@pytest.mark.parametrize(
    ("text", "redshift"),
    [("", None), ("  ", None), ("0.0098", 0.0098), (" 1e-5\n", 1e-5), ("19.999", 19.999)],
)
def test_a_text_is_a_redshift_or_says_that_there_is_none(text: str, redshift: float | None) -> None:
    assert read_redshift(text) == redshift


@pytest.mark.parametrize("text", ["0", "-0.1", "20", "1e9", "nan", "inf", "1e-400", "z=0.1", "0,1"])
def test_what_is_no_redshift_is_refused_with_what_one_is(text: str) -> None:
    with pytest.raises(BadRedshiftError, match="above 0 and below 20"):
        read_redshift(text)


@pytest.mark.django_db
def test_the_last_redshift_stands_alone_and_is_forgotten_alone() -> None:
    target, other = make_target(), make_target()
    TargetExtra.objects.create(target=target, key="colour", value="0.7")
    keep_redshift(other.pk, 0.5)

    for redshift in (0.1, 0.2):
        keep_redshift(target.pk, redshift)

    row = TargetExtra.objects.get(target=target, key="redshift")
    assert (row.value, row.float_value, row.bool_value) == ("0.2", 0.2, True)
    assert redshifts_of([target.pk, other.pk]) == {target.pk: 0.2, other.pk: 0.5}
    assert redshifts_of([other.pk]) == {other.pk: 0.5}

    keep_redshift(target.pk, None)

    assert redshifts_of([target.pk, other.pk]) == {other.pk: 0.5}
    assert TargetExtra.objects.get(target=target).key == "colour"
    assert TargetExtra.objects.get(target=target).float_value == 0.7


@pytest.mark.django_db
def test_a_source_is_that_of_its_own_redshift_alone() -> None:
    target = make_target()
    keep_redshift(target.pk, 0.1, RedshiftSource.HOST)
    assert given_redshifts([target.pk]) == {target.pk: (0.1, RedshiftSource.HOST)}

    TargetExtra.objects.get(target=target, key="redshift").delete()
    TargetExtra.objects.create(target=target, key="redshift", value="0.2")  # another writer
    assert given_redshifts([target.pk]) == {target.pk: (0.2, RedshiftSource.UNKNOWN)}

    keep_redshift(target.pk, 0.1, RedshiftSource.TRANSIENT)
    keep_redshift(target.pk, 0.1)
    assert given_redshifts([target.pk]) == {target.pk: (0.1, RedshiftSource.UNKNOWN)}

    keep_redshift(target.pk, 0.1, RedshiftSource.HOST)
    keep_redshift(target.pk, None)
    assert not TargetExtra.objects.exists()


@pytest.mark.django_db
def test_what_others_wrote_there_that_is_no_redshift_is_not_read() -> None:
    targets = [make_target() for _ in range(3)]
    for target, value in zip(targets, ("0", "-1", "unknown"), strict=True):
        TargetExtra.objects.create(target=target, key="redshift", value=value)

    assert redshifts_of([target.pk for target in targets]) == {}
