"""What every plugin must keep, run on each of them and on the example of the plugins' README."""

import re
import sys
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from zlib import crc32

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import ml_plugins
from ml_plugins.gaia_context import GaiaContext
from ml_plugins.gaia_context.known import Known, make_rows
from ml_plugins.spectrum import SpectrumTyper
from ml_plugins.spectrum.training.practice import simulated_templates
from ml_plugins.spectrum.training.simulate import KINDS, OBSERVED, make, observe
from tests.scoring.curves import make_curve
from tests.scoring.own_scorers import filter_parts, onnx_parts
from tom.scoring.batch import Batch
from tom.scoring.contract import (
    Curve,
    Listed,
    Reason,
    Redshift,
    RedshiftSource,
    Scorer,
    Spectrum,
)
from tom.scoring.own import make_scorer
from tom.scoring.registry import card_of, load_scorers
from tom.scoring.runner import Abstention, Breaker, Opinion, run_scorer

PLUGINS = (
    "ml_plugins.analogues.Analogues",
    "ml_plugins.anomaly.Anomaly",
    "ml_plugins.bright_transient.BrightTransient",
    "ml_plugins.early.Early",
    "ml_plugins.early_elasticc.EarlyElasticc",
    "ml_plugins.fast_transient.FastTransient",
    "ml_plugins.gaia_context.GaiaContext",
    "ml_plugins.kilonova.Kilonova",
    "ml_plugins.mdwarf_prior.MDwarfPrior",
    "ml_plugins.real_bogus.RealBogus",
    "ml_plugins.slsn.Slsn",
    "ml_plugins.sn_type.SnType",
    "ml_plugins.sn_type_z.SnTypeZ",
    "ml_plugins.spectrum.SpectrumTyper",
    "ml_plugins.tde.Tde",
)
EXAMPLE = "readme_example.Scatter"
ADDED = ("onnx", "filter")
BRIGHT = """
from antares_devkit.models import BaseFilter


class Bright(BaseFilter):
    OUTPUT_LOCUS_TAGS = [{"name": "bright", "description": "brighter than 18"}]

    def _run(self, locus):
        if locus.alert.properties["ant_mag"] < 18:
            locus.tag("bright")
"""

GIVEN = {
    "redshift": Redshift(0.05, RedshiftSource.HOST),
    "galaxies": Listed(0.5, ("GLADE+",)),
}
"""What a scorer may ask for beside the light curve."""


def known_curve(name: str, points: list, **known: object) -> Curve:
    """Make a curve of which the other inputs are known, too; a spectrum if anything was seen."""
    given = GIVEN | ({"spectrum": spectrum_of(name)} if points else {})
    return make_curve(name, points, **{"given": given} | known)


@cache
def spectrum_of(name: str) -> Spectrum:
    """Simulate a spectrum; each name has another."""
    rng = np.random.default_rng(crc32(name.encode()))
    flux = observe(make(rng.choice(KINDS), rng), rng.uniform(0, 0.1), rng, noise=0.1)
    return Spectrum(61000.0, OBSERVED, flux, np.empty(0), "Angstrom", "")


def furnish(scorer: Scorer) -> None:
    """Give a scorer the files that it asks a site for."""
    if isinstance(scorer, SpectrumTyper):
        scorer.use(simulated_templates(np.random.default_rng(2), each=1))
    if isinstance(scorer, GaiaContext):
        scorer.use(stars_at(sorted({20.0} | {dec_of(k, n) for n in SIZES for k in range(n)})))


SIZES = (5, 30, 50, 150)
"""How many ordinary objects a test makes."""


def dec_of(index: int, n: int) -> float:
    return -80 + 160 * index / n


def stars_at(dec: list[float]) -> Known:
    """Make a star at each of these declinations, where the curves are; each says something else."""
    rng = np.random.default_rng(4)
    columns = {"ra": 150.0, "dec": dec, "pmra": 0.0, "pmdec": 0.0, "epoch": 2016.0}
    said = {name: rng.uniform(size=len(dec)) for name in ("log_ratio", "spread", "share")}
    return Known.of(
        make_rows(**{k: np.broadcast_to(v, len(dec)) for k, v in columns.items()}, **said)
    )


magnitudes = st.floats(12, 24)
points = st.lists(
    st.tuples(st.floats(-30, 9), st.sampled_from("griz"), magnitudes), min_size=0, max_size=12
)
redshifts = st.builds(Redshift, st.floats(1e-5, 10), st.sampled_from(RedshiftSource))
listed = st.builds(Listed, st.floats(0, 1), st.sampled_from([("GLADE+",), ("other",)]))
numbers = st.lists(st.floats(allow_nan=True, width=32), max_size=200).map(np.array)
spectra = st.one_of(
    st.just(spectrum_of("good")),
    st.builds(
        Spectrum, st.just(61000.0), numbers, numbers, numbers,
        st.sampled_from(["Angstrom", "nm", "furlong"]), st.just(""),
    ),
)  # fmt: skip
chances = st.one_of(st.just(float("nan")), st.floats(-1, 2))


