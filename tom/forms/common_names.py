"""The names of events that people give whoever saw them: those of no mission alone."""

from typing import Final

ONCE_NAMES: Final = (
    r"grb[\s-]?\d{6}(?:[a-z]|\.\d{1,3})?",
    r"frb[\s-]?(?:\d{8}|\d{6})[a-z]{0,3}",
    r"gw[\s-]?\d{6}(?:_\d{6})?",
    r"(?:icecube|ic)[\s-]?\d{6}[a-z]?",
    r"km3[\s-]?\d{6}[a-z]",
    r"ep[\s-]?\d{6}[a-z]",
    r"sb\d{8}",
)
"""Of what happens once. Regular expressions without groups, whatever the letters' case."""
COMMON_NAMES: Final = (
    *ONCE_NAMES,
    r"sgr\s?[j]?\d{4}[+-]\d{2,4}",
)
"""With those of what bursts again and again: such a name does not say which burst is meant."""
