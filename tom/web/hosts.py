"""A target's possible hosts, as its page and the API show them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, OuterRef, Subquery
from tom_targets.base_models import BaseTarget

from tom.galaxies.models import Catalogue, HostSearch

COLUMNS = (
    *("catalogue", "number", "name", "ra", "dec", "distance_mpc", "distance_error_mpc"),
    *("distance_kind", "b_magnitude", "separation_arcsec", "light_radius_arcsec"),
    *("chance_coincidence", "share"),
)


@dataclass(frozen=True)
class FoundHosts:
    """The newest search for a target's host: when, the chance of none, the galaxies by share.

    Each galaxy has the columns of `HostMatch`, the ratio of separation and light radius, and its
    catalogue's citation, which is empty where that is no longer loaded.
    """

    stored: datetime
    none_share: float
    given_redshift: float | None
    galaxies: list[dict[str, Any]]

    @property
    def citations(self) -> list[str]:
        """What to cite, each once."""
        return list(dict.fromkeys(row["citation"] for row in self.galaxies if row["citation"]))


def found_hosts(target: BaseTarget) -> FoundHosts | None:
    """Read the newest search for a target's host; None: nobody searched. One query."""
    searches = HostSearch.objects.filter(target=target.pk).order_by("-pk")
    cite = Catalogue.objects.filter(name=OuterRef("matches__catalogue")).values("citation")[:1]
    rows = list(
        HostSearch.objects.filter(pk=Subquery(searches.values("pk")[:1]))
        .order_by(F("matches__share").desc(nulls_last=True), "matches__pk")
        .values(
            *("stored", "none_share", "given_redshift"),
            citation=Subquery(cite),
            **{f"of_{name}": F(f"matches__{name}") for name in COLUMNS},
        )
    )
    if not rows:
        return None
    first = rows[0]
    galaxies = [_galaxy(row) for row in rows if row["of_share"] is not None]
    return FoundHosts(first["stored"], first["none_share"], first["given_redshift"], galaxies)


def _galaxy(row: dict[str, Any]) -> dict[str, Any]:
    found = {name: row[f"of_{name}"] for name in COLUMNS}
    ratio = found["separation_arcsec"] / found["light_radius_arcsec"]
    return found | {"ratio": ratio, "citation": row["citation"] or ""}
