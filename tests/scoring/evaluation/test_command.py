"""`manage.py evaluate`: figures done by hand, through the process in which a scorer judges."""

import json
import re
import sys
from collections.abc import Iterator
from io import StringIO
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from tests.scoring.evaluation.files import write_labels, write_light, write_scorers
from tom.scoring.evaluation.groups import hash_of

# Brighter than 18 mag: a, b, d. The scorer takes b for a Ia, wrongly. It abstains from e.
CURVES = {
    "a": [17, 17],
    "b": [17, 17.1],
    "c": [19, 19],
    "d": [17.5, 17],
    "e": [17],
    "f": [19, 18.5],
}
LABELS = {"a": "SN Ia", "b": "SN II", "c": "SN IIP", "d": "SN Ia", "e": "SN Ia", "f": "TDE"}

EBV = [0.01, 0.05, 0.04, 0.02, 0.5, 0.5]


@pytest.fixture(scope="module")
def scorers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("scorers")
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        patch.delitem(sys.modules, "made_scorers", raising=False)
        yield write_scorers(folder, trained=[hash_of(name) for name in "abc"])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    folder = tmp_path_factory.mktemp("files")
    return [
        *("--lightcurves", str(write_light(folder / "lc.parquet", CURVES))),
        *("--labels", str(write_labels(folder / "meta.parquet", LABELS, ebv=EBV))),
    ]


@pytest.fixture(scope="module")
def told(scorers: str, files: list[str]) -> str:
    return run(f"{scorers}.ByBrightness", *files, "--json")


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("evaluate", *arguments, stdout=out)
    return out.getvalue()


def test_the_figures_are_those_done_by_hand(told: str) -> None:
    assert told.count("\n") == 1
    report = json.loads(told)
    assert (report["n"], report["no_class"]) == (4, 1)
    assert report["abstained"] == {"too few detections": 1}
    # Ia: recall 1, precision 2/3. II: recall 1/2, precision 1.
    assert report["macro_f1"] == pytest.approx((0.8 + 2 / 3) / 2)
    assert report["accuracy"] == 0.75
    assert report["log_loss"] == pytest.approx(-(3 * np.log(0.9) + np.log(0.1)) / 4)
    assert report["ece"] == pytest.approx(0.15)
    assert report["auc_ia"] == pytest.approx(0.75)
    low, high = report["intervals"]["accuracy"]
    assert low < 0.75 <= high


def test_what_is_left_out_is_counted(scorers: str, tmp_path: Path) -> None:
    labels = {"a": "SN Ia", "b": "SN II", "c": "NA", "d": "Supernovum", "z": "SN Ia"}
    files = [
        *("--lightcurves", str(write_light(tmp_path / "l[1].parquet", CURVES))),
        *("--labels", str(write_labels(tmp_path / "m.parquet", labels))),
    ]

    report = json.loads(run(f"{scorers}.ByBrightness", *files, "--json"))

    assert report["left_out"] == {"trained_on": 0, "no_points": 1, "no_label": 1}
    assert (report["labels_unknown"], report["no_class"]) == ({"Supernovum": 1}, 1)
    told = run(f"{scorers}.ByBrightness", *files)
    assert "1 without a label\nlabels that mean no class here: 'Supernovum' 1" in told


def test_the_baseline_is_measured_beside_it(told: str) -> None:
    report = json.loads(told)

    assert report["baseline"]["class_shares"]["log_loss"] == pytest.approx(np.log(2))
    # By peak: a, b and d at 17 mag, then c. Ia: a and d. Of four pairs c's are right, b's are ties.
    assert report["baseline"]["brightest_first"]["auc_ia"] == pytest.approx(0.75)


