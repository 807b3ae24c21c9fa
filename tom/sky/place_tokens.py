"""The words, numbers and units of a position that a person wrote or pasted."""

import html
import re
import unicodedata
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote, unquote_plus

LONGEST: Final = 400
"""The longest text that is read as a position, in characters."""


class NotAPlaceError(ValueError):
    """The text is no position: it may be a name."""


@dataclass(frozen=True, slots=True)
class Number:
    """One number: digits, sign, unit (`h`, `d`, `m`, `s` or none), and what came before it."""

    digits: str
    sign: str = ""
    unit: str = ""
    after_colon: bool = False
    is_joined: bool = False  # nothing stood between it and the number before
    is_apart: bool = False  # a comma, semicolon or bracket stood there

    @property
    def has_point(self) -> bool:
        return "." in self.digits or "e" in self.digits

    @property
    def value(self) -> float:
        return float(self.sign + self.digits)


@dataclass(frozen=True, slots=True)
class Label:
    """A word that says what the numbers are: `ra`, `dec`, `l`, `b`, `radius` or a frame."""

    name: str


Token = Number | Label

# Characters that look like a sign, a prime or a space, with their plain forms.
_LOOKALIKES: Final = str.maketrans(
    {
        **dict.fromkeys("\u2212\u2010\u2011\u2012\u2013\u2014\u2015\ufe63\uff0d", "-"),
        **dict.fromkeys("\u2032\u2019\u2018\u00b4`\u02b9\u2035", "'"),
        **dict.fromkeys("\u2033\u201d\u201c\u02ba\u2036\u2033", '"'),
        **dict.fromkeys("\u00b0\u00ba\u02da\u2218\u25e6", "d"),
        **dict.fromkeys("\u02b0", "h"),
        **dict.fromkeys("\u1d50", "m"),
        **dict.fromkeys("\u02e2", "s"),
        **dict.fromkeys("\u1d48", "d"),
    }
)
# TeX, astropy's repr and uncertainties, as plain text.
_REWRITES: Final = tuple(
    (re.compile(pattern), text)
    for pattern, text in (
        (r"\\(?:fs|fh|fm)(?=[\s0-9{])", "s."),
        (r"\\farcs", '".'),
        (r"\\farcm", "'."),
        (r"\\fdg", "d."),
        (r"\\(?:circ|degr|deg|arcdeg)(?![a-z])", "d"),
        (r"\\arcmin", "'"),
        (r"\\arcsec", '"'),
        (r"\\prime", "'"),
        (r"\\(?:mathrm|rm|text|textrm|hbox|,|;|!|:| |pm(?=-))", ""),
        (r"\\(alpha|delta)", r"\1"),
        (r"[$^{}]", ""),
        (r"</[a-z_]+>", " "),
        # The address of a viewer, and statements of how well a place is known.
        (r"https?://\S*?[?&](ra=[^&\s]+)\S*?&(dec)l?(=[^&\s]+)\S*", r"\1 \2\3"),
        (
            r"\b(?:err(?:or)?|unc(?:ertainty)?)(?:\s+radius)?\s*[:=]?\s*[0-9.]+\s*"
            r"(?:(?:deg|d|arcmin|arcsec)(?![a-z])|'|\")?",
            " ",
        ),
        (r"''", '"'),
        (r"\*\s*(?:u|units)\.", " "),
        (r"(?:\u00b1|\+/-|\+-|\\pm)\s*[0-9.]+\s*(?:(?:deg|d|arcmin|arcsec)(?![a-z])|'|\")?", " "),
        (r"(?<=[0-9])\([0-9]{1,3}\)", ""),
        # 48s.08 is 48.08s, and 53".3 is 53.3".
        (r"([0-9])\s?([hmsd'\"])\.([0-9]+)", r"\1.\3\2"),
        # A sign with a space between it and its number.
        (r"(^|[\s:=,(])([+-])\s+(?=[0-9.])", r"\1\2"),
    )
)
# The address of a page about a place, with the place in its query.
_ADDRESS: Final = re.compile(
    r"https?://\S*?[?&](?:coord(?:s|inates?)?|pos(?:ition)?|query|target|locstr|object|center|q|c)"
    r"=([^&\s]+)\S*",
    re.I,
)
_QUOTED: Final = re.compile(r"%(?:20|2[bBcCdDfF]|3[aA])")
_UNITS: Final = {
    "h": "hours|hour|hrs|hr|h",
    "d": "degrees|degree|degs|deg|d|o",
    "m": "arcminutes|arcminute|arcmins|arcmin|minutes|minute|mins|min|amin|m|'",
    "s": 'arcseconds|arcsecond|arcsecs|arcsec|seconds|second|secs|sec|asec|as|s|"',
}
UNIT_WORDS: Final = "|".join(_UNITS.values())
_LABELS: Final = {
    "ra": r"right\s+ascension|"
    r"(?:mean)?r\.?\s?a\.?(?:_?(?:deg|hms|icrs|mean|stack))?|raj(?![0-9])|alpha|\u03b1",
    "dec": r"declination|"
    r"(?:mean)?decl?\.?(?:_?(?:deg|dms|icrs|mean|stack))?|de(?:deg|j(?![0-9]))?|delta|\u03b4",
    "l": r"gal(?:actic)?[\s_]*lon(?:gitude)?|glon|l(?:ii)?",
    "b": r"gal(?:actic)?[\s_]*lat(?:itude)?|glat|b(?:ii)?",
    "galactic": r"galactic|gal",
    "elon": r"ecl(?:iptic)?[\s_.]*lon(?:gitude)?|elon|lambda|\u03bb",
    "elat": r"ecl(?:iptic)?[\s_.]*lat(?:itude)?|elat|beta|\u03b2",
    "ecliptic": r"ecliptic|ecl",
    "radius": r"radius|rad|r|within",
    "fk4": r"fk4",
}
# Words around a position that have no meaning here.
_FILLERS: Final = (
    r"hh?[:\s]mm?[:\s]ss?(?:\.s+)?|dd?[:\s]mm?[:\s]ss?(?:\.s+)?|icrs|fk5|hms|dms|degrees?|deg|hours?|hourangle|sexagesimal|decimal|equinox|epoch|eq\.?|"
    r"positions?|coordinates?|coords?\.?|pos\.?|skycoord|location|target|circle|cone|point|equatorial|frame|unit|and|at|in|is|of|the"
)
_EDGE: Final = r"(?=$|[^a-z\u03b1-\u03c9]|[jb](?:2000|1950))"
_NUMBER: Final = re.compile(
    r"(?P<sign>[+-]?)(?P<digits>(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]{1,3})?)"
    r"(?:\s?(?:" + "|".join(f"(?P<{name}>{words})" for name, words in _UNITS.items()) + ")"
    r"(?![a-z]))?"
)
_LABEL: Final = re.compile(
    r"(?:(?:src|grb|obj|trans|point|event)?_)?(?:"
    + "|".join(f"(?P<{name}>{words})" for name, words in _LABELS.items())
    + r")(?:2000(?:\.0)?(?![0-9.:]))?"
    + _EDGE
)
_FILLER: Final = re.compile(rf"(?:{_FILLERS}){_EDGE}")
_EQUINOX: Final = re.compile(
    r"[(\[]?\s*_?(?:(?:equinox|epoch|eq\.?)\s*[:=]?\s*)?(?P<letter>[jb])(?P<year>2000|1950)"
    r"(?:\.0*)?(?![0-9.])\s*[)\]]?"
    r"|(?:(?:equinox|epoch|eq\.?)\s*[:=]?\s*|\(\s*)(?P<bare>2000|1950)(?:\.0*)?(?![0-9])\s*\)?"
)
_SEPARATOR: Final = re.compile(r"\s+|[,;|&/()\[\]<>=?*_@~#\\\"']|:|\.(?![0-9])")
_COLON: Final = re.compile(r"\s*:\s*(?=[0-9])")


