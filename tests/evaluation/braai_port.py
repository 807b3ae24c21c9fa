"""Check that a known network's published numbers come out of a model as a person adds it.

python -m tests.evaluation.braai_port DATA
"""

import csv
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from ml_plugins.onnx import Onnx
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, FloatArray, ScorerSpec

STAMPS: Final = ("science", "template", "difference")
ROUNDS: Final = 20
"""How often all alerts are judged, to time it."""


def braai(data: Path) -> Onnx:
    """Return braai's network (Duev et al. 2019, https://doi.org/10.1093/mnras/stz2357), loaded."""
    spec = ScorerSpec(
        name="own_braai",
        version="1.0.0",
        inputs=("cutouts",),
        classes=("real", "bogus"),
        prior=(0.5, 0.5),
        licence="MIT",
        card="card.md",
    )
    model = (data / "weights/braai_d6_m9.onnx").read_bytes()
    network = Onnx(spec, model, {"layout": "cutouts"})
    network.setup(Path("/"))
    return network


def published(data: Path) -> tuple[Batch, FloatArray, int]:
    """Return BTSbot's sample of alerts, their published scores, and of how many objects they are.

    Each alert stands as an object of its own: a score is one of a single alert's stamps.
    """
    with (data / "btsbot/candidates.csv").open() as file:
        rows = list(csv.DictReader(file))
    triplets = np.load(data / "btsbot/triplets.npy")
    curves = [
        make_curve(f"{row}", given={"cutouts": dict(zip(STAMPS, each.T, strict=True))})
        for row, each in enumerate(np.swapaxes(triplets, 1, 2))
    ]
    scores = np.array([float(row["new_drb"]) for row in rows])
    return Batch.build(curves), scores, len({row["objectId"] for row in rows})


def measure(data: Path) -> dict[str, float]:
    """Return the largest difference from the published scores, and milliseconds an alert."""
    network = braai(data)
    batch, scores, objects = published(data)
    told = network.score(batch).probability[:, 0]
    alone = [batch.take([row]) for row in range(len(batch))]
    whole = [_ms(lambda: network.score(batch)) / len(batch) for _ in range(ROUNDS)]
    single = [_ms(lambda each=each: network.score(each)) for _ in range(ROUNDS) for each in alone]
    return {
        "n": len(scores),
        "objects": objects,
        "largest_difference": float(np.abs(told - scores).max()),
        "batch_ms_median": float(np.median(whole)),
        "batch_ms_least": float(np.min(whole)),
        "single_ms_median": float(np.median(single)),
        "single_ms_least": float(np.min(single)),
        "load": os.getloadavg()[0],
    }


def main(arguments: list[str]) -> None:
    """Print the figures as one line."""
    (data,) = arguments
    sys.stdout.write(json.dumps(measure(Path(data) / "ml")) + "\n")


def _ms(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return (time.perf_counter() - start) * 1000


if __name__ == "__main__":
    main(sys.argv[1:])
