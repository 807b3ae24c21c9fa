"""Ranges of sky as compact bytes for a column: the steps from each end to the next, compressed."""

import zlib

import numpy as np

from tom.sky.arrays import IntArray


def pack_ranges(ranges: IntArray) -> bytes:
    """Turn ranges, int64 of shape `(k, 2)` and ascending, into bytes for `unpack_ranges`."""
    steps = np.diff(ranges.ravel(), prepend=0)
    return zlib.compress(steps.astype("<i8").tobytes(), 6)


def unpack_ranges(packed: bytes | memoryview) -> IntArray:
    """Rebuild the ranges from `pack_ranges`'s bytes."""
    steps = np.frombuffer(zlib.decompress(packed), "<i8")
    return np.asarray(np.cumsum(steps).reshape(-1, 2), dtype=np.int64)
