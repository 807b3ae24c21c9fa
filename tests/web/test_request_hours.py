"""The form counts hours with its own limits, and tells of requests that are under way."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories
from tests.followup.conftest import make_request

pytestmark = pytest.mark.django_db


def test_the_hours_beside_the_form_follow_its_limits(client: Client) -> None:
    client.force_login(factories.make_observer())
    path = f"/targets/{factories.make_target().pk}/request/"
    moment = timezone.now().replace(second=0)
    fields = {
        "part": "hours",
        "instrument": "PRACTICE:PRACTICE-IMAGER",
        "start": (moment - timedelta(hours=2)).strftime("%Y-%m-%d %H:%M"),
        "max_airmass": "1.6",
        "min_moon_separation_deg": "20",
    }

    over = client.get(
        path, fields | {"end": (moment - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M")}
    )
    odd = client.get(
        path, fields | {"max_airmass": "x", "min_moon_separation_deg": "nan", "end": ""}
    )

    assert over.text.count("the window has ended") == 5
    assert odd.status_code == 200
    assert "the window has ended" not in odd.text


def test_the_form_tells_on_opening_of_everybodys_live_requests_for_the_place(
    client: Client,
) -> None:
    vera, edwin = factories.make_observer("vera"), factories.make_observer("edwin")
    target = factories.make_target("T-mine", ra=0.0001, dec=60.0)
    make_request(target, vera)
    make_request(factories.make_target("T-same-place", ra=359.9995, dec=60.0), edwin)
    make_request(factories.make_target("T-elsewhere", ra=0.01, dec=60.0), edwin)
    make_request(factories.make_target("T-ended", ra=0.0, dec=60.0), edwin, state="completed")
    secret = factories.make_target("T-secret", ra=0.0, dec=60.0, private=True)
    make_request(secret, edwin)
    client.force_login(vera)

    page = client.get(f"/targets/{target.pk}/request/").text

    assert "Already under way for this target or place" in page
    told = [
        name for name in ("T-mine, ", "T-same", "T-else", "T-ended", "T-secret") if name in page
    ]
    assert told == ["T-mine, ", "T-same"]
    assert "by edwin" in page


def test_the_exposures_start_from_the_last_magnitude_that_the_person_may_see(
    client: Client,
) -> None:
    client.force_login(factories.make_observer())
    target = factories.make_target()
    secret = factories.make_program(2, group=factories.make_group())
    target.points.update(flux=36307.8, flux_error=500)  # magnitude 20
    last = target.points.order_by("time").last()
    target.points.filter(pk=last.pk).update(program=secret, flux=3.63e6)

    page = client.get(
        f"/targets/{target.pk}/request/", {"instrument": "PRACTICE:PRACTICE-IMAGER"}
    ).text

    assert "For magnitude 20.0 at a signal-to-noise ratio of 20, by the CCD equation" in page
    assert 'name="seconds-0" value="110"' in " ".join(page.split())
    assert "guessed throughput of 0.25" in page
