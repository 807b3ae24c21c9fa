"""A written packet is told of other objects without being written again."""

from tests.bench.rubin import FIRST_OBJECT, Renamed
from tests.surveys.lsst.made import fill as filled
from tests.surveys.lsst.made import make_forced, make_record, make_source
from tom.surveys.lsst.packets import parse_framed, read_framed_trigger
from tom.surveys.lsst.schemas import published


def test_a_packet_told_of_another_object_differs_in_its_names_its_place_and_its_reliability():
    record = make_record(history=[make_source(midpointMjdTai=61_100.0)], forced=[make_forced()])
    packet = Renamed.of(filled(published()[1000].parsed, record))

    first, other = (
        packet.told_of(number, packet.payload, reliability=reliability)
        for number, reliability in ((4, 0.5), (7_204, 0.75))
    )

    triggers = [read_framed_trigger(each) for each in (first, other)]
    places = [(each.object_id, each.ra, each.dec, each.reliability) for each in triggers]
    assert places == [
        (str(FIRST_OBJECT + 4), 0.2, -60.0, 0.5),
        (str(FIRST_OBJECT + 7_204), 0.2, -59.95, 0.75),
    ]
    alert, same = parse_framed(first), parse_framed(other)
    assert len(alert.points) == 3
    assert alert.points[:-1] == same.points[:-1]
    assert alert.trigger.key != same.trigger.key
