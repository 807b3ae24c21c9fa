"""The packets that come by the million are all different objects, and some of them pass."""

from pathlib import Path

import pytest

from tests.recovery.million import EACH, ONE_PASSES_OF, make_packets, make_whole, slope_mb
from tom.surveys.lsst.packets import parse_framed
from tom.surveys.ztf.packets import parse_ztf


def test_each_packet_is_of_another_object_at_another_place() -> None:
    told = [parse_framed(packet) for packet in make_packets(100)]

    for values in (
        {alert.object_id for alert in told},
        {alert.alert_id for alert in told},
        {(alert.ra, alert.dec) for alert in told},
    ):
        assert len(values) == 100
    passed = [number for number, alert in enumerate(told) if alert.scores["reliability"] > 0.97]
    assert passed == list(range(0, 100, ONE_PASSES_OF))


def test_real_packets_come_night_by_night_of_objects_at_places_of_their_own(
    real_data: Path, monkeypatch
) -> None:
    monkeypatch.setenv("TOM_REAL_DATA", str(real_data))

    told = [parse_ztf(packet) for packet in make_whole(4 * EACH)]

    assert len({(alert.object_id, alert.ra, alert.dec) for alert in told}) == 4
    assert len({(alert.object_id, alert.time) for alert in told}) == 4 * EACH
    assert sorted(told, key=lambda alert: alert.time) == told


def test_the_slope_is_that_of_the_second_half() -> None:
    samples = [{"judged": 10_000 * n, "ingester_mb": 300 + max(0, 2 * n - 20)} for n in range(21)]

    assert slope_mb(samples) == pytest.approx(20)
