"""Trees on the table of fits that the package fleet-pipe ships, as JSON lines.

    pip download --no-deps fleet-pipe==3.2
    make evaluate FLEET=fleet_pipe-3.2-py3-none-any.whl

The package (MIT; FLEET: Gomez et al. 2020, https://arxiv.org/abs/2009.01853) is none of the
site's: its table is read out of the wheel. The table has fits to the first 20 days of ZTF's light
curves of classified transients, and the galaxy taken for the host, in 3pi and SDSS. It has no light
curves, so `tde` and `slsn` do not read it. Trees of the same classes show what its columns tell.

All objects are judged, in five folds. Of the other folds those alone are learnt from that are not
kept back: by the name that the table knows them by, then more strictly by neither that nor ZTF's
name. The derived features, and how they are learnt, were chosen on objects that are kept back by
neither. Redshifts and absolute magnitudes of the table are of the spectra that gave the class, so
they are left out. So are places, dates and numbers of points.
"""

import csv
import io
import json
import sys
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import ExtraTreesClassifier
from sklearn.metrics import average_precision_score
from sklearn.model_selection import StratifiedKFold

from ml_plugins.outbursts.known import is_kept_back

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Names = npt.NDArray[np.str_]
TABLE: Final = "fleet/training_set/table_full_20.txt"
SPLITS, FOLDS, DRAWS, TREES = 3, 5, 500, 300
SOUGHT: Final = {"tde": {"TDE"}, "slsn_i": {"SLSN-I"}, "slsn": {"SLSN-I", "SLSN-II"}}
TOGETHER: Final = {
    **dict.fromkeys(("SNIb", "SNIc", "SNIc-BL", "SNIbn"), "SNIbc"),
    **{"SNIIP": "SNII", "CV": "star", "Varstar": "star"},
}
"""Classes that are learnt as one."""
BY_NAME: Final = {"table": ("object_name",), "either": ("object_name", "ztf_name")}
LIGHT: Final = (
    *("lc_width", "lc_decline", "phase_offset", "initial_temp", "cooling_rate", "color_peak"),
    *("late_color10", "late_color20", "late_color60", "first_to_peak_r", "peak_to_last_r"),
    *("delta_time", "brightest_mag", "green_brightest", "red_brightest", "late_color"),
)
HOST: Final = (
    *("host_radius", "host_separation", "host_Pcc", "host_magnitude", "host_magnitude_g"),
    *("host_magnitude_r", "host_nature", "closest_separation", "closest_Pcc", "closest_nature"),
    *("closest_magnitude_g", "closest_magnitude_r", "closest_magnitude", "closest_radius"),
    *("input_separation", "input_size", "input_host_g_r", "normal_separation", "deltamag_green"),
    *("deltamag_red", "hostless"),
)
"""`input_` to `hostless` are by FLEET's rule for a host: 0, and the contrast to 3pi, if none is."""
MISSING: Final = -99.0
COLOURS: Final = (-2.0, 3.0)
LEAST_ARCSEC, LEAST_RADIUS, LEAST_RATIO, LEAST_CHANCE = 0.05, 0.1, 0.02, 1e-7


class Table(NamedTuple):
    """Columns of the table, shape (n,) each: `known` is the class, `is_clear` may be learnt.

    `place` is the host's, ICRS degrees, shape (n, 2). `names` are the table's own and ZTF's.
    """

    names: Sequence[tuple[str, str]]
    place: Floats
    values: dict[str, Floats]
    known: Names
    is_clear: Flags


def read_table(wheel: Path, names: Sequence[str]) -> Table:
    """Read the table out of the wheel; an object is kept back if it is so by one of its names."""
    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(TABLE).decode("ascii")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=" "))
    values = {name: np.array([_number(row[name]) for row in rows]) for name in (*LIGHT, *HOST)}
    clear = [not any(is_kept_back(row[name]) for name in names) for row in rows]
    both = [(row["object_name"], row["ztf_name"]) for row in rows]
    place = np.array([[float(row["host_ra"]), float(row["host_dec"])] for row in rows])
    known = np.array([row["object_class"] for row in rows])
    return Table(both, place, values, known, np.array(clear))


def _number(text: str) -> float:
    return float(text == "True") if text in {"True", "False"} else float(text)


def light(of: dict[str, Floats]) -> list[Floats]:
    """Return the fit's columns as they are."""
    return [of[name] for name in LIGHT]


def with_host(of: dict[str, Floats]) -> list[Floats]:
    """Return the fit's and the host's columns as they are."""
    return [of[name] for name in (*LIGHT, *HOST)]


def derived(of: dict[str, Floats]) -> list[Floats]:
    """Return the fit, its colours from the peak on, the host's magnitude and `of_host`."""
    colours, host = of_host(of)[:2], of_host(of)[2:]
    return [
        *(of[name] for name in LIGHT[:6]),
        *(of[name] - of["color_peak"] for name in ("late_color10", "late_color20")),
        *(of[name] for name in ("late_color60", "first_to_peak_r", "peak_to_last_r")),
        *(of["delta_time"], of["brightest_mag"], of["green_brightest"] - of["red_brightest"]),
        *(*colours, of["host_magnitude_r"], *host),
    ]


