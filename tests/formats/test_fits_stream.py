"""Tables of a FITS file read in a row, and files that claim or unpack to more than they hold."""

import gzip
import io
import tracemalloc

import numpy as np
import pytest
from astropy.io import fits

from tom.formats.fits_stream import MOST_SKIPPED, stream_tables, table_header
from tom.formats.fits_tables import MalformedFitsError, integer


def written(*lengths: int) -> bytes:
    """A file with a table for each length; each has the numbers from 0 on."""
    buffer = io.BytesIO()
    tables = [
        fits.BinTableHDU.from_columns([fits.Column("A", "J", array=np.arange(n))]) for n in lengths
    ]
    fits.HDUList([fits.PrimaryHDU(np.ones((50, 60))), *tables]).writeto(buffer)
    return buffer.getvalue()


DATA = written(5, 3000)
TWO_MEMBERS = gzip.compress(DATA[:7000]) + gzip.compress(DATA[7000:])


@pytest.mark.parametrize("data", [DATA, TWO_MEMBERS, TWO_MEMBERS + b"rest"])
def test_tables_come_in_their_order_with_as_many_rows_as_are_asked_for(data: bytes) -> None:
    found = []
    for opened in stream_tables(data):
        rows = [opened.take(2), *opened.pieces()]
        found.append([int(number) for piece in rows for number in piece.column("A")])

    assert found == [[*range(5)], [*range(3000)]]
    assert [opened.table.n_rows for opened in stream_tables(data)] == [5, 3000]
    assert integer(table_header(data), "NAXIS2") == 5


@pytest.mark.parametrize("cut", [10, 40, 3000, 5000, len(TWO_MEMBERS) - 6])
def test_gzip_that_is_cut_or_damaged_is_refused(cut: int) -> None:
    packed = gzip.compress(DATA, compresslevel=0)
    for data in (packed[:cut], packed[:-8] + bytes(8)):
        with pytest.raises(MalformedFitsError, match=r"end too early|damaged gzip"):
            [list(opened.pieces()) for opened in stream_tables(data)]


def test_a_table_that_the_bytes_cannot_hold_is_refused_before_it_is_unpacked() -> None:
    claims = DATA.replace(b"NAXIS2  =                 3000", b"NAXIS2  =            500000000")
    assert claims != DATA
    bomb = gzip.compress(claims + bytes(200_000_000), compresslevel=1)

    tracemalloc.start()
    with pytest.raises(MalformedFitsError, match="end too early"):
        list(stream_tables(bomb))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 10e6


def test_what_follows_the_rows_is_not_unpacked() -> None:
    bomb = gzip.compress(DATA) + gzip.compress(bytes(300_000_000), compresslevel=1)
    opened = next(each for each in stream_tables(bomb) if each.table.n_rows == 3000)

    tracemalloc.start()
    rows = opened.take(3000)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert rows.column("A").tolist() == list(range(3000))
    assert peak < 10e6


def test_what_stands_before_a_table_and_a_row_have_their_limits() -> None:
    wide = DATA.replace(b"NAXIS1  =                    4", b"NAXIS1  =             70000000", 1)
    packed = gzip.compress(wide + bytes(5 * 70_000_000), compresslevel=1)
    opened = next(stream_tables(packed))

    with pytest.raises(MalformedFitsError, match=f"a row has more than {MOST_SKIPPED} bytes"):
        opened.take(1)
    with pytest.raises(MalformedFitsError, match="before the table has more than"):
        list(stream_tables(packed))
