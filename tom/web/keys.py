"""Primary keys and numbers as browsers and programs write them."""

from decimal import Decimal

# Ten to this power is below the largest key, 2**63 - 1.
MOST_DIGITS = 18


def read_pk(text: str) -> int | None:
    """Return a primary key; None if the text is not a key that a row can have."""
    is_one = text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS
    return int(text) if is_one else None


class CircularNumber:
    """A circular's number in an address: 18454, or a half as 18453.5."""

    regex = r"[0-9]{1,10}(?:\.[05])?"

    def to_python(self, value: str) -> Decimal:
        return Decimal(value)

    def to_url(self, value: Decimal | int) -> str:
        return f"{value}".removesuffix(".0")
