"""Sky maps read from FITS: every form that was met, and every defect that must be refused."""

import base64
import gzip
import io
import json
import tracemalloc

import healpy
import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sky.strategies import skymaps
from tom.sky import (
    MalformedSkyMapError,
    credible_area,
    healpix29,
    levels_2d,
    probdensity_at,
    read_skymap,
    row_at,
    write_skymap,
)

UNIQ = np.array([4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 60, 61, 62, 63])  # base pixel 11 split
# Those of 11 whole base pixels and of the four quarters of the last one; they sum to 1.05.
DENSITY = np.arange(1.0, 16.0) / 79.29


def table_bytes(columns, **header):
    table = fits.BinTableHDU.from_columns(columns)
    table.header.update({"PIXTYPE": "HEALPIX", "COORDSYS": "C"} | header)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()


def multi_order(uniq=UNIQ, density=DENSITY, form="K", density_form="D", **header):
    columns = [
        fits.Column("UNIQ", form, array=uniq),
        fits.Column("PROBDENSITY", density_form, array=density),
    ]
    return table_bytes(columns, **({"ORDERING": "NUNIQ"} | header))


def with_distances(mu, sigma, norm, unit="Mpc"):
    n = len(UNIQ)
    columns = [
        fits.Column("UNIQ", "K", array=UNIQ),
        fits.Column("PROBDENSITY", "D", array=DENSITY),
        fits.Column("DISTMU", "D", unit=unit, array=np.full(n, mu)),
        fits.Column("DISTSIGMA", "D", array=np.full(n, sigma)),
        fits.Column("DISTNORM", "D", array=np.full(n, norm)),
    ]
    return table_bytes(columns, ORDERING="NUNIQ")


def flat(values, *, ordering, nside, form="D", name="PROB", total=1.0):
    column = fits.Column(name, form, array=values * (total / np.sum(values)))
    header = {} if nside is None else {"NSIDE": nside}
    return table_bytes([column], ORDERING=ordering, **header)


def test_rows_come_sorted_along_the_sky_and_normalized():
    skymap = read_skymap(multi_order())

    assert np.all(np.diff(skymap.start29) > 0)
    assert skymap.probability.sum() == pytest.approx(1)
    assert skymap.raw_sum > 1
    np.testing.assert_array_equal(skymap.uniq, UNIQ)


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_rows_does_not_matter(seed):
    order = np.random.default_rng(seed).permutation(len(UNIQ))

    skymap = read_skymap(multi_order(UNIQ[order], DENSITY[order]))

    np.testing.assert_array_equal(skymap.uniq, UNIQ)
    np.testing.assert_allclose(skymap.probdensity, DENSITY / skymap.raw_sum)


def test_uniq_may_be_a_32_bit_integer_and_density_single_precision():
    skymap = read_skymap(multi_order(form="J", density_form="E"))

    np.testing.assert_array_equal(skymap.uniq, UNIQ)
    np.testing.assert_allclose(skymap.probdensity, DENSITY / skymap.raw_sum, rtol=1e-6)


def test_uniq_may_be_an_unsigned_64_bit_integer():
    column = fits.Column("UNIQ", "K", bzero=2**63, array=UNIQ.astype(np.uint64))
    density = fits.Column("PROBDENSITY", "D", array=DENSITY)

    skymap = read_skymap(table_bytes([column, density], ORDERING="NUNIQ"))

    np.testing.assert_array_equal(skymap.uniq, UNIQ)


def test_the_finest_pixels_keep_their_index():
    deepest = 16 * 4**29 - 1  # the last pixel of level 29

    skymap = read_skymap(multi_order([deepest, 4], [2e17, 0.3]))

    assert skymap.uniq.tolist() == [4, deepest]
    assert skymap.stop29[-1] == 12 * 4**29


def test_denormal_densities_are_kept():
    skymap = read_skymap(multi_order([4, 5], [4.9e-318, 3 / np.pi]))

    assert 0 < skymap.probdensity[0] < 1e-300


def test_a_sum_a_little_off_one_is_rescaled_and_remembered():
    density = 0.99905 * DENSITY / read_skymap(multi_order()).raw_sum

    skymap = read_skymap(multi_order(density=density))

    assert skymap.raw_sum == pytest.approx(0.99905)
    assert skymap.probability.sum() == pytest.approx(1)


