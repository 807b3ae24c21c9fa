"""A secret is taken out of a text in whichever coding it stands there."""

import base64
import html
import json
import logging
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pytest_django.fixtures import Settings

from tom.logs import LineFormatter
from tom.redaction import SECRET, hide

TOKEN = "0a1B2c3D/4e5F+6a7b8c9d0e1f2a3b4c5d6e7f80"


def escape_all(text: str) -> str:
    return "".join(f"\\u{ord(each):04x}" for each in text)


CODINGS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper case": str.upper,
    "reversed case": str.swapcase,
    "JSON escapes": escape_all,
    "JSON escapes in capitals": lambda text: escape_all(text).replace("\\u00", "\\u00").upper(),
    "JSON escapes, escaped again": lambda text: json.dumps(escape_all(text)),
    "half of it escaped": lambda text: escape_all(text[:20]) + text[20:],
    "escaped slashes": lambda text: text.replace("/", "\\/"),
    "URL": lambda text: quote(text, safe=""),
    "URL, every character": lambda text: "".join(f"%{ord(each):02X}" for each in text),
    "URL twice": lambda text: quote(quote(text, safe=""), safe=""),
    "URL in another way": lambda text: "".join(f"%u{ord(each):04x}" for each in text),
    "HTML": lambda text: "".join(f"&#{ord(each)};" for each in text),
    "HTML in hexadecimal": lambda text: "".join(f"&#x{ord(each):X};" for each in text),
    "HTML by name": lambda text: text.replace("/", "&sol;").replace("+", "&plus;"),
    "HTML twice": lambda text: html.escape("".join(f"&#{ord(each)};" for each in text)),
    "octal": lambda text: "".join(f"\\{ord(each):03o}" for each in text),
    "C": lambda text: "".join(f"\\x{ord(each):02x}" for each in text),
    "mail": lambda text: "".join(f"={ord(each):02X}" for each in text),
    "base64": lambda text: base64.b64encode(text.encode()).decode(),
    "base64 after a word": lambda text: base64.b64encode(f"Token {text}".encode()).decode(),
    "base64 after a name": lambda text: base64.b64encode(f"user:{text}".encode()).decode(),
    "base64 for URLs": lambda text: base64.urlsafe_b64encode(text.encode()).decode(),
    "base64 in a URL": lambda text: quote(base64.b64encode(text.encode()).decode(), safe=""),
    "base64 in JSON": lambda text: escape_all(base64.b64encode(text.encode()).decode()),
    "base64 in lines": lambda text: base64.encodebytes(f"{'x' * 50}{text}".encode()).decode(),
    "base64 of base64": lambda text: base64.b64encode(base64.b64encode(text.encode())).decode(),
    "base32": lambda text: base64.b32encode(text.encode()).decode(),
    "hexadecimal": lambda text: text.encode().hex(),
    "hexadecimal in capitals": lambda text: text.encode().hex(" ").upper(),
    "bytes": lambda text: str(list(text.encode())),
    "NULs between": lambda text: "\0".join(text),
    "broken into lines": lambda text: f"{text[:20]}\n{text[20:]}",
}


@pytest.mark.parametrize("coding", CODINGS)
def test_a_secret_is_hidden_in_every_coding_and_the_rest_stays(coding: str) -> None:
    coded = CODINGS[coding](TOKEN)

    hidden = hide(f"Invalid token: {coded}!", TOKEN)

    told = hidden.removeprefix("Invalid token: ")
    assert TOKEN.casefold() not in told.casefold()
    assert SECRET in told or "withheld" in told
    assert coded.strip() not in hidden


@pytest.mark.parametrize("coding", ["plain", "JSON escapes", "URL twice", "HTML", "base64", "mail"])
def test_what_stands_around_a_secret_stays(coding: str) -> None:
    assert hide(f"Bad: {CODINGS[coding](TOKEN)}!", TOKEN).startswith(f"Bad: {SECRET}")


@given(st.lists(st.sampled_from(["URL", "HTML", "JSON escapes", "base64"]), max_size=3))
def test_codings_of_codings_tell_nothing(codings: list[str]) -> None:
    coded = TOKEN
    for coding in codings:
        coded = CODINGS[coding](coded)

    assert coded not in hide(f"said: {coded}", TOKEN)


def test_an_answer_without_the_secret_is_left_alone() -> None:
    said = json.dumps({"detail": "Größe &amp; %41 \\u0041 YWJjZGVmZ2hpamts", "results": [1, 2]})

    assert hide(said, TOKEN) == said
    assert hide("as it was", "") == "as it was"


def test_no_log_line_tells_the_token(settings: Settings) -> None:
    settings.OCS_API_TOKEN = TOKEN
    record = logging.LogRecord("tom.x", logging.ERROR, "", 1, "said %s", (escape_all(TOKEN),), None)

    assert LineFormatter("{message}", style="{").format(record) == f"said {SECRET}"