def test_every_light_curve_is_judged_at_each_epoch(told: str) -> None:
    report = json.loads(told)

    assert [row["days"] for row in report["by_epoch"]] == [3, 7, 14, 30, None]
    assert [(row["n"], row["abstained"]) for row in report["by_epoch"]] == [(4, 1)] * 5
    assert [(row["from"], row["to"], row["n"]) for row in report["by_magnitude"]] == [
        (17, 18, 3),
        (19, 20, 1),
    ]
    assert [row["n"] for row in report["by_reddening"]] == [2, 2]


def test_a_list_of_the_sought_is_measured_beside_brightest_first(
    scorers: str, files: list[str]
) -> None:
    asked = (f"{scorers}.ByBrightness", *files, "--sought", "supernova II")

    rows = {
        row["figure"]: row for row in json.loads(run(*asked, "--json"))["lists"] if not row["days"]
    }

    # In order: c, a II; then a, b and d alike, of which b is one. By brightness: these three, c.
    assert rows["precision_50"]["value"] == pytest.approx(2 / 4)
    assert rows["auc_sought"]["value"] == pytest.approx(3 / 4)
    assert rows["ap_sought"]["value"] == pytest.approx((1 + 2 / 4) / 2)
    assert rows["ap_sought"]["brightest_first"] == pytest.approx((1 / 3 + 2 / 4) / 2)
    assert rows["ap_sought"]["n"] == 4
    assert rows["ap_sought"]["low"] <= 0.75 <= rows["ap_sought"]["high"]
    assert "precision_50, 7 days" in run(*asked)


def test_a_class_that_the_scorer_does_not_have_cannot_be_sought(
    scorers: str, files: list[str]
) -> None:
    with pytest.raises(CommandError, match="has no class tde: it has supernova Ia, supernova II"):
        run(f"{scorers}.ByBrightness", *files, "--sought", "tde")


def test_people_read_the_same_figures(scorers: str, files: list[str]) -> None:
    told = run(f"{scorers}.ByBrightness", *files)

    assert "abstained: 1 (too few detections)" in told
    assert "macro_f1                    0.733" in told
    assert "17 to 18" in told


def test_objects_that_it_was_trained_on_are_left_out(scorers: str, files: list[str]) -> None:
    report = json.loads(run(f"{scorers}.Memory", *files, "--split", "shipped", "--json"))

    assert report["left_out"]["trained_on"] == 3
    assert report["n"] == 1  # d: e has too few points, f no class