def of_host(of: dict[str, Floats]) -> list[Floats]:
    """Return what tells of host and nearest source, and not how bright either is by itself.

    Contrast to the transient, colours, surface brightness, and the separation in radii.
    """
    radius = np.maximum(of["host_radius"], LEAST_RADIUS)
    g, r, peak = of["host_magnitude_g"], of["host_magnitude_r"], of["red_brightest"]
    near_g, near_r = of["closest_magnitude_g"], of["closest_magnitude_r"]
    apart, nearest = of["host_separation"], of["closest_separation"]
    chances = [np.clip(of[f"{name}_Pcc"], LEAST_CHANCE, 1) for name in ("host", "closest")]
    is_nearest = np.abs(nearest - apart) < LEAST_ARCSEC
    return [
        *(np.clip(g - r, *COLOURS), np.clip(r - of["host_magnitude"], *COLOURS)),
        *(r + 5 * np.log10(radius), g - of["green_brightest"], r - peak),
        *(np.log10(each + LEAST_ARCSEC) for each in (apart, nearest)),
        *(np.log10(radius), np.log10(apart / radius + LEAST_RATIO), *map(np.log10, chances)),
        *(of["host_nature"], of["closest_nature"], near_r - peak),
        *(np.clip(near_g - near_r, *COLOURS), is_nearest.astype(float)),
    ]


class Recipe(NamedTuple):
    """Which features the trees read, and what they are told beyond their number and seed."""

    features: Callable[[dict[str, Floats]], list[Floats]]
    parameters: dict[str, Any]


RECIPES: Final = {
    "light": Recipe(light, {}),
    "host": Recipe(with_host, {}),
    "derived": Recipe(derived, {"min_samples_leaf": 2, "class_weight": "balanced"}),
}
"""Untuned without and with the host, and what was best for disruptions where none is kept back."""


def judge(table: Table, recipe: Recipe, *, splits: int = SPLITS) -> dict[str, Floats]:
    """Return the chance of each class sought, shape (splits, n): each by a fit on other folds."""
    x = np.nan_to_num(np.stack(recipe.features(table.values), axis=1), nan=MISSING)
    label = np.array([TOGETHER.get(str(each), str(each)) for each in table.known])
    chances = {name: np.zeros((splits, len(label))) for name in SOUGHT}
    for split in range(splits):
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=split).split(x, table.known)
        for learnt, judged in folds:
            rows = learnt[table.is_clear[learnt]]
            trees = ExtraTreesClassifier(TREES, random_state=split, **recipe.parameters)
            said = trees.fit(x[rows], label[rows]).predict_proba(x[judged])
            for name, classes in SOUGHT.items():
                chances[name][split, judged] = said[:, np.isin(trees.classes_, list(classes))].sum(
                    1
                )
    return chances


GAINS: Final = {"gain_of_host": ("host", "light"), "gain_of_derived": ("derived", "host")}


def main() -> None:
    """Print a line for each rule and class, on all objects and on those that are kept back."""
    for rule, names in BY_NAME.items():
        table = read_table(Path(sys.argv[1]), names)
        said = {name: judge(table, recipe) for name, recipe in RECIPES.items()}
        everything = np.full(len(table.known), True)
        for judged, rows in (("all", everything), ("kept back", ~table.is_clear)):
            for name, classes in SOUGHT.items():
                truth = np.isin(table.known[rows], list(classes))
                told = {"kept_back_by": rule, "learnt": int(table.is_clear.sum()), "judged": judged}
                told |= {"sought": name, "n": len(truth), "n_sought": int(truth.sum())}
                of = {recipe: chances[name][:, rows] for recipe, chances in said.items()}
                sys.stdout.write(json.dumps(told | figures(truth, of, gains=GAINS)) + "\n")


def figures(
    truth: Flags, of: dict[str, Floats], *, gains: Mapping[str, tuple[str, str]]
) -> dict[str, list[float]]:
    """Return the mean average precision of the splits with its interval, and the paired `gains`.

    A gain has a name, what gains, and over what.
    """
    rng = np.random.default_rng(0)
    draws = [np.arange(len(truth)), *rng.integers(len(truth), size=(DRAWS, len(truth)))]
    draws = [rows for rows in draws if truth[rows].any()]
    found = {
        name: np.array(
            [
                np.mean([average_precision_score(truth[rows], each[rows]) for each in said])
                for rows in draws
            ]
        )
        for name, said in of.items()
    }
    gained = {name: found[ours] - found[other] for name, (ours, other) in gains.items()}
    return {
        name: [
            round(float(each), 3) for each in (values[0], *np.quantile(values[1:], [0.025, 0.975]))
        ]
        for name, values in (found | gained).items()
    }


if __name__ == "__main__":
    main()
