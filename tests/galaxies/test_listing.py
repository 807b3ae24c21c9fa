"""An event's galaxies are ranked by probability, light, distance and completeness."""

from pathlib import Path

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.factories import make_skymap
from tests.galaxies.test_association import GLADE_2, make_catalogue, make_galaxy
from tom.galaxies.listing import RankedGalaxies, rank_galaxies, read_galaxies_of, rows_of
from tom.galaxies.loaded import loaded_catalogues
from tom.galaxies.loading import load_catalogue
from tom.galaxies.mapping import read_mapping
from tom.sky import SkyMap, build_skymap, read_skymap

pytestmark = pytest.mark.django_db
SCALE = 100.0
NGC_4993 = "667145"


def rank(skymap: SkyMap) -> tuple[RankedGalaxies, list[dict]]:
    catalogues = loaded_catalogues(method=1)
    assert catalogues is not None
    found = read_galaxies_of(skymap)
    shares = catalogues.completeness
    ranked = rank_galaxies(skymap, found, completeness=shares, scale_mpc=SCALE)
    return ranked, rows_of(skymap, found, ranked, completeness=shares)


def test_ngc_4993_comes_high_in_gw170817_s_list(real_data: Path) -> None:
    path = real_data / "gw" / "galaxies" / "GW170817_galaxies_GLADE.csv"
    load_catalogue(path, read_mapping(GLADE_2), progress=lambda n: None)
    name = "GW170817_GWTC1_LALInference_nside1024_nested.fits.gz"

    ranked, rows = rank(read_skymap((real_data / "gw" / "maps" / name).read_bytes()))

    numbers = [row["number"] for row in rows]
    assert numbers.index(NGC_4993) < 3
    assert ranked.share.sum() + ranked.none_share == pytest.approx(1)
    assert {row["rank"] for row in rows} == set(range(1, len(rows) + 1))


def test_the_nearer_the_brighter_and_the_better_placed_comes_first() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "best")
    make_galaxy(catalogue, "faint", dec=-23.39, b_magnitude=15.0)
    make_galaxy(catalogue, "far behind", dec=-23.40, distance_mpc=60.0, b_magnitude=13.9)
    make_galaxy(catalogue, "at the edge", dec=-13.0)
    make_galaxy(catalogue, "elsewhere", ra=17.0, dec=23.0)

    ranked, rows = rank(make_skymap())

    numbers = [row["number"] for row in rows]
    assert numbers[0] == "best"
    assert set(numbers) == {"best", "faint", "far behind", "at the edge"}
    assert rows[0]["distance_offset_sigma"] == pytest.approx(0)
    assert rows[0]["completeness"] == pytest.approx(0.4)
    assert ranked.completeness == pytest.approx(0.4, abs=0.01)


def test_the_less_is_listed_the_likelier_is_none_of_the_listed() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "a")
    found, skymap = read_galaxies_of(make_skymap()), make_skymap()
    n = len(catalogue.completeness["shares"])

    low, high = (
        rank_galaxies(skymap, found, completeness=np.full(n, share), scale_mpc=SCALE).none_share
        for share in (0.1, 0.9)
    )

    assert low > high > 0


def test_a_map_without_distances_ranks_by_place_and_light() -> None:
    catalogue = make_catalogue()
    make_galaxy(catalogue, "here")
    make_galaxy(catalogue, "far but here", distance_mpc=400.0, b_magnitude=18.0)
    make_galaxy(catalogue, "at the edge", dec=-13.0)
    whole = make_skymap()
    flat = build_skymap(level=whole.level, ipix=whole.ipix, probdensity=whole.probdensity)

    _, rows = rank(flat)

    assert rows[0]["number"] == "here"
    assert len(rows) == 3
    assert rows[0]["distance_offset_sigma"] is None


def test_a_galaxy_of_two_catalogues_is_listed_once() -> None:
    make_galaxy(make_catalogue("first"), "photo", distance_kind="photometric")
    make_galaxy(make_catalogue("second"), "spec", dec=-23.3805)

    _, rows = rank(make_skymap())

    assert [row["number"] for row in rows] == ["spec"]


def test_a_region_without_galaxies_has_an_empty_list_and_none_is_certain() -> None:
    make_catalogue()

    ranked, rows = rank(make_skymap())

    assert rows == []
    assert ranked.none_share == 1


def test_the_galaxies_are_read_by_one_query() -> None:
    make_galaxy(make_catalogue(), "a")

    with CaptureQueriesContext(connection) as queries:
        read_galaxies_of(make_skymap())

    assert len(queries) == 1
