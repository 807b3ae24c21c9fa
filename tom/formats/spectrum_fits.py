"""A spectrum in FITS: a table, or an image whose header gives a wavelength to each pixel.

Standard: https://fits.gsfc.nasa.gov/fits_standard.html; spectral coordinates: Greisen et al. 2006,
https://doi.org/10.1051/0004-6361:20053818. An image of IRAF has its spectra as rows, and a fourth
plane of it the errors.
"""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from tom.formats.fits_tables import (
    Header,
    MalformedFitsError,
    Table,
    first_unit,
    integer,
    read_tables,
)
from tom.formats.spectrum_values import FloatArray, UnreadableSpectrumError, angstroms_of

Columns = tuple[FloatArray, FloatArray, FloatArray | None]

TYPES: Final = {8: ">u1", 16: ">i2", 32: ">i4", 64: ">i8", -32: ">f4", -64: ">f8"}
WAVELENGTHS: Final = ("WAVELENGTH", "WAVE", "LAMBDA", "LAM", "WL")
LOGARITHMS: Final = ("LOGLAM", "LOG_LAMBDA", "LOGWAVE")
FLUXES: Final = ("FLUX", "FLUX_REDUCED", "F_LAMBDA", "FLAM", "SPEC", "COUNTS")
ERRORS: Final = ("FLUX_ERROR", "FLUXERR", "FLUX_ERR", "ERROR", "ERR", "ERR_FLUX", "SIGMA")
ERROR_PLANE: Final = 3
OTHER_AXES: Final = (
    *("RA", "DEC", "GLON", "GLAT", "FREQ", "ENER", "WAVN", "VELO", "VRAD", "VOPT", "ZOPT", "BETA"),
    *("VELOCITY", "FELO", "TIME", "STOKES"),
)
"""What an image's first axis may be instead of wavelength, as its header names it."""


def read_fits(data: bytes, scale: float) -> Columns:
    """Return wavelength (Angstrom), flux and error, shape (k,) each; None: no error is given.

    `scale` is how many Angstrom the unit of the wavelengths is where the file does not say it.

    Raises
    ------
    UnreadableSpectrumError
        If there is no spectrum in it, or it cannot be read.
    """
    try:
        header, start = first_unit(data)
        if integer(header, "NAXIS"):
            return _of_image(data, header, start, scale)
        tables = list(read_tables(data))
    except (MalformedFitsError, ValueError, OverflowError) as error:
        message = f"this FITS file cannot be read: {error}"
        raise UnreadableSpectrumError(message) from error
    for table in tables:
        if _named(table, (*WAVELENGTHS, *LOGARITHMS)) and _named(table, FLUXES):
            return _of_table(table, scale)
    message = "no table of this FITS file has a column WAVELENGTH (or WAVE, LAMBDA, LOGLAM)"
    raise UnreadableSpectrumError(message + " and a column FLUX")


def _of_table(table: Table, scale: float) -> Columns:
    names = {what: _named(table, which) for what, which in _WANTED.items()}
    try:
        columns = {what: table.column(name).astype(float) for what, name in names.items() if name}
    except MalformedFitsError as error:
        raise UnreadableSpectrumError(str(error)) from error
    if "wavelength" in columns:
        number = list(table.columns).index(names["wavelength"] or "") + 1
        told = angstroms_of(table.header.get(f"TUNIT{number}"), scale)
        wavelength = columns["wavelength"] * told
    else:
        wavelength = _power(columns["logarithm"])
    if len(wavelength) != len(columns["flux"]):
        message = "its columns of wavelength and flux differ in length"
        raise UnreadableSpectrumError(message)
    sigma = columns.get("error")
    is_alike = sigma is not None and len(sigma) == len(wavelength)
    return wavelength, columns["flux"], sigma if is_alike else None


_WANTED: Final = {
    "wavelength": WAVELENGTHS,
    "logarithm": LOGARITHMS,
    "flux": FLUXES,
    "error": ERRORS,
}


def _named(table: Table, names: Sequence[str]) -> str | None:
    return next((name for name in names if name in table.columns), None)


def _of_image(data: bytes, header: Header, start: int, scale: float) -> Columns:
    """Read the first row of an image, and its errors in the fourth plane of a cube."""
    axes = [integer(header, f"NAXIS{axis + 1}") for axis in range(integer(header, "NAXIS"))]
    kind = TYPES.get(int(_number(header, "BITPIX", 0)))
    if kind is None or len(axes) > 3 or not all(axes):
        message = "its image is not a spectrum"
        raise UnreadableSpectrumError(message)
    number, size = axes[0], np.dtype(kind).itemsize
    rows_of_plane = axes[1] if len(axes) > 1 else 1
    zero, factor = _number(header, "BZERO", 0.0), _number(header, "BSCALE", 1.0)

    def row(plane: int) -> FloatArray:
        begin = start + plane * rows_of_plane * number * size
        stored = np.frombuffer(data, kind, number, begin).astype(float)
        return np.asarray(stored * factor + zero)

    has_errors = len(axes) == 3 and axes[2] > ERROR_PLANE
    return _wavelengths(header, number, scale), row(0), row(ERROR_PLANE) if has_errors else None


def _wavelengths(header: Header, number: int, scale: float) -> FloatArray:
    step = _number(header, "CDELT1", math.nan)
    step = step if math.isfinite(step) else _number(header, "CD1_1", math.nan)
    first, reference = _number(header, "CRVAL1", math.nan), _number(header, "CRPIX1", 1.0)
    if not (math.isfinite(first) and math.isfinite(step)) or step == 0:
        message = "the header of its image gives no wavelengths (CRVAL1 with CDELT1 or CD1_1)"
        raise UnreadableSpectrumError(message)
    kind = str(header.get("CTYPE1", "")).upper().strip()
    if kind.partition("-")[0] in OTHER_AXES:
        message = f"the first axis of its image is {kind!r}, not wavelength"
        raise UnreadableSpectrumError(message)
    values = first + step * (np.arange(1, number + 1) - reference)
    if kind.endswith("-LOG"):  # Greisen et al. 2006, equation 5: natural logarithms
        scale = angstroms_of(header.get("CUNIT1"), scale)
        return np.asarray(first * np.exp((values - first) / first) * scale)
    if _number(header, "DC-FLAG", 0) == 1 or "LOG" in kind:
        return _power(values)
    return np.asarray(values * angstroms_of(header.get("CUNIT1"), scale))


def _power(logarithm: FloatArray) -> FloatArray:
    """Return the wavelengths of their decadic logarithms in Angstrom; NaN where there is none."""
    return np.asarray(10 ** np.where(np.abs(logarithm) < 10, logarithm, np.nan))


def _number(header: Header, name: str, default: float) -> float:
    value = header.get(name, default)
    return default if isinstance(value, str) else float(value)
