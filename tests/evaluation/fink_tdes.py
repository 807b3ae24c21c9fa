"""Fink's early-TDE classifier on real disruptions and supernovae, in its own environment.

    python -m venv FINK && FINK/bin/pip install light-curve==0.13.3 iminuit xgboost polars
    FINK/bin/pip download --no-deps fink-filters==7.45 && unzip fink_filters-7.45*.whl -d FILTERS
    FINK/bin/python tests/evaluation/fink_tdes.py FOLDER FILTERS scores.csv

None of these packages is one of the site's. FOLDER has the files of `tests.evaluation.real_tdes`.
Fit, cuts and model are those of `fink_filters.ztf.filter_early_tde_candidates` (Apache-2.0): a
sigmoid rise of constant temperature (Rainbow) in g and r over the 100 days before a moment. Of its
two models the broad one: the other reads the distance to the nearest source of the reference, which
the files do not have. Nothing is dereddened: of the disruptions no reddening is given.
`tests.evaluation.fink_tde` measures the scores.
"""

import csv
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
import polars as pl
import xgboost  # type: ignore[import-not-found]  # of the other environment
from light_curve.light_curve_py import RainbowFit  # type: ignore[import-not-found]  # as above

Array = npt.NDArray[np.float64]
DAYS = (30, 60)
"""Moments: so many days after the first detection."""
WINDOW_DAYS, SIGMA, LEAST = 100.0, 5.0, 5
TO_FLUXCAL = 10 ** (0.4 * (27.5 - 31.4))
MODEL = Path("fink_filters/ztf/filter_early_tde_candidates/data/model_broad.ubj")
ANGSTROM = {"g": 4770.0, "r": 6231.0}


def main() -> None:
    """Write the score of each object at each moment; empty: no fit, or it failed Fink's cuts."""
    folder, filters, out = map(Path, sys.argv[1:])
    model = xgboost.XGBClassifier()
    model.load_model(filters / MODEL)
    shape = {"with_baseline": False, "temperature": "constant", "bolometric": "sigmoid"}
    rainbow = RainbowFit.from_angstrom(ANGSTROM, **shape)
    points = pl.read_parquet(folder / "lc.parquet").filter(pl.col("band").is_in(list(ANGSTROM)))
    strong = points.filter(pl.col("flux") > SIGMA * pl.col("fluxerr")).sort("mjd")
    with out.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["oid", "days", "until", "score"])
        for (name,), curve in strong.group_by("oid", maintain_order=True):
            columns = [curve[column].to_numpy() for column in ("mjd", "flux", "fluxerr", "band")]
            for days in DAYS:
                until = float(columns[0][0] + days)
                score = _score(rainbow, model, *columns, now=until)
                writer.writerow([name, days, until, score])
            file.flush()


def _score(
    rainbow: RainbowFit,
    model: xgboost.XGBClassifier,
    mjd: Array,
    flux: Array,
    error: Array,
    band: npt.NDArray[np.str_],
    *,
    now: float,
) -> float | None:
    kept = (mjd <= now) & (mjd >= now - WINDOW_DAYS)
    if kept.sum() < LEAST or len(set(band[kept])) < len(ANGSTROM):
        return None
    measured = (mjd[kept], flux[kept] * TO_FLUXCAL, error[kept] * TO_FLUXCAL, band[kept])
    try:
        params, errors = rainbow._eval_and_get_errors(
            t=measured[0], m=measured[1], sigma=measured[2], band=measured[3]
        )
    except (RuntimeError, ValueError):  # it did not converge
        return None
    value, off = (dict(zip(rainbow.names, of, strict=False)) for of in (params, errors))
    phase = (value["reference_time"] - now) / value["rise_time"]
    is_bad = params[-1] > 10 or off["reference_time"] > 100 or not -10 <= phase <= 1
    if is_bad or min(abs(value[of] / off[of]) for of in ("rise_time", "T")) < 1.5:
        return None
    features = np.array([[off["reference_time"], value["rise_time"], value["T"]]])
    return float(model.predict_proba(features)[0, 1])


if __name__ == "__main__":
    main()