@st.composite
def curves(draw):
    seen = draw(points)
    kinds = draw(
        st.lists(
            st.sampled_from(["alert", "limit", "forced"]), min_size=len(seen), max_size=len(seen)
        )
    )
    return known_curve(
        "one",
        seen,
        kinds=kinds,
        error_fraction=draw(st.floats(0.01, 1)),
        ebv=draw(st.one_of(st.just(float("nan")), st.floats(0, 3))),
        ebv_sigma=draw(st.one_of(st.just(float("nan")), st.floats(0, 1))),
        alert_values={"drb": draw(chances), "rb": draw(chances)},
        given={
            "redshift": draw(st.one_of(st.none(), redshifts)),
            "galaxies": draw(st.one_of(st.none(), listed)),
            "spectrum": draw(st.one_of(st.none(), spectra)),
        },
    )


batches = st.lists(curves(), max_size=6).map(Batch.build)


@pytest.fixture(scope="module")
def example_folder(tmp_path_factory) -> Path:
    """The README's example as a plugin's folder."""
    text = (Path(ml_plugins.__path__[0]) / "README.md").read_text()
    folder = tmp_path_factory.mktemp("plugins") / "readme_example"
    folder.mkdir()
    for language, name in (("python", "__init__.py"), ("markdown", "card.md")):
        (block,) = re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)
        (folder / name).write_text(block)
    return folder


@pytest.fixture(scope="module")
def load(example_folder) -> Callable[[str], Scorer]:
    """Load an installed plugin, or the example."""

    def scorer_at(path: str) -> Scorer:
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(example_folder.parent)
            (loaded,) = load_scorers([path])
            furnish(loaded)
            return loaded

    return scorer_at


def added(kind: str) -> Scorer:
    """Make a scorer as a person adds it; elsewhere it runs in a process of its own."""
    parts = onnx_parts() if kind == "onnx" else filter_parts(BRIGHT)
    with pytest.MonkeyPatch.context() as patch:
        for name in ("antares_devkit", "antares_devkit.models", "own_filter"):
            patch.setitem(sys.modules, name, sys)  # what is there now comes back
        scorer = make_scorer(parts.pack(), fenced=True)
        scorer.setup(Path("/"))
        return scorer


@pytest.fixture(params=(*PLUGINS, EXAMPLE, *ADDED), scope="module")
def scorer(request, load) -> Scorer:
    return (added if request.param in ADDED else load)(request.param)


def ordinary(n: int) -> Batch:
    """Make n objects that differ, most of them with something to say."""
    rng = np.random.default_rng(5)
    return Batch.build(
        [
            known_curve(
                str(index),
                ten_points(rng),
                alert_values={"drb": float(rng.uniform())},
                dec=dec_of(index, n),
            )
            for index in range(n)
        ]
    )


def ten_points(rng: np.random.Generator) -> list[tuple[float, str, float]]:
    days = np.sort(rng.uniform(0, 9, 10))
    return [(day, "gr"[k % 2], 18 + rng.normal()) for k, day in enumerate(days)]


def eligible_part(scorer: Scorer, batch: Batch) -> Batch:
    return batch.take(np.flatnonzero(scorer.eligible(batch) == Reason.OK))


@given(batch=batches)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_any_light_curve_gets_an_opinion_or_a_reason(scorer, batch):
    outcomes = run_scorer(scorer, batch, breaker=Breaker())

    assert len(outcomes) == len(batch)
    failed = [o for o in outcomes if isinstance(o, Abstention) and o.reason == Reason.FAILED]
    assert failed == []


def test_shapes_and_range(scorer):
    batch = eligible_part(scorer, ordinary(50))

    scores = scorer.score(batch)
    outcomes = run_scorer(scorer, batch, breaker=Breaker())

    assert len(batch) > 25
    assert scores.probability.shape == (len(batch), len(scorer.spec.classes))
    assert scores.sigma.shape == (len(batch),)
    # The runner refuses what the scorer's kind does not allow.
    assert all(isinstance(outcome, Opinion) for outcome in outcomes)


def test_opinions_differ_between_objects(scorer):
    chance = scorer.score(eligible_part(scorer, ordinary(50))).probability[:, 0]

    assert np.ptp(chance) > 0.01


