"""The codecs of Avro's specification, each decompressed within a bound.

Format: https://avro.apache.org/docs/1.12.0/specification/#required-codecs
"""

import bz2
import lzma
import zlib
from collections.abc import Callable
from typing import Final

import cramjam

from tom.formats.errors import MalformedAlertError

Codec = Callable[[bytes, int], bytes]
"""Takes a block's bytes and how many they may become; raises MalformedAlertError."""

# A dictionary as large as the presets of xz have, and what the decoder needs in addition.
XZ_MEMORY_BYTES: Final = 128 * 1024 * 1024
TOO_LARGE: Final = "Avro container is too large"
_LEAST_BUFFER: Final = 64 * 1024


def find_codec(name: str) -> Codec:
    """Return what decompresses blocks of this codec.

    Raises
    ------
    MalformedAlertError
        If the specification has no such codec.
    """
    try:
        return _CODECS[name]
    except KeyError:
        reason = f"Avro codec {name!r} is not supported"
        raise MalformedAlertError(reason) from None


def _keep(data: bytes, limit: int) -> bytes:
    if len(data) > limit:
        raise MalformedAlertError(TOO_LARGE)
    return data


def _inflate(data: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        inflated = inflater.decompress(data, limit + 1)
    except zlib.error as error:
        reason = f"Avro block does not inflate: {error}"
        raise MalformedAlertError(reason) from error
    if not inflater.eof and len(inflated) <= limit:
        reason = "Avro block does not inflate: cut short"
        raise MalformedAlertError(reason)
    return _keep(inflated, limit)


def _unsnap(data: bytes, limit: int) -> bytes:
    block, checksum = data[:-4], data[-4:]
    try:
        if cramjam.snappy.decompress_raw_len(block) > limit:
            raise MalformedAlertError(TOO_LARGE)
        plain = bytes(cramjam.snappy.decompress_raw(block))
    except cramjam.DecompressionError as error:
        reason = f"Avro block is not snappy: {error}"
        raise MalformedAlertError(reason) from error
    if zlib.crc32(plain).to_bytes(4, "big") != checksum:
        reason = "Avro block fails its checksum"
        raise MalformedAlertError(reason)
    return plain


def _unzstd(data: bytes, limit: int) -> bytes:
    """Grow the buffer up to the bound: a frame need not say how large it becomes."""
    size = min(max(8 * len(data), _LEAST_BUFFER), limit + 1)
    while True:
        buffer = bytearray(size)
        try:
            written = cramjam.zstd.decompress_into(data, buffer)
        except (cramjam.DecompressionError, OSError, ValueError) as error:
            if "buffer" not in str(error):
                reason = f"Avro block is not zstandard: {error}"
                raise MalformedAlertError(reason) from error
            if size > limit:
                raise MalformedAlertError(TOO_LARGE) from error
            size = min(8 * size, limit + 1)
        else:
            return _keep(bytes(memoryview(buffer)[:written]), limit)


def _unbzip(data: bytes, limit: int) -> bytes:
    return _decompress("bzip2", bz2.BZ2Decompressor(), data, limit)


def _unxz(data: bytes, limit: int) -> bytes:
    decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=XZ_MEMORY_BYTES)
    return _decompress("xz", decompressor, data, limit)


def _decompress(
    name: str,
    decompressor: bz2.BZ2Decompressor | lzma.LZMADecompressor,
    data: bytes,
    limit: int,
) -> bytes:
    try:
        plain = decompressor.decompress(data, limit + 1)
    except (OSError, EOFError, ValueError, lzma.LZMAError) as error:
        reason = f"Avro block is not {name}: {error}"
        raise MalformedAlertError(reason) from error
    if not decompressor.eof and len(plain) <= limit:
        reason = f"Avro block is not {name}: cut short"
        raise MalformedAlertError(reason)
    return _keep(plain, limit)


_CODECS: Final[dict[str, Codec]] = {
    "null": _keep,
    "deflate": _inflate,
    "snappy": _unsnap,
    "zstandard": _unzstd,
    "bzip2": _unbzip,
    "xz": _unxz,
}
