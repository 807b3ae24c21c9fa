"""The packets that come by the million are all different objects, and some of them pass."""

from tests.recovery.million import ONE_PASSES_OF, make_packets
from tom.surveys.lsst.packets import parse_framed


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
