"""The names of events that people give whoever saw them: those of no mission alone."""

from typing import Final

COMMON_NAMES: Final = (
    r"grb[\s-]?\d{6}(?:[a-z]|\.\d{1,3})?",
    r"frb[\s-]?(?:\d{8}|\d{6})[a-z]{0,3}",
    r"(?:icecube|ic)[\s-]?\d{6}[a-z]?",
    r"km3[\s-]?\d{6}[a-z]",
    r"ep[\s-]?\d{6}[a-z]",
    r"sb\d{8}",
    r"sgr\s?[j]?\d{4}[+-]\d{2,4}",
)
"""Regular expressions without groups, whatever the letters' case."""
