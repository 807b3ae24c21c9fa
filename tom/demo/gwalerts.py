"""The merger's chain of messages, as LIGO-Virgo-KAGRA send them: preliminary, initial, update."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np

from tom.sky import SkyMap, write_skymap

TOPIC = "igwn.gwalert-demo"
LETTERS = "abcdefghijklmnopqrstuvwxyz"


@dataclass(frozen=True)
class GWMessage:
    """One message of the chain: its type, when it was made, and the JSON."""

    alert_type: str
    time: datetime
    payload: bytes


def superevent_id(merger_time: datetime) -> str:
    """Name the event: `MS` marks a test signal, so it can reach no real facility."""
    merger_time = merger_time.astimezone(UTC)
    letter = LETTERS[merger_time.hour]
    return f"MS{merger_time:%y%m%d}{letter}{LETTERS[merger_time.minute * 26 // 60]}"


def make_chain(
    *,
    merger_time: datetime,
    preliminary: SkyMap,
    update: SkyMap,
    rng: np.random.Generator,
) -> list[GWMessage]:
    """Make the three messages; the initial one repeats the preliminary map, as is common."""
    event = _draw_event(merger_time, rng)
    name = superevent_id(merger_time)
    delays = [
        ("PRELIMINARY", rng.uniform(28, 45), preliminary, ("H1", "L1")),
        ("INITIAL", rng.uniform(1200, 2400), preliminary, ("H1", "L1")),
        ("UPDATE", rng.uniform(7200, 14400), update, ("H1", "L1", "V1")),
    ]
    chain = []
    for alert_type, delay, skymap, instruments in delays:
        created = (merger_time + timedelta(seconds=float(delay))).replace(microsecond=0)
        fits = _map_file(skymap, name=name, merger_time=merger_time, created=created,
                         instruments=instruments)  # fmt: skip
        message = {
            "alert_type": alert_type,
            "time_created": f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
            "superevent_id": name,
            "urls": {"gracedb": f"https://example.org/superevents/{name}/view/"},
            "event": event
            | {"instruments": list(instruments), "skymap": base64.b64encode(fits).decode()},
            "external_coinc": None,
        }
        chain.append(GWMessage(alert_type, created, json.dumps(message).encode()))
    return chain


def _draw_event(merger_time: datetime, rng: np.random.Generator) -> dict[str, object]:
    terrestrial, nsbh = rng.uniform(0.001, 0.02), rng.uniform(0.001, 0.03)
    return {
        "significant": True,
        "time": f"{merger_time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z",
        "far": float(10 ** rng.uniform(-13, -10)),
        "group": "CBC",
        "pipeline": "gstlal",
        "search": "MDC",
        "properties": {
            "HasNS": float(rng.uniform(0.98, 1)),
            "HasRemnant": float(rng.uniform(0.93, 1)),
            "HasMassGap": float(rng.uniform(0, 0.03)),
            "HasSSM": 0.0,
        },
        "classification": {
            "BNS": float(1 - terrestrial - nsbh),
            "NSBH": float(nsbh),
            "BBH": 0.0,
            "Terrestrial": float(terrestrial),
        },
        "duration": None,
        "central_frequency": None,
    }


def _map_file(
    skymap: SkyMap,
    *,
    name: str,
    merger_time: datetime,
    created: datetime,
    instruments: Sequence[str],
) -> bytes:
    header = {
        "OBJECT": name,
        "INSTRUME": ",".join(instruments),
        "DATE-OBS": f"{merger_time.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}",
        "DATE": f"{created.astimezone(UTC):%Y-%m-%dT%H:%M:%S}",
        "CREATOR": "demonstration",
    }
    return write_skymap(skymap, header=header)
