"""What it costs to settle a candidate: minutes of telescope, and the order by bits a minute."""

import math
import re
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tom.candidates.models import EventCandidate
from tom.ranking.information import information_of
from tom.targets.models import TargetSummary
from tom.web.costs import FADING, Observer, faded, observers, worth_a_minute
from tom.web.templatetags.sky import number

pytestmark = pytest.mark.django_db
NOW = timezone.now().replace(minute=0, second=0, microsecond=0)


@pytest.fixture
def sinistro() -> Observer:
    (found,) = observers()
    return found


def test_minutes_are_the_exposures_with_their_reading_and_one_move(sinistro: Observer) -> None:
    assert sinistro.move_s == 40.0  # 10 s to settle and 60 degrees at 2 degrees a second
    bright, faint = sinistro.minutes(15.0), sinistro.minutes(22.5)

    # In the sky's own light, five times the flux's inverse takes 25 times as long.
    assert bright == pytest.approx((0.9 + 28 + 40) / 60, abs=0.02)
    assert sinistro.minutes(24.25) / faint == pytest.approx(25, rel=0.1)
    more = sinistro.minutes(20.0)
    assert more < sinistro.minutes(20.5) < faint


def test_the_brightness_by_now_fades_as_at2017gfo_for_five_days_at_most() -> None:
    assert pytest.approx((20.79 - 17.56) / (5.45 - 0.47)) == FADING
    seen = [NOW - timedelta(days=2), NOW - timedelta(days=90), NOW + timedelta(hours=1), None, NOW]
    by_now = faded([19.0, 19.0, 19.0, 19.0, None], seen, now=NOW + timedelta(minutes=59))
    assert by_now[:3] == pytest.approx([19.0 + 2 * FADING, 19.0 + 5 * FADING, 19.0])
    assert np.isnan(by_now[3:]).all()


def test_the_worth_is_that_of_the_quickest_telescope(sinistro: Observer) -> None:
    slow = replace(sinistro, telescope=replace(sinistro.telescope, overhead_s=300.0))
    openness = [-1.0, -3.0, None, -2.0, -2000.0]
    magnitudes = np.array([19.0, 21.5, 20.0, np.nan, 20.0])

    worth = worth_a_minute(openness, magnitudes, [slow, sinistro])

    for at in (0, 1):
        nats = information_of(-openness[at]) * math.log(2)
        assert worth[at] == pytest.approx(math.log(nats / sinistro.minutes(magnitudes[at])))
    assert np.isnan(worth[[2, 3]]).all()
    # e^-2000 is no number here: what is left of the entropy is (x + 1) e^-x.
    minutes = sinistro.minutes(20.0)
    assert worth[4] == pytest.approx(math.log(2001) - 2000 - math.log(minutes))
    assert worth_a_minute([0.0], magnitudes[:1], [slow]) < worth_a_minute(
        [0.0], magnitudes[:1], [sinistro]
    )


@pytest.fixture
def page(client: Client) -> str:
    """An event with three candidates that tell as much: faint, bright, without a magnitude."""
    client.force_login(factories.make_observer("olga"))
    event = factories.make_event()
    for name, magnitude in (("faint", 21.0), ("bright", 17.0), ("blind", None)):
        made = factories.make_candidate(event, factories.make_target(name))
        EventCandidate.objects.filter(pk=made.pk).update(
            log_weight=-3.0, log_weight_low=-4.0, log_weight_high=-2.0
        )
        TargetSummary.objects.filter(target=made.target).update(
            last_magnitude=magnitude, last_detection=NOW - timedelta(hours=2)
        )
    return f"/events/{event.event_id}/?part=candidates&region=all&order=decide"


def places(text: str) -> list[str]:
    return sorted(("faint", "bright", "blind"), key=lambda name: text.index(f">{name}<"))


def test_of_what_tells_as_much_the_quicker_comes_first_and_says_what_it_costs(
    client: Client, page: str, sinistro: Observer
) -> None:
    text = " ".join(client.get(page).text.split())

    assert places(text) == ["bright", "faint", "blind"]
    assert "Sorted by bits a minute of the quickest telescope." in text
    minutes = sinistro.minutes(17.0 + FADING / 12)
    assert f"in {number(minutes, 1)} minutes:" in text
    assert f"{sinistro.label}, to show magnitude 17.1" in text
    table = client.get(page.replace("?", "candidates.csv?")).text
    assert re.findall("faint|bright|blind", table) == ["bright", "faint", "blind"]
    table = client.get(page.replace("?", "candidates.csv?").replace("decide", "-decide")).text
    assert re.findall("faint|bright|blind", table) == ["faint", "bright", "blind"]


def test_without_a_telescope_the_bits_alone_count_and_the_page_says_so(
    client: Client, page: str, settings: Settings
) -> None:
    settings.PRACTICE_TELESCOPE = False
    assert observers() == []

    text = client.get(page).text

    assert "No telescope with a camera is declared, so its minutes are not weighed" in text
    assert "bits an hour" not in text
