"""The sites of the facilities' telescopes."""

from collections.abc import Mapping
from functools import cache
from typing import Final

from tom.followup.facilities import declarations
from tom.sky.visibility import Site

# Geodetic degrees (east positive) and metres, as the observatories give them:
# https://lco.global/observatory/sites/, https://noirlab.edu/science/programs/ctio/.
_SHARED: Final = (
    Site("Cerro Pachon", -30.2379, -70.7338, 2738.0),
    Site("Cerro Tololo", -30.1674, -70.8048, 2198.0),
    Site("Haleakala", 20.7069, -156.2575, 3055.0),
    Site("McDonald", 30.6797, -104.0151, 2070.0),
    Site("Siding Spring", -31.2728, 149.0708, 1116.0),
    Site("Sutherland", -32.3805, 20.8101, 1760.0),
    Site("Teide", 28.3003, -16.5118, 2330.0),
)


@cache
def sites() -> Mapping[str, Site]:
    """Return every site by its name: the shared ones here, and those that a folder declares."""
    declared = (site for each in declarations().values() for site in each.sites)
    return {site.name: site for site in (*_SHARED, *declared)}


def site_named(name: str) -> Site:
    """Return the site of this name; raise KeyError if there is none."""
    return sites()[name]
