"""Every real file of events is an event, a map, a circular, or is refused with the reason."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tom import intake
from tom.events.models import Circular
from tom.forms.networks import FILE_TOPIC
from tom.sky import MalformedSkyMapError, read_skymap
from tom.streams.models import AlertMessage, MessageState
from tom.streams.services import store_message

USED = {MessageState.STORED, MessageState.KNOWN}
NO_MAPS = {
    "MS181101ab_90pct.moc.fits": "no table with a column PROBDENSITY, PROB, PROBABILITY",
    "oracles.json": "not a FITS file",
}


def test_every_map_is_a_localization_or_is_refused_with_the_reason(real_data: Path) -> None:
    refused = {}
    for path in sorted((real_data / "gw/maps").iterdir()):
        try:
            assert read_skymap(path.read_bytes()).probability.sum() == pytest.approx(1)
        except MalformedSkyMapError as error:
            refused[path.name] = str(error)

    assert refused == NO_MAPS


@pytest.mark.soak  # the tests of each sender look at these closer
@pytest.mark.django_db
def test_every_other_file_is_an_event_a_circular_or_kept_with_the_reason(real_data: Path) -> None:
    used: Counter[str] = Counter()
    for path in sorted((real_data / "gw").rglob("*")):
        if path.is_file() and path.parent.name != "maps" and path.name != "circulars.json":
            message = work(path.read_bytes())
            used[path.parent.name] += message.state in USED
            assert message.reason or message.state in USED, path.name
    circulars = json.loads((real_data / "gw/circulars.json").read_bytes())
    for circular in circulars:
        assert work(json.dumps(circular).encode(), "gcn.circulars").state in USED

    # Schemas, plans, pointings and galaxies are no messages; six notices tell of no event.
    assert {name: n for name, n in used.items() if n} == {"gcn": 43, "lvk": 15, "voevent": 23}
    assert Circular.objects.count() == len({each["circularId"] for each in circulars})


def work(payload: bytes, topic: str = FILE_TOPIC) -> AlertMessage:
    message, _ = store_message(topic, payload)
    intake.work_message(message.pk)
    message.refresh_from_db()
    return message
