"""Print the figures of the scorers that are off at first: `make evaluate`.

python -m tests.evaluation.scorers DATA [SCORER ...]
"""

import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from ml_plugins.analogues.training import evaluate as analogues
from ml_plugins.anomaly.training.train import RARE, UNUSUAL, write_labels
from ml_plugins.bright_transient.training import evaluate as bright_transient
from ml_plugins.bright_transient.training import files as bright_files
from ml_plugins.early_elasticc.training import evaluate as early_elasticc
from ml_plugins.early_elasticc.training import files as elasticc_files
from ml_plugins.gaia_context.training import evaluate as gaia_context
from ml_plugins.kilonova.training import evaluate as kilonova
from ml_plugins.mdwarf_prior.training import evaluate as mdwarf_prior
from ml_plugins.slsn.training import files as slsn_files
from ml_plugins.spectrum.training import evaluate as spectrum
from tests.evaluation import braai_port, real_tdes

COLLAPSES: Final = ("supernova II", "supernova Ib/c", "supernova IIn")


def measure_anomaly(data: Path) -> None:
    """Measure the forest in five folds of objects: rare classes are unusual, then rare types."""
    for column, unusual in (("cls", RARE), ("type", UNUSUAL)):
        with tempfile.TemporaryDirectory() as folder:
            labels = Path(folder) / "labels.parquet"
            meta, light = data / "ztf_bts_meta.parquet", data / "ztf_bts_lc.parquet"
            write_labels(meta, labels, column=column, unusual=unusual)
            _evaluate("anomaly.Anomaly", light, labels, "--split", "object", "--sought", "unusual")


def measure_bright_transient(data: Path) -> None:
    """Measure it as shipped on objects of the test, then BTSbot's policies on all their alerts."""
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        bright_files.write_files(data.parent, made)
        files = made / "test_lc.parquet", made / "test_meta.parquet"
        more = ("--split", "shipped", "--sought", "transient")
        _evaluate("bright_transient.BrightTransient", *files, *more)
        bright_transient.main([folder])


def measure_early(data: Path) -> None:
    """Measure it on the latest quarter in time, as a list that seeks collapses of cores."""
    files = data / "ztf_bts_lc.parquet", data / "ztf_bts_meta.parquet"
    _evaluate("early.Early", *files, "--split", "time", "--sought", *COLLAPSES)


def measure_early_elasticc(data: Path) -> None:
    """Measure it as shipped: on objects at their newest alert, then on all alerts as they came."""
    with tempfile.TemporaryDirectory() as folder:
        alerts = data.parent / "elasticc" / "fink_2023-02-08"
        files = elasticc_files.write_files(alerts, Path(folder))
        more = ("--redshift-source", "photometric", "--zero-point", "31.4")
        _evaluate("early_elasticc.EarlyElasticc", *files, "--split", "shipped", *more)
    early_elasticc.main([str(data.parent)])


def measure_slsn(data: Path) -> None:
    """Measure it in five folds of all it is fitted to, of MALLORN, of real ones, and of BTS."""
    more = ("--sought", "superluminous supernova", "--redshift-source", "host", "--split", "object")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder)
        slsn_files.write_files(data.parent, made)
        for name in ("all", "mallorn", "real", "survey"):
            files = made / f"{name}_lc.parquet", made / f"{name}_meta.parquet"
            _evaluate("slsn.Slsn", *files, *more, "--zero-point", "31.4")


def measure_sn_type_z(data: Path) -> None:
    """Measure it as if each redshift was the host's: in five folds, then as shipped."""
    for name, split in (("ztf_bts", "object"), ("yse_dr1", "shipped")):
        files = data / f"{name}_lc.parquet", data / f"{name}_meta.parquet"
        more = ("--split", split, "--redshift-source", "host")
        _evaluate("sn_type_z.SnTypeZ", *files, *more)


def measure_tde(data: Path) -> None:
    """Measure it in five folds of MALLORN, then as shipped on real disruptions and supernovae."""
    more = ("--sought", "tde", "--redshift-source", "host", "--split")
    files = data / "mallorn_lc.parquet", data / "mallorn_meta.parquet"
    _evaluate("tde.Tde", *files, *more, "object", "--zero-point", "23.9")
    with tempfile.TemporaryDirectory() as folder:
        files = real_tdes.write_files(data, Path(folder))
        _evaluate("tde.Tde", *files, *more, "shipped", "--zero-point", "31.4")


SCORERS: Final[dict[str, Callable[[Path], None]]] = {
    "real_bogus": lambda data: braai_port.main([str(data.parent)]),
    "kilonova": lambda data: kilonova.main([str(data.parent)]),
    "mdwarf_prior": lambda data: mdwarf_prior.main([str(data.parent)]),
    "anomaly": measure_anomaly,
    "analogues": lambda data: analogues.main([str(data.parent)]),
    "bright_transient": measure_bright_transient,
    "early": measure_early,
    "early_elasticc": measure_early_elasticc,
    "slsn": measure_slsn,
    "sn_type_z": measure_sn_type_z,
    "gaia_context": lambda _: gaia_context.main([]),
    "spectrum": lambda _: spectrum.main([]),
    "tde": measure_tde,
}


def main(arguments: list[str]) -> None:
    """Measure the named scorers, or all of them, on a folder of real data."""
    data, *named = arguments
    for name in named or SCORERS:
        sys.stdout.write(f"\n{name}\n")
        sys.stdout.flush()
        SCORERS[name](Path(data) / "ml")


def _evaluate(scorer: str, lightcurves: Path, labels: Path, *more: str) -> None:
    command = [sys.executable, "manage.py", "evaluate", f"ml_plugins.{scorer}"]
    files = ["--lightcurves", str(lightcurves), "--labels", str(labels)]
    subprocess.run([*command, *files, *more], check=True)


if __name__ == "__main__":
    main(sys.argv[1:])
