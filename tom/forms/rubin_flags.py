"""The flags of Rubin's sources that say that a flux is none, as in its packets so at brokers.

A flag may be 1 or 0. Fields: https://sdm-schemas.lsst.io/apdb.html
"""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.values import finite

Fields = Mapping[str, Any]

# Each of them says that a flux is not that of a source on the sky.
SPOILED: Final = (
    "psfFlux_flag",
    "psfFlux_flag_edge",
    "psfFlux_flag_noGoodPixels",
    "pixelFlags_offimage",
    "pixelFlags_nodataCenter",
    "pixelFlags_saturatedCenter",
    "pixelFlags_crCenter",
    "pixelFlags_streakCenter",
)
# Where the centre was not found, the flux is that at the peak: its general flag says no more.
_MAY_BE_CENTRE: Final = "psfFlux_flag"
# When the survey marked the record as invalid: a time, where the others are flags.
WITHDRAWN: Final = "timeWithdrawnMjdTai"
INJECTED: Final = ("pixelFlags_injected", "pixelFlags_injectedCenter")


def faults_of(source: Fields) -> list[str]:
    """The flags of a source that make its flux no measurement, by the names of their fields."""
    flags = [name for name in SPOILED if source.get(name) == 1]
    if source.get("centroid_flag") == 1 and flags == [_MAY_BE_CENTRE]:
        flags = []
    withdrawn = finite(source.get(WITHDRAWN))
    return [*flags, WITHDRAWN] if withdrawn else flags


def was_put_in(source: Fields) -> bool:
    """Whether somebody put the source into the image, to test what finds it."""
    return any(source.get(name) == 1 for name in INJECTED)
