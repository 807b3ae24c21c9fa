"""What it costs to settle a candidate: minutes of telescope, and the order by bits a minute."""

import math
from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tom.candidates.models import EventCandidate
from tom.ranking.information import information_of
from tom.targets.models import TargetSummary
from tom.web.costs import FADING, Observer, cheapest_in_sql, faded, observers, worth_in_sql
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
    assert faded(19.0, NOW - timedelta(days=2), now=NOW) == pytest.approx(19.0 + 2 * FADING)
    assert faded(19.0, NOW - timedelta(days=90), now=NOW) == pytest.approx(19.0 + 5 * FADING)
    assert faded(19.0, NOW + timedelta(hours=1), now=NOW) == 19.0


def test_the_database_counts_the_same_minutes_and_the_same_order(sinistro: Observer) -> None:
    for number_, (magnitude, days) in enumerate([(15.0, 0.1), (18.0, 3), (21.5, 40), (None, 1)]):
        target = factories.make_target(f"t{number_}", points=1)
        seen = NOW - timedelta(days=days)
        TargetSummary.objects.filter(target=target).update(
            last_magnitude=magnitude, last_detection=seen
        )
    minutes = cheapest_in_sql(
        [sinistro, sinistro], magnitude=F("last_magnitude"), seen=F("last_detection"), now=NOW
    )
    openness = -F("last_magnitude") + 10.0
    rows = TargetSummary.objects.annotate(
        minutes=minutes, worth=worth_in_sql(openness, minutes)
    ).order_by("target__name")

    found = [(row.last_magnitude, row.last_detection, row.minutes, row.worth) for row in rows]

    for magnitude, seen, counted, _ in found[:3]:
        assert counted == pytest.approx(sinistro.minutes(faded(magnitude, seen, now=NOW)))
    assert found[3][2:] == (None, None)
    # Natural logs of the entropy in nats over the minutes.
    for magnitude, _, counted, worth in found[:3]:
        nats = information_of(magnitude - 10) * math.log(2)
        assert worth == pytest.approx(math.log(nats / counted))


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


def test_without_a_telescope_the_bits_alone_count_and_the_page_says_so(
    client: Client, page: str, settings: Settings
) -> None:
    settings.PRACTICE_TELESCOPE = False
    assert observers() == []

    text = client.get(page).text

    assert "No telescope with a camera is declared, so its minutes are not weighed" in text
    assert "bits an hour" not in text
