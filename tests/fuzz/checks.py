"""What no record may hold, whatever its message was: nonsense would be stored."""

import math
from datetime import UTC, datetime
from typing import Any

from tom.forms.registry import survey_of
from tom.records import Classification, Notice, ObjectAlert, Retelling, Text, Trigger
from tom.records.alert import PointKind

YEARS = (datetime(1900, 1, 1, tzinfo=UTC), datetime(2101, 1, 1, tzinfo=UTC))
BRIGHTEST_NJY = 1e13  # an AB magnitude below -1


def check_record(record: Any) -> None:
    """Raise AssertionError if a record holds what nobody may store."""
    match record:
        case ObjectAlert():
            check_alert(record)
        case Classification():
            check_classification(record)
        case Retelling():
            for alert in record.alerts:
                check_alert(alert)
            for said in record.opinions:
                check_classification(said)
        case Notice():
            assert record.maps is not None
            check_time(record.time)
        case Text():
            check_text(record.subject)
            check_text(record.body)
        case _:
            raise AssertionError(record)


def check_alert(alert: ObjectAlert) -> None:
    check_name(alert.object_id, most=100)
    check_name(alert.alert_id, most=80)
    check_place(alert.ra, alert.dec)
    check_time(alert.time)
    check_time(alert.first_seen)
    assert math.isfinite(alert.magnitude)
    assert len({(point.kind, point.key) for point in alert.points}) == len(alert.points)
    bands = survey_of(alert.survey).bands
    for point in alert.points:
        check_name(point.key, most=80)
        check_time(point.time)
        assert point.band in bands
        assert 0 < point.flux_error_njy < BRIGHTEST_NJY
        assert 0 <= point.program < 2**31
        if point.kind is PointKind.LIMIT:
            assert math.isnan(point.flux_njy)
        else:
            assert abs(point.flux_njy) < BRIGHTEST_NJY
        if point.real_bogus is not None:
            assert 0 <= point.real_bogus <= 1
    assert all(0 <= score <= 1 for score in alert.scores.values())
    if alert.solar_system:
        check_text(alert.solar_system.name)


def check_trigger(trigger: Trigger) -> None:
    """Raise AssertionError if a trigger holds what no filter may judge by."""
    check_name(trigger.object_id, most=100)
    check_name(trigger.alert_id, most=80)
    check_place(trigger.ra, trigger.dec)
    check_time(trigger.time)
    assert trigger.band in survey_of(trigger.survey).bands
    assert math.isfinite(trigger.flux_njy)
    assert 0 <= trigger.program < 2**31
    assert trigger.reliability is None or 0 <= trigger.reliability <= 1


def check_classification(said: Classification) -> None:
    check_name(said.object_id, most=100)
    check_name(said.author, most=64)
    if said.ra is not None:
        check_place(said.ra, said.dec)
    if said.time:
        check_time(said.time)
    for judgement in said.judgements:
        check_name(judgement.classifier, most=100)
        assert len(judgement.version) <= 50
        check_text(judgement.version)
        for name, chance in judgement.probabilities.items():
            check_text(name)
            assert 0 <= chance <= 1


def check_place(ra: float, dec: float | None) -> None:
    assert 0 <= ra < 360
    assert dec is not None
    assert -90 <= dec <= 90


def check_time(time: datetime) -> None:
    assert time.tzinfo is not None
    assert YEARS[0] < time < YEARS[1]


def check_name(name: str, *, most: int) -> None:
    assert 0 < len(name) <= most
    check_text(name)


def check_text(text: str) -> None:
    assert "\x00" not in text
    text.encode()
