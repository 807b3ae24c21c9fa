"""The model card: a scorer's training data, its measured quality, and its limits."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tom.scoring.contract import ScorerSpec

REQUIRED_SECTIONS = (
    "Training set",
    "Class counts",
    "Split",
    "Metrics",
    "Reliability",
    "Known biases",
    "Out of scope",
    "Uses to refuse",
    "Prior",
)
FENCE = "+++"
NOT_STATED = "Not stated by who added it."


class InvalidCardError(ValueError):
    """A model card is absent, incomplete or of another scorer; the plugin's author corrects it."""


@dataclass(frozen=True)
class ModelCard:
    """One parsed card; `sections` maps a heading to its text."""

    name: str
    version: str
    prior: dict[str, float]
    sections: dict[str, str]


def load_card(path: Path) -> ModelCard:
    """Read a card: TOML between two `+++` lines, then Markdown with the required headings.

    Raises
    ------
    InvalidCardError
        If the file cannot be read, the front matter lacks `name`, `version` or `prior`, or a
        required section is absent or empty.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        message = f"no model card at {path}: {error}"
        raise InvalidCardError(message) from error
    return read_card(text, path)


def write_card(spec: ScorerSpec, about: str, sections: Mapping[str, str]) -> str:
    """Return the text of a card for a specification; `sections` has its texts by heading.

    A section without a text says so: nothing is measured here.
    """
    shares = "\n".join(
        f'"{name}" = {float(share)!r}' for name, share in zip(spec.classes, spec.prior, strict=True)
    )
    front = f'name = "{spec.name}"\nversion = "{spec.version}"\n\n[prior]\n{shares}'
    given = {name: sections.get(name, "").strip() or NOT_STATED for name in REQUIRED_SECTIONS}
    body = "".join(f"\n## {name}\n\n{_without_headings(text)}\n" for name, text in given.items())
    return f"{FENCE}\n{front}\n{FENCE}\n\n{_without_headings(about)}\n{body}"


def _without_headings(text: str) -> str:
    return "\n".join(line.lstrip("#+ ") for line in text.splitlines())


def read_card(text: str, path: Path) -> ModelCard:
    """Read a card's text, which stands at `path`; errors as in `load_card`."""
    front, body = _split_front_matter(text, path)
    sections = _sections(body)
    missing = [name for name in REQUIRED_SECTIONS if not sections.get(name)]
    if missing:
        message = f"{path}: empty or absent sections: {', '.join(missing)}"
        raise InvalidCardError(message)
    name, version, prior = _identity(front, path)
    return ModelCard(name=name, version=version, prior=prior, sections=sections)


def check_card(card: ModelCard, spec: ScorerSpec) -> None:
    """Refuse a card whose scorer, version or prior differs from the specification."""
    declared = dict(zip(spec.classes, spec.prior, strict=True))
    agrees = (
        (card.name == spec.name, "name"),
        (card.version == spec.version, "version"),
        (card.prior == declared, "prior"),
    )
    for same, what in agrees:
        if not same:
            message = f"the card of scorer {spec.name!r} states another {what}"
            raise InvalidCardError(message)


def _split_front_matter(text: str, path: Path) -> tuple[dict[str, object], str]:
    lines = text.splitlines()
    fences = [number for number, line in enumerate(lines) if line.strip() == FENCE][:2]
    if len(fences) < 2 or fences[0] != 0:
        message = f"{path}: the card must begin with TOML between two {FENCE} lines"
        raise InvalidCardError(message)
    try:
        front = tomllib.loads("\n".join(lines[1 : fences[1]]))
    except tomllib.TOMLDecodeError as error:
        message = f"{path}: {error}"
        raise InvalidCardError(message) from error
    return front, "\n".join(lines[fences[1] + 1 :])


def _identity(front: dict[str, object], path: Path) -> tuple[str, str, dict[str, float]]:
    name, version, prior = front.get("name"), front.get("version"), front.get("prior")
    if isinstance(name, str) and isinstance(version, str) and isinstance(prior, dict):
        shares = {label: share for label, share in prior.items() if isinstance(share, float)}
        if len(shares) == len(prior):
            return name, version, shares
    message = f"{path}: name, version and a table prior of class to share are required"
    raise InvalidCardError(message)


def _sections(body: str) -> dict[str, str]:
    sections: dict[str, list[str]] = {}
    title = ""
    for line in body.splitlines():
        if line.startswith("## "):
            title = line[3:].strip()
        sections.setdefault(title, []).append("" if line.startswith("## ") else line)
    return {name: "\n".join(lines).strip() for name, lines in sections.items()}
