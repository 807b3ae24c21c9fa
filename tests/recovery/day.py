"""What a GCN broker serves in a day: a real chain, a retracted event, notices, and circulars.

The messages are the real ones of `TOM_REAL_DATA`. Of LVK's the ids and times are moved into the
day: it ends when the feeding does, so that no message is dated in the future. Circulars about other
events of LVK's become circulars about the day's.
"""

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

HOURS: Final = 24.0
GW, CIRCULARS, HEARTBEAT = "igwn.gwalert", "gcn.circulars", "gcn.heartbeat"
# Hours into the day, the file, and whose message it becomes.
CHAIN: Final = (
    (1.0, "S230518h-Preliminary_alert.json", "kept"),
    (1.5, "S230518h-Preliminary_alert.json", "kept"),  # as the broker sends it twice
    (3.5, "S230518h-Initial_alert.json", "kept"),
    (6.0, "S230522a-Preliminary_alert.json", "withdrawn"),
    (8.0, "MS181101ab-retraction.json", "withdrawn"),
    (14.0, "S230518h-Update_alert.json", "kept"),
)
ABOUT: Final = re.compile(r"\bS23\d{4}[a-z]{1,2}\b")
MOST_ABOUT: Final = 8


@dataclass(frozen=True)
class Told:
    """One message: when it comes, in hours into the day, on which topic, and its bytes."""

    hour: float
    topic: str
    payload: bytes


@dataclass(frozen=True)
class Day:
    """A day's messages in their order, and the names of its two events."""

    messages: Sequence[Told]
    kept: str
    withdrawn: str
    about_kept: int

    @property
    def topics(self) -> list[str]:
        """Every topic, that of the heartbeat too."""
        return sorted({told.topic for told in self.messages} | {HEARTBEAT})


def make_day(folder: Path, *, end: datetime) -> Day:
    """Read the files, and set them into the day that ends then."""
    start = end.astimezone(UTC) - timedelta(hours=HOURS)
    names = {"kept": f"S{start:%y%m%d}a", "withdrawn": f"S{start:%y%m%d}b"}
    circulars = list(_circulars(folder, names["kept"]))
    about = sum(names["kept"].encode() in told.payload for told in circulars)
    told = [*_chain(folder, start, names), *_notices(folder), *circulars]
    ordered = sorted(told, key=lambda each: each.hour)
    return Day(ordered, names["kept"], names["withdrawn"], about)


def _chain(folder: Path, start: datetime, names: dict[str, str]) -> Iterator[Told]:
    for hour, file, whose in CHAIN:
        alert = json.loads((folder / "gw/lvk" / file).read_text())
        # The second of two that are the same was made when the first one was.
        made = start + timedelta(hours=1.0 if hour == 1.5 else hour)
        alert |= {"superevent_id": names[whose], "time_created": _text(made)}
        alert["urls"] = {"gracedb": f"https://gracedb.ligo.org/superevents/{names[whose]}/view/"}
        if alert["event"]:
            alert["event"]["time"] = _text(made - timedelta(seconds=40))
        yield Told(hour, GW, json.dumps(alert).encode())


def _notices(folder: Path) -> Iterator[Told]:
    """Every example of a notice on the topic of its schema, over the day."""
    schemas = {path.name.removesuffix(".schema.json") for path in folder.glob("gw/gcn/*.schema.*")}
    found = [path for path in sorted(folder.glob("gw/gcn/*.example.json")) if _is_notice(path)]
    for number, path in enumerate(found):
        words = path.name.removesuffix(".example.json").split(".")
        names = [".".join(words[:n]) for n in range(len(words), 0, -1)]
        topic = next((name for name in names if name in schemas), names[-1])
        yield Told(HOURS * number / len(found), f"gcn.notices.{topic.lower()}", path.read_bytes())


def _is_notice(path: Path) -> bool:
    return not path.name.startswith("core.")


def _circulars(folder: Path, event_id: str) -> Iterator[Told]:
    found: list[dict[str, Any]] = json.loads((folder / "gw/circulars.json").read_text())
    about = 0
    for number, circular in enumerate(found):
        text = json.dumps(circular)
        if about < MOST_ABOUT and "LIGO" in str(circular.get("eventId")) and ABOUT.search(text):
            text, about = ABOUT.sub(event_id, text), about + 1
        yield Told(2.0 + (HOURS - 2.0) * number / len(found), CIRCULARS, text.encode())


def _text(time: datetime) -> str:
    return f"{time:%Y-%m-%dT%H:%M:%S.%f}"[:-3] + "Z"
