"""Stamps are read under bounds and drawn true to the sky; nothing hostile gets through."""

import contextlib
import gzip
import io
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS
from hypothesis import example, given, settings
from hypothesis import strategies as st
from PIL import Image

from tom.forms.registry import survey_of
from tom.sky import Orientation, UnreadableStampError, draw_stamp, read_stamp

SKY = Orientation(-1.0, 0.0, 0.0, 1.0)  # north up, east left as FITS files are shown
RA, DEC = 150.0, 2.0


def stamp(image: np.ndarray, **cards: object) -> bytes:
    out = io.BytesIO()
    hdu = fits.PrimaryHDU(image.astype(np.float32))
    hdu.header.update(cards)
    hdu.writeto(out)
    return gzip.compress(out.getvalue())


def with_card(name: str, value: str) -> bytes:
    """A good stamp whose header has one card that lies."""
    data = gzip.decompress(stamp(star(20, 20, (5, 5))))
    place = data.find(f"{name:8}=".encode())
    card = f"{name:8}= {value}".ljust(80).encode()
    if place < 0:
        place = data.find(b"END".ljust(80))
        return data[:place] + card + data[place : 2880 - 80] + data[2880:]
    return data[:place] + card + data[place + 80 :]


def star(rows: int, columns: int, at: tuple[int, int]) -> np.ndarray:
    image = np.random.default_rng(1).normal(10, 1, (rows, columns))
    image[at[0] - 2 : at[0] + 3, at[1] - 2 : at[1] + 3] = 1000.0
    return image


def draw(data: bytes, declared: Orientation | None = SKY, *, ra: float = RA, dec: float = DEC):
    return draw_stamp(read_stamp(data, ra=ra, dec=dec, declared=declared))


