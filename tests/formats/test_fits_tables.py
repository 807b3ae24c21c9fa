"""Binary tables read as astropy reads them, and headers that lie refused in words."""

import io
from typing import Any

import numpy as np
import pytest
from astropy.io import fits
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.formats.fits_tables import MalformedFitsError, Table, integer, read_tables

FORMS = {"B": "u1", "I": "i2", "J": "i4", "K": "i8", "E": "f4", "D": "f8"}


def written(*columns: fits.Column, first: Any = None) -> bytes:
    hdus = fits.HDUList([first or fits.PrimaryHDU(), fits.BinTableHDU.from_columns(columns)])
    buffer = io.BytesIO()
    hdus.writeto(buffer)
    return buffer.getvalue()


def table_of(data: bytes) -> Table:
    (table,) = read_tables(data)
    return table


def with_card(data: bytes, keyword: str, value: str) -> bytes:
    """Put another value into the last card of this name."""
    place = data.rindex(f"{keyword:8}=".encode())
    return data[:place] + f"{keyword:8}= {value}".ljust(80).encode() + data[place + 80 :]


def scaled() -> bytes:
    """Half of what is stored, and a hundred more."""
    table = fits.BinTableHDU.from_columns([fits.Column("a", "I", array=[0, 100, -1])])
    table.header["TSCAL1"], table.header["TZERO1"] = 0.5, 100.0
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    return buffer.getvalue()


SCALED = scaled()
PLAIN = written(fits.Column("a", "J", array=[1, 2, 3]), fits.Column("b", "D", array=[0.5, 1, 2]))


# --- As astropy reads them ----------------------------------------------------------------------
@given(st.sampled_from(sorted(FORMS)), st.integers(1, 3), st.integers(0, 5), st.integers(0, 99))
@settings(max_examples=25)
def test_a_column_is_read_as_astropy_reads_it(form: str, repeat: int, rows: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    kind = np.dtype(FORMS[form])
    values = rng.integers(0, 200, (rows, repeat)).astype(kind)
    array = values[:, 0] if repeat == 1 else values
    data = written(
        fits.Column("before", "3A", array=np.array(["x"] * rows, "U3")),
        fits.Column("Wanted", f"{repeat}{form}", array=array),
        fits.Column("after", "X", array=np.zeros((rows, 1), bool)),
    )
    with fits.open(io.BytesIO(data)) as hdus:
        expected = np.asarray(hdus[1].data["Wanted"]).reshape(-1)

    read = table_of(data).column("WANTED")

    np.testing.assert_array_equal(read, expected)
    assert read.dtype == (np.float64 if form in "ED" else np.int64)
    assert read.dtype.isnative


@pytest.mark.parametrize(
    ("form", "zero", "values"),
    [
        ("I", 2**15, np.array([0, 1, 2**16 - 1], np.uint16)),
        ("J", 2**31, np.array([0, 1, 2**32 - 1], np.uint32)),
        ("B", -128, np.array([-128, 0, 127], np.int8)),
    ],
)
def test_integers_without_a_sign_and_signed_bytes_are_whole(
    form: str, zero: int, values: np.ndarray
) -> None:
    data = written(fits.Column("a", form, bzero=zero, array=values))

    read = table_of(data).column("A")

    assert read.dtype == np.int64
    assert read.tolist() == values.tolist()


def test_the_greatest_integer_without_a_sign_keeps_its_bits() -> None:
    values = np.array([0, 1, 2**63, 2**64 - 1], np.uint64)

    read = table_of(written(fits.Column("a", "K", bzero=2**63, array=values))).column("A")

    assert read.astype(np.uint64).tolist() == values.tolist()


def test_a_scaled_column_is_what_its_header_says() -> None:
    assert table_of(SCALED).column("A").tolist() == [100.0, 150.0, 99.5]


def test_some_cells_of_a_column_are_picked() -> None:
    table = table_of(PLAIN)

    assert table.column("A", np.array([2, 0])).tolist() == [3, 1]
    assert table.column("B", slice(1, 2)).tolist() == [1.0]
    assert table.n_rows == 3


def test_tables_after_an_image_are_found_and_images_are_passed_over() -> None:
    image = fits.PrimaryHDU(np.zeros((50, 30), "f4"))
    buffer = io.BytesIO()
    fits.HDUList(
        [
            image,
            fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[7])]),
            fits.ImageHDU(np.zeros((3, 3), "i2")),
            fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[8, 9])]),
        ]
    ).writeto(buffer)

    assert [table.column("A").tolist() for table in read_tables(buffer.getvalue())] == [[7], [8, 9]]


