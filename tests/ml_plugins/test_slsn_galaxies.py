"""Where `slsn`'s objects are, and of which source each is that its gain is measured on."""

import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.evaluation.listed_galaxies import PLACES, places_of
from tests.evaluation.slsn_folds import parts_of
from tests.scoring.evaluation.files import write_labels


def test_places_are_those_of_the_survey_and_of_the_collection(tmp_path: Path) -> None:
    write_labels(
        tmp_path / "ztf_bts_meta.parquet", {"ZTF1": "SLSN"}, RA=["10:00:00"], Dec=["-00:30:00"]
    )
    wheel = tmp_path / "slsne.whl"
    rows = ["  Name  RA_deg  DEC_deg  Redshift ", "  2018a  139.5  +13.25  0.1 "]
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr(PLACES, "\n".join(rows) + "\n")

    places = places_of(tmp_path, wheel)

    assert places["2018a"] == (139.5, 13.25)
    assert places["ZTF1"] == pytest.approx((150.0, -0.5))


def test_an_object_of_the_table_is_a_real_one() -> None:
    names = ["ZTF1", "2018a", "iPTF16b", "Dornhoth_a", "ZTF2"]

    parts = parts_of(names, {"ZTF1", "2018a", "Dornhoth_a"})

    assert {part: np.flatnonzero(rows).tolist() for part, rows in parts.items()} == {
        "survey": [0, 4],
        "real": [0, 1, 2, 4],
        "mallorn": [3],
        "table": [0, 1],
        "table, survey": [0],
    }