def test_an_opinion_does_not_hang_on_the_others_or_their_order(scorer):
    batch = eligible_part(scorer, ordinary(30))
    order = np.random.default_rng(1).permutation(len(batch))
    whole = scorer.score(batch)

    shuffled = scorer.score(batch.take(order))
    alone = np.concatenate([scorer.score(batch.take([i])).probability for i in range(len(batch))])

    np.testing.assert_allclose(shuffled.probability, whole.probability[order], rtol=1e-9)
    np.testing.assert_allclose(alone, whole.probability, rtol=1e-9)


def test_an_opinion_does_not_hang_on_how_points_of_one_time_came(scorer):
    rng = np.random.default_rng(3)
    seen = [
        (float(day), band, 18 + rng.normal()) for day in (0, 3, 3, 3, 5, 5, 5, 5) for band in "gr"
    ]
    seen[-1] = (seen[-1][0], seen[-1][1], seen[-2][2])
    kinds = ["alert", "forced"] * (len(seen) // 2)
    rb = rng.uniform(size=len(seen)).tolist()
    for keys in ([str(k) for k in range(len(seen))], []):
        opinions = set()
        for _ in range(20):
            order = rng.permutation(len(seen))
            curve = known_curve(
                "one",
                [seen[k] for k in order],
                kinds=[kinds[k] for k in order],
                alert_values={"drb": 0.7},
                point_values={"rb": [rb[k] for k in order]},
                key=[keys[k] for k in order] if keys else [],
            )
            (opinion,) = run_scorer(scorer, Batch.build([curve]), breaker=Breaker())
            opinions.add(opinion)

        assert len(opinions) == 1
        assert isinstance(opinions.pop(), Opinion)


def test_the_same_batch_gets_the_same_answer(scorer):
    batch = eligible_part(scorer, ordinary(30))

    first, second = scorer.score(batch), scorer.score(batch)

    np.testing.assert_array_equal(first.probability, second.probability)
    np.testing.assert_array_equal(first.sigma, second.sigma)


def test_nothing_known_is_an_abstention_with_a_reason(scorer):
    dark = known_curve("dark", [])

    (outcome,) = run_scorer(scorer, Batch.build([dark]), breaker=Breaker())

    assert isinstance(outcome, Abstention)
    assert outcome.reason not in {Reason.OK, Reason.FAILED}


def test_an_empty_batch_is_no_trouble(scorer):
    empty = Batch.build([])

    assert scorer.eligible(empty).shape == (0,)
    assert scorer.score(empty).probability.shape == (0, len(scorer.spec.classes))
    assert list(scorer.explain(empty)) == []


def test_nan_flux_spoils_neither_its_object_nor_the_next(scorer):
    points = ten_points(np.random.default_rng(6))
    nothing = [(days, band, float("nan")) for days, band, _ in points[:2]]
    good, spoilt = (
        known_curve(name, seen, alert_values={"drb": 0.9})
        for name, seen in (("good", points), ("spoilt", [*nothing, *points]))
    )

    alone, beside, bad = (
        *run_scorer(scorer, Batch.build([good]), breaker=Breaker()),
        *run_scorer(scorer, Batch.build([good, spoilt]), breaker=Breaker()),
    )

    assert isinstance(bad, Opinion)
    assert beside == alone


def test_what_comes_after_the_moment_of_the_score_is_not_seen(scorer):
    seen = ten_points(np.random.default_rng(7))
    later = [*seen, (9.6, "g", 16.0), (9.7, "r", 15.0)]
    curves = [
        known_curve("one", p, as_of=61009.5, alert_values={"drb": 0.9}) for p in (seen, later)
    ]

    first, second = run_scorer(scorer, Batch.build(curves), breaker=Breaker())

    assert isinstance(first, Opinion)
    assert first == second


def test_a_batch_is_scored_within_its_budget(scorer):
    batch = eligible_part(scorer, ordinary(150))

    start = time.thread_time()  # its own work: what else the machine does is not its fault
    scorer.score(batch)

    assert time.thread_time() - start < scorer.spec.seconds_per_object * len(batch)


def test_every_explained_object_is_one_of_the_batch(scorer):
    batch = eligible_part(scorer, ordinary(5))

    told = scorer.explain(batch)

    assert {piece.object_id for piece in told} == set(batch.object_ids.tolist())
    assert all(np.isfinite(piece.log_lr) and piece.text for piece in told)


@pytest.mark.parametrize("path", [*PLUGINS, EXAMPLE])
def test_its_card_states_figures_with_their_n(path, load):
    scorer = load(path)
    card = card_of(scorer)

    assert card.name == scorer.spec.name
    assert " n " in card.sections["Metrics"] or "(n " in card.sections["Metrics"]


@pytest.mark.parametrize("path", [*PLUGINS, EXAMPLE])
def test_its_card_says_who_could_be_wronged_in_a_table(path, load):
    told = card_of(load(path)).sections["Known biases"]

    table = "Who could be wronged:\n\n| who | why | seen |\n|---|---|---|\n| "
    assert table in told
