"""A spectrum from a file that a person has: columns of text, or FITS."""

import re
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from tom.formats.spectrum_fits import read_fits
from tom.formats.spectrum_values import ANGSTROMS, FloatArray, UnreadableSpectrumError

__all__ = ["ANGSTROMS", "Spectrum1D", "UnreadableSpectrumError", "read_spectrum"]

LARGEST_BYTES: Final = 4_000_000
MOST_POINTS: Final = 20_000
LEAST_POINTS: Final = 50
BLUEST, REDDEST = 900.0, 100_000.0
"""Wavelengths outside, Angstrom, are no spectrum of the optical or the infrared."""
CELL_ENDS: Final = ",;|\t"
"""What stands between cells, one of which may be empty; else blanks stand between numbers."""
DECIMAL_COMMA: Final = re.compile(rb"^\s*\d+,\d+[;\s]+-?\d+,\d", re.MULTILINE)
REMARKS: Final = ("#", "%", "!", "//")


@dataclass(frozen=True, eq=False)
class Spectrum1D:
    """Wavelength in Angstrom, rising; flux in the file's own unit; `error` may be empty.

    Each of shape (k,), finite. The file does not say whether wavelengths are in air or vacuum.
    """

    wavelength: FloatArray
    flux: FloatArray
    error: FloatArray


def read_spectrum(data: bytes, *, unit: str = "Angstrom") -> Spectrum1D:
    """Read the first spectrum of a file.

    Parameters
    ----------
    data
        The file: FITS (a table with columns of wavelength and flux, or an image with a wavelength
        for each pixel in its header), or text with two or three columns: wavelength, flux, error.
    unit
        The unit of the wavelengths, of `ANGSTROMS`, where the file does not say it itself.

    Raises
    ------
    UnreadableSpectrumError
        If it is no spectrum that can be used: the text tells a person why.
    """
    if len(data) > LARGEST_BYTES:
        message = f"it has more than {LARGEST_BYTES // 1_000_000} MB"
        raise UnreadableSpectrumError(message)
    scale = ANGSTROMS[unit]
    columns = read_fits(data, scale) if data.startswith(b"SIMPLE  =") else _read_text(data, scale)
    return _checked(*columns)


def _read_text(data: bytes, scale: float) -> tuple[FloatArray, FloatArray, FloatArray | None]:
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        message = "it is neither FITS nor text in UTF-8"
        raise UnreadableSpectrumError(message) from error
    rows: list[list[float]] = []
    for number, line in enumerate(lines, start=1):
        text = line.strip()
        if not text or text.startswith(REMARKS):
            continue
        row = _numbers(text)
        if row is None and not rows:
            continue  # headings
        if row is None or len(row) < 2:
            message = f"line {number} is not two or three numbers: {text[:40]!r}"
            raise UnreadableSpectrumError(message)
        if rows and len(row) != len(rows[0]):
            before = len(rows[0])
            message = f"line {number} has {len(row)} numbers, and the lines before have {before}"
            raise UnreadableSpectrumError(message)
        rows.append(row)
    if not rows:
        why = ": write its numbers with decimal points" if DECIMAL_COMMA.search(data) else ""
        message = f"it has no line of two or three numbers{why}"
        raise UnreadableSpectrumError(message)
    table = np.array(rows)
    return table[:, 0] * scale, table[:, 1], table[:, 2] if table.shape[1] > 2 else None


def _numbers(text: str) -> list[float] | None:
    """Return the numbers of a line, NaN for an empty cell; None: it has something else."""
    end = next((each for each in CELL_ENDS if each in text), None)
    try:
        return [float(cell.strip() or "nan") for cell in text.split(end)]
    except ValueError:
        return None


def _checked(wavelength: FloatArray, flux: FloatArray, error: FloatArray | None) -> Spectrum1D:
    """Leave out what was not measured, and refuse what is no spectrum."""
    known = np.isfinite(wavelength) & np.isfinite(flux)
    sigma = np.full(len(flux), np.nan) if error is None else error
    wavelength, flux, sigma = wavelength[known], flux[known], sigma[known]
    if len(wavelength) > 1 and wavelength[0] > wavelength[-1]:
        wavelength, flux, sigma = wavelength[::-1], flux[::-1], sigma[::-1]
    _refuse(wavelength, flux)
    has_errors = bool(np.all(np.isfinite(sigma) & (sigma >= 0)))
    return Spectrum1D(wavelength, flux, sigma if has_errors else np.empty(0))


def _refuse(wavelength: FloatArray, flux: FloatArray) -> None:
    n = len(wavelength)
    rises: npt.NDArray[np.bool_] = np.diff(wavelength) > 0
    faults = (
        (n < LEAST_POINTS, f"it has {n} points with a flux, and {LEAST_POINTS} are the least"),
        (n > MOST_POINTS, f"it has {n:,} points, and at most {MOST_POINTS:,} are kept: rebin it"),
        (not np.all(rises), "its wavelengths do not rise, or fall, from each point to the next"),
        (
            bool(n) and not (wavelength[0] >= BLUEST and wavelength[-1] <= REDDEST),
            f"its wavelengths are from {_told(wavelength[:1])} to {_told(wavelength[-1:])} Å:"
            " choose their unit",
        ),
        (bool(np.ptp(flux) == 0) if n else False, "its flux is the same everywhere"),
    )
    for is_so, why in faults:
        if is_so:
            raise UnreadableSpectrumError(why)


def _told(values: FloatArray) -> str:
    return ", ".join(f"{value:.6g}" for value in values)
