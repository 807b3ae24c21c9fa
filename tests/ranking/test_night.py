"""Whole nights: a list comes out again bit for bit, and AT2017gfo stands first in its maps."""

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from tests.bench import intake
from tests.bench.nights import demonstration_night
from tests.evaluation import gw170817, subsolar
from tom.events.models import NonLocalizedEvent
from tom.ranking.models import RankedCandidate
from tom.ranking.services import ranking_as_of, unlike

pytestmark = [pytest.mark.django_db, pytest.mark.timeout(600)]


@pytest.mark.soak
def test_the_demonstration_night_is_made_again_at_twenty_past_times() -> None:
    messages = demonstration_night()
    merger = next(n for n, each in enumerate(messages) if each.topic.startswith("igwn"))
    moments = []
    ends = np.linspace(merger + 1, len(messages), 40).astype(int).tolist()
    for first, end in pairwise([0, *ends]):
        intake.keep(messages[first:end])
        intake.work()
        intake.score()
        moments.append(datetime.now(UTC))
    event = NonLocalizedEvent.objects.get()

    rankings = [ranking_as_of(event, moment) for moment in moments]

    stood = {ranking.pk: ranking for ranking in rankings if ranking is not None}
    assert len(stood) >= 20
    assert {unlike(ranking) for ranking in stood.values()} == {0}
    firsts = {RankedCandidate.objects.as_of(r).in_order()[0].candidate_id for r in stood.values()}
    assert len(firsts) > 1
    kept = RankedCandidate.objects.filter(event=event).count()
    shown = sum(RankedCandidate.objects.as_of(r).count() for r in event.rankings.all())
    # A place is kept once while nothing of it changes.
    assert kept < 0.75 * shown


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)  # one transaction has too few locks for the night
def test_at2017gfo_as_it_was_is_first_from_its_first_colours_on(real_data: Path) -> None:
    night = gw170817.follow(1)

    told = gw170817.summarise([night])

    assert night["alerts_hours"][0] < 12
    assert told["first_for_good_from_hours"] == [12]
    assert night["hours"][-1]["hour"] > 6 * 24
    assert told["at_18_h"]["chance"][0] > 0.5
    assert all(told[f"at_{hour}_h"]["chance"][0] > 0.9 for hour in (36, 48, 72, 96, 120, 144))


@pytest.mark.soak
@pytest.mark.django_db(transaction=True)
def test_an_early_iib_of_a_sub_solar_merger_is_worth_no_look_once_it_rises_again(
    real_data: Path,
) -> None:
    night = subsolar.follow(1)

    told = subsolar.summarise([night])["SN2019ply"]

    assert told["best_rank_before"] <= 3
    assert told["largest_before"] > subsolar.WORTH > told["largest_after"]
    # A first point that is brighter than one before may still be the error of either.
    assert told["last_worth_a_look"] < told["rises_at"] + 24 < night["hours"][-1]["hour"] - 48
