"""One night for all tests of it: making it takes some ten seconds."""

from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import fastavro
import numpy as np
import pytest

from tom.demo import Night, make_night
from tom.demo.fields import field_at
from tom.demo.packets import to_jd
from tom.demo.spots import Group, Spot
from tom.demo.survey import plan_survey

SEED = 1
MERGER_TIME = datetime(2026, 11, 18, 11, 20, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def night() -> Night:
    """The demonstration night of seed 1."""
    return make_night(SEED, MERGER_TIME)


@pytest.fixture(scope="session")
def packets(night: Night) -> list[dict[str, Any]]:
    """Its survey packets, as Avro has them."""
    return [
        next(iter(fastavro.reader(BytesIO(message.payload))))
        for message in night.messages
        if message.topic.startswith("ztf")
    ]


@pytest.fixture(scope="session")
def spot() -> Spot:
    """A place high in the sky of Palomar, with the survey's exposures of it."""
    merger_jd = to_jd(MERGER_TIME)
    field = field_at(np.array([45.0]), np.array([30.0]))[0]
    exposures = plan_survey(
        public=field, follow_up=field, merger_jd=merger_jd, rng=np.random.default_rng(3)
    )
    return Spot(45.0, 30.0, 0.05, Group.ELSEWHERE, merger_jd, exposures)
