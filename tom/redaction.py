"""Take secrets out of a text, however a server that echoes it has written it.

Each character may come plain, in either case, or as an escape of JSON, a URL, HTML or a mail, and
the whole in base64, base32 or hexadecimal digits. What a pattern of these does not find is looked
for in the decoded text, and the text is withheld where the secret is there.
"""

import base64
import binascii
import html
import re
from collections.abc import Collection, Iterator
from functools import lru_cache
from html.entities import html5
from typing import Final, NamedTuple
from urllib.parse import unquote

SECRET: Final = "[secret]"  # noqa: S105  what stands in for one
WITHHELD: Final = "[withheld: it tells a secret]"

# A shorter one is a word like any other once it is cut into digits.
_LEAST_CODED: Final = 6
_ROUNDS: Final = 4
# So many characters of a spelling say that the whole may follow.
_HINT: Final = 4
_ESCAPE: Final = re.compile(
    r"\\+(?:u\{?0*([0-9a-f]{2})\b\}?|u00([0-9a-f]{2})|x([0-9a-f]{2}))", re.I
)
_OCTAL: Final = re.compile(r"\\+([0-3]?[0-7]{2})")
_QUOTED: Final = re.compile(r"=([0-9a-f]{2})", re.I)
_BLOB: Final = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_NAMES: Final = {
    character: [name.rstrip(";") for name, meant in html5.items() if meant == character]
    for character in map(chr, range(33, 127))
}


def hide(text: str, *secrets: str) -> str:
    """Replace each spelling of each secret in `text`; NULs, which no database keeps, go too."""
    text = text.replace("\0", "")
    # The longest first: a part of it may be a secret, too.
    known = sorted(filter(None, secrets), key=len, reverse=True)
    for secret in known:
        # Most texts hold not even the beginning of a spelling.
        if _beginnings(secret).search(text):
            text = _without(text, secret)
    return WITHHELD if _still_tells(text, known) else text


def _without(text: str, secret: str) -> str:
    """Replace each spelling of a secret; only those that may be there are compiled whole."""
    for way in _ways(secret):
        if _compiled(way.beginning).search(text):
            text = _compiled(way.whole).sub(SECRET, text)
    return text


class _Way(NamedTuple):
    """A way to write a secret, and how it begins; each a regular expression."""

    whole: str
    beginning: str


@lru_cache(maxsize=128)
def _ways(secret: str) -> list[_Way]:
    """The longest first: a shorter one may be a part of it."""
    spellings = sorted(set(_spellings(secret)), key=len, reverse=True)
    ways = [_Way(_spelt(each), _spelt(each[:_HINT])) for each in spellings]
    if len(secret) >= _LEAST_CODED:
        pairs = zip(_listed(secret), _listed(secret[:_HINT]), strict=True)
        ways += [_Way(*pair) for pair in pairs]
    return ways


@lru_cache(maxsize=128)
def _beginnings(secret: str) -> re.Pattern[str]:
    return re.compile("|".join(dict.fromkeys(way.beginning for way in _ways(secret))), re.I)


@lru_cache(maxsize=1024)
def _compiled(way: str) -> re.Pattern[str]:
    return re.compile(way, re.I)


def _spelt(spelling: str) -> str:
    return _start(spelling) + _between(r"(?:\s|\\+[nr])*", map(_character, spelling))


def _start(spelling: str) -> str:
    """Look for what a spelling can begin with, which costs little where it does not."""
    first = spelling[0]
    return f"(?=[{re.escape(first)}{re.escape(first.swapcase()[0])}\\\\%&=])"


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    if len(secret) < _LEAST_CODED:
        return
    for cased in {secret, secret.lower(), secret.upper(), secret.swapcase()}:
        yield from _cores(cased.encode(), base64.b64encode, bits=6)
        yield from _cores(cased.encode(), base64.urlsafe_b64encode, bits=6)
        yield from _cores(cased.encode(), base64.b32encode, bits=5)


def _cores(secret: bytes, encode: object, *, bits: int) -> Iterator[str]:
    """Yield the digits that the secret alone determines, wherever in a text it stands."""
    for before in range(bits - 1 if bits == 5 else 3):
        digits = encode(bytes(before) + secret).decode()  # type: ignore[operator]
        yield digits[-(-before * 8 // bits) : (before + len(secret)) * 8 // bits]


def _listed(secret: str) -> list[str]:
    """Match the bytes of either case as hexadecimal or decimal digits, apart or not."""
    cases = [{letter.lower().encode(), letter.upper().encode()} for letter in secret]
    hexadecimal = ["|".join(sorted(each.hex() for each in case)) for case in cases]
    decimal = ["|".join(sorted(r"\D{1,3}".join(map(str, each)) for each in case)) for case in cases]
    return [
        _between(r"(?:[\s:,-]|0x|\\+x)*", (f"(?:{each})" for each in hexadecimal)),
        _between(r"\D{1,3}", (f"(?:{each})" for each in decimal)),
    ]


def _between(separator: str, parts: "Iterator[str] | map[str]") -> str:
    return separator.join(parts)


def _character(character: str) -> str:
    """Match one character in any of its escapes."""
    codes = sorted({ord(character), ord(character.lower()[0]), ord(character.upper()[0])})
    ways = [rf"\\*{re.escape(character)}"]
    for code in codes:
        digits = f"0*{code:x}"
        ways += [
            rf"\\+u(?:00{code:02x}|\{{{digits}\}})",
            rf"\\+x{code:02x}",
            rf"\\+0?{code:o}",
            rf"%(?:25)*{code:02x}",
            rf"%u00{code:02x}",
            rf"&(?:amp;)*#(?:0*{code}|x{digits});?",
            rf"={code:02x}",
        ]
    ways += [f"&(?:amp;)*{name};?" for name in _NAMES.get(character, [])]
    return f"(?:{'|'.join(ways)})"


def _still_tells(text: str, secrets: Collection[str]) -> bool:
    folded = [secret.casefold() for secret in secrets if len(secret) >= _LEAST_CODED]
    said = ("".join(decoded.casefold().split()) for decoded in _decoded(text)) if folded else ()
    return any(secret in decoded for decoded in said for secret in folded)


def _decoded(text: str) -> set[str]:
    """Return what a text says in each coding, and in codings of codings."""
    seen: set[str] = set()
    new = {text}
    for _ in range(_ROUNDS):
        new = {decode(each) for each in new for decode in (_unescaped, _unpacked)} - seen
        seen |= new
    return seen


def _unescaped(text: str) -> str:
    text = unquote(html.unescape(text))
    text = _ESCAPE.sub(lambda found: chr(int(found[1] or found[2] or found[3], 16)), text)
    text = _OCTAL.sub(lambda found: chr(int(found[1], 8)), text)
    return _QUOTED.sub(lambda found: chr(int(found[1], 16)), text)


def _unpacked(text: str) -> str:
    """Return what the runs of base64 digits in a text say."""
    return " ".join(filter(None, map(_read_base64, _BLOB.findall(text))))


def _read_base64(blob: str) -> str:
    whole = blob.translate(str.maketrans("-_", "+/"))
    whole += "=" * (-len(whole) % 4)
    try:
        return base64.b64decode(whole).decode("utf-8", "ignore")
    except (binascii.Error, ValueError):
        return ""
