"""Primary keys as browsers and programs write them."""

# Ten to this power is below the largest key, 2**63 - 1.
MOST_DIGITS = 18


def read_pk(text: str) -> int | None:
    """Return a primary key; None where the text is none, or one that no row can have."""
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else None
