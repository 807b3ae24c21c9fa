"""A night as a folder: its messages as files in their order, the truth in a separate file.

`messages/00042.<topic>.avro` (or `.json`) has the forty-second message. `night.json` has the seed,
the merger's time and each message's time. `truth.json` says what each object is.
"""

import json
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

from tom.demo.night import Message, Night, Truth

AVRO_MAGIC = b"Obj\x01"


def write_night(night: Night, folder: Path) -> None:
    """Write a night into a folder; the folder is made if it is missing.

    Raises
    ------
    FileExistsError
        If the folder has messages already: two nights must not be mixed.
    """
    write_messages(night, folder)
    truth = [asdict(row) | {"first_seen": row.first_seen.isoformat()} for row in night.truth]
    (folder / "truth.json").write_text(json.dumps(truth, indent=1))


def write_messages(night: Night, folder: Path) -> None:
    """Write what the streams sent, without the truth; raises what `write_night` raises."""
    messages = folder / "messages"
    messages.mkdir(parents=True)
    for number, message in enumerate(night.messages):
        suffix = "avro" if message.payload.startswith(AVRO_MAGIC) else "json"
        (messages / f"{number:05d}.{message.topic}.{suffix}").write_bytes(message.payload)
    about = {
        "seed": night.seed,
        "merger_time": night.merger_time.isoformat(),
        "times": [message.time.isoformat() for message in night.messages],
    }
    (folder / "night.json").write_text(json.dumps(about))


def read_night(folder: Path) -> Night:
    """Read a night that `write_night` wrote."""
    about = json.loads((folder / "night.json").read_text())
    files = sorted((folder / "messages").iterdir())
    messages = [
        Message(
            topic=file.name.partition(".")[2].rpartition(".")[0],
            payload=file.read_bytes(),
            time=datetime.fromisoformat(time),
        )
        for file, time in zip(files, about["times"], strict=True)
    ]
    truth = [
        Truth(**row | {"first_seen": datetime.fromisoformat(row["first_seen"])})
        for row in json.loads((folder / "truth.json").read_text())
    ]
    return Night(
        seed=about["seed"],
        merger_time=datetime.fromisoformat(about["merger_time"]),
        messages=messages,
        truth=truth,
    )
