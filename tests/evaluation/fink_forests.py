"""Fink's anomaly forests on ZTF's light curves: a score for each object, in its own environment.

    python -m venv FINK && FINK/bin/pip install light-curve onnxruntime polars
    FINK/bin/pip download --no-deps fink-science==7.4.0 && unzip fink_science-7.4.0*.whl -d SCIENCE
    FINK/bin/python tests/evaluation/fink_forests.py ../shared/data/ml SCIENCE scores.csv

Neither package is one of the site's. Features and forests are those of `fink_science.ztf`
(ad_features, anomaly_detection; Apache-2.0): 18 features of the magnitudes in each band, the mean
of the two forests' scores; the lower, the more unusual. A missing feature is the mean that Fink
ships. `tests.evaluation.fink` measures the scores.
"""

import csv
import sys
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import light_curve as lc  # type: ignore[import-not-found]  # of the other environment
import numpy as np
import numpy.typing as npt
import onnxruntime
import polars as pl

Array = npt.NDArray[np.float64]
# In the order that the forests take, with light-curve's own names.
FEATURES = {
    "amplitude": lc.Amplitude(),
    "anderson_darling_normal": lc.AndersonDarlingNormal(),
    "beyond_1_std": lc.BeyondNStd(nstd=1),
    "chi2": lc.ReducedChi2(),
    "cusum": lc.Cusum(),
    "kurtosis": lc.Kurtosis(),
    "linear_fit_slope": lc.LinearFit(),
    "linear_fit_slope_sigma": lc.LinearFit(),
    "linear_trend_noise": lc.LinearTrend(),
    "linear_trend_sigma": lc.LinearTrend(),
    "magnitude_percentage_ratio_20_10": lc.MagnitudePercentageRatio(0.2, 0.1),
    "magnitude_percentage_ratio_40_5": lc.MagnitudePercentageRatio(0.4, 0.05),
    "maximum_slope": lc.MaximumSlope(),
    "median": lc.Median(),
    "median_absolute_deviation": lc.MedianAbsoluteDeviation(),
    "median_buffer_range_percentage_10": lc.MedianBufferRangePercentage(0.1),
    "skew": lc.Skew(),
    "stetson_K": lc.StetsonK(),
}
MODELS = Path("fink_science/data/models/anomaly_detection")


def main() -> None:
    """Write the scores of all objects with a point in g or r."""
    data, science, out = map(Path, sys.argv[1:])
    light = pl.read_parquet(data / "ztf_bts_lc.parquet").filter(pl.col("band").is_in(["g", "r"]))
    names = light["oid"].unique().sort().to_list()
    scores = np.mean([_scores(light, names, science, band) for band in "gr"], axis=0)
    with out.open("w", newline="") as file:
        csv.writer(file).writerows([("oid", "score"), *zip(names, scores.tolist(), strict=True)])


def _scores(light: pl.DataFrame, names: list[str], science: Path, band: str) -> Array:
    means = dict(csv.reader((science / MODELS / f"{band}_means.csv").open()))
    usual = np.array([float(means[name]) for name in FEATURES])
    of_band = light.filter(pl.col("band") == band).unique(["oid", "mjd"], keep="first").sort("mjd")
    curves = of_band.partition_by("oid", as_dict=True)
    rows = [_features(curves.get((name,))) for name in names]
    known = np.where(np.isfinite(rows), rows, usual).astype(np.float32)
    with (
        TemporaryDirectory() as folder,
        zipfile.ZipFile(science / MODELS / "anomaly_detection_forest_AAD.zip") as archive,
    ):
        forest = archive.extract(f"forest_{band}_AAD.onnx", folder)
        found = onnxruntime.InferenceSession(forest).run(None, {"X": known})
    return np.asarray(found[-1], float).reshape(len(names))


def _features(curve: pl.DataFrame | None) -> list[float]:
    if curve is None:
        return [np.nan] * len(FEATURES)
    columns = [curve[name].cast(pl.Float64).to_numpy() for name in ("mjd", "mag", "magerr")]
    found = []
    for name, feature in FEATURES.items():
        values = feature(*columns, fill_value=np.nan)
        found.append(float(values[list(feature.names).index(name)]))
    return found


if __name__ == "__main__":
    main()
