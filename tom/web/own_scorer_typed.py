"""What a scorer's version was typed as: the form of its next version begins with that."""

from pathlib import Path
from typing import Any

from tom.scoring.card import FENCE, NOT_STATED, InvalidCardError, read_card
from tom.scoring.own_models import OwnKind, OwnScorer, OwnVersion
from tom.web.own_scorer_form import STATED, section_key

# The options of a model that its form asks for by the same names.
OPTIONS = ("layout", "missing", "least", "sigma")


def typed_before(scorer: OwnScorer) -> dict[str, Any]:
    """Return the fields of the version in force, with the next number; {}: there is none.

    A model's file is not among them: a browser takes no file from a page.
    """
    version = scorer.in_force
    if version is None:
        return {}
    spec = version.spec
    typed = {
        "version": _next_number(scorer),
        "licence": spec["licence"],
        "seconds_per_object": spec["seconds_per_object"],
        "memory_mb": version.memory_mb,
        **_stated(version),
    }
    if scorer.kind == OwnKind.FILTER:
        return typed | {"source": bytes(version.artefact).decode()}
    shares = zip(spec["classes"], spec["prior"], strict=True)
    return typed | {
        "answers": spec["kind"],
        "classes": "\n".join(f"{name} {share!r}" for name, share in shares),
        "features": "\n".join(version.options.get("features", ())),
        **{name: version.options.get(name) for name in OPTIONS},
    }


def _next_number(scorer: OwnScorer) -> str:
    numbers = scorer.versions.values_list("version", flat=True)
    major, minor, _ = max(tuple(map(int, number.split("."))) for number in numbers)
    return f"{major}.{minor + 1}.0"


def _stated(version: OwnVersion) -> dict[str, str]:
    """Return what its card says, by the fields of the form; {}: it cannot be read."""
    try:
        sections = read_card(version.card, Path(version.version)).sections
    except InvalidCardError:
        return {}
    _, _, body = version.card.split(FENCE, 2)
    told = {name: sections[name] for name in STATED if sections[name] != NOT_STATED}
    about = body.partition("\n## ")[0].strip()
    return {"about": about} | {section_key(name): text for name, text in told.items()}
