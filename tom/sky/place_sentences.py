"""Find the position in a sentence: of a circular, a telegram or a paper, or after a name."""

import re
from collections.abc import Iterator
from typing import Final

from tom.sky.place_tokens import UNIT_WORDS

_UNIT: Final = rf"(?:\s?(?:{UNIT_WORDS})(?![a-z]))?"
_FIGURE: Final = r"[0-9]{1,4}(?:\.[0-9]*)?"
_NEXT: Final = rf"(?:(?:\s*:\s*|\s+|(?<=[a-z'\"])){_FIGURE}{_UNIT}){{0,2}}"
_ANGLE: Final = rf"[+-]?\s?{_FIGURE}{_UNIT}{_NEXT}"
_EQUINOX: Final = r"\s*(?:[(\[_]?\s*(?:j|b)?(?P<{}>2000|1950)(?:\.0)?\s*[)\]]?)?"
_IS: Final = r"\s*(?:\((?:deg|degrees|hms|dms)\))?\s*(?:=|:|~|of|is|at)?\s*"
_RA: Final = r"(?<![a-z])(?:[a-z]{3,5}_)?(?:r\.?\s?a\.?|right ascension|alpha|\u03b1)"
_DEC: Final = r"(?<![a-z])(?:[a-z]{3,5}_)?(?:decl?\.?|declination|delta|\u03b4)"
_BOTH: Final = re.compile(
    rf"{_RA}{_EQUINOX.format('first_year')}{_IS}(?P<ra>{_ANGLE})(?![0-9]).{{0,150}}?"
    rf"{_DEC}{_EQUINOX.format('second_year')}{_IS}(?P<dec>{_ANGLE})(?![0-9a-z'\"]|\s?[ns](?![a-z]))",
    re.DOTALL,
)
_TOGETHER: Final = re.compile(
    rf"{_RA}\s*[,/]\s*{_DEC}{_EQUINOX.format('first_year')}{_IS}"
    rf"\(?\s*(?P<ra>{_ANGLE})\s*[,/;]?\s*(?P<dec>{_ANGLE})(?![0-9])"
)
_HOURS: Final = (
    r"(?<![0-9.:+-])[0-9]{1,2}(?:\s?h\s?|:|\s)[0-9]{1,2}(?:\s?(?:m|')\s?|:|\s)"
    r"[0-9]{1,2}(?:\.[0-9]+)?(?:\s?(?:s|\"))?"
)
_SIGNED: Final = (
    r"[+-]\s?[0-9]{1,2}(?:\s?d\s?|:|\s)[0-9]{1,2}(?:\s?(?:m|')\s?|:|\s)"
    r"[0-9]{1,2}(?:\.[0-9]+)?(?:\s?(?:s|\"))?(?![0-9:])"
)
_BARE: Final = (
    re.compile(rf"(?P<ra>{_HOURS})\s*[,;|/&]?\s*(?P<dec>{_SIGNED})"),
    re.compile(
        r"(?<![0-9.:+-])(?P<ra>[0-9]{1,3}\.[0-9]{3,12})\s?d?\s*[,;|/\s]\s*"
        r"(?P<dec>[+-]?[0-9]{1,2}\.[0-9]{3,12})(?![0-9.:])"
    ),
)
_NAME: Final = re.compile(
    r"(?<![a-z])j[0-9]{6}(?:\.[0-9]+|[0-9]{1,3})?[+-][0-9]{6}(?:\.[0-9]+|[0-9]{1,3})?(?![0-9.]*[0-9])"
)


def find_places(plain: str) -> list[str]:
    """Return the positions in a clean text, each as a separate text.

    If some positions have labels (RA and Dec), only these are returned: other figures are not
    positions then.
    """
    labelled = [*_labelled(_BOTH, plain), *_labelled(_TOGETHER, plain)]
    if labelled:
        return labelled
    bare = [f"{found['ra']} {found['dec']}" for form in _BARE for found in form.finditer(plain)]
    return bare or _NAME.findall(plain)


def _labelled(form: re.Pattern[str], plain: str) -> Iterator[str]:
    for found in form.finditer(plain):
        years = {
            found.group(name) for name in ("first_year", "second_year") if name in form.groupindex
        }
        frame = "fk4 " if "1950" in years or "fk4" in plain else ""
        yield f"{frame}ra {found['ra']} dec {found['dec']}"
