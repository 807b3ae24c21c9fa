"""What a spreadsheet may open."""

_FORMULA = frozenset("=+-@\t\r")


def cell(text: str) -> str:
    """Keep a spreadsheet from running a text as a formula."""
    return f"'{text}" if text[:1] in _FORMULA else text
