"""A target's possible hosts, as its page and the API show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery
from tom_targets.base_models import BaseTarget

from tom.galaxies.association import Sought, look_for_hosts
from tom.galaxies.models import Catalogue, HostSearch
from tom.kept_queries import Given, kept_query
from tom.sky import healpix29
from tom.web.distances import redshift_of

COLUMNS = (
    *("catalogue", "number", "name", "ra", "dec", "distance_mpc", "distance_error_mpc"),
    *("distance_kind", "b_magnitude", "separation_arcsec", "light_radius_arcsec"),
    *("chance_coincidence", "share"),
)


@dataclass(frozen=True)
class FoundHosts:
    """The newest search for a target's host: when, the chance of none, the galaxies by share.

    `stored` is None where it was searched for the page alone.

    Each galaxy has the columns of `HostMatch`, the ratio of separation and light radius, and its
    catalogue's citation, which is empty where that is no longer loaded.
    """

    stored: datetime | None
    none_share: float
    given_redshift: float | None
    galaxies: list[dict[str, Any]]

    @property
    def citations(self) -> list[str]:
        """What to cite, each once."""
        return list(dict.fromkeys(row["citation"] for row in self.galaxies if row["citation"]))


def found_hosts(target: BaseTarget) -> FoundHosts | None:
    """Read the newest search for a target's host, or search it now; None: there is no catalogue.

    A stored search is one query. A target that is nobody's candidate has none: to search it now is
    five.
    """
    rows = _newest_search(target=target.pk)
    if not rows:
        return _search_now(target)
    first = rows[0]
    galaxies = [
        _galaxy({name: row[f"of_{name}"] for name in COLUMNS}, row["citation"])
        for row in rows
        if row["of_share"] is not None
    ]
    return FoundHosts(first["stored"], first["none_share"], first["given_redshift"], galaxies)


@kept_query
def _newest_search(*, target: Given) -> QuerySet[HostSearch, Any]:
    searches = HostSearch.objects.filter(target=target).order_by("-pk")
    cite = Catalogue.objects.filter(name=OuterRef("matches__catalogue")).values("citation")[:1]
    rows = HostSearch.objects.filter(pk=Subquery(searches.values("pk")[:1]))
    in_turn = rows.order_by(F("matches__share").desc(nulls_last=True), "matches__pk")
    columns = {f"of_{name}": F(f"matches__{name}") for name in COLUMNS}
    found: QuerySet[HostSearch, Any] = in_turn.values(
        *("stored", "none_share", "given_redshift"), citation=Subquery(cite), **columns
    )
    return found


def _search_now(target: BaseTarget) -> FoundHosts | None:
    """Search a target's host at the place where its reader knows it; nothing is stored."""
    if target.ra is None or target.dec is None:
        return None
    here = int(healpix29(target.ra, target.dec))
    found = look_for_hosts(Sought(target.pk, here, redshift_of(target)))
    if found is None:
        return None
    search, matches = found
    cite = dict(Catalogue.objects.values_list("name", "citation"))
    galaxies = [
        _galaxy({name: getattr(match, name) for name in COLUMNS}, cite.get(match.catalogue))
        for match in matches
    ]
    return FoundHosts(None, search.none_share, search.given_redshift, galaxies)


def _galaxy(found: dict[str, Any], citation: str | None) -> dict[str, Any]:
    ratio = found["separation_arcsec"] / found["light_radius_arcsec"]
    return found | {"ratio": ratio, "citation": citation or ""}
