"""A person's own filter in Python, written for ANTARES; its tags are the classes."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from traceback import walk_tb
from types import ModuleType, TracebackType
from typing import Any, Final

import numpy as np

from ml_plugins.filter import devkit
from ml_plugins.filter.devkit import BaseFilter, DevKitLocus
from ml_plugins.filter.loci import locus_of
from tom.scoring.contract import (
    Batch,
    Contribution,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerSpec,
)

MODULE: Final = "own_filter"
SOURCE: Final = "filter.py"


class Filter:
    """Runs the filter on the locus of each object: 1 for each tag that it gives, 0 for others."""

    RUNS_CODE = True

    def __init__(self, spec: ScorerSpec, artefact: bytes, options: Mapping[str, Any]) -> None:
        self.spec = spec
        self._source = artefact.decode()

    def setup(self, artefacts: Path) -> None:
        """Run the source, and make its filter.

        Raises
        ------
        ValueError
            If it has not one filter, or the filter declares other tags than were read of it.
        """
        module = ModuleType(MODULE)
        package = ModuleType("antares_devkit")
        package.models = devkit  # type: ignore[attr-defined]  # a module of ours under its name
        sys.modules |= {MODULE: module, "antares_devkit": package, "antares_devkit.models": devkit}
        with _with_its_line():
            # The process is shut in: it runs what its owner wrote, and nothing else.
            exec(compile(self._source, SOURCE, "exec"), module.__dict__)  # noqa: S102
        found = [
            value
            for value in vars(module).values()
            if isinstance(value, type)
            and issubclass(value, BaseFilter)
            and value.__module__ == MODULE
        ]
        if len(found) != 1:
            message = f"the source has {len(found)} classes of filters, not one"
            raise ValueError(message)
        with _with_its_line():
            self._filter = found[0]()
        tags = tuple(str(tag["name"]) for tag in self._filter.OUTPUT_LOCUS_TAGS)
        if tags != self.spec.classes:
            message = f"its OUTPUT_LOCUS_TAGS are {', '.join(tags)}"
            raise ValueError(message)

    def eligible(self, batch: Batch) -> IntArray:
        """Return whether each object has a detection, and what the filter requires."""
        reasons = [int(self._reason(locus_of(batch, row))) for row in range(len(batch))]
        return np.array(reasons, np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return 1 for each tag that the filter gives to an object, and 0 for the others."""
        tags = [self._run(batch, row).tags for row in range(len(batch))]
        given = [[float(name in each) for name in self.spec.classes] for each in tags]
        answers = np.array(given, float).reshape(-1, len(self.spec.classes))
        return ScoreBatch(answers, np.zeros(len(batch)))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the tags with their descriptions, and the properties that the filter set."""
        return [part for row in range(len(batch)) for part in self._explain(batch, row)]

    def _explain(self, batch: Batch, row: int) -> list[Contribution]:
        locus, name = self._run(batch, row), str(batch.object_ids[row])
        texts = [
            f"{tag['name']}: {tag.get('description', '')}"
            for tag in self._filter.OUTPUT_LOCUS_TAGS
            if tag["name"] in locus.tags
        ]
        texts += [f"{key} = {value}" for key, value in sorted(locus.user_properties.items())]
        texts += [f"{key} is lost: use locus.set_property({key!r}, ...)" for key in lost(locus)]
        return [Contribution(name, "the filter", 0.0, text) for text in texts or ["no tag"]]

    def _reason(self, locus: DevKitLocus | None) -> Reason:
        if locus is None:
            return Reason.TOO_FEW_POINTS
        return Reason.OK if self._filter.wants(locus) else Reason.MISSING_INPUT

    def _run(self, batch: Batch, row: int) -> DevKitLocus:
        locus = locus_of(batch, row)
        if locus is None:
            message = "it has no detection"
            raise ValueError(message)
        with _with_its_line():
            self._filter._run(locus)
        foreign = sorted(locus.tags - set(self.spec.classes))
        if foreign:
            message = f"the tag {foreign[0]!r} is not among its OUTPUT_LOCUS_TAGS"
            raise ValueError(message)
        return locus


def lost(locus: DevKitLocus) -> list[str]:
    """Return what a filter wrote into `locus.properties` alone, sorted."""
    return sorted(locus.lost - set(locus.user_properties))


@contextmanager
def _with_its_line() -> Iterator[None]:
    """Note on an exception the line of the source that raised it; to end the process is one, too.

    Raises
    ------
    ValueError
        If the source would end the process.
    """
    try:
        yield
    except (SystemExit, KeyboardInterrupt) as error:
        message = f"it would end its process ({type(error).__name__}): return instead"
        told = ValueError(message)
        _note_line(told, error.__traceback__)
        raise told from error
    # What a person wrote may raise anything: it is raised again, with its line.
    except BaseException as error:
        _note_line(error, error.__traceback__)
        raise


def _note_line(error: BaseException, trace: TracebackType | None) -> None:
    lines = [at for frame, at in walk_tb(trace) if frame.f_code.co_filename == SOURCE]
    if lines:
        error.add_note(f"line {lines[-1]}")
