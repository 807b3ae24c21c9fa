"""Say what the scorer thinks of alerts in ELAsTiCC's form `brokerClassification` 0.9.1.

python -m ml_plugins.early_elasticc.messages OUT ALERT ... [--broker NAME]

ALERT is a packet (an Avro object container). OUT becomes one object container with a message for
each alert that the scorer judges; the others are counted. Sending it is left to you: nothing here
knows a network. The form: https://github.com/LSSTDESC/elasticc/tree/main/alert_schema
"""

import sys
from argparse import ArgumentParser
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import fastavro
import numpy as np

from ml_plugins.early_elasticc import NUMBERS, EarlyElasticc
from ml_plugins.early_elasticc.alerts import curve_of
from tom.scoring.contract import Batch, Reason

_MOMENT: Final = {"type": "long", "logicalType": "timestamp-millis"}
_CHANCE: Final = {
    "name": "classificationDict",
    "type": "record",
    "fields": [{"name": "classId", "type": "int"}, {"name": "probability", "type": "float"}],
}
SCHEMA: Final = fastavro.parse_schema(
    {
        "namespace": "elasticc.v0_9_1",
        "name": "brokerClassfication",  # so it is spelt there
        "type": "record",
        "fields": [
            {"name": "alertId", "type": "long"},
            {"name": "diaSourceId", "type": "long"},
            {"name": "elasticcPublishTimestamp", "type": _MOMENT},
            {"name": "brokerIngestTimestamp", "type": ["null", _MOMENT]},
            {"name": "brokerName", "type": "string"},
            {"name": "brokerVersion", "type": "string"},
            {"name": "classifierName", "type": "string"},
            {"name": "classifierParams", "type": "string"},
            {"name": "classifications", "type": {"type": "array", "items": _CHANCE}},
        ],
    }
)


def messages_of(
    scorer: EarlyElasticc,
    alerts: Sequence[Mapping[str, Any]],
    *,
    broker: str,
    published: datetime,
) -> list[dict[str, Any]]:
    """Return a message for each alert that the scorer judges, in their order.

    `published` stands where the alert's own time of publication would: a packet does not tell it.
    """
    batch = Batch.build([curve_of(alert) for alert in alerts])
    judged = np.flatnonzero(scorer.eligible(batch) == Reason.OK)
    chances = scorer.score(batch.take(judged)).probability.tolist()
    return [
        {
            "alertId": int(alerts[row]["alertId"]),
            "diaSourceId": int(alerts[row]["diaSource"]["diaSourceId"]),
            "elasticcPublishTimestamp": published,
            "brokerIngestTimestamp": published,
            "brokerName": broker,
            "brokerVersion": scorer.spec.version,
            "classifierName": f"{scorer.spec.name} {scorer.spec.version}",
            "classifierParams": "",
            "classifications": [
                {"classId": number, "probability": chance}
                for number, chance in zip(NUMBERS, chances_of_one, strict=True)
            ],
        }
        for row, chances_of_one in zip(judged.tolist(), chances, strict=True)
    ]


def read_alerts(paths: Iterable[Path]) -> list[Mapping[str, Any]]:
    """Read the alerts of some packets.

    Raises
    ------
    ValueError
        If a file is no Avro object container.
    """
    alerts: list[Mapping[str, Any]] = []
    for path in paths:
        with path.open("rb") as file:
            alerts += [alert for alert in fastavro.reader(file) if isinstance(alert, dict)]
    return alerts


def main(arguments: Sequence[str]) -> None:
    """Write the messages; print how many there are."""
    parser = ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("alerts", type=Path, nargs="+")
    parser.add_argument("--broker", default="Counterpart")
    told = parser.parse_args(arguments)
    scorer = EarlyElasticc()
    scorer.setup(Path(__file__).parent)
    alerts = read_alerts(told.alerts)
    said = messages_of(
        scorer,
        alerts,
        broker=told.broker,
        published=datetime.now(UTC),
    )
    with told.out.open("wb") as file:
        fastavro.writer(file, SCHEMA, said)
    sys.stdout.write(f"{len(alerts)} alerts, {len(said)} messages in {told.out}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
