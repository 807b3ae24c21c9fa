"""The catalogues that are loaded, and what they list of the light together."""

from dataclasses import dataclass

import numpy as np
from django.conf import settings

from tom.galaxies.models import Catalogue
from tom.sky.arrays import FloatArray

# No catalogue lists all light: dwarfs are in none.
MOST_COMPLETE = 0.95


@dataclass(frozen=True, eq=False)
class LoadedCatalogues:
    """The catalogues as a search knows them.

    `known_by` changes with each load. `names` are the catalogues' own, in alphabetical order.
    `completeness` is the share of the light in each shell of distance between `EDGES`: the best
    catalogue's, 0 to `MOST_COMPLETE`.
    """

    known_by: str
    names: tuple[str, ...]
    completeness: FloatArray


def loaded_catalogues(*, method: int) -> LoadedCatalogues | None:
    """Read which catalogues are loaded; None: none is. One query.

    `method` is the number of the way in which they are used: another one makes all results old.
    """
    catalogues = list(Catalogue.objects.order_by("pk"))
    if not catalogues:
        return None
    loads = ",".join(str(each.pk) for each in catalogues)
    shares = np.array([each.completeness["shares"] for each in catalogues], float)
    return LoadedCatalogues(
        known_by=f"{method}:{settings.HOST_HORIZON_MPC:g}:{loads}",
        names=tuple(sorted(each.name for each in catalogues)),
        completeness=np.asarray(np.minimum(shares.max(axis=0), MOST_COMPLETE)),
    )
