"""Scorers that fail in every way, for tests of the process in which each is kept."""

import atexit
import ctypes
import os
import time
from pathlib import Path

import numpy as np

from tests.scoring.scorers import Brightness, make_spec
from tom.scoring.card import REQUIRED_SECTIONS
from tom.scoring.contract import (
    Batch,
    Contribution,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

NAMES = (
    *("eternal", "crashing", "greedy", "lying", "quitting", "unloaded", "poisoned", "silent"),
    *("lingering", "wrong", "furnished"),
)


def bad_spec(name: str, **changes: object) -> ScorerSpec:
    """What a scorer says it is that reads what no other does."""
    return make_spec(name=name, inputs=(f"alert.{name}",), card=f"{name}.md", **changes)


def write_plugins(folder: Path) -> list[str]:
    """Write these scorers as a package with their cards; return their dotted paths."""
    package = folder / "bad_plugins"
    package.mkdir()
    (package / "__init__.py").write_text(Path(__file__).read_text())
    for name in NAMES:
        front = f'name = "{name}"\nversion = "1.0.0"\nprior = {{bright = 0.25, faint = 0.75}}'
        sections = "".join(f"\n## {section}\nSaid.\n" for section in REQUIRED_SECTIONS)
        (package / f"{name}.md").write_text(f"+++\n{front}\n+++\n# {name}\n{sections}")
    return [f"bad_plugins.{name.title()}" for name in NAMES]


class Eternal(Brightness):
    """Never answers."""

    spec = bad_spec("eternal")

    def score(self, batch: Batch) -> ScoreBatch:
        while True:
            time.sleep(1)


class Crashing(Brightness):
    """Ends its process by reading where nothing is."""

    spec = bad_spec("crashing")

    def score(self, batch: Batch) -> ScoreBatch:
        ctypes.string_at(0)
        raise AssertionError


class Greedy(Brightness):
    """Takes 10 GB."""

    spec = bad_spec("greedy")

    def score(self, batch: Batch) -> ScoreBatch:
        np.ones(10 * 1024**3 // 8)
        return super().score(batch)


class Lying(Brightness):
    """Writes an answer of its own making on every channel that it has."""

    spec = bad_spec("lying")

    def score(self, batch: Batch) -> ScoreBatch:
        said = b'[["somebody else", [2.0, 2.0], -1]]'
        for fd in range(1, 64):
            try:
                os.write(fd, len(said).to_bytes(4, "big") + said)
            except OSError:
                continue
        return super().score(batch)


class Quitting(Brightness):
    """Ends its process in order."""

    spec = bad_spec("quitting")

    def score(self, batch: Batch) -> ScoreBatch:
        raise SystemExit(3)


class Lingering(Brightness):
    """Ends its process in order, and is slow about it."""

    spec = bad_spec("lingering")

    def score(self, batch: Batch) -> ScoreBatch:
        atexit.register(time.sleep, 1)
        raise SystemExit(3)


class Wrong(Brightness):
    """Fails on every object."""

    spec = bad_spec("wrong")

    def score(self, batch: Batch) -> ScoreBatch:
        message = "it has no idea"
        raise ValueError(message)


class Unloaded(Brightness):
    """Ends its process before it is ready."""

    spec = bad_spec("unloaded")

    def setup(self, artefacts: Path) -> None:
        os._exit(4)


class Furnished(Brightness):
    """Says the number in a file of the site's, and cannot be loaded if there is no number in it."""

    spec = bad_spec("furnished")

    def setup(self, artefacts: Path) -> None:
        file = artefacts / "number.txt"
        self.number = float(file.read_text()) if file.exists() else None

    def eligible(self, batch: Batch) -> IntArray:
        reason = Reason.NOT_GIVEN if self.number is None else Reason.OK
        return np.full(len(batch), reason)

    def score(self, batch: Batch) -> ScoreBatch:
        return self.answer(np.full((len(batch), 2), [self.number, 1 - self.number]), batch.ra * 0)


class Poisoned(Brightness):
    """Ends its process on one object alone."""

    spec = bad_spec("poisoned", batch_size=512)

    def score(self, batch: Batch) -> ScoreBatch:
        if np.any(batch.ra == 7.0):
            os.abort()
        return super().score(batch)


class Silent(Brightness):
    """Judges, and never explains."""

    spec = bad_spec("silent")

    def explain(self, batch: Batch) -> list[Contribution]:
        while True:
            time.sleep(1)
