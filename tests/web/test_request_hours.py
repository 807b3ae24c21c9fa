"""The form counts hours with the limits that stand in it."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from tests import factories

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

    assert over.text.count("the window is over") == 5
    assert odd.status_code == 200
    assert "the window is over" not in odd.text