def test_what_was_learnt_by_heart_is_worth_nothing(
    scorers: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # Each object has a magnitude of its own; two names have one light curve.
    names = [f"n{k}" for k in range(20)]
    curves = {name: [17 + k / 100] * 2 for k, name in enumerate(names)} | {"again": [17, 17]}
    labels = {name: ("SN Ia", "SN II")[k % 2] for k, name in enumerate([*names, "again"])}
    folds = [k % 2 for k in range(21)]
    files = [
        *("--lightcurves", str(write_light(tmp_path / "l.parquet", curves))),
        *("--labels", str(write_labels(tmp_path / "m.parquet", labels, fold=folds))),
    ]

    report = json.loads(run(f"{scorers}.Memory", *files, "--split", "object", "--json"))

    assert re.findall(r"^memory: (fold \d of 2), \d+ s$", capsys.readouterr().err, re.M) == [
        "fold 1 of 2",
        "fold 2 of 2",
    ]
    assert "2 folds" in report["split"]
    assert report["n"] == 21  # each of them once
    assert report["auc_ia"] == 0.5
    assert report["log_loss"] == pytest.approx(np.log(2))


def test_the_latest_quarter_is_judged_by_what_is_earlier(scorers: str, tmp_path: Path) -> None:
    curves = {f"n{k}": [17 + (k % 15) / 100] * 2 for k in range(20)}
    light = write_light(tmp_path / "l.parquet", curves)
    frame = pl.read_parquet(light)
    later = pl.col("mjd") + 10 * pl.col("oid").str.slice(1).cast(pl.Float64)
    frame.with_columns(later.alias("mjd")).write_parquet(light)
    labels = {name: ("SN Ia", "SN II")[k % 15 % 2] for k, name in enumerate(curves)}
    files = [
        *("--lightcurves", str(light)),
        *("--labels", str(write_labels(tmp_path / "m.parquet", labels))),
    ]

    report = json.loads(run(f"{scorers}.Memory", *files, "--split", "time", "--json"))

    # The last five look as the first five did, and so memory serves.
    assert (report["n"], report["accuracy"]) == (5, 1.0)


# --- Comparisons --------------------------------------------------------------------------------
def many(tmp_path: Path) -> list[str]:
    curves = {f"n{k}": [17 if k % 2 else 19] * 2 for k in range(60)}
    labels = {f"n{k}": ("SN II", "SN Ia")[k % 2 if k % 10 else 1] for k in range(60)}
    return [
        *("--lightcurves", str(write_light(tmp_path / "l.parquet", curves))),
        *("--labels", str(write_labels(tmp_path / "m.parquet", labels))),
    ]


def test_a_better_scorer_is_accepted_and_a_worse_one_is_not(scorers: str, tmp_path: Path) -> None:
    files = many(tmp_path)
    good, bad = f"{scorers}.ByBrightness", f"{scorers}.Worse"

    report = json.loads(run(good, *files, "--against", bad, "--json"))

    assert report["comparison"]["accepted"]
    assert report["comparison"]["macro_f1"]["low"] > 0
    assert report["comparison"]["log_loss"]["gain"] > 0
    out = StringIO()
    with pytest.raises(SystemExit) as ended:
        call_command("evaluate", bad, *files, "--against", good, stdout=out)
    assert ended.value.code == 1
    assert "not accepted: the lower end for macro_f1 must be above 0" in out.getvalue()


# --- Refusals -----------------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["nobody"], "no scorer 'nobody' is installed: there is fast_transient"),
        (["nobody.Here"], "no scorer at 'nobody.Here'"),
        (["made_scorers.ByBrightness", "--split", "object"], "cannot be fitted here"),
        (["made_scorers.ByBrightness", "--label-column", "kind"], "no column 'kind'; it has oid"),
        (["made_scorers.ByBrightness", "--zero-point", "nan"], "is no AB magnitude of a flux of 1"),
        (["made_scorers.Dying"], "the scorer gave no answer: its process ended"),
        (
            ["made_scorers.ByBrightness", "--against", "made_scorers.Worse", "--figure", "beauty"],
            "argument --figure: invalid choice: 'beauty'",
        ),
    ],
)
def test_what_cannot_be_evaluated_is_refused_with_what_to_do(
    scorers: str, files: list[str], arguments: list[str], told: str
) -> None:
    with pytest.raises(CommandError, match=told):
        run(*arguments, *files)


def test_a_scorer_that_was_trained_on_all_is_refused(scorers: str, tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [17, 17]})
    labels = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia"})
    files = ["--lightcurves", str(light), "--labels", str(labels)]

    with pytest.raises(CommandError, match="trained on all of these objects: give others"):
        run(f"{scorers}.Memory", *files, "--split", "shipped")


def test_folds_of_one_object_alone_are_refused(scorers: str, tmp_path: Path) -> None:
    light = write_light(tmp_path / "lc.parquet", {"a": [17, 17]})
    labels = write_labels(tmp_path / "meta.parquet", {"a": "SN Ia"})
    files = ["--lightcurves", str(light), "--labels", str(labels), "--split", "object"]

    with pytest.raises(CommandError, match="fold 1 of 1: no object is left to fit on"):
        run(f"{scorers}.Memory", *files)


def test_an_installed_scorer_is_evaluated_by_its_name(files: list[str]) -> None:
    report = json.loads(run("real_bogus", *files, "--json"))

    assert report["n"] == 0
    assert report["abstained"] == {"an input is missing": 6}
    assert [report[name] for name in ("macro_f1", "auc_ia", "log_loss", "ece")] == [None] * 4
