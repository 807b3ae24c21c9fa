"""One night stored in any order leaves the same rows, and so the same scores and ranks."""

import random
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tests.factories import make_event
from tests.targets.alerts import NIGHT, make_alert, make_limit, make_point
from tom.candidates.models import EventCandidate
from tom.candidates.services import match_targets
from tom.events.locks import hold_events
from tom.ranking.models import RankedCandidate
from tom.ranking.services import rank_event
from tom.records.alert import ObjectAlert, PointKind
from tom.scoring.judging import score_due
from tom.scoring.models import Score
from tom.targets.models import LightCurvePoint, TargetSummary
from tom.targets.store import store_alerts
from tom.web.plots.sparkline import SparkPoint, draw_sparkline

pytestmark = pytest.mark.django_db

NOT_COMPARED = {"target_id", "version", "scored_version"}


def night() -> list[ObjectAlert]:
    """Alerts of five objects: points of one moment, copies that differ, two alerts at once."""
    alerts = []
    for n in range(5):
        name, ra, dec = f"ZTF26o{n}", 197.4 + 0.05 * n, -23.4
        early = make_point(f"{n}a", days=0.5, magnitude=18.5 + n % 3)
        twin = make_point(f"{n}b", days=0.5, magnitude=19.4, band="r")
        pair = replace(make_point(f"{n}c", days=0.5, magnitude=18.1), real_bogus=0.2)
        late = make_point(f"{n}d", days=1.5, magnitude=19.2 + 0.1 * n, trigger=True)
        at_once = replace(make_point(f"{n}e", days=1.5, magnitude=19.9, band="r"), is_trigger=True)
        forced = replace(pair, key=f"{n}f", kind=PointKind.FORCED)
        other = replace(forced, flux_njy=forced.flux_njy * 1.3)
        limit = make_limit(f"{n}l", days=-0.5)
        alerts += [
            make_alert(name, early, twin, pair, late, forced, limit, ra=ra, dec=dec),
            replace(
                make_alert(name, twin, pair, early, at_once, other, limit, ra=ra, dec=dec + 1e-4),
                scores={"rb": 0.3, "drb": 0.4},
            ),
            make_alert(name, replace(early, is_trigger=True), ra=ra + 1e-4, dec=dec),
        ]
    return alerts


def stored(alerts: list[ObjectAlert], *, batch: int) -> dict[str, object]:
    """What is left of a night once it is stored, scored and ranked."""
    event = make_event("S261101zz", time=NIGHT)
    for first in range(0, len(alerts), batch):
        hold_events()
        match_targets(store_alerts(alerts[first : first + batch]).changed)
    score_due(most=100)
    rank_event(event)
    summaries = TargetSummary.objects.order_by("target__name").values("target__name", "target__ra")
    fields = [field.attname for field in TargetSummary._meta.fields]
    summaries = summaries.values(
        "target__name", "target__ra", "target__dec", *(set(fields) - NOT_COMPARED)
    )
    points = LightCurvePoint.objects.order_by("target__name", "kind", "key")
    scores = Score.objects.order_by("target__name", "scorer")
    places = RankedCandidate.objects.newest().in_order()
    levels = EventCandidate.objects.order_by("target__name")
    found = {
        "summaries": list(summaries),
        "points": list(points.values("target__name", "kind", "key", "time", "flux", "real_bogus")),
        "scores": list(scores.values("target__name", "scorer", "probability", "sigma", "reason")),
        "places": list(places.values("candidate__target__name", "log_weight", "terms")),
        "levels": list(levels.values("target__name", "probdensity", "rank", "log_weight")),
    }
    event.delete()
    for summary in TargetSummary.objects.select_related("target"):
        summary.target.delete()
    return found


@pytest.mark.parametrize("batch", [4, *(pytest.param(n, marks=pytest.mark.soak) for n in (1, 100))])
def test_a_night_in_another_order_is_the_same_night(batch):
    alerts = night()
    first = stored(alerts, batch=100)
    assert len(first["summaries"]) == 5
    assert len(first["places"]) == 5
    assert any(row["probability"] for row in first["scores"])

    shuffled = random.Random(batch).sample(alerts, len(alerts))
    again = stored(shuffled, batch=batch)

    assert again == first
    assert stored(alerts[::-1], batch=batch) == first


def test_a_target_stands_where_its_earliest_alert_saw_it():
    late = make_alert("ZTF26a", make_point("2", days=1, trigger=True), ra=10.0, dec=5.0)
    early = make_alert("ZTF26a", make_point("1", trigger=True), ra=10.001, dec=5.001)
    changes = [store_alerts([alert]).changed for alert in (late, early, late)]

    summary = TargetSummary.objects.select_related("target").get()
    assert (summary.target.ra, summary.target.dec) == (10.001, 5.001)
    assert summary.position_time == NIGHT
    assert [bool(each) for each in changes] == [True, True, False]


def test_ties_are_ranked_by_name_however_they_came():
    event = make_event("S261101zy", time=NIGHT)
    for name in ("ZTF26b", "ZTF26c", "ZTF26a"):
        hold_events()
        alert = make_alert(name, make_point(name, days=0.5, trigger=True), ra=197.45, dec=-23.38)
        match_targets(store_alerts([alert]).changed)

    rank_event(event)

    names = event.candidates.order_by("rank").values_list("target__name", flat=True)
    assert list(names) == ["ZTF26a", "ZTF26b", "ZTF26c"]


def test_pages_draw_points_of_one_moment_in_one_order():
    points = [SparkPoint(NIGHT, band, 5000.0 * (k + 1), 100.0) for k, band in enumerate("grig")]
    later = SparkPoint(NIGHT + timedelta(days=1), "g", 4000.0, 100.0)
    rng = np.random.default_rng(3)
    drawn = {
        draw_sparkline([points[i] for i in rng.permutation(4)] + [later], since=NIGHT)
        for _ in range(8)
    }

    assert len(drawn) == 1
