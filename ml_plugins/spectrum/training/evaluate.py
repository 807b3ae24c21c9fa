"""Measure `spectrum` on simulated spectra of simulated types: a round trip, no more.

python -m ml_plugins.spectrum.training.evaluate [tune]

Nothing is fitted. Templates and spectra are independent draws of one simple family, so the figures
tell whether the method and the code work, and nothing of real spectra. `tune` prints what the two
thresholds and the factor of the errors were chosen by, on spectra of their own.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from ml_plugins.spectrum import SpectrumTyper
from ml_plugins.spectrum.answer import UNKNOWN, Answer, decide
from ml_plugins.spectrum.templates import class_of
from ml_plugins.spectrum.training.practice import SEED, simulated_templates
from ml_plugins.spectrum.training.simulate import KINDS, OBSERVED, STRANGE, make, observe
from tom.scoring.contract import Spectrum

TUNED, MEASURED = SEED + 1, SEED + 2
"""The seeds of the spectra on which the thresholds were chosen, and of those that measure."""
NOISES: Final = (1.0, 0.3, 0.1, 0.03)
EACH: Final = 25
STRANGERS: Final = 40
REDSHIFTS: Final = {"galaxy": (0.01, 0.4), "agn": (0.05, 0.8), "cataclysmic variable": (0.0, 0.001)}
OF_SUPERNOVAE: Final = (0.005, 0.15)
CLOSE: Final = 0.01


@dataclass(frozen=True)
class Trial:
    """One simulated spectrum: its type, redshift and noise, and what the scorer made of it."""

    kind: str
    redshift: float
    noise: float
    answer: Answer

    @property
    def is_right(self) -> bool:
        return self.answer.label == class_of(self.kind)

    @property
    def off(self) -> float:
        """How far the redshift is from the true one, over 1 + z."""
        return (self.answer.redshift - self.redshift) / (1 + self.redshift)

    @property
    def pull(self) -> float:
        """The same, in units of its error."""
        return self.off * (1 + self.redshift) / self.answer.error


def main(arguments: Sequence[str]) -> None:
    """Print the figures of the card, or those of the choice of its thresholds."""
    is_tuning = list(arguments) == ["tune"]
    rng = np.random.default_rng(TUNED if is_tuning else MEASURED)
    typer = SpectrumTyper()
    templates = simulated_templates(np.random.default_rng(SEED))
    typer.use(templates)
    trials = [
        trial(typer, kind, noise, rng) for noise in NOISES for kind in KINDS for _ in range(EACH)
    ]
    strangers = [
        trial(typer, kind, noise, rng)
        for noise in NOISES
        for kind in STRANGE
        for _ in range(STRANGERS)
    ]
    if is_tuning:
        _tell_choice(trials, strangers, [each.label for each in templates])
        return
    for noise in NOISES:
        _tell_trials(f"S/N {1 / noise:.0f} a pixel", [t for t in trials if t.noise == noise])
    for kind in KINDS:
        chosen = [each for each in trials if each.kind == kind and each.noise <= 0.1]
        _tell_trials(f"{kind}, S/N 10 or more", chosen)
    for kind in STRANGE:
        _tell_strangers(kind, [each for each in strangers if each.kind == kind])
    _tell_pulls(trials)


def trial(typer: SpectrumTyper, kind: str, noise: float, rng: np.random.Generator) -> Trial:
    """Simulate one spectrum, and let the scorer judge it."""
    redshift = float(rng.uniform(*REDSHIFTS.get(kind, OF_SUPERNOVAE)))
    host = rng.uniform(0, 0.5) if kind.startswith("supernova") else 0.0
    if kind == "noise":
        flux = rng.normal(0, 1, len(OBSERVED))
    else:
        flux = observe(make(kind, rng), redshift, rng, noise=noise, host=host)
    answer = typer.answer(Spectrum(60_000.0, OBSERVED, flux, np.empty(0), "Angstrom", ""))
    return Trial(kind, redshift, noise, answer)


def _tell_trials(what: str, trials: Sequence[Trial]) -> None:
    answered = [each for each in trials if each.answer.label != UNKNOWN]
    right = [each for each in answered if each.is_right]
    off = np.abs([each.off for each in right])
    _tell(
        what,
        f"right {_share(len(right), len(trials))}",
        f"false {_share(len(answered) - len(right), len(trials))}",
        f"unknown {_share(len(trials) - len(answered), len(trials))}",
        f"median |dz|/(1+z) {np.median(off):.4f}" if len(off) else "no redshift",
        f"within {CLOSE} {_share(int((off < CLOSE).sum()), len(off))}" if len(off) else "",
    )


def _tell_strangers(kind: str, trials: Sequence[Trial]) -> None:
    silent = sum(each.answer.label == UNKNOWN for each in trials)
    _tell(f"{kind}: no template", f"unknown {_share(silent, len(trials))}")


def _tell_pulls(trials: Sequence[Trial]) -> None:
    """Tell how often the redshift's error holds, of right types near the true redshift."""
    right = [each for each in trials if each.is_right and abs(each.off) < 0.05]
    pulls = np.array([each.pull for each in right])
    for sigmas in (1, 2):
        inside = int((np.abs(pulls) < sigmas).sum())
        _tell(f"redshift within {sigmas} of its errors", _share(inside, len(pulls)))


def _tell_choice(
    trials: Sequence[Trial], strangers: Sequence[Trial], labels: Sequence[str]
) -> None:
    """Tell what other thresholds would give, and the factor by which the errors were off."""
    right = [each for each in trials if each.is_right and abs(each.off) < 0.05]
    pulls = np.abs([each.pull for each in right])
    _tell("68% of redshifts lie within", f"{np.quantile(pulls, 0.68):.2f} of their errors")
    for least in (4.0, 5.0, 6.0, 7.0):
        for margin in (1.0, 1.1, 1.2):
            how = {"least": least, "margin": margin}
            told = [decide(each.answer.matches, labels, **how).label for each in trials]
            said = [decide(each.answer.matches, labels, **how).label for each in strangers]
            good = sum(label == class_of(t.kind) for label, t in zip(told, trials, strict=True))
            silent = told.count(UNKNOWN)
            strange = len(said) - said.count(UNKNOWN)
            _tell(
                f"worth {least:g}, margin {margin:g}",
                f"right {_share(good, len(trials))}",
                f"false {_share(len(trials) - good - silent, len(trials))}",
                f"strangers typed {_share(strange, len(strangers))}",
            )


def _share(number: int, total: int) -> str:
    """Return a share with Wilson's 95% interval (https://doi.org/10.1080/01621459.1927.10502953)."""
    if not total:
        return "none (n 0)"
    z, share = 1.96, number / total
    middle = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * np.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2) / (1 + z * z / total)
    return f"{share:.3f} ({middle - half:.3f} to {middle + half:.3f}; n {total})"


def _tell(what: str, *figures: str) -> None:
    sys.stdout.write(f"{what:34} {'; '.join(each for each in figures if each)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
