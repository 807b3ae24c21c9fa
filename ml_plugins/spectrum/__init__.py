"""Type and redshift of a spectrum, by its correlation with template spectra; or `unknown`."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from ml_plugins.spectrum.answer import UNKNOWN, Answer, decide, unknown
from ml_plugins.spectrum.correlate import match
from ml_plugins.spectrum.grid import TooShortError, flatten
from ml_plugins.spectrum.templates import CLASSES, PACKED, Template, unpack
from tom.scoring.contract import (
    Batch,
    Contribution,
    FloatArray,
    IntArray,
    Reason,
    ScoreBatch,
    ScorerKind,
    ScorerSpec,
    Spectrum,
)

SHOWN: Final = 5
ANGSTROMS: Final = {"Angstrom": 1.0, "nm": 10.0, "um": 10_000.0}


class SpectrumTyper:
    """Correlates each spectrum with the site's templates.

    Each number is a rank, no chance: what the best match of each class is worth. That of `unknown`
    is what a type must pass. So the highest rank is the answer.
    """

    spec = ScorerSpec(
        name="spectrum",
        version="1.0.0",
        inputs=("spectrum",),
        classes=(*CLASSES, UNKNOWN),
        prior=(1 / (len(CLASSES) + 1),) * (len(CLASSES) + 1),
        kind=ScorerKind.RANK,
        licence="GPL-3.0-or-later",
        card="card.md",
        batch_size=16,
        seconds_per_object=1.0,
    )
    _templates: Sequence[Template] = ()

    def setup(self, artefacts: Path) -> None:
        """Read the site's templates, if it has any."""
        packed = artefacts / PACKED
        if packed.exists():
            self.use(unpack(packed))

    def use(self, templates: Sequence[Template]) -> None:
        """Judge by these templates from now on."""
        self._templates = tuple(templates)

    def eligible(self, batch: Batch) -> IntArray:
        """Require templates, and a spectrum whose unit of wavelength is known."""
        given = spectra_of(batch)
        known = [each is not None and each.wavelength_unit in ANGSTROMS for each in given]
        if not self._templates:
            return np.full(len(batch), Reason.NOT_GIVEN, np.int64)
        return np.where(known, Reason.OK, Reason.MISSING_INPUT).astype(np.int64)

    def score(self, batch: Batch) -> ScoreBatch:
        """Return the rank of each class, and that of `unknown`; sigma is 0: no chance is told."""
        ranks = [self.answer(each).ranks for each in spectra_of(batch)]
        table = np.array(ranks, float).reshape(len(batch), len(self.spec.classes))
        return ScoreBatch(probability=table, sigma=np.zeros(len(batch)))

    def explain(self, batch: Batch) -> Sequence[Contribution]:
        """Return the answer in words, the redshift with its error, and the best templates."""
        return [
            piece
            for name, spectrum in zip(batch.object_ids, spectra_of(batch), strict=True)
            for piece in self._told(str(name), self.answer(spectrum))
        ]

    def answer(self, spectrum: Spectrum | None) -> Answer:
        """Correlate one spectrum with all templates."""
        if spectrum is None:
            return unknown("there is no spectrum")
        try:
            flat = flatten(*_measured(spectrum))
        except TooShortError as error:
            return unknown(str(error))
        matches = match(flat, [each.flat for each in self._templates])
        return decide(matches, [each.label for each in self._templates])

    def _told(self, name: str, answer: Answer) -> list[Contribution]:
        told = [Contribution(name, "answer", 0.0, answer.why or _in_words(answer))]
        if not answer.why:
            text = f"± {answer.error:.4f}"
            told.append(Contribution(name, "redshift", 0.0, text, answer.redshift))
            told.append(Contribution(name, "redshift error", 0.0, text, answer.error))
        for each in answer.matches[:SHOWN]:
            template = self._templates[each.row]
            text = (
                f"{template.name} ({template.kind}): z {each.redshift:z.4f} ± {each.error:.4f},"
                f" r {each.r:.1f}, rlap {each.rlap:.1f}, worth {each.worth:.1f}"
            )
            told.append(Contribution(name, "template", 0.0, text, each.worth))
        return told


def _measured(spectrum: Spectrum) -> tuple[FloatArray, FloatArray]:
    """Return the points that were measured: wavelength in Angstrom, rising, and flux.

    Raises
    ------
    TooShortError
        If fewer than two are left.
    """
    if spectrum.wavelength.shape != spectrum.flux.shape:
        message = "it has more wavelengths than fluxes, or fewer"
        raise TooShortError(message)
    wavelength = spectrum.wavelength * ANGSTROMS[spectrum.wavelength_unit]
    known = np.isfinite(wavelength) & np.isfinite(spectrum.flux) & (wavelength > 0)
    wavelength, place = np.unique(wavelength[known], return_index=True)
    if len(wavelength) < 2:
        message = "it has fewer than two points"
        raise TooShortError(message)
    return wavelength, spectrum.flux[known][place]


def _in_words(answer: Answer) -> str:
    first = answer.matches[0]
    return (
        f"{answer.label} at redshift {answer.redshift:z.4f} ± {answer.error:.4f}"
        f" (r {first.r:.1f}, rlap {first.rlap:.1f})"
    )


def spectra_of(batch: Batch) -> Sequence[Spectrum | None]:
    """Return the spectrum of each object; None: there is none."""
    return batch.given.get("spectrum") or (None,) * len(batch)
