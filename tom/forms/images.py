"""How a survey of fixed fields tells, in the keys of its points, which image each is of."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageNumber:
    """Where the key of a survey's point has the number of its image.

    Attributes
    ----------
    separator, part
        It is this part, from 1, of a key with this separator in it.
    cut
        Of a key without it, it is all but so many last characters.
    end
        What it ends with besides. Of the digits before it the last two are the part of the camera,
        and those before them the exposure. A number that is no such one is none.
    digits
        The least and the largest number of its digits, without `end`.
    """

    separator: str
    part: int
    cut: int
    end: str
    digits: tuple[int, int]