def test_a_map_may_state_its_distance_or_not():
    stated = read_skymap(multi_order(DISTMEAN=40.5, DISTSTD=8.25))

    assert (stated.distance_mean, stated.distance_std) == (40.5, 8.25)
    assert np.isnan(read_skymap(multi_order()).distance_mean)


def test_rows_may_lack_a_distance_or_have_a_negative_mean():
    unknown = read_skymap(with_distances(np.inf, 1.0, 0.0))
    negative = read_skymap(with_distances(-20.0, 30.0, 1e-3))

    assert unknown.is_3d
    assert np.all(negative.distmu == -20)


@pytest.mark.parametrize("form", ["D", "E", "1024E"])
@pytest.mark.parametrize(("name", "nside"), [("PROB", 16), ("PROBABILITY", 16), ("PROB", None)])
def test_a_flat_nested_map_gives_each_pixel_its_density(form, name, nside):
    values = np.random.default_rng(1).random(12 * 16**2)
    shaped = values.reshape(-1, 1024) if form == "1024E" else values

    skymap = read_skymap(flat(shaped, ordering="NESTED", nside=nside, form=form, name=name))

    pixel_area = 4 * np.pi / len(values)
    np.testing.assert_allclose(skymap.probdensity, values / values.sum() / pixel_area, rtol=1e-5)


def test_a_flat_ring_map_is_the_same_sky_as_its_nested_form():
    nested = np.random.default_rng(2).random(12 * 8**2)
    ring = nested[healpy.ring2nest(8, np.arange(len(nested)))]

    first = read_skymap(flat(nested, ordering="NESTED", nside=8))
    second = read_skymap(flat(ring, ordering="RING", nside=8))

    np.testing.assert_array_equal(first.uniq, second.uniq)
    np.testing.assert_allclose(first.probdensity, second.probdensity)


def test_equal_siblings_of_a_flat_map_are_joined():
    values = np.repeat(np.arange(1.0, 13.0), 64)
    values[0] = 5.0

    skymap = read_skymap(flat(values, ordering="NESTED", nside=8))

    assert skymap.n == 11 + 3 + 3 + 4
    np.testing.assert_allclose(
        probdensity_at(skymap, np.arange(768) << 52) * 4 * np.pi / 768, values / values.sum()
    )


@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
@pytest.mark.parametrize("form", ["D", "64D", "3D"])
@pytest.mark.parametrize("side", [1, 4, 8])
def test_a_flat_map_is_the_same_in_pieces_of_any_size(monkeypatch, ordering, form, side):
    values = np.repeat(np.random.default_rng(3).random(192), np.tile([1, 4, 11, 0], 48))
    sent = values if ordering == "NESTED" else values[healpy.ring2nest(8, np.arange(768))]
    shaped = sent.reshape(-1, int(form[:-1] or 1)) if form != "D" else sent
    data = flat(shaped, ordering=ordering, nside=8, form=form)
    monkeypatch.setattr("tom.sky.skymap_fits.CELLS_OF_PIECE", side**2)
    monkeypatch.setattr("tom.sky.skymap_fits.SIDE_OF_PIECE", side)

    for packed in (data, gzip.compress(data[:9000]) + gzip.compress(data[9000:])):
        pieces = read_skymap(packed)

        density = values / values.sum() * 768 / (4 * np.pi)
        np.testing.assert_allclose(probdensity_at(pieces, np.arange(768) << 52), density)
        assert pieces.n < 768 or side == 1
    with pytest.raises(MalformedSkyMapError, match="too early"):
        read_skymap(data[:-2880])


