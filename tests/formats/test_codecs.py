"""Each codec gives back what was packed, within its bound, and never more, whatever it is given."""

import bz2
import lzma
import zlib
from collections.abc import Callable
from contextlib import suppress

import cramjam
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tom.formats.codecs import TOO_LARGE, find_codec
from tom.formats.errors import MalformedAlertError


def deflate(plain: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(plain) + packer.flush()


def snap(plain: bytes) -> bytes:
    return bytes(cramjam.snappy.compress_raw(plain)) + zlib.crc32(plain).to_bytes(4, "big")


PACK: dict[str, Callable[[bytes], bytes]] = {
    "null": lambda plain: plain,
    "deflate": deflate,
    "snappy": snap,
    "zstandard": lambda plain: bytes(cramjam.zstd.compress(plain)),
    "bzip2": bz2.compress,
    "xz": lzma.compress,
}
BOMBS = [name for name in PACK if name != "null"]
each_codec = pytest.mark.parametrize("name", PACK)


def unpacked(name: str, data: bytes, limit: int) -> bytes:
    """What a block becomes; nothing where it is refused."""
    with suppress(MalformedAlertError):
        return find_codec(name)(data, limit)
    return b""


@each_codec
@given(plain=st.binary(max_size=2000))
def test_what_was_packed_comes_back(name: str, plain: bytes) -> None:
    assert find_codec(name)(PACK[name](plain), len(plain)) == plain


@each_codec
@pytest.mark.parametrize("size", [1, 2, 1000, 100_000])
def test_a_block_may_be_as_large_as_its_bound_and_no_larger(name: str, size: int) -> None:
    packed = PACK[name](b"x" * size)

    assert find_codec(name)(packed, size) == b"x" * size
    with pytest.raises(MalformedAlertError, match=TOO_LARGE):
        find_codec(name)(packed, size - 1)


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_is_whole(name: str) -> None:
    packed = PACK[name](bytes(50_000_000))
    assert len(packed) < 5_000_000

    with pytest.raises(MalformedAlertError, match=TOO_LARGE):
        find_codec(name)(packed, 1_000_000)


@pytest.mark.parametrize("name", BOMBS)
@given(plain=st.binary(min_size=50, max_size=500), cut=st.floats(0, 0.95))
def test_a_block_cut_short_is_refused(name: str, plain: bytes, cut: float) -> None:
    packed = PACK[name](plain)

    with pytest.raises(MalformedAlertError):
        find_codec(name)(packed[: int(cut * len(packed))], 10_000)


@each_codec
@settings(max_examples=200)
@given(data=st.binary(max_size=300), limit=st.integers(0, 1000))
def test_whatever_bytes_there_are_give_no_more_than_the_bound_or_a_reason(
    name: str, data: bytes, limit: int
) -> None:
    assert len(unpacked(name, data, limit)) <= limit


@pytest.mark.parametrize("name", BOMBS)
@settings(max_examples=200)
@given(plain=st.binary(min_size=1, max_size=300), at=st.floats(0, 0.999), bits=st.integers(1, 255))
def test_a_damaged_block_is_refused_or_within_its_bound(
    name: str, plain: bytes, at: float, bits: int
) -> None:
    packed = bytearray(PACK[name](plain))
    packed[int(at * len(packed))] ^= bits

    assert len(unpacked(name, bytes(packed), 400)) <= 400


@given(st.binary(min_size=1, max_size=300), st.integers(1, 2**32 - 1))
def test_a_checksum_of_other_bytes_is_refused(plain: bytes, change: int) -> None:
    packed = snap(plain)
    checksum = int.from_bytes(packed[-4:], "big") ^ change

    with pytest.raises(MalformedAlertError, match="fails its checksum"):
        find_codec("snappy")(packed[:-4] + checksum.to_bytes(4, "big"), 400)


@pytest.mark.parametrize("name", ["", "gzip", "ZSTANDARD", "lz4"])
def test_a_codec_that_the_specification_lacks_is_named(name: str) -> None:
    with pytest.raises(MalformedAlertError, match=f"Avro codec '{name}' is not supported"):
        find_codec(name)
