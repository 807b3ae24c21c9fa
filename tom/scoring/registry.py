"""Find, check and load the scoring plugins; this module names none of them."""

import hashlib
import importlib
import inspect
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from types import MappingProxyType

from tom.scoring.card import ModelCard, check_card, load_card
from tom.scoring.contract import Scorer, check_names

ENTRY_POINT_GROUP = "tom.scorers"
NO_WEIGHTS: Mapping[str, float] = MappingProxyType({})


class ScorerLoadError(ValueError):
    """A plugin cannot be loaded; the setting or the plugin must be corrected."""


def load_scorers(
    paths: Sequence[str], *, weights: Mapping[str, float] = NO_WEIGHTS
) -> list[Scorer]:
    """Return every installed plugin and those at the dotted `paths`, checked and set up.

    `weights` are the weights in the ranking, 0 to 1, by a scorer's name; 1 if none is given.

    Raises
    ------
    ScorerLoadError
        If there is no object at a path, the object is not a scorer, its artefact is not the
        declared one, two scorers have one name, or a weight is outside 0 to 1 or of no scorer.
    InvalidCardError, InvalidSpecError
        If the model card or the specification breaks the contract, or the card is missing.
    """
    scorers = find_scorers(paths, weights=weights)
    for scorer in scorers.values():
        scorer.setup(folder_of(scorer))
    return list(scorers.values())


def find_scorers(
    paths: Sequence[str], *, weights: Mapping[str, float] = NO_WEIGHTS
) -> dict[str, Scorer]:
    """Return the same scorers as `load_scorers`, by path, without their set-up."""
    factories = {entry.value.replace(":", "."): entry.load for entry in _entries()}
    factories |= {path: _importer(path) for path in paths}
    found: dict[str, Scorer] = {}
    for path, load in factories.items():
        scorer = _checked(load(), path)
        if scorer.spec.name in {other.spec.name for other in found.values()}:
            message = f"two scorers are named {scorer.spec.name!r}; the second is {path}"
            raise ScorerLoadError(message)
        found[path] = scorer
    _check_weights(weights, [scorer.spec.name for scorer in found.values()])
    return found


def load_scorer(path: str, artefacts: Path | None = None) -> Scorer:
    """Return the scorer at a dotted path, checked and set up; errors as in `load_scorers`.

    `artefacts` is a folder with another artefact, as of a fit for an evaluation.
    """
    scorer = _checked(_importer(path)(), path)
    scorer.setup(artefacts or folder_of(scorer))
    return scorer


def trained_on(scorer: Scorer) -> list[str]:
    """Return the hashes of the names that a scorer was fitted on; empty: it lists none.

    Raises
    ------
    ScorerLoadError
        If the file that it names cannot be read.
    """
    if scorer.spec.trained_on is None:
        return []
    try:
        return (folder_of(scorer) / scorer.spec.trained_on).read_text(encoding="ascii").split()
    except (OSError, UnicodeDecodeError) as error:
        message = f"scorer {scorer.spec.name!r}: cannot read what it was trained on: {error}"
        raise ScorerLoadError(message) from error


def card_of(scorer: Scorer) -> ModelCard:
    """Return a loaded scorer's model card."""
    return load_card(folder_of(scorer) / scorer.spec.card)


def folder_of(scorer: Scorer) -> Path:
    """Return the folder of a scorer's module, with its card and its artefact."""
    return Path(inspect.getfile(type(scorer))).parent


def _entries() -> Sequence[importlib.metadata.EntryPoint]:
    return sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda entry: entry.name)


def _importer(path: str) -> Callable[[], object]:
    def load() -> object:
        module, _, name = path.rpartition(".")
        try:
            found: object = getattr(importlib.import_module(module), name)
        except (ImportError, AttributeError, ValueError) as error:
            message = f"no scorer at {path!r}: {error}"
            raise ScorerLoadError(message) from error
        return found

    return load


def _checked(factory: object, path: str) -> Scorer:
    scorer = factory() if callable(factory) else factory
    if not isinstance(scorer, Scorer):
        message = f"{path!r} does not keep the contract of a scorer"
        raise ScorerLoadError(message)
    check_names(scorer.spec)
    folder = folder_of(scorer)
    check_card(load_card(folder / scorer.spec.card), scorer.spec)
    _check_artefact(scorer, folder)
    trained_on(scorer)
    return scorer


def _check_weights(weights: Mapping[str, float], names: Sequence[str]) -> None:
    for name, weight in weights.items():
        if name not in names:
            there = ", ".join(map(repr, names))
            message = f"a weight is set for no scorer {name!r}; there is {there}"
            raise ScorerLoadError(message)
        if not 0 <= weight <= 1:
            message = f"the weight of scorer {name!r} must lie in 0 to 1, not {weight}"
            raise ScorerLoadError(message)


def _check_artefact(scorer: Scorer, folder: Path) -> None:
    if scorer.spec.artefact is None:
        return
    path = folder / scorer.spec.artefact
    try:
        found = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        message = f"scorer {scorer.spec.name!r}: cannot read its artefact: {error}"
        raise ScorerLoadError(message) from error
    if found != scorer.spec.artefact_sha256:
        message = f"scorer {scorer.spec.name!r}: {path.name} is not the declared artefact ({found})"
        raise ScorerLoadError(message)