@pytest.mark.parametrize("ordering", ["NESTED", pytest.param("RING", marks=pytest.mark.soak)])
def test_a_map_of_nside_2048_is_read_in_a_fraction_of_the_memory_that_it_unpacks_to(ordering):
    row = np.array([1 / (12 * 2048**2), 40, 8, 5e-4], ">f4")
    names = ("PROB", "DISTMU", "DISTSIGMA", "DISTNORM")
    columns = [fits.Column(name, "E", array=row[i : i + 1]) for i, name in enumerate(names)]
    header = table_bytes(columns, ORDERING=ordering, NSIDE=2048)[:-2880].replace(
        b"NAXIS2  =                    1", b"NAXIS2  =             50331648"
    )
    base_pixel = gzip.compress(row.tobytes() * 2048**2, compresslevel=1)
    data = gzip.compress(header) + 12 * base_pixel  # 805 MB

    tracemalloc.start()
    skymap = read_skymap(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert skymap.raw_sum == pytest.approx(1)
    assert np.all(skymap.distmu == 40)
    assert peak < 100e6


def test_equal_siblings_of_a_ring_map_are_joined():
    nested = np.repeat(np.arange(1.0, 13.0), 64)
    ring = nested[healpy.ring2nest(8, np.arange(len(nested)))]

    skymap = read_skymap(flat(ring, ordering="RING", nside=8))

    assert skymap.level.tolist() == [0] * 12
    np.testing.assert_allclose(skymap.probability, np.arange(1.0, 13.0) / 78)


def partial(pixels, *, ordering):
    columns = [
        fits.Column("PIXEL", "J", array=pixels),
        fits.Column("PROB", "D", array=[0.75, 0.25]),
    ]
    return table_bytes(columns, ORDERING=ordering, NSIDE=4, INDXSCHM="EXPLICIT")


@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
def test_a_partial_flat_map_names_its_pixels(ordering):
    named = np.array([5, 3]) if ordering == "NESTED" else healpy.nest2ring(4, [5, 3])

    skymap = read_skymap(partial(named, ordering=ordering))

    assert skymap.ipix.tolist() == [3, 5]
    np.testing.assert_allclose(skymap.probability, [0.25, 0.75])


@pytest.mark.parametrize("ordering", ["NESTED", "RING"])
@pytest.mark.parametrize("pixel", [-3, 192])
def test_a_partial_flat_map_names_only_pixels_that_exist(ordering, pixel):
    with pytest.raises(MalformedSkyMapError, match="does not exist"):
        read_skymap(partial([5, pixel], ordering=ordering))


@pytest.mark.parametrize("frame", ["C", "c", "ICRS", "FK5", "J2000", "Q", "EQU", ""])
def test_the_celestial_frame_has_many_names(frame):
    np.testing.assert_array_equal(read_skymap(multi_order(COORDSYS=frame)).uniq, UNIQ)


def test_gzipped_bytes_are_unpacked():
    np.testing.assert_array_equal(read_skymap(gzip.compress(multi_order())).uniq, UNIQ)


@settings(max_examples=25)
@given(skymaps)
def test_what_is_written_reads_back_the_same(skymap):
    again = read_skymap(write_skymap(skymap, header={"OBJECT": "S1"}))

    np.testing.assert_array_equal(again.uniq, skymap.uniq)
    np.testing.assert_allclose(again.probdensity, skymap.probdensity, rtol=1e-15)
    np.testing.assert_array_equal(again.distmu, skymap.distmu)
    np.testing.assert_array_equal(again.distance_mean, skymap.distance_mean)


def test_a_written_map_is_a_multi_order_file_to_astropy():
    skymap = read_skymap(with_distances(40.0, 8.0, 1e-3))

    with fits.open(io.BytesIO(write_skymap(skymap, header={"OBJECT": "S1"}))) as file:
        header, columns = file[1].header, file[1].columns

    assert header["ORDERING"] == "NUNIQ"
    assert header["OBJECT"] == "S1"
    assert header["MOCORDER"] == 1
    assert columns.names == ["UNIQ", "PROBDENSITY", "DISTMU", "DISTSIGMA", "DISTNORM"]
    assert columns.units == ["", "sr-1", "Mpc", "Mpc", "Mpc-2"]


BASE = multi_order()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a FITS file"),
        (b"<html>502 Bad Gateway</html>", "not a FITS file"),
        (BASE[:2000], "too early"),
        (BASE[:2880], "no table"),
        (BASE[:-2880], "too early"),
        (gzip.compress(BASE)[:-20], "gzip"),
        (b"\x1f\x8bnonsense", "gzip"),
        (multi_order(ORDERING="SPIRAL"), "ORDERING"),
        (multi_order(COORDSYS="G"), "COORDSYS"),
        (multi_order([3, 4], [1.0, 1.0]), "UNIQ"),
        (multi_order([-1, 4], [1.0, 1.0]), "UNIQ"),
        (multi_order([4, 4], [1.0, 1.0]), "overlap"),
        (multi_order([4, 18], [1.0, 1.0]), "overlap"),
        (multi_order([4, 5], [1.0, -1.0]), "negative"),
        (multi_order([4, 5], [1.0, np.nan]), "NaN"),
        (multi_order([4, 5], [1.0, np.inf]), "infinite"),
        (multi_order([4, 5], [0.0, 0.0]), "every probability is 0"),
        (multi_order(density=2 * DENSITY), "sum to 2.1, not to 1"),
        (multi_order(UNIQ[::2], DENSITY[::2]), "sum to 0.568, not to 1"),
        (flat(np.ones(12), ordering="RING", nside=1, total=12), "sum to 12, not to 1"),
        (multi_order([], []), "no row"),
        (multi_order([4, 5], np.ones((2, 2)), density_form="2D"), "length"),
        (multi_order([4, 5], ["a", "b"], density_form="1A"), "plain numbers"),
        (with_distances(np.nan, 1.0, 0.0), "DISTMU"),
        (with_distances(40.0, 8.0, -1.0), "DISTNORM"),
        (with_distances(0.04, 8e-6, 1.0, unit="Gpc"), "DISTMU is in Gpc, not in Mpc"),
        (flat(np.ones(12), ordering="", nside=1), "ORDERING is '', not RING"),
        (with_distances(40.0, 0.0, 1.0), "DISTSIGMA"),
        (flat(np.ones(48), ordering="RING", nside=4), "pixels"),
        (flat(np.ones(108), ordering="RING", nside=3), "NSIDE"),
        (flat(np.ones(12), ordering="RING", nside=2**40), "NSIDE"),
        (flat(np.ones(108), ordering="RING", nside=None), "NSIDE is 3"),
    ],
)
def test_a_defect_is_refused_with_its_reason(data, reason):
    with pytest.raises(MalformedSkyMapError, match=reason):
        read_skymap(data)


