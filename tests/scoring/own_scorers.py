"""Parts of scorers that people add, for tests."""

import numpy as np
from django.contrib.auth.models import Group, User

from tests.scoring.onnx_models import make_model
from tom.scoring.contract import ScorerKind, ScorerSpec
from tom.scoring.filter_tags import read_tags
from tom.scoring.models import OwnScorer, OwnVersion
from tom.scoring.own import LAYOUTS, Parts, hash_of
from tom.scoring.own_services import add_scorer, add_version

POINTS = (200, 6)
WEIGHTS = np.random.default_rng(1).normal(0, 0.002, (200 * 6, 2))


def onnx_parts(
    *, model: bytes = b"", layout: str = "lightcurve", memory_mb: int = 1500, **changes: object
) -> Parts:
    """Make a model of two classes; of a light curve's points unless another layout is given."""
    model = model or make_model(["n", *POINTS], WEIGHTS)
    fields = {
        "name": "own_made",
        "version": "1.0.0",
        "inputs": LAYOUTS[layout].inputs,
        "classes": ("kilonova", "other"),
        "prior": (0.1, 0.9),
        "licence": "GPL-3.0-or-later",
        "card": "card.md",
        "artefact": "model.onnx",
        "artefact_sha256": hash_of(model),
        "batch_size": 64,
        "seconds_per_object": 0.02,
    }
    spec = ScorerSpec(**{**fields, **changes})
    options = {"layout": layout, "least": 1, "sigma": 1.0}
    return Parts("ml_plugins.onnx.Onnx", spec, model, options, memory_mb)


def filter_parts(source: str, *, memory_mb: int = 1500, **changes: object) -> Parts:
    """Make a filter of its source."""
    tags = tuple(read_tags(source))
    fields = {
        "name": "own_made",
        "version": "1.0.0",
        "inputs": ("lightcurve", "alert", "place"),
        "classes": tags,
        "prior": tuple([1 / len(tags)] * len(tags)),
        "kind": ScorerKind.RANK,
        "licence": "GPL-3.0-or-later",
        "card": "card.md",
        "artefact": "filter.py",
        "artefact_sha256": hash_of(source.encode()),
        "batch_size": 64,
    }
    spec = ScorerSpec(**{**fields, **changes})
    return Parts("ml_plugins.filter.Filter", spec, source.encode(), {}, memory_mb)


def row_of(parts: Parts, **fields: object) -> OwnVersion:
    """The version of these parts, as a form would make it."""
    return OwnVersion(
        version=parts.spec.version,
        spec=parts.spec_fields,
        options=dict(parts.options),
        card="A card.",
        artefact=parts.artefact,
        sha256=parts.sha256,
        memory_mb=parts.memory_mb,
        **fields,
    )


def keep_onnx(
    name: str = "own_made", *, by: User, group: Group | None = None, **fields: object
) -> OwnScorer:
    """Keep a model as a person adds it; `fields` are of its version."""
    version = row_of(onnx_parts(name=name), **fields)
    return add_scorer(name, "onnx", group=group, version=version, by=by)


def keep_next(scorer: OwnScorer, parts: Parts, *, by: User) -> None:
    """Keep another version."""
    add_version(scorer, row_of(parts), by=by)
