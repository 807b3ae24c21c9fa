"""Pictures of stamps: north up, the source in the middle, with stretched brightness."""

import struct
import zlib
from dataclasses import dataclass

import numpy as np

from tom.formats.fits_image import UnreadableStampError
from tom.sky.arrays import ByteArray, FloatArray, IntArray
from tom.sky.stamps import Orientation, Stamp

LOW_PERCENTILE, HIGH_PERCENTILE = 1.0, 99.5
# Each pixel of a turned stamp is drawn as this many pixels in each direction.
FINER = 3
# A stamp that is turned by less than this (sine of the angle) counts as not turned.
STRAIGHT = 0.01


@dataclass(frozen=True)
class Picture:
    """A PNG with north up and east to the left, and the width of the sky in it, in arcsec.

    `width_arcsec` is None if the stamp's orientation is not known. Then the stamp is drawn as FITS
    files are: the first row at the bottom.
    """

    png: bytes
    width_arcsec: float | None


def draw_stamp(stamp: Stamp) -> Picture:
    """Draw a stamp: square, as wide as its longer side; unmeasured pixels are transparent.

    Raises
    ------
    UnreadableStampError
        If there is nothing to show: no pixel was measured, or all have one value.
    """
    orientation = stamp.orientation or Orientation(-1.0, 0.0, 0.0, 1.0)
    grey, known = _stretch(stamp.image)
    rows, columns, inside = _sample(stamp, orientation)
    pixels = np.zeros((*inside.shape, 2), dtype=np.uint8)
    pixels[inside, 0] = grey[rows, columns]
    pixels[inside, 1] = 255 * known[rows, columns]
    width = max(stamp.image.shape) * orientation.pixel_arcsec
    return Picture(_write_png(pixels), width if stamp.orientation else None)


def _stretch(image: FloatArray) -> tuple[ByteArray, ByteArray]:
    """Return the grey from the low to the high percentile, and 1 for each measured pixel."""
    known = np.isfinite(image)
    if not known.any():
        message = "no pixel was measured"
        raise UnreadableStampError(message)
    low, high = np.percentile(image[known], [LOW_PERCENTILE, HIGH_PERCENTILE])
    if not high > low:
        low, high = image[known].min(), image[known].max()
    with np.errstate(all="ignore"):
        spread = high - low
    if not (spread > 0 and np.isfinite(spread)):
        message = f"every pixel is {low:.4g}" if spread == 0 else "its values have no bounds"
        raise UnreadableStampError(message)
    scaled = np.where(known, (np.clip(image, low, high) - low) / spread, 0.0)
    return np.asarray(255 * np.sqrt(scaled), dtype=np.uint8), known.astype(np.uint8)


def _sample(stamp: Stamp, orientation: Orientation) -> tuple[IntArray, IntArray, ByteArray]:
    """Return the stamp's row and column for each of the picture's pixels that lies in the stamp.

    Rows and columns have one value for each pixel inside, shape (k,). `inside` is square, and true
    for these pixels.
    """
    matrix = np.array(orientation).reshape(2, 2)
    step = orientation.pixel_arcsec
    straight = np.min(np.abs(matrix), axis=1) < STRAIGHT * step
    finer = 1 if straight.all() else FINER
    side = max(stamp.image.shape) * finer
    offset = (np.arange(side) - (side - 1) / 2) * step / finer
    sky = np.stack(np.broadcast_arrays(-offset[None, :], -offset[:, None]))  # east, north
    x, y = np.tensordot(np.linalg.inv(matrix), sky, axes=1)
    # Round twice: on the border of two pixels, the last bit would choose between them at random.
    columns = np.rint(np.round(x + stamp.middle[0], 6)).astype(np.int64)
    rows = np.rint(np.round(y + stamp.middle[1], 6)).astype(np.int64)
    height, width = stamp.image.shape
    inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
    return rows[inside], columns[inside], inside


def _write_png(pixels: ByteArray) -> bytes:
    """Write 8-bit grey pixels with their opacity (https://www.w3.org/TR/png-3/)."""
    height, width, _ = pixels.shape
    rows = np.zeros((height, 2 * width + 1), dtype=np.uint8)  # each row starts with filter 0
    rows[:, 1:] = pixels.reshape(height, 2 * width)
    header = struct.pack(">IIBBBBB", width, height, 8, 4, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes(), 6)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