def test_a_header_that_claims_gigabytes_is_refused():
    hostile = BASE.replace(b"NAXIS2  =                   15", b"NAXIS2  =     9000000000000000")

    with pytest.raises(MalformedSkyMapError, match="too early"):
        read_skymap(hostile)


def test_a_header_that_hides_how_much_it_claims_is_refused():
    hostile = BASE.replace(b"GCOUNT  =                    1", b"GCOUNT  =                    0")
    hostile = hostile.replace(b"NAXIS2  =                   15", b"NAXIS2  =     9000000000000000")

    with pytest.raises(MalformedSkyMapError, match="too early"):
        read_skymap(hostile)


def test_rows_of_no_bytes_are_refused():
    hostile = BASE.replace(b"NAXIS1  =                   16", b"NAXIS1  =                    0")

    with pytest.raises(MalformedSkyMapError, match="wider"):
        read_skymap(hostile)


def test_a_header_is_read_only_so_far():
    """A few kilobytes of gzip unpack to millions of cards."""
    lines = b"".join(f"K{i:07d}= {i:20d}".encode().ljust(80) for i in range(40_000))
    hostile = BASE[:2880] + BASE[2880:2960] + lines + BASE[2960:]

    with pytest.raises(MalformedSkyMapError, match="no end"):
        read_skymap(hostile)


def test_a_header_without_end_is_refused():
    with pytest.raises(MalformedSkyMapError, match="no end"):
        read_skymap(BASE[:2880].replace(b"END", b"   "))


@given(st.integers(0, len(BASE) - 1), st.binary(min_size=1, max_size=8))
def test_damaged_bytes_give_a_map_or_a_reason(position, damage):
    data = BASE[:position] + damage + BASE[position + len(damage) :]

    try:
        skymap = read_skymap(data)
    except MalformedSkyMapError:
        return
    assert skymap.probability.sum() == pytest.approx(1)


