"""Which versions of scorers the stored rankings need, so that they can be repeated."""

from datetime import datetime

from tom.ranking.models import Ranking


def needs_version(name: str, version: str, *, since: datetime) -> bool:
    """Return whether a ranking of `since` or later was made with this version of a scorer."""
    rows = Ranking.objects.filter(created__gte=since)
    spec = {"name": name, "version": version}
    return rows.filter(basis__specs__contains=[spec]).exists()
