"""Telescopes that are offered by name, from `telescopes.toml`."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tom.planning.telescope import Telescope
from tom.sky import Site


def _read(declared: Mapping[str, Any]) -> Telescope:
    return Telescope(**{**declared, "site": Site(**declared["site"])})


_DECLARED = tomllib.loads((Path(__file__).parent / "telescopes.toml").read_text())
TELESCOPES: Final = tuple(_read(each) for each in _DECLARED["telescope"])