def pixels(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Grey and opacity."""
    return tuple(np.moveaxis(np.asarray(Image.open(io.BytesIO(png))), 2, 0))


def brightest(png: bytes) -> tuple[float, float]:
    """Row and column of the middle of the star."""
    grey, _ = pixels(png)
    row, column = np.argwhere(grey == 255).mean(axis=0)
    return (round(float(row), 1), round(float(column), 1))


def test_the_sky_lies_with_north_up_and_east_left_however_a_survey_lays_it() -> None:
    image = star(21, 21, (15, 12))  # five rows up, two columns to the right
    found = {
        "true": brightest(draw(stamp(image)).png),
        "north down": brightest(draw(stamp(image), Orientation(-1, 0, 0, -1)).png),
        "east right": brightest(draw(stamp(image), Orientation(1, 0, 0, 1)).png),
        "turned": brightest(draw(stamp(image), Orientation(0, 1, 1, 0)).png),
    }

    assert found == {
        "true": (5, 12),  # north of the middle, west of it
        "north down": (15, 12),
        "east right": (5, 8),
        "turned": (8, 5),
    }


def test_a_stamp_of_the_survey_with_north_down_is_no_mirror_image() -> None:
    image = star(63, 63, (11, 41))

    picture = draw(stamp(image), survey_of("ZTF").orientation)

    assert brightest(picture.png) == (11, 41)  # 20 pixels north, 10 west
    assert picture.width_arcsec == pytest.approx(63 * 1.01)


@pytest.mark.parametrize("turn", [0, 37, 90, 180, 251])
@pytest.mark.parametrize("parity", [1, -1])
def test_a_header_that_says_how_it_lies_wins_and_the_source_is_in_the_middle(turn, parity) -> None:
    angle = np.radians(turn)
    matrix = (
        np.array([[-np.cos(angle), np.sin(angle)], [np.sin(angle), np.cos(angle)]]) * 0.2 / 3600
    )
    matrix[:, 0] *= parity
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.crpix, wcs.wcs.cd = [RA, DEC], [9.0, 22.0], matrix
    north = wcs.all_world2pix([[RA, DEC + 1.0 / 3600]], 0)[0]
    column, row = np.rint(north).astype(int)
    data = stamp(star(31, 31, (row, column)), **dict(wcs.to_header()))

    picture = draw(data, Orientation(-9, 0, 0, 9))
    grey, _ = pixels(picture.png)
    side = grey.shape[0]
    up, left = (side - 1) / 2 - np.array(brightest(picture.png))

    assert picture.width_arcsec == pytest.approx(31 * 0.2, rel=1e-6)
    assert up * picture.width_arcsec / side == pytest.approx(1.0, abs=0.15)
    assert left * picture.width_arcsec / side == pytest.approx(0.0, abs=0.15)


@pytest.mark.parametrize("dec", [2.0, -70.0, 89.0])
def test_a_source_far_from_the_reference_point_is_in_the_middle_with_its_own_north_up(dec) -> None:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---TAN", "DEC--TAN"]
    wcs.wcs.crval, wcs.wcs.cd = [RA, dec], np.array([[-1.0, 0.0], [0.0, 1.0]]) / 3600
    ra, dec = RA + 0.7 / np.cos(np.radians(dec)), dec + 0.4
    wcs.wcs.crpix = np.array([16.0, 16.0]) - wcs.all_world2pix([[ra, dec]], 1)[0]
    wanted = wcs.all_world2pix([[ra, dec]], 0)[0]
    step = wcs.all_world2pix([[ra, dec + 1 / 3600]], 0)[0] - wanted

    found = read_stamp(stamp(star(31, 31, (9, 9)), **dict(wcs.to_header())), ra=ra, dec=dec)

    np.testing.assert_allclose(found.middle, wanted, atol=0.01)
    turned = np.linalg.solve(np.array(found.orientation).reshape(2, 2), [0.0, 1.0])
    np.testing.assert_allclose(turned, step, atol=1e-4)


def test_a_source_where_the_detector_ends_is_in_the_middle_all_the_same() -> None:
    data = stamp(star(48, 63, (16, 31)))  # fifteen rows are beyond the edge

    picture = draw_stamp(
        read_stamp(data, ra=RA, dec=DEC, declared=survey_of("ZTF").orientation, middle=(31.0, 16.0))
    )

    assert brightest(picture.png) == (31, 31)
    assert (pixels(picture.png)[1] > 0).sum() == 48 * 63


def test_a_stamp_that_nobody_lays_is_drawn_as_its_file_is_shown() -> None:
    picture = draw(stamp(star(20, 20, (3, 5))), None)

    assert (brightest(picture.png), picture.width_arcsec) == ((16, 5), None)


def test_a_stamp_that_is_not_square_keeps_square_pixels() -> None:
    grey, opacity = pixels(draw(stamp(star(20, 30, (10, 15)))).png)

    assert grey.shape == (30, 30)
    assert (opacity > 0).sum() == 20 * 30


@pytest.mark.parametrize("shape", [(1, 20, 30), (1, 1, 20, 30)])
def test_a_cube_of_one_plane_is_an_image(shape: tuple[int, ...]) -> None:
    image = star(20, 30, (5, 5))

    assert draw(stamp(image.reshape(shape))) == draw(stamp(image))


@pytest.mark.parametrize(("step_x", "step_y"), [(-2.0, 2.0), (-2.8e-4, 2.8e-9), (-1e-7, 1e-2)])
def test_a_header_whose_pixels_no_survey_has_says_nothing(step_x: float, step_y: float) -> None:
    image = star(20, 20, (5, 5))
    wcs = {"CTYPE1": "RA---TAN", "CTYPE2": "DEC--TAN", "CRVAL1": RA, "CRVAL2": DEC}
    wcs |= {"CRPIX1": 10.0, "CRPIX2": 10.0, "CD1_1": step_x, "CD2_2": step_y}

    assert draw(stamp(image, **wcs)) == draw(stamp(image))


def test_a_wcs_that_bends_says_how_a_stamp_lies_and_not_where() -> None:
    wcs = {"CTYPE1": "RA---TPV", "CTYPE2": "DEC--TPV", "CRVAL1": RA + 0.6, "CRVAL2": DEC}
    wcs |= {"CRPIX1": 1000.0, "CRPIX2": 11.0, "CD1_1": -5e-4, "CD2_2": 5e-4}

    read = read_stamp(stamp(star(21, 21, (10, 10)), **wcs), ra=RA, dec=DEC)

    assert read.middle == (10, 10)
    assert read.orientation is not None
    assert read.orientation.east_x == pytest.approx(-1.8, rel=1e-3)


def test_what_was_not_measured_is_transparent_and_spoils_nothing() -> None:
    image = star(21, 21, (15, 12))
    image[3, 4] = np.nan
    image[0, 0] = np.inf

    grey, opacity = pixels(draw(stamp(image)).png)

    assert (opacity == 0).sum() == 2
    assert opacity[20 - 3, 4] == 0
    assert grey.max() == 255


FAULTS = {
    "all NaN": (stamp(np.full((9, 9), np.nan)), "no pixel was measured"),
    "all one": (stamp(np.full((9, 9), 7.0)), "every pixel is 7"),
    "one row": (stamp(np.ones((1, 9))), "it is 9 by 1 pixels"),
    "cube": (stamp(np.ones((3, 9, 9))), "no image of two dimensions"),
    "too wide": (stamp(np.ones((4, 600))), "600 by 4 pixels"),
    "bomb": (gzip.compress(bytes(20_000_000)), "larger than 4 MB"),
    "cut gzip": (stamp(np.ones((9, 9)))[:-20], "gzip stream is cut short"),
    "bombs in a row": (gzip.compress(bytes(1_000_000)) * 5, "larger than 4 MB"),
    "empty members": (gzip.compress(b"") * 100_000, "its header has no end"),
    "no gzip": (b"\x1f\x8bnothing", "is not a gzip stream"),
    "cut": (gzip.decompress(stamp(np.ones((9, 9))))[:2900], "cut short"),
    "text": (b"hello", "its header has no end"),
    "JPEG": (b"\xff\xd8\xff" + bytes(3000), "is not a FITS file"),
    "empty": (b"", "its header has no end"),
    "many axes": (with_card("NAXIS", "99999999999999999999"), "NAXIS is '99999999999999999999'"),
    "less than no axis": (with_card("NAXIS", "-1"), "NAXIS is '-1'"),
    "endless": (with_card("NAXIS1", "9999999999"), "NAXIS1 is 9999999999"),
    "half a pixel": (with_card("NAXIS2", "1.5"), "NAXIS2 is '1.5'"),
    "other digits": (with_card("NAXIS1", "٣"), "NAXIS1 is"),
    "odd bits": (with_card("BITPIX", "-33"), "BITPIX is '-33'"),
    "no scale": (with_card("BSCALE", "nan"), "no pixel was measured"),
    "huge scale": (with_card("BSCALE", "1e308"), "no pixel was measured"),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_what_is_no_picture_is_refused_with_its_reason(kind: str) -> None:
    data, reason = FAULTS[kind]

    start = time.thread_time()
    with pytest.raises(UnreadableStampError, match=reason):
        draw(data)
    assert time.thread_time() - start < 0.5


@settings(max_examples=50)
@given(st.binary(max_size=300))
def test_junk_is_refused_with_a_reason(data: bytes) -> None:
    for packed in (data, gzip.compress(data)):
        with pytest.raises(UnreadableStampError):
            draw(packed)


NAMES = (
    "SIMPLE BITPIX NAXIS NAXIS1 NAXIS2 NAXIS3 BSCALE BZERO BLANK PCOUNT CTYPE1 CTYPE2 CRVAL1 "
    "CRVAL2 CRPIX1 CRPIX2 CD1_1 CD2_2 CD1_2 CDELT1 CROTA2 PC1_1 XTENSION GROUPS TFIELDS ZIMAGE"
)
CARDS = st.sampled_from(NAMES.split())
VALUES = st.one_of(
    st.integers(-(10**25), 10**25).map(str),
    st.floats().map(repr),
    st.sampled_from(["T", "F", "'RA---TAN'", "'DEC--TAN'", "'IMAGE'", "1D300", "", "'", "/", "٣"]),
    st.text(max_size=30),
)


@settings(max_examples=400)
@given(st.lists(st.tuples(CARDS, VALUES), max_size=6))
@example([("NAXIS", "99999999999999999999")])
@example([("CTYPE1", "'RA---TAN'"), ("CTYPE2", "'DEC--TAN'"), ("CD1_1", "1e300")])
def test_a_header_that_lies_costs_nothing(lies: list[tuple[str, str]]) -> None:
    cards = {"SIMPLE": "T", "BITPIX": "-32", "NAXIS": "2", "NAXIS1": "20", "NAXIS2": "20"}
    cards |= dict(lies)
    header = [f"{name:8}= {value}".encode()[:80].ljust(80) for name, value in cards.items()]
    data = b"".join([*header, b"END".ljust(80)])
    data = data.ljust(-(-len(data) // 2880) * 2880) + star(20, 20, (3, 3)).astype(">f4").tobytes()

    start = time.thread_time()
    with contextlib.suppress(UnreadableStampError):
        assert draw(data).png.startswith(b"\x89PNG")
    assert time.thread_time() - start < 1


@settings(max_examples=80)
@given(st.integers(0, 5759), st.integers(0, 255))
@example(30, 0)
def test_a_damaged_image_is_drawn_or_refused(place: int, value: int) -> None:
    data = bytearray(gzip.decompress(stamp(star(20, 20, (4, 4)))))
    data[place % len(data)] = value

    with contextlib.suppress(UnreadableStampError):
        assert draw(bytes(data)).png.startswith(b"\x89PNG")


def test_the_largest_stamp_takes_little_memory() -> None:
    code = (
        "import resource, sys\n"
        "from tom.sky import draw_stamp, read_stamp\n"
        "data = sys.stdin.buffer.read()\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "draw_stamp(read_stamp(data, ra=0.0, dec=0.0))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    root = Path(__file__).parents[2]
    data = stamp(star(512, 512, (9, 9)))

    grown = subprocess.check_output([sys.executable, "-c", code], cwd=root, input=data)

    assert int(grown) < 60_000  # kB


def test_all_stamps_of_real_packets_are_drawn_or_named(real_data) -> None:
    from tom.surveys.ztf.packets import parse_ztf

    drawn = 0
    for file in sorted((real_data / "ztf" / "ZTF21abiuvdk").glob("*.avro")):
        alert = parse_ztf(file.read_bytes())
        for data in alert.cutouts.values():
            picture = draw(data, survey_of("ZTF").orientation, ra=alert.ra, dec=alert.dec)
            drawn += picture.width_arcsec is not None

    assert drawn > 90


def test_the_host_of_real_stamps_that_the_detector_cut_is_in_the_middle(real_data) -> None:
    from tom.surveys.ztf.packets import parse_ztf

    places = {}
    for name in ("000010511538292116", "000010512502623516", "000010512547213126"):
        packet = real_data / "ztf" / "alerce-pipeline" / f"{name}.avro"
        alert = parse_ztf(packet.read_bytes())
        image = alert.cutouts["template"]
        read = read_stamp(
            image,
            ra=alert.ra,
            dec=alert.dec,
            declared=survey_of("ZTF").orientation,
            middle=alert.cutout_middle,
        )
        places[name] = (read.image.shape, np.array(brightest(draw_stamp(read).png)))

    assert {shape for shape, _ in places.values()} == {(48, 63), (63, 54), (63, 59)}
    for _, place in places.values():
        np.testing.assert_allclose(place, 31, atol=1.6)
