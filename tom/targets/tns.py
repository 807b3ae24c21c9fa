"""Names of the Transient Name Server, however they are written."""

import re

# The prefix says whether a type is known, and changes when it is.
_TNS = re.compile(r"(?:AT|SN)?\s?([12][0-9]{3}[a-z]{1,8})", re.IGNORECASE)


def bare_name(name: str) -> str:
    """Return a name without what people write in more than one way: TNS's prefix."""
    found = _TNS.fullmatch(name)
    return found[1] if found else name


def tns_spellings(name: str) -> list[str]:
    """Return the ways to write a name of TNS; none where it is no such name."""
    found = _TNS.fullmatch(name)
    return [f"{prefix}{found[1]}" for prefix in ("", "AT", "AT ", "SN", "SN ")] if found else []
