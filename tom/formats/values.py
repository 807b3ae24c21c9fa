"""Single values as surveys send them: nulls, NaNs and sentinels."""

import math
import re
from typing import Any, Final

_HUGE: Final = 1e150  # products of two smaller numbers stay finite
_TINY: Final = 1e-150  # products of two greater ones do not vanish
_MAGNITUDES: Final = (0.0, 40.0)  # of what a survey of faint things measures; 0 stands for none
_LARGEST_SEPARATION_ARCSEC: Final = 900.0  # no survey looks for a neighbour so far away
_MAX_TEXT: Final = 500
_NO_NAMES: Final = frozenset({"", "null", "none", "nan"})
_SIGNS: Final = {
    **dict.fromkeys(("t", "true", "1", "+1", "1.0"), 1.0),
    **dict.fromkeys(("f", "false", "0", "-1", "0.0", "-1.0"), -1.0),
}
"""The spellings of `isdiffpos`, in small letters."""
_WHOLE: Final = re.compile(r"-?[0-9]{1,19}")
_MAX_INTEGER: Final = 2**63 - 1
_MAX_NATURAL: Final = 2**31 - 1


def finite(value: Any) -> float | None:
    """Read a number, a vanishing one as 0; None for NaN, beyond all measure, another type."""
    # Nearly all are floats, and there are thousands in a packet.
    if type(value) is not float and (isinstance(value, bool) or not isinstance(value, int | float)):
        return None
    if abs(value) < _TINY:
        return 0.0
    return float(value) if -_HUGE < value < _HUGE else None


def magnitude(value: Any) -> float | None:
    """Read a magnitude, limit or zero-point; None for 0 and below, 99 and other sentinels."""
    number = finite(value)
    if number is None or not _MAGNITUDES[0] < number < _MAGNITUDES[1]:
        return None
    return number


def integer(value: Any) -> int | None:
    """Read a whole number of at most 64 bits; None for another type.

    Ids exceed 2**53, so they are never read as floats; negative ones exist.
    """
    if isinstance(value, bool) or not isinstance(value, int) or abs(value) > _MAX_INTEGER:
        return None
    return value


def whole_id(value: Any) -> int | None:
    """Read an id of at most 64 bits, also as text, as JSON has it to keep its figures."""
    if isinstance(value, str) and _WHOLE.fullmatch(value):
        value = int(value)
    return integer(value)


def number(value: Any) -> float | None:
    """Read a number that may stand as a text; None for what `finite` does not read."""
    try:
        return finite(float(value) if isinstance(value, str) else value)
    except ValueError:
        return None


def natural(value: Any) -> int | None:
    """Read a count, as a column of 32 bits holds it, also where tables made it a float."""
    is_whole = isinstance(value, float) and value.is_integer()
    number = integer(int(value) if is_whole else value)
    return number if number is not None and 0 <= number <= _MAX_NATURAL else None


def separation(value: Any) -> float | None:
    """Read a separation in arcsec; None for a sentinel, as -999 where nothing was found."""
    number = finite(value)
    return number if number is not None and 0 <= number <= _LARGEST_SEPARATION_ARCSEC else None


def sign_of(value: Any) -> float | None:
    """The sign that `isdiffpos` tells; None if it tells none."""
    return _SIGNS.get(str(value).lower())


def name_of(value: Any) -> str | None:
    """Read the name of a thing; None where a word says that there is none."""
    found = text(value, most=80)
    return None if found is None or found.lower() in _NO_NAMES else found


def text(value: Any, *, most: int = _MAX_TEXT) -> str | None:
    """Read a short text, cleaned, its first `most` characters; None for another type."""
    return clean(value).strip()[:most] if isinstance(value, str) else None


def tense_of(value: Any) -> str:
    """Read how a message is meant, in small letters, alone or in a list; "" for the present.

    Whatever it is has a word: a tense that nobody can read is not taken for the present.
    """
    words = " ".join(map(str, value if isinstance(value, list) else [value])).strip().lower()
    return "" if words == "current" else words


def clean(value: str) -> str:
    """Drop the NULs and replace the lone surrogates that no database stores."""
    return value.encode("utf-8", "replace").decode().replace("\x00", "")


def storable(value: Any) -> Any:
    """Return a value of JSON as a database stores it: texts cleaned, NaN and infinity as null."""
    match value:
        case str():
            return clean(value)
        case float():
            return value if math.isfinite(value) else None
        case dict():
            return {clean(name): storable(each) for name, each in value.items()}
        case list():
            return [storable(each) for each in value]
    return value