def clean(text: str) -> str:
    """Write a text in plain characters: lower case, ASCII digits, signs, primes and spaces.

    Raises
    ------
    NotAPlaceError
        If the text is longer than `LONGEST`.
    """
    if len(text) > LONGEST:
        message = f"a position has at most {LONGEST} characters"
        raise NotAPlaceError(message)
    text = _ADDRESS.sub(lambda found: unquote_plus(found[1]), html.unescape(text))
    text = unquote(text) if _QUOTED.search(text) else text
    plain = text.translate(_LOOKALIKES)
    plain = unicodedata.normalize("NFKC", plain).translate(_LOOKALIKES).lower()
    plain = "".join(each for each in plain if unicodedata.category(each) != "Cf")
    if re.search(r"""["'][a-z_]+["']\s*:""", plain) or plain.lstrip()[:1] in {'"', "'"}:
        plain = plain.replace('"', " ").replace("'", " ")  # quotes of JSON or CSV, no primes
    for pattern, replacement in _REWRITES:
        plain = pattern.sub(replacement, plain)
    return plain.strip()


def split_tokens(text: str) -> list[Token]:
    """Split a clean text into numbers and labels.

    Raises
    ------
    NotAPlaceError
        If the text has a word that no position has.
    """
    tokens: list[Token] = []
    at, gap = 0, ""
    while at < len(text):
        if found := _COLON.match(text, at) if tokens and _ends_number(tokens, gap) else None:
            gap = ":"
        elif found := _EQUINOX.match(text, at):
            if "1950" in (found["year"], found["bare"]):
                tokens.append(Label("fk4"))
            gap = " "
        elif found := _NUMBER.match(text, at):
            _check_apart(tokens, found, gap)
            tokens.append(_number(found, gap))
            gap = ""
        elif found := _LABEL.match(text, at):
            tokens.append(Label(str(found.lastgroup)))
            gap = " "
        elif found := _FILLER.match(text, at) or _SEPARATOR.match(text, at):
            gap += found[0]
        else:
            message = f"no position has “{text[at : at + 20]}”"
            raise NotAPlaceError(message)
        at = found.end()
    return tokens


def _ends_number(tokens: list[Token], gap: str) -> bool:
    return isinstance(tokens[-1], Number) and not gap.strip()


def _check_apart(tokens: list[Token], found: re.Match[str], gap: str) -> None:
    """Refuse 10.5.5: two numbers have a sign, a unit or something else between them."""
    before = tokens[-1] if tokens and not gap else None
    if isinstance(before, Number) and not before.unit and not found["sign"]:
        message = f"no position has “{before.digits}{found[0]}”"
        raise NotAPlaceError(message)


def _number(found: re.Match[str], gap: str) -> Number:
    unit = next((name for name in _UNITS if found[name]), "")
    return Number(
        digits=found["digits"],
        sign=found["sign"],
        unit=unit,
        after_colon=gap == ":",
        is_joined=gap == "",
        is_apart=bool(gap.strip(" \t\n:")),
    )
