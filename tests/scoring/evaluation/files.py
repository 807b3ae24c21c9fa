"""Small files of light curves and labels, and scorers for them."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl

from tom.scoring.card import REQUIRED_SECTIONS

SCORERS = '''
"""Scorers of tests: one that tells the class from the magnitude, one that is fitted."""

import json
from pathlib import Path

import numpy as np

from tom.scoring.contract import Batch, Contribution, Reason, ScoreBatch, ScorerSpec

CLASSES = ("supernova Ia", "supernova II")


def make_spec(name, **more):
    return ScorerSpec(
        name=name, version="1.0.0", inputs=("lightcurve",), classes=CLASSES, prior=(0.5, 0.5),
        licence="GPL-3.0-or-later", card=f"{name}.md", **more,
    )


class ByBrightness:
    """Takes what is brighter than 18 mag for a Ia, with this chance."""

    spec = make_spec("by_brightness")
    sure = 0.9

    def setup(self, artefacts):
        pass

    def eligible(self, batch):
        return np.where(batch.n_detections >= 2, Reason.OK, Reason.TOO_FEW_POINTS)

    def score(self, batch):
        bright = np.array([np.nanmax(batch.flux[batch.rows(i)]) for i in range(len(batch))])
        chance = np.where(bright > 10 ** ((31.4 - 18) / 2.5), self.sure, 1 - self.sure)
        return ScoreBatch(np.stack([chance, 1 - chance], axis=1), np.ones(len(batch)))

    def explain(self, batch):
        return [Contribution(str(name), "light", 0.0, "light") for name in batch.object_ids]


class Worse(ByBrightness):
    """Takes it the other way round."""

    spec = make_spec("worse")
    sure = 0.1


class Dying(ByBrightness):
    """Ends its process."""

    spec = make_spec("dying")

    def score(self, batch):
        raise SystemExit


class Memory(ByBrightness):
    """Knows by heart the magnitudes of the objects that it was fitted on, and their labels."""

    spec = make_spec(
        "memory", artefact="memory.json", trained_on="trained.txt",
        artefact_sha256="44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a",
    )

    def setup(self, artefacts):
        self.known = json.loads((artefacts / "memory.json").read_text())

    def fit(self, batch, labels):
        return json.dumps(dict(zip(map(self.key, *self.rows(batch)), labels))).encode()

    def rows(self, batch):
        return [batch] * len(batch), range(len(batch))

    def key(self, batch, row):
        return f"{batch.flux[batch.rows(row)][0]:.6g}"

    def score(self, batch):
        told = [self.known.get(key) for key in map(self.key, *self.rows(batch))]
        chance = np.array([{"supernova Ia": 0.99, "supernova II": 0.01}.get(t, 0.5) for t in told])
        return ScoreBatch(np.stack([chance, 1 - chance], axis=1), np.ones(len(batch)))
'''


def write_scorers(folder: Path, *, trained: Sequence[str] = ()) -> str:
    """Write the scorers as a package `made_scorers`; return its name."""
    package = folder / "made_scorers"
    package.mkdir()
    (package / "__init__.py").write_text(textwrap.dedent(SCORERS))
    sections = "".join(f"\n## {section}\nSaid.\n" for section in REQUIRED_SECTIONS)
    prior = '{"supernova Ia" = 0.5, "supernova II" = 0.5}'
    for name in ("by_brightness", "worse", "dying", "memory"):
        front = f'name = "{name}"\nversion = "1.0.0"\nprior = {prior}'
        (package / f"{name}.md").write_text(f"+++\n{front}\n+++\n# {name}\n{sections}")
    (package / "memory.json").write_text("{}")
    (package / "trained.txt").write_text("\n".join(trained))
    return "made_scorers"


def write_light(path: Path, curves: Mapping[str, Sequence[float]], **more: object) -> Path:
    """Write light curves of these magnitudes, a day apart, alternately in g and r."""
    rows = [
        {"oid": name, "mjd": 61000.0 + day, "band": "gr"[day % 2], "mag": mag, "magerr": 0.05}
        | more
        for name, mags in curves.items()
        for day, mag in enumerate(mags)
    ]
    pl.DataFrame(rows).write_parquet(path)
    return path


def write_labels(path: Path, labels: Mapping[str, str], **more: Sequence[object]) -> Path:
    """Write labels, with more columns."""
    frame = pl.DataFrame({"oid": list(labels), "cls": list(labels.values())} | more)
    frame.write_parquet(path)
    return path
