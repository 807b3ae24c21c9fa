"""The first image of a small FITS file, as astropy reads it, and what is no such file."""

import gzip
import io
import math
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.formats import fits_image
from tom.formats.fits_image import UnreadableStampError, number_of, read_image


def written(*hdus: Any) -> bytes:
    buffer = io.BytesIO()
    fits.HDUList(list(hdus)).writeto(buffer)
    return buffer.getvalue()


IMAGE = written(fits.PrimaryHDU(np.arange(12, dtype="f4").reshape(3, 4)))


@given(
    st.sampled_from(["u1", "i2", "i4", "i8", "f4", "f8"]),
    st.integers(2, 6),
    st.integers(2, 6),
    st.sampled_from([(1.0, 0.0), (0.5, 10.0), (1.0, 32768.0)]),
    st.integers(0, 99),
)
@settings(max_examples=60)
def test_pixels_are_those_that_astropy_reads(
    kind: str, rows: int, columns: int, scaling: tuple[float, float], seed: int
) -> None:
    stored = np.random.default_rng(seed).integers(0, 100, (rows, columns)).astype(kind)
    hdu = fits.PrimaryHDU(stored)
    hdu.header["BSCALE"], hdu.header["BZERO"] = scaling
    data = written(hdu)
    with fits.open(io.BytesIO(data)) as hdus:
        expected = hdus[0].data.astype(float)

    header, image = read_image(data)

    np.testing.assert_allclose(image, expected)
    assert image.shape == (rows, columns)
    assert header["NAXIS1"] == str(columns)


def test_what_was_not_measured_is_nan() -> None:
    blank = fits.PrimaryHDU(np.array([[1, -99], [3, 4]], "i2"))
    blank.header["BLANK"] = -99
    infinite = fits.PrimaryHDU(np.array([[1, np.inf], [np.nan, -np.inf]], "f8"))

    np.testing.assert_array_equal(read_image(written(blank))[1], [[1, np.nan], [3, 4]])
    np.testing.assert_array_equal(read_image(written(infinite))[1], [[1, np.nan], [np.nan] * 2])


def test_a_blank_value_says_nothing_of_real_numbers() -> None:
    hdu = fits.PrimaryHDU(np.array([[1.0, -99.0], [3, 4]], "f4"))
    data = written(hdu)
    place = data.index(b"END".ljust(80))
    card = b"BLANK   =                  -99".ljust(80)
    data = data[:place] + card + data[place : 2880 - 80] + data[2880:]

    assert read_image(data)[1][0, 1] == -99.0


@pytest.mark.parametrize("squeeze", [bytes, lambda data: gzip.compress(data, mtime=0)])
def test_gzipped_or_not_it_is_the_same_image(squeeze: Any) -> None:
    np.testing.assert_array_equal(read_image(squeeze(IMAGE))[1], np.arange(12.0).reshape(3, 4))


def test_members_of_gzip_are_one_file() -> None:
    halves = gzip.compress(IMAGE[:3000]) + gzip.compress(IMAGE[3000:])

    np.testing.assert_array_equal(read_image(halves)[1], read_image(IMAGE)[1])


def test_the_first_image_counts_behind_what_is_none() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1] * 900)])
    first, second = (fits.ImageHDU(np.full((2, 2), value, "f4")) for value in (1, 2))

    _, image = read_image(written(fits.PrimaryHDU(), table, first, second))

    assert image.tolist() == [[1, 1], [1, 1]]


def test_a_cube_of_one_plane_is_an_image_and_one_of_two_is_none() -> None:
    flat, deep = (written(fits.PrimaryHDU(np.zeros((n, 3, 4), "f4"))) for n in (1, 2))

    assert read_image(flat)[1].shape == (3, 4)
    with pytest.raises(UnreadableStampError, match="no image of two dimensions"):
        read_image(deep)


@pytest.mark.parametrize(
    ("keyword", "value", "why"),
    [
        ("BITPIX", "-31", "BITPIX is '-31'"),
        ("BITPIX", "'long text of no use to anybody'", "BITPIX is 'long text of no use '"),
        ("NAXIS1", "513", "513 by 3 pixels; 2 to 512 are shown"),
        ("NAXIS1", "1", "1 by 3 pixels"),
        ("NAXIS1", "500", "cut short"),
        ("NAXIS1", "-4", "NAXIS1 is '-4'"),
        ("NAXIS1", "99999999999", "NAXIS1 is '99999999999'"),
        ("NAXIS1", "9999999999", "NAXIS1 is 9999999999, more than"),
        ("NAXIS1", "\u00b2", "NAXIS1 is"),
        ("NAXIS2", "3.0", "NAXIS2 is '3.0'"),
        ("NAXIS", "10", "NAXIS is 10, more than 9"),
        ("NAXIS", "3", "NAXIS3 is missing"),
    ],
)
def test_a_header_that_cannot_be_is_refused_by_the_name_of_its_card(
    keyword: str, value: str, why: str
) -> None:
    with pytest.raises(UnreadableStampError, match=why):
        read_image(with_card(IMAGE, keyword, value))


def with_card(data: bytes, keyword: str, value: str) -> bytes:
    place = data.index(f"{keyword:8}=".encode())
    card = f"{keyword:8}= {value}".ljust(80).encode("latin-1")
    return data[:place] + card + data[place + 80 :]


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "its header has no end"),
        (b"JPEG" * 100, "not a FITS file"),
        (IMAGE[:400], "its header has no end"),
        (IMAGE[:2890], "cut short"),
        (gzip.compress(IMAGE)[:-30], "cut short"),
        (b"\x1f\x8bno gzip at all", "not a gzip stream"),
        (bytes(fits_image.LARGEST_BYTES + 1), "larger than 4 MB"),
        (gzip.compress(bytes(fits_image.LARGEST_BYTES + 1)), "larger than 4 MB"),
    ],
    ids=["nothing", "a picture", "no end", "no pixels", "cut gzip", "no gzip", "huge", "bomb"],
)
def test_what_is_no_image_is_refused_with_its_reason(data: bytes, why: str) -> None:
    with pytest.raises(UnreadableStampError, match=why):
        read_image(data)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1.5", 1.5), ("1.5D-3", 1.5e-3), ("1d2", 100.0), ("-7", -7.0), ("north", math.nan)],
)
def test_a_number_of_a_header_may_be_written_as_fortran_does(text: str, number: float) -> None:
    assert number_of({"A": text}, "A", 9.0) == pytest.approx(number, nan_ok=True)
    assert number_of({}, "A", 9.0) == 9.0
    assert math.isnan(number_of({}, "A"))


def test_of_two_cards_of_one_name_the_first_counts() -> None:
    twice = IMAGE.replace(b"EXTEND  =                    T", b"NAXIS1  =                    9")

    assert read_image(twice)[0]["NAXIS1"] == "4"


def test_no_more_units_are_looked_at_than_a_stamp_has() -> None:
    empty = [fits.ImageHDU() for _ in range(fits_image.MOST_UNITS)]
    late = fits.ImageHDU(np.zeros((2, 2), "f4"))

    assert read_image(written(fits.PrimaryHDU(), *empty[:14], late))[1].shape == (2, 2)
    with pytest.raises(UnreadableStampError, match="no image"):
        read_image(written(fits.PrimaryHDU(), *empty, late))
