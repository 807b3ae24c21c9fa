"""`spectrum`: what was put into simulated spectra comes back, and nothing out of noise."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ml_plugins.spectrum import SpectrumTyper
from ml_plugins.spectrum.answer import LEAST_WORTH, UNKNOWN, decide
from ml_plugins.spectrum.build import main as build
from ml_plugins.spectrum.correlate import PADDED, correlate, match
from ml_plugins.spectrum.grid import STEP, Flat, N, fade, flatten
from ml_plugins.spectrum.templates import CLASSES, LIST, PACKED, class_of
from ml_plugins.spectrum.training import practice
from ml_plugins.spectrum.training.evaluate import trial
from ml_plugins.spectrum.training.simulate import KINDS, OBSERVED, REST, make, observe
from tests.scoring.curves import make_curve
from tom.scoring.contract import Batch, Reason, Spectrum

SITE = practice.simulated_templates(np.random.default_rng(practice.SEED), each=4)


def lines(seed: int, k: int = 0) -> Flat:
    """Lines anywhere on the grid, moved by k bins to the red."""
    rng = np.random.default_rng(seed)
    at, depth, width = rng.uniform(200, 700, 9), rng.uniform(-1, 1, 9), rng.uniform(4, 9, 9)
    bins = np.arange(N)[:, None]
    return fade((depth * np.exp(-0.5 * ((bins - at - k) / width) ** 2)).sum(axis=1), 0)


@given(seed=st.integers(0, 9999), k=st.integers(-5, 250))
@settings(max_examples=25, deadline=None)
def test_a_shift_along_the_grid_is_found_as_its_redshift(seed: int, k: int) -> None:
    (found,) = match(lines(seed, k), [lines(seed)])

    assert found.redshift == pytest.approx(np.expm1(k * STEP), abs=0.2 * STEP * np.exp(k * STEP))
    assert found.height > 0.95


def test_r_is_the_height_over_what_is_not_symmetric_about_the_peak() -> None:
    """Tonry & Davis 1979, lag by lag; both cover the whole grid, so nothing is cut at lag 0."""
    ours, theirs = lines(1), fade(lines(1).values + 0.5 * lines(2).values, 0)
    (found,) = match(ours, [theirs])

    again = [fade(each.values, 0).values for each in (ours, theirs)]  # as it is looked at
    at = correlate(again[0], again[1][None])[0]
    odd = [(at[k % PADDED] - at[-k % PADDED]) / 2 for k in range(PADDED)]

    assert found.redshift == pytest.approx(0, abs=STEP)
    assert found.r == pytest.approx(at[0] / np.sqrt(2 * np.mean(np.square(odd))))
    assert found.lap == pytest.approx(np.log(4))
    assert found.worth == pytest.approx(found.r * found.lap * found.height)


def test_a_continuum_moves_nothing() -> None:
    flux = make("supernova Ia", np.random.default_rng(3))
    blue = flux * (REST / 5000) ** -2

    (found,) = match(flatten(REST, blue), [flatten(REST, flux)])

    assert found.redshift == pytest.approx(0, abs=2e-4)
    assert found.height > 0.96


def typer() -> SpectrumTyper:
    made = SpectrumTyper()
    made.use(SITE)
    return made


def test_types_and_redshifts_of_simulated_spectra_come_back() -> None:
    rng, scorer = np.random.default_rng(5), typer()

    trials = [trial(scorer, kind, 0.1, rng) for kind in KINDS for _ in range(4)]

    typed = [each for each in trials if each.answer.label != UNKNOWN]
    right = [each for each in typed if each.is_right]
    assert len(right) >= 0.6 * len(trials)
    assert len(right) >= 0.93 * len(typed)
    assert np.median([abs(each.off) for each in right]) < 0.002
    assert np.mean([abs(each.pull) < 2 for each in right]) > 0.8


@pytest.mark.parametrize("kind", ["noise", "featureless"])
def test_what_has_no_lines_is_unknown(kind: str) -> None:
    rng, scorer = np.random.default_rng(6), typer()

    answers = [trial(scorer, kind, 0.1, rng).answer for _ in range(12)]

    assert sum(each.label == UNKNOWN for each in answers) >= 11
    assert all(each.why and np.isnan(each.redshift) for each in answers if each.label == UNKNOWN)


def test_two_types_that_fit_alike_are_unknown() -> None:
    flat = SITE[0].flat
    matches = match(flat, [flat, flat])

    alike = decide(matches, ["supernova Ia", "tde"])
    one = decide(matches, ["supernova Ia", "supernova Ia"])

    assert (alike.label, one.label) == (UNKNOWN, "supernova Ia")
    assert alike.why.startswith("two types fit alike: supernova Ia (")
    assert alike.ranks[-1] > max(alike.ranks[:-1])
    assert one.ranks[-1] == LEAST_WORTH


def batch_of(*spectra: Spectrum | None) -> Batch:
    return Batch.build(
        [make_curve(str(k), [], given={"spectrum": each}) for k, each in enumerate(spectra)]
    )


def spectrum(unit: str = "Angstrom", scale: float = 1.0) -> Spectrum:
    rng = np.random.default_rng(7)
    flux = observe(make("supernova II", rng), 0.05, rng, noise=0.05)
    return Spectrum(60_000.0, OBSERVED * scale, flux, np.empty(0), unit, "")


def test_the_highest_rank_is_the_answer_and_the_explanation_says_it() -> None:
    batch = batch_of(spectrum(), spectrum("nm", 0.1))

    scores = typer().score(batch).probability
    told = [each for each in typer().explain(batch) if each.object_id == "1"]

    best = [SpectrumTyper.spec.classes[k] for k in np.argmax(scores, axis=1)]
    assert best == ["supernova II"] * 2
    values = {each.name: each.value for each in told if each.name != "template"}
    assert values["redshift"] == pytest.approx(0.05, abs=4 * values["redshift error"])
    assert told[0].text.startswith("supernova II at redshift 0.0")
    assert sum(each.name == "template" for each in told) == 5


def test_without_templates_or_a_spectrum_of_a_known_unit_it_abstains(tmp_path: Path) -> None:
    batch = batch_of(spectrum(), None, spectrum("furlong"))
    bare = SpectrumTyper()
    bare.setup(tmp_path)

    assert bare.eligible(batch).tolist() == [Reason.NOT_GIVEN] * 3
    missing = [Reason.OK, Reason.MISSING_INPUT, Reason.MISSING_INPUT]
    assert typer().eligible(batch).tolist() == missing


def test_a_persons_folder_of_templates_is_packed_and_judged_by(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(practice, "EACH", 2)
    practice.main([str(tmp_path / "mine")])
    build([str(tmp_path / "mine"), str(tmp_path / "site")])
    scorer = SpectrumTyper()
    scorer.setup(tmp_path / "site")

    assert "16 templates kept" in capsys.readouterr().out
    assert scorer.answer(spectrum()).label == "supernova II"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (["a.txt", "supernove"], "line 2 of templates.csv: 'supernove' is none of supernova Ia"),
        (["../a.txt", "Ia"], "line 2 of templates.csv: '../a.txt' is no file of the folder"),
        (["a.txt", "Ia"], "a.txt cannot be used: it has no line of two or three numbers"),
        (["b.txt", "Ia"], "b.txt cannot be used: "),
    ],
)
def test_templates_that_cannot_be_used_are_refused_with_their_place(
    tmp_path: Path, row: list[str], why: str
) -> None:
    (tmp_path / "a.txt").write_text("# nothing\n")
    with (tmp_path / LIST).open("w", newline="") as opened:
        csv.writer(opened).writerows([["file", "type"], row])

    with pytest.raises(SystemExit, match=why):
        build([str(tmp_path), str(tmp_path)])


def test_a_damaged_file_of_templates_is_refused_at_the_start(tmp_path: Path) -> None:
    (tmp_path / PACKED).write_bytes(b"PAR1 and no more")

    with pytest.raises(ValueError, match=r"templates.parquet is no file of templates"):
        SpectrumTyper().setup(tmp_path)


def test_types_are_read_as_people_write_them() -> None:
    written = (
        "SN Ia-91T",
        "Ic-BL",
        "IIb",
        "SN IIn",
        "QSO",
        "gal",
        "CV",
        "TDE-H-He",
        "star",
        "Ib-norm",
    )
    expected = (
        *("supernova Ia", "supernova Ib/c", "supernova II", "supernova IIn", "agn", "galaxy"),
        *("cataclysmic variable", "tde", None, "supernova Ib/c"),
    )
    assert tuple(map(class_of, written)) == expected
    assert set(expected) - {None} <= set(CLASSES)
