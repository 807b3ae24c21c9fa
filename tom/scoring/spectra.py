"""Have the scorers that read a spectrum alone judge each uploaded spectrum by itself.

Such a scorer gets no light curves. A spectrum is judged alone, so that one that ends the scorer's
process is known, and is not tried again.
"""

from typing import Final

import numpy as np
from django.db.models import Exists, OuterRef, QuerySet

from tom.scoring.answers import SpectrumAnswer
from tom.scoring.contract import Batch, Curve, Scorer, Spectrum
from tom.scoring.curves import mjd_of
from tom.scoring.host import ScorerDiedError
from tom.scoring.hosts import host_for
from tom.scoring.rests import alone, note_failure, rests
from tom.scoring.runner import Opinion
from tom.scoring.services import reads_spectra_alone, scorers
from tom.targets.spectra import UploadedSpectrum

AT_ONCE: Final = 20


def spectrum_scorers() -> list[Scorer]:
    """Return the installed scorers that read a spectrum and nothing else."""
    return [scorer for scorer in scorers() if reads_spectra_alone(scorer)]


def spectra_due(scorer: Scorer) -> QuerySet[UploadedSpectrum]:
    """Return the spectra that a scorer has not judged in its present version."""
    spec = scorer.spec
    said = SpectrumAnswer.objects.filter(
        spectrum=OuterRef("pk"), scorer=spec.name, version=spec.version
    )
    return UploadedSpectrum.objects.filter(~Exists(said)).order_by("pk")


def any_spectra_due() -> bool:
    """Whether a spectrum waits for a scorer."""
    return any(spectra_due(scorer).exists() for scorer in spectrum_scorers())


def judge_spectra() -> int:
    """Judge some of the spectra that are due; return how many were judged."""
    return sum(_judge_by(scorer) for scorer in spectrum_scorers())


def _judge_by(scorer: Scorer) -> int:
    number = 0
    with alone(scorer.spec.name) as state:
        if state is None or rests(state):
            return 0
        for row in spectra_due(scorer)[:AT_ONCE]:
            try:
                answer = _answer(scorer, row)
            except ScorerDiedError as error:
                note_failure(state, str(error))
                answer = _blank(scorer, row)
                answer.reason = str(error)[:200]
            SpectrumAnswer.objects.bulk_create([answer], ignore_conflicts=True)
            number += 1
    return number


def _answer(scorer: Scorer, row: UploadedSpectrum) -> SpectrumAnswer:
    answer, host, batch = _blank(scorer, row), host_for(scorer), batch_of_spectrum(row)
    (outcome,) = host.judge(batch)
    if not isinstance(outcome, Opinion):
        answer.reason = (outcome.detail or outcome.reason.text)[:200]
        return answer
    answer.ranks = dict(zip(scorer.spec.classes, outcome.probability, strict=True))
    answer.explanation = [
        {"name": told.name, "text": told.text, "value": told.value} for told in host.explain(batch)
    ]
    return answer


def _blank(scorer: Scorer, row: UploadedSpectrum) -> SpectrumAnswer:
    return SpectrumAnswer(spectrum=row, scorer=scorer.spec.name, version=scorer.spec.version)


def batch_of_spectrum(row: UploadedSpectrum) -> Batch:
    """Return a spectrum as a scorer takes it: an object without points."""
    mjd = mjd_of(row.observed)
    spectrum = Spectrum(
        mjd,
        np.asarray(row.wavelength, float),
        np.asarray(row.flux, float),
        np.asarray(row.error, float),
        "Angstrom",
        "",
    )
    return Batch.build([Curve(str(row.pk), [], [], [], [], [], mjd, given={"spectrum": spectrum})])
