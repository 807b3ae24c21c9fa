"""The catalogues that are loaded, and what they list of the light together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from django.conf import settings
from django.db.models import QuerySet

from tom.galaxies.completeness import EDGES
from tom.galaxies.models import Catalogue
from tom.kept_queries import kept_query
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
    catalogues = _loaded()
    if not catalogues:
        return None
    shares = np.array([each.completeness["shares"] for each in catalogues], float)
    return LoadedCatalogues(
        known_by=_known_by(method, [each.pk for each in catalogues]),
        names=tuple(sorted(each.name for each in catalogues)),
        completeness=np.asarray(np.minimum(shares.max(axis=0), MOST_COMPLETE)),
    )


@kept_query
def _loaded() -> QuerySet[Catalogue]:
    return Catalogue.objects.order_by("pk")


def no_catalogue(*, method: int) -> LoadedCatalogues:
    """Return what a search knows where none is loaded: no light is listed."""
    return LoadedCatalogues(_known_by(method, ()), (), np.zeros(len(EDGES) - 1))


def _known_by(method: int, loads: Sequence[int]) -> str:
    return f"{method}:{settings.HOST_HORIZON_MPC:g}:{','.join(map(str, loads))}"
