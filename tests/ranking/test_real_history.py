"""The history of real packets: what the survey counts is not an earlier activity."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.factories import MERGER, make_event
from tom.candidates.services import match_event
from tom.formats.errors import MalformedAlertError
from tom.ranking.services import newest_ranking, rank_event
from tom.records.alert import ObjectAlert, PointKind
from tom.surveys.ztf.packets import parse_ztf
from tom.targets.store import store_alerts

pytestmark = pytest.mark.django_db
PLACE = {"ra": 197.45, "dec": -23.38}
LEAST_COUNT = 3  # detections that the survey counts and the packet does not hold
LEAST_PACKETS = 10


def counted_beyond_history(real_data: Path) -> list[ObjectAlert]:
    """Real public alerts, one an object, whose survey counts more detections than they hold."""
    found: dict[str, ObjectAlert] = {}
    for path in sorted((real_data / "ztf").rglob("*.avro")):
        try:
            alert = parse_ztf(path.read_bytes())
        except MalformedAlertError:
            continue
        own = [point for point in alert.points if point.kind is PointKind.ALERT]
        beyond = (alert.n_detections or 0) - len(own)
        if alert.program == 1 and alert.is_positive and beyond >= LEAST_COUNT:
            found.setdefault(alert.object_id, alert)
    return list(found.values())


def young(alert: ObjectAlert, *, name: str, n_detections: int | None) -> ObjectAlert:
    """The alert as of an object that began with its first point, an hour after the merger."""
    detections = [point for point in alert.points if point.kind is not PointKind.LIMIT]
    shift = MERGER - min(point.time for point in detections)
    points = tuple(
        replace(point, time=point.time + shift, key=f"{name}:{number}")
        for number, point in enumerate(detections)
    )
    return replace(
        alert,
        **PLACE,
        object_id=name,
        alert_id=f"{name}:alert",
        time=alert.time + shift,
        points=points,
        first_seen=MERGER,
        history_start=None,
        n_detections=n_detections,
        cutouts={},
    )


def test_detections_that_only_the_survey_counts_change_no_chance(real_data: Path) -> None:
    alerts = counted_beyond_history(real_data)
    assert len(alerts) >= LEAST_PACKETS
    event = make_event()
    for number, alert in enumerate(alerts):
        store_alerts([young(alert, name=f"ZTF26counted{number}", n_detections=alert.n_detections)])
        store_alerts([young(alert, name=f"ZTF26uncounted{number}", n_detections=None)])
    match_event(event)

    rank_event(event)

    ranking = newest_ranking(event)
    assert ranking is not None
    places = {place.candidate.target.name: place for place in ranking.places.all()}
    assert len(places) == 2 * len(alerts)
    for number in range(len(alerts)):
        counted, uncounted = places[f"ZTF26counted{number}"], places[f"ZTF26uncounted{number}"]
        assert counted.log_weight == pytest.approx(uncounted.log_weight)
        terms = {term["name"]: term for term in counted.read_terms()}
        assert terms["earlier activity"]["reason"] == "dark here before the event"
