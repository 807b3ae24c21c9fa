"""A person's own model in ONNX, in the process that it really gets."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ml_plugins.onnx.layouts import LAYOUTS, Points
from ml_plugins.outbursts.features import NAMES
from tests.evaluation import braai_port
from tests.scoring.curves import make_curve
from tests.scoring.onnx_models import make_constant, make_model
from tests.scoring.own_scorers import POINTS, WEIGHTS, onnx_parts
from tests.scoring.test_contract import ordinary
from tom.scoring import host as host_module
from tom.scoring.contract import Batch, Reason, ScorerKind
from tom.scoring.host import Host, ScorerDiedError
from tom.scoring.own import LAYOUTS as DECLARED
from tom.scoring.own import Parts
from tom.scoring.own_trial import UselessError, try_scorer
from tom.scoring.runner import Abstention, Opinion

STAMPS = ("science", "template", "difference")


@pytest.fixture
def start() -> Iterator[Callable[[Parts], Host]]:
    """Make a scorer's process of parts; each is ended after the test."""
    hosts: list[Host] = []

    def make(parts: Parts, patience: float = 20.0) -> Host:
        hosts.append(Host.of_own(parts, patience_seconds=patience))
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


def softmax(sums: np.ndarray) -> np.ndarray:
    return np.exp(sums) / np.exp(sums).sum()


def test_every_layout_that_the_site_offers_is_one_that_a_model_can_have() -> None:
    assert set(LAYOUTS) == set(DECLARED)


def test_a_model_answers_what_its_own_sums_say(start) -> None:
    batch = ordinary(20)

    told = start(onnx_parts()).judge(batch)

    for row, outcome in enumerate(told):
        table = Points({}).read(batch, row).astype(float)
        assert isinstance(outcome, Opinion)
        np.testing.assert_allclose(
            outcome.probability, softmax(table.reshape(-1) @ WEIGHTS), rtol=1e-3
        )
    assert len({outcome.probability for outcome in told}) == 20


def test_the_table_of_points_has_days_fluxes_bands_and_kinds() -> None:
    seen = [(0.0, "g", 20.0), (1.0, "r", 19.0), (2.0, "q", 21.0), (3.0, "g", 18.0)]
    batch = Batch.build([make_curve("one", seen, kinds=["alert", "forced", "alert", "limit"])])

    table = Points({}).read(batch, 0)

    np.testing.assert_allclose(table[:3, 0], [0, 1, 2])
    np.testing.assert_allclose(table[:3, 1], [36.31, 91.20, 14.45], rtol=1e-3)  # uJy, AB 23.9
    np.testing.assert_allclose(table[:3, 3:], [[1, 1, 1], [2, 1, 1], [6, 1, 1]])
    assert not table[3:].any()


@pytest.mark.parametrize("channels_first", [False, True])
def test_stamps_come_by_their_norm_in_the_models_own_order(start, channels_first) -> None:
    rng = np.random.default_rng(4)
    images = {kind: rng.normal(size=(63, 63)) for kind in STAMPS}
    images["template"][0, 0] = np.nan
    small = {**images, "science": np.ones((20, 20))}
    curves = [make_curve(name, given={"cutouts": each}) for name, each in
              (("all", images), ("small", small), ("none", None))]  # fmt: skip
    shape = ["n", 3, 63, 63] if channels_first else ["n", 63, 63, 3]
    weights = rng.normal(0, 0.1, (63 * 63 * 3, 2))
    parts = onnx_parts(model=make_model(shape, weights), layout="cutouts")

    told, small_told, none_told = start(parts).judge(Batch.build(curves))

    stacked = [np.nan_to_num(images[kind]) for kind in STAMPS]
    stacked = [image / np.linalg.norm(image) for image in stacked]
    given = np.stack(stacked, axis=0 if channels_first else -1)
    assert isinstance(told, Opinion)
    np.testing.assert_allclose(told.probability, softmax(given.reshape(-1) @ weights), rtol=1e-3)
    assert isinstance(small_told, Abstention)
    assert isinstance(none_told, Abstention)
    assert (small_told.reason, none_told.reason) == (Reason.OUT_OF_SCOPE, Reason.MISSING_INPUT)


def feature_parts(
    names: list[str], *, weights: np.ndarray | None = None, missing: float | None = None
) -> Parts:
    """A model of these features."""
    weights = np.ones((len(names), 2)) if weights is None else weights
    parts = onnx_parts(model=make_model(["n", len(names)], weights), layout="features")
    return replace(parts, options={**parts.options, "features": names, "missing": missing})


def test_features_come_by_their_names(start) -> None:
    names = ["range, r", "days of detections"]
    weights = np.array([[0.3, 0.0], [0.1, 0.0]])
    parts = feature_parts(names, weights=weights, missing=0.0)
    batch = ordinary(3)

    told = start(parts).judge(batch)

    features = LAYOUTS["features"]({"features": names, "missing": 0.0})
    for row, outcome in enumerate(told):
        assert isinstance(outcome, Opinion)
        expected = softmax(features.read(batch, row).astype(float) @ weights)
        np.testing.assert_allclose(outcome.probability, expected, rtol=1e-4)
    assert set(names) < set(NAMES)


