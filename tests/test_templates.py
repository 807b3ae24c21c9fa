"""How templates and styles are written: one thing a line, so that a change shows as what it is."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
STYLES = sorted((ROOT / "static" / "css").glob("*.css"))
# A longer line holds more than one element or attribute: a change of one shows as a change of all.
# It is wider than code may be, for a tag of Django must end on the line where it begins.
WIDEST = 120


def test_a_line_of_a_template_holds_one_thing() -> None:
    wide = [
        f"{path.relative_to(ROOT)}:{number}: {len(line)}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if len(line) > WIDEST
    ]

    assert len(TEMPLATES) > 100
    assert wide == []


def test_a_template_has_no_tab_and_no_space_at_the_end_of_a_line() -> None:
    odd = [
        f"{path.relative_to(ROOT)}:{number}"
        for path in TEMPLATES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if "\t" in line or line != line.rstrip()
    ]

    assert odd == []


def code_of(style: str) -> Iterator[tuple[int, str]]:
    """Yield each line with its number, with its comments, texts and brackets left out."""
    style = re.sub(r"/\*.*?\*/", lambda found: "\n" * found[0].count("\n"), style, flags=re.DOTALL)
    for number, line in enumerate(style.splitlines(), start=1):
        code = re.sub(r"\"[^\"]*\"|'[^']*'", "", line)
        while (shorter := re.sub(r"\([^()]*\)", "", code)) != code:
            code = shorter
        yield number, code.strip()


def is_crowded(line: str) -> bool:
    """Say whether a line of a style holds two declarations, two selectors, or a whole rule."""
    many_selectors = line.endswith("{") and not line.startswith("@") and "," in line
    return many_selectors or any(mark in line[:-1] for mark in ";{}")


@pytest.mark.parametrize("path", STYLES, ids=lambda path: path.name)
def test_a_line_of_a_style_holds_one_declaration_or_one_selector(path: Path) -> None:
    crowded = [
        f"{number}: {line}" for number, line in code_of(path.read_text()) if is_crowded(line)
    ]

    assert crowded == []


@pytest.mark.parametrize(
    "line",
    [
        "a: b; c: d;",
        ".a { b: c; }",
        ".a, .b {",
        ":is(.a, .b), .c {",
        "} .a {",
        "b: c; }",
        "@media print { .a {",
    ],
)
def test_two_things_on_a_line_of_a_style_are_seen(line: str) -> None:
    ((_, code),) = code_of(line)

    assert is_crowded(code)


@pytest.mark.parametrize(
    "line", [":is(.a, .b) {", "a: f(b, c), d;", "a: url('b;c');", "}", ".a,", "a: b; /* ; */"]
)
def test_one_thing_on_a_line_of_a_style_passes(line: str) -> None:
    ((_, code),) = code_of(line)

    assert not is_crowded(code)