def test_values_of_a_header_have_their_types() -> None:
    table = fits.BinTableHDU.from_columns([fits.Column("a", "J", array=[1])])
    table.header["WHOLE"] = (-5, "a comment")
    table.header["REAL"] = 1.5e-3
    table.header["YES"] = True
    table.header["NO"] = False
    table.header["QUOTED"] = ("it's / here  ", "another")
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), table]).writeto(buffer)
    data = buffer.getvalue().replace(b"1.5E-03", b"1.5D-03").replace(b"0.0015 ", b"1.5D-3 ")

    header = table_of(data).header

    assert header["WHOLE"] == -5
    assert header["REAL"] == pytest.approx(1.5e-3)
    assert (header["YES"], header["NO"]) == (True, False)
    assert header["QUOTED"] == "it's / here"


# --- What cannot be -----------------------------------------------------------------------------
@pytest.mark.parametrize(
    ("keyword", "value", "why"),
    [
        ("TFORM1", "'1?      '", "TFORM1 is unreadable"),
        ("TFORM1", "7", "TFORM1 is unreadable"),
        ("TFORM1", "'9J      '", "wider than their row"),
        ("NAXIS1", "-12", "NAXIS1 is -12"),
        ("NAXIS1", "12.5", "NAXIS1 is 12.5"),
        ("NAXIS1", "T", "NAXIS1 is True"),
        ("NAXIS2", "99999999999", "end too early"),
        ("NAXIS2", "'three'", "NAXIS2 is 'three'"),
        ("PCOUNT", "99999999999", "end too early"),
        ("GCOUNT", "-1", "GCOUNT is -1"),
        ("TFIELDS", "-1", "TFIELDS is -1"),
        ("TFIELDS", "3", "TFORM3 is unreadable"),
    ],
)
def test_a_header_that_cannot_be_is_refused_by_the_name_of_its_card(
    keyword: str, value: str, why: str
) -> None:
    with pytest.raises(MalformedFitsError, match=why):
        list(read_tables(with_card(PLAIN, keyword, value)))


@pytest.mark.parametrize("card", ["TZERO1", "TSCAL1"])
def test_a_scale_that_is_no_number_is_refused(card: str) -> None:
    with pytest.raises(MalformedFitsError, match="TZERO1 or TSCAL1 is not a number"):
        list(read_tables(with_card(SCALED, card, "'much'")))


@pytest.mark.parametrize("form", ["3A", "L", "C", "PE(3)"])
def test_a_column_without_plain_numbers_is_named(form: str) -> None:
    values = {"3A": ["abc"], "L": [True], "C": [1j], "PE(3)": np.array([[1.0]], object)}[form]
    table = table_of(written(fits.Column("a", form, array=values)))

    with pytest.raises(MalformedFitsError, match="column A holds no plain numbers"):
        table.column("A")


@given(st.integers(0, len(PLAIN) - 1), st.integers(0, 255))
def test_one_byte_changed_is_read_or_refused(place: int, byte: int) -> None:
    data = bytearray(PLAIN)
    data[place] = byte
    try:
        for table in read_tables(bytes(data)):
            for name in table.columns:
                assert len(table.cells(name)) <= len(PLAIN)
    except MalformedFitsError as error:
        assert str(error)  # noqa: PT017  either is right


@given(st.integers(0, len(PLAIN) - 1))
def test_a_file_cut_short_is_refused_or_has_no_table(length: int) -> None:
    try:
        tables = list(read_tables(PLAIN[:length]))
    except MalformedFitsError:
        return
    assert tables == [] or length >= len(PLAIN) - 2880


def test_bytes_that_are_no_fits_file_are_refused() -> None:
    for data in (b"", b"SIMPLE", b"\x1f\x8b", PLAIN[1:]):
        with pytest.raises(MalformedFitsError, match="not a FITS file"):
            list(read_tables(data))


@pytest.mark.parametrize("value", [None, -1, 1.0, "1", True])
def test_a_count_is_a_whole_number(value: object) -> None:
    header: Any = {} if value is None else {"N": value}

    with pytest.raises(MalformedFitsError, match="header: N is"):
        integer(header, "N")


def test_a_count_that_is_missing_may_have_a_default() -> None:
    assert integer({}, "N", 0) == 0
    assert integer({"N": 7}, "N", 0) == 7
