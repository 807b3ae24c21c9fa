"""The messages that the bench sends: the demonstration night, or a few of our own."""

from datetime import UTC, datetime, timedelta

import numpy as np

from tests.streams.packets import JD, make_detection, make_ztf_packet
from tom.demo.gwalerts import TOPIC as GW_TOPIC
from tom.demo.gwalerts import make_chain
from tom.demo.localization import draw_arcs, make_skymap
from tom.demo.night import Message, latest_merger, make_night
from tom.demo.packets import to_datetime, to_jd

SEED = 1
SURVEY_TOPIC = "ztf_bench_programid1"
QUICK_OBJECTS, QUICK_ALERTS = 40, 3


def demonstration_night() -> list[Message]:
    """About 3,000 alerts and an event of three messages; half a minute's work."""
    return make_night(SEED, latest_merger(datetime.now(UTC))).messages


def short_night() -> list[Message]:
    """An event and 120 alerts, in a second."""
    merger = to_datetime(JD) - timedelta(hours=6)
    rng = np.random.default_rng(SEED)
    skymap = make_skymap(draw_arcs(to_jd(merger), rng)[1])
    chain = make_chain(merger_time=merger, preliminary=skymap, update=skymap, rng=rng)
    alerts = [
        Message(SURVEY_TOPIC, _packet(number, alert), to_datetime(JD + alert))
        for alert in range(QUICK_ALERTS)
        for number in range(QUICK_OBJECTS)
    ]
    return [Message(GW_TOPIC, message.payload, message.time) for message in chain] + alerts


def _packet(number: int, alert: int) -> bytes:
    """The alert of an object, with its earlier ones as history."""
    numbers = [
        {"jd": JD + i, "candid": 10**15 + number * 1000 + i, "pid": 10**12 + number * 1000 + i}
        for i in range(alert + 1)
    ]
    return make_ztf_packet(
        object_id=f"ZTF26b{number:06d}",
        ra=9.0 * number,
        dec=number - 20.0,
        jdstarthist=JD,
        history=[make_detection(**values) for values in numbers[:-1]],
        **numbers[-1],
    )
