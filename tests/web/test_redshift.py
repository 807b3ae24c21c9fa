"""The redshift that a person gives a target, on its page."""

import pytest
from django.test import Client
from tom_targets.base_models import BaseTarget
from tom_targets.models import TargetExtra

from tests.factories import make_observer, make_target
from tom.records.redshift import RedshiftSource
from tom.targets.redshifts import given_redshifts, redshifts_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def target() -> BaseTarget:
    return make_target("ZTF26far")


@pytest.fixture
def give(client: Client, target: BaseTarget):
    """Type a redshift; return the page that comes after it."""
    client.force_login(make_observer())

    def typed(text: str, source: str = "") -> str:
        form = {"redshift": text, "source": source}
        return client.post(f"/targets/{target.pk}/redshift/", form, follow=True).text

    return typed


def test_a_person_gives_a_redshift_changes_it_and_takes_it_away(give, target: BaseTarget) -> None:
    assert "ZTF26far has the redshift 0.0098." in give("0.0098")
    page = give(" 0.02 ")
    assert "has the redshift 0.02." in page
    assert "<dd>0.02</dd>" in page
    assert redshifts_of([target.pk]) == {target.pk: 0.02}
    # As TOM Toolkit would have written it.
    row = TargetExtra.objects.get(target=target)
    written = row.value, row.float_value, row.bool_value, row.time_value
    row.save()
    assert written == (row.value, row.float_value, row.bool_value, row.time_value)

    assert "ZTF26far has no redshift now." in give("")
    assert not TargetExtra.objects.exists()


def test_a_person_tells_what_it_was_measured_on(give, target: BaseTarget) -> None:
    page = give("0.0098", "host")

    assert "<dd>spectrum of the host</dd>" in page
    assert given_redshifts([target.pk]) == {target.pk: (0.0098, RedshiftSource.HOST)}
    assert "one of those in the list" in give("0.02", "guess")
    assert given_redshifts([target.pk]) == {target.pk: (0.0098, RedshiftSource.HOST)}
    assert "<dd>source not known</dd>" in give("0.0098")


@pytest.mark.parametrize(
    "text", ["far", "-0.1", "0", "20", "nan", "inf", "1e999", "0,01", "9" * 30]
)
def test_what_is_no_redshift_is_refused_and_changes_nothing(
    give, target: BaseTarget, text: str
) -> None:
    give("0.0098")

    assert "A redshift is a number above 0 and below 20." in give(text)

    assert redshifts_of([target.pk]) == {target.pk: 0.0098}


def test_a_target_that_one_may_not_see_is_given_none(client: Client) -> None:
    hidden = make_target("ZTF26hidden", private=True)
    client.force_login(make_observer())

    answer = client.post(f"/targets/{hidden.pk}/redshift/", {"redshift": "0.1"})

    assert answer.status_code == 404
    assert not TargetExtra.objects.exists()