def test_a_region_without_densities_is_no_sky_map(real_data):
    data = (real_data / "gw/maps/MS181101ab_90pct.moc.fits").read_bytes()

    with pytest.raises(MalformedSkyMapError, match="no table"):
        read_skymap(data)


def test_the_densest_row_of_gw170817(real_data):
    path = real_data / "gw/maps/GW170817_HLV_bayestar_as_MS181101ab.multiorder.fits"
    skymap = read_skymap(path.read_bytes())

    per_deg2 = probdensity_at(skymap, healpix29([194.304199, 197.4133], [-17.856895, -23.3996]))

    np.testing.assert_allclose(per_deg2 / np.degrees(1) ** 2, [0.0782516, 0.0346792], rtol=1e-5)


def test_a_multi_order_map_need_not_name_its_ordering():
    columns = [fits.Column("UNIQ", "K", array=UNIQ), fits.Column("PROBDENSITY", "D", array=DENSITY)]

    np.testing.assert_array_equal(read_skymap(table_bytes(columns)).uniq, UNIQ)


def test_the_map_of_every_real_alert_is_read(real_data):
    alerts = [json.loads(path.read_bytes()) for path in (real_data / "gw/lvk").glob("*.json")]
    maps = [
        alert["event"]["skymap"] for alert in alerts if (alert.get("event") or {}).get("skymap")
    ]

    skymaps_read = [read_skymap(base64.b64decode(each)) for each in maps]

    assert len(skymaps_read) >= 10
    assert all(each.probability.sum() == pytest.approx(1) for each in skymaps_read)


@pytest.mark.parametrize("ordering", ["NESTED", pytest.param("RING", marks=pytest.mark.soak)])
def test_a_map_with_too_many_rows_is_read_coarser_where_little_lies(ordering):
    """Two spots: one of 20 degrees, which holds half, and one of a pixel."""
    nside, spot = 1024, 5_000_001
    x, y, z = healpy.pix2vec(nside, np.arange(12 * nside**2), nest=ordering == "NESTED")
    values = np.exp(-((x - 0.6) ** 2 + (y + 0.8) ** 2 + z**2) / 0.12)  # unlike everywhere
    values[spot] = values.sum()
    values /= values.sum()
    inside_out = np.sort(values)[::-1]
    area = healpy.nside2pixarea(nside, degrees=True) * np.searchsorted(inside_out.cumsum(), 0.9)

    data = flat(values, ordering=ordering, nside=nside, form="E")

    tracemalloc.start()
    skymap = read_skymap(data)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert skymap.n < 1_000_000
    assert peak < 5 * len(data)
    assert skymap.raw_sum == pytest.approx(1)
    assert credible_area(skymap, 0.9) == pytest.approx(area, rel=1e-3)
    ipix = spot if ordering == "NESTED" else healpy.ring2nest(nside, spot)
    assert skymap.level[row_at(skymap, ipix << 38)] == 10
    assert levels_2d(skymap, ipix << 38) == pytest.approx(0.5)


def test_a_map_that_is_read_coarser_may_hold_no_number_less(monkeypatch):
    monkeypatch.setattr("tom.sky.skymap_fits.MOST_ROWS", 400)
    monkeypatch.setattr("tom.sky.skymap_fits.SIDE_OF_PIECE", 2)
    values = np.random.default_rng(4).random(768)
    values[5] = -1e-9

    with pytest.raises(MalformedSkyMapError, match="negative"):
        read_skymap(flat(values, ordering="RING", nside=8))


def test_a_multi_order_map_may_have_no_more_rows_either(monkeypatch):
    monkeypatch.setattr("tom.sky.skymap_fits.MOST_ROWS", 1)

    for data in (multi_order(), partial(np.array([3, 5]), ordering="NESTED")):
        with pytest.raises(MalformedSkyMapError, match="rows"):
            read_skymap(data)


def test_equal_pixels_count_once_for_the_limit(monkeypatch):
    monkeypatch.setattr("tom.sky.skymap_fits.MOST_ROWS", 12)

    assert read_skymap(flat(np.ones(12 * 64**2), ordering="NESTED", nside=64)).n == 12
