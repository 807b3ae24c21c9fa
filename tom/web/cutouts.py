"""Cutouts as PNG: a gzipped FITS image, stretched for the eye."""

import gzip
import io
import struct
import zlib

import numpy as np
from astropy.io import fits
from django.contrib.auth.models import User
from django.db.models import Q, QuerySet
from tom_targets.base_models import BaseTarget

from tom.sky.arrays import ByteArray, FloatArray
from tom.targets.models import Cutout

LARGEST_BYTES = 8_000_000
LARGEST_SIDE = 2000
LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.5


class UnreadableCutoutError(ValueError):
    """The stored bytes are no image that can be shown."""


def visible_cutouts(target: BaseTarget, user: User) -> QuerySet[Cutout]:
    """The target's cutouts of programs that are public or of a group of the user's."""
    rows = Cutout.objects.filter(target=target)
    if user.is_superuser:
        return rows
    return rows.filter(Q(program__public=True) | Q(program__group__in=user.groups.all()))


def render_png(stamp: bytes) -> bytes:
    """Turn a FITS image (gzipped or not) into a grey PNG, north as the survey has it.

    Raises
    ------
    UnreadableCutoutError
        If it is not such an image, or one too large.
    """
    image = _read_image(_unzip(stamp))
    return _write_png(_stretch(image)[::-1])  # FITS counts rows from the bottom


def _unzip(stamp: bytes) -> bytes:
    if not stamp.startswith(b"\x1f\x8b"):
        return stamp
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(stamp)) as file:
            data = file.read(LARGEST_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        message = "the cutout is no gzip stream"
        raise UnreadableCutoutError(message) from error
    if len(data) > LARGEST_BYTES:
        message = "the cutout is too large"
        raise UnreadableCutoutError(message)
    return data


def _read_image(data: bytes) -> FloatArray:
    try:
        with fits.open(io.BytesIO(data), memmap=False) as found:
            units = (getattr(hdu, "data", None) for hdu in found)  # a corrupted one has none
            image = next((data for data in units if data is not None), None)
    except (OSError, ValueError, TypeError, KeyError, fits.VerifyError) as error:
        message = "the cutout is no FITS image"
        raise UnreadableCutoutError(message) from error
    if image is None or image.ndim != 2 or max(image.shape) > LARGEST_SIDE or 0 in image.shape:
        message = "the cutout has no two-dimensional image"
        raise UnreadableCutoutError(message)
    return np.asarray(image, dtype=np.float64)


def _stretch(image: FloatArray) -> ByteArray:
    """Grey from the low to the high percentile; what was not measured is black."""
    known = np.isfinite(image)
    if not known.any():
        return np.zeros(image.shape, dtype=np.uint8)
    low, high = np.percentile(image[known], [LOW_PERCENTILE, HIGH_PERCENTILE])
    scaled = (np.where(known, image, low) - low) / max(high - low, 1e-12)
    return np.asarray(255 * np.sqrt(np.clip(scaled, 0, 1)), dtype=np.uint8)


def _write_png(pixels: ByteArray) -> bytes:
    """Write 8-bit grey pixels (https://www.w3.org/TR/png-3/)."""
    height, width = pixels.shape
    rows = np.zeros((height, width + 1), dtype=np.uint8)  # each row starts with filter 0
    rows[:, 1:] = pixels
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
