"""Sky maps as compact bytes for a database column: exact, and fast to read.

Layout, little-endian: magic, number of rows, 1 if distances follow (else 0), distance mean, its
standard deviation, raw sum; then the columns one after another, the widest first.
"""

import struct

import numpy as np
import numpy.typing as npt

from tom.sky.skymap import MalformedSkyMapError, SkyMap

MAGIC = b"SKYMAP1\0"
HEAD = struct.Struct("<8sqqddd")
COLUMNS_2D = (("ipix", "<i8"), ("probdensity", "<f8"))
COLUMNS_3D = (*COLUMNS_2D, ("distmu", "<f8"), ("distsigma", "<f8"), ("distnorm", "<f8"))


def pack(skymap: SkyMap) -> bytes:
    """Turn a sky map into bytes that `unpack` turns back into the same numbers."""
    head = HEAD.pack(
        MAGIC,
        skymap.n,
        int(skymap.is_3d),
        skymap.distance_mean,
        skymap.distance_std,
        skymap.raw_sum,
    )
    columns = [getattr(skymap, name).astype(kind) for name, kind in _columns(skymap.is_3d)]
    return b"".join([head, *(column.tobytes() for column in columns), skymap.level.tobytes()])


def unpack(data: bytes | memoryview) -> SkyMap:
    """Rebuild a sky map from `pack`'s bytes; its arrays are read-only views of them.

    Raises
    ------
    MalformedSkyMapError
        If the bytes do not come from `pack`.
    """
    data = bytes(data)  # a database driver hands out a memoryview
    if len(data) < HEAD.size or not data.startswith(MAGIC):
        message = "not a packed sky map"
        raise MalformedSkyMapError(message)
    _, n, is_3d, mean, std, raw_sum = HEAD.unpack_from(data)
    columns = _columns(bool(is_3d))
    if n < 1 or len(data) != HEAD.size + n * (8 * len(columns) + 1):
        message = "a packed sky map of the wrong length"
        raise MalformedSkyMapError(message)
    arrays: dict[str, npt.NDArray[np.generic]] = {}
    for i, (name, kind) in enumerate(columns):
        arrays[name] = np.frombuffer(data, kind, n, HEAD.size + 8 * n * i)
    level = np.frombuffer(data, np.uint8, n, len(data) - n)
    return SkyMap(level=level, distance_mean=mean, distance_std=std, raw_sum=raw_sum, **arrays)  # type: ignore[arg-type]  # each column's type is the one named in its table above


def _columns(is_3d: bool) -> tuple[tuple[str, str], ...]:
    return COLUMNS_3D if is_3d else COLUMNS_2D