@pytest.mark.parametrize(
    ("parts", "why"),
    [
        (lambda: onnx_parts(model=make_model(["n", 100, 6], np.zeros((600, 2)))), "the shape"),
        (lambda: onnx_parts(model=b"this is no model"), "it is no model in ONNX"),
        (
            lambda: onnx_parts(model=make_model(["n", *POINTS], WEIGHTS, opset=99)),
            "ValueError: ONNX Runtime only",
        ),
        (
            lambda: onnx_parts(model=make_model(["n", *POINTS], WEIGHTS, file="weights.bin")),
            "its weights are in another file: save it as one file",
        ),
        (
            lambda: onnx_parts(classes=("a", "b", "c"), prior=(0.2, 0.3, 0.5)),
            "answers with (1, 2) for one object of 3 classes",
        ),
        (
            lambda: onnx_parts(model=make_constant(["n", *POINTS], np.array([["a", "b"]]))),
            "its first output is text, not floating-point numbers",
        ),
        (
            lambda: onnx_parts(
                model=make_constant(["n", *POINTS], np.array(["a"]), np.array([[1, 0]]))
            ),
            "its first output is text, then int64, not floating-point numbers",
        ),
        (
            lambda: onnx_parts(model=make_model(["n", *POINTS], WEIGHTS, zipped=("a", "b"))),
            "a list of maps (convert the model without ZipMap), not floating-point numbers",
        ),
        (
            lambda: feature_parts(["bump in r", "time scale", "newest colour", "colour at +60 d"]),
            "is not finite (nan, nan), as NaN was given for bump in r; colour at +60 d: give a"
            ' number under "A missing feature is", or a model that takes NaN',
        ),
    ],
)
def test_a_model_of_another_shape_is_told_so(start, parts, why: str) -> None:
    told = ""
    try:
        (outcome,) = start(parts()).judge(ordinary(1))
        told = outcome.detail
    except ScorerDiedError as error:
        told = str(error)

    assert why in told


@pytest.mark.django_db
def test_a_class_of_ours_under_another_name_is_refused_unless_it_is_a_tag() -> None:
    with pytest.raises(UselessError, match="for the class 'KN' write 'kilonova'"):
        try_scorer(onnx_parts(classes=("KN", "other")))

    assert try_scorer(onnx_parts(classes=("KN", "other"), kind=ScorerKind.RANK)).opinions


NO_NAMESPACES = "echo 0 > /proc/sys/user/max_user_namespaces && exec"
LOADED, IN_A_FILE = 3, 4
LOADS = f"""
import sys
from pathlib import Path
from tom.scoring.fence import shut_in
from tom.scoring.own import make_scorer

packed = sys.stdin.buffer.read()
assert not shut_in(4000)
try:
    make_scorer(packed, fenced=False).setup(Path("/"))
except ValueError as error:
    sys.exit({IN_A_FILE} if "another file" in str(error) else 1)
sys.exit({LOADED})
"""


def test_without_namespaces_a_model_reads_no_file_of_the_site(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(WEIGHTS.astype("<f4").tobytes())

    whole = make_model(["n", *POINTS], WEIGHTS)
    beside = make_model(["n", *POINTS], WEIGHTS, file="weights.bin")

    assert _load_without_namespaces(whole, tmp_path) == LOADED
    assert _load_without_namespaces(beside, tmp_path) == IN_A_FILE


def _load_without_namespaces(model: bytes, folder: Path) -> int:
    """Load a model in a folder where the kernel gives no namespaces; return what came of it."""
    return subprocess.run(
        ["unshare", "-Ur", "sh", "-c", f"{NO_NAMESPACES} {sys.executable} -c '{LOADS}'"],
        input=onnx_parts(model=model).pack(),
        cwd=folder,
        env={"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        timeout=60,
        check=False,
    ).returncode


def test_a_model_that_never_ends_is_killed_on_time(start) -> None:
    model = make_model(["n", *POINTS], WEIGHTS, side=2500, times=500)
    host = start(onnx_parts(model=model, seconds_per_object=0.001), 1.0)

    with pytest.raises(ScorerDiedError, match="it took longer than 1 s"):
        host.judge(ordinary(1))

    assert host._child is None


def test_a_model_that_wants_much_memory_fails_within_its_own(start) -> None:
    model = make_model(["n", *POINTS], WEIGHTS, side=20_000, times=1)

    (outcome,) = start(onnx_parts(model=model, memory_mb=1000)).judge(ordinary(1))

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.FAILED
    words = "it needs more than 1000 MiB: raise Memory (the site's most is SCORER_MEMORY_MB). F"
    assert outcome.detail.startswith(f"{words}ailed to allocate memory")


def test_a_feature_that_is_not_there_is_answered_with_all_that_are(start) -> None:
    with pytest.raises(ScorerDiedError) as told:
        start(feature_parts(["colour at +21 d"])).judge(ordinary(1))

    said = str(told.value)
    assert "there is no feature 'colour at +21 d' (is it 'colour at +20 d' or" in said
    assert all(name in said for name in NAMES)


def test_braai_gives_the_39_published_values(real_data) -> None:
    batch, published, _ = braai_port.published(real_data / "ml")

    told = braai_port.braai(real_data / "ml").score(batch).probability

    assert len(published) == 39
    np.testing.assert_allclose(told[:, 0], published, rtol=0, atol=1e-6)


def test_one_that_has_nothing_to_do_ends_and_comes_back(start, monkeypatch) -> None:
    monkeypatch.setattr(host_module, "IDLE_SECONDS", 0.2)
    host = start(onnx_parts())
    first = host.judge(ordinary(1))
    child = host._child

    assert child.wait(20) == 0
    assert host.judge(ordinary(1)) == first
    assert host._child is not child
