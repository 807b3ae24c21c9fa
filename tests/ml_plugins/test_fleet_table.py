"""The trees on fleet-pipe's table: what is kept back is judged, and not learnt from."""

import csv
import io
import zipfile
from pathlib import Path

import numpy as np

from ml_plugins.outbursts.known import is_kept_back
from tests.evaluation.fleet_hosts import GALAXIES, is_listed
from tests.evaluation.fleet_table import (
    BY_NAME,
    HOST,
    LIGHT,
    RECIPES,
    TABLE,
    derived,
    judge,
    read_table,
)

N = 60
COLUMNS = ("object_name", "ztf_name", "object_class", "host_ra", "host_dec", *LIGHT, *HOST)


def wheel(path: Path) -> Path:
    """A wheel with a table in which all that is kept back, and nothing else, is a disruption."""
    rng = np.random.default_rng(1)
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, delimiter=" ")
    writer.writeheader()
    for number in range(N):
        names = {"object_name": f"2019a{number}", "ztf_name": f"ZTF19a{number}"}
        label = "TDE" if any(map(is_kept_back, names.values())) else ("SNIa", "SLSN-I")[number % 2]
        values = {name: rng.uniform(15, 20) for name in (*LIGHT, *HOST)}
        writer.writerow(
            {**names, "object_class": label, "host_ra": number, "host_dec": 2, **values}
        )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(TABLE, text.getvalue())
        archive.writestr(GALAXIES, "RA,DEC,B\n3,2.001,15\n8,2.01,nan\n")
    return path


def test_what_is_kept_back_is_judged_and_not_learnt_from(tmp_path: Path) -> None:
    table = read_table(wheel(tmp_path / "fleet.whl"), BY_NAME["either"])
    assert 0 < table.is_clear.sum() < N
    np.testing.assert_array_equal(table.is_clear, table.known != "TDE")
    said = judge(table, RECIPES["derived"], splits=1)
    assert said["tde"].shape == (1, N)
    assert not said["tde"].any()
    assert said["slsn_i"].all()


def test_a_contrast_does_not_depend_on_the_distance(tmp_path: Path) -> None:
    """All is two magnitudes fainter: only what is of one brightness moves, three features."""
    values = read_table(wheel(tmp_path / "fleet.whl"), BY_NAME["either"]).values
    fainter = {
        name: each + 2 * ("mag" in name or "_brightest" in name) for name, each in values.items()
    }
    moved = [
        not np.allclose(before, after)
        for before, after in zip(derived(values), derived(fainter), strict=True)
    ]
    assert sum(moved) == 3


def test_a_galaxy_is_listed_within_four_arcsec(tmp_path: Path) -> None:
    table = read_table(wheel(tmp_path / "fleet.whl"), BY_NAME["either"])
    assert np.flatnonzero(is_listed(table, tmp_path / "fleet.whl")).tolist() == [3]
