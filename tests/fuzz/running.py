"""Send damaged messages through every parser, and say what went wrong."""

import resource
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random

from tests.fuzz.checks import check_record, check_trigger
from tests.fuzz.huge import enlarge
from tests.fuzz.mutations import mutate
from tests.fuzz.samples import Samples
from tom.formats.describe import describe
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.networks import FILE_TOPIC
from tom.forms.recognition import claims, identify
from tom.forms.registry import forms

SECONDS = 1.0
MOST_GROWTH_MB = 200
MOST_ADDRESSES = 3 * 1024**3  # bytes


@dataclass
class Found:
    """What became of the messages."""

    read: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    # Of the triggers alone, by the form and which of the two.
    triggers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    # By the parser and the last line of the fault: the first message that showed it.
    faults: dict[tuple[str, str], tuple[str, bytes]] = field(default_factory=dict)
    n_faults: int = 0

    def note(self, name: str, why: str, payload: bytes) -> None:
        """Keep the first message that shows a fault."""
        self.n_faults += 1
        self.faults.setdefault((name, why.strip().rpartition("\n")[2][:80]), (why, payload))

    def add(self, other: "Found") -> None:
        """Count what became of other messages, too."""
        self.read += other.read
        self.refused += other.refused
        self.triggers += other.triggers
        self.slowest = max(self.slowest, other.slowest)
        self.n_faults += other.n_faults
        self.faults = other.faults | self.faults

    @property
    def peak_mb(self) -> float:
        """The most memory that this process had."""
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def fuzz(samples: Samples, *, messages: int, seed: int) -> Found:
    """Damage `messages` of the samples, each form's in turn, and parse them."""
    random, found = Random(seed), Found()
    names = [name for name in samples if forms()[name].parse]
    everything = [payload for payloads in samples.values() for payload in payloads]
    with _bounded_memory():
        for number in range(messages):
            name = names[number % len(names)]
            payload = mutate(random.choice(samples[name]), everything, random)
            look_at(name, payload, found)
    return found


def fuzz_huge(samples: Samples, *, messages: int, seed: int) -> Found:
    """Fill a place of `messages` of the samples with 10 MB, each form's in turn, and parse them."""
    random, found = Random(seed), Found()
    names = [name for name in samples if forms()[name].parse]
    with _bounded_memory():
        for number in range(messages):
            name = names[number % len(names)]
            payload = enlarge(random.choice(samples[name]), random)
            if payload is not None:
                look_at(name, payload, found)
    return found


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """An allocation beyond all measure fails here, and takes nothing from the machine."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (MOST_ADDRESSES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)


def look_at(name: str, payload: bytes, found: Found) -> None:
    """Parse a message, and do what the intake does before that."""
    parse = forms()[name].parse
    begun, had = time.process_time(), found.peak_mb
    try:
        record = parse(payload) if parse else None
        check_record(record)
        found.read[name] += 1
    except (MalformedAlertError, UnhandledAlertError):
        found.refused[name] += 1
    except Exception:  # noqa: BLE001  whatever escapes a parser is what is looked for
        found.note(name, traceback.format_exc(limit=-3), payload)
    _note_time(name, begun, payload, found)
    begun = time.process_time()
    _read_trigger(name, payload, found)
    _note_time(f"{name} (trigger)", begun, payload, found)
    for look in (partial(identify, FILE_TOPIC), partial(claims, name), describe):
        begun = time.process_time()
        try:
            look(payload)
        except Exception:  # noqa: BLE001  as above
            found.note(f"{name} (recognised)", traceback.format_exc(limit=-3), payload)
        _note_time(f"{name} (recognised)", begun, payload, found)
    if found.peak_mb - had > MOST_GROWTH_MB:
        found.note(name, f"took {found.peak_mb - had:.0f} MB", payload)


def _note_time(name: str, begun: float, payload: bytes, found: Found) -> None:
    took = time.process_time() - begun
    found.slowest = max(found.slowest, took)
    if took > SECONDS:
        found.note(name, f"took {took:.1f} s", payload)


def _read_trigger(name: str, payload: bytes, found: Found) -> None:
    """What a stream's filter looks at before anything else is read."""
    read = forms()[name].read_trigger
    if read is None:
        return
    try:
        check_trigger(read(payload))
        found.triggers[f"{name} read"] += 1
    except (MalformedAlertError, UnhandledAlertError) as error:
        found.triggers[f"{name} refused"] += 1
        if not str(error):
            found.note(f"{name} (trigger)", "refused without a reason", payload)
    except Exception:  # noqa: BLE001  as above
        found.note(f"{name} (trigger)", traceback.format_exc(limit=-3), payload)


def keep_faults(found: Found, folder: Path) -> None:
    """Write each message that broke a parser to a file of its own."""
    for number, ((name, _), (why, payload)) in enumerate(found.faults.items()):
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{number:03}-{name.split()[0]}").write_bytes(payload)
        (folder / f"{number:03}-{name.split()[0]}.txt").write_text(why)
