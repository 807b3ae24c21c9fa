"""What the readers of spectra share: units of wavelength, and the error."""

from typing import Final

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
ANGSTROMS: Final = {"Angstrom": 1.0, "nm": 10.0, "um": 10_000.0}
"""Units of wavelength, and how many Angstrom each is."""
_SPELLINGS: Final = {
    **dict.fromkeys(("angstrom", "angstroms", "a", "aa", "ang", "0.1nm"), "Angstrom"),
    **dict.fromkeys(("nm", "nanometer", "nanometers", "nanometre"), "nm"),
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "micrometers"), "um"),
}


class UnreadableSpectrumError(ValueError):
    """The bytes are no spectrum that can be used; the text tells a person why."""


def angstroms_of(told: object, default: float) -> float:
    """Return how many Angstrom a unit is as a header spells it; the default if it says none.

    Raises
    ------
    UnreadableSpectrumError
        If it is another unit.
    """
    text = str(told or "").strip()
    if not text:
        return default
    unit = _SPELLINGS.get(text.lower())
    if unit is None:
        message = f"its wavelengths are in {text[:20]!r}; Angstrom, nm and um are read"
        raise UnreadableSpectrumError(message)
    return ANGSTROMS[unit]
