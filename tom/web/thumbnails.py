"""Small drawings of localizations for lists. Each is drawn once and kept in memory."""

from collections.abc import Iterable
from threading import Lock

from cachetools import LRUCache
from django.utils.safestring import SafeString

from tom.events.models import Localization
from tom.web.plots.skymap import draw_thumbnail

MOST_KEPT = 1000
_lock = Lock()
_kept: "LRUCache[int, SafeString]" = LRUCache(MOST_KEPT)


def thumbnails_of(localization_ids: Iterable[int]) -> dict[int, SafeString]:
    """Draw these localizations; one query reads those that are not in memory."""
    wanted = set(localization_ids)
    with _lock:
        drawn = {pk: _kept[pk] for pk in wanted if pk in _kept}
    missing = wanted - drawn.keys()
    if missing:
        rows = Localization.objects.filter(pk__in=missing).values_list("pk", "contours")
        new = {pk: draw_thumbnail(contours) for pk, contours in rows}
        with _lock:
            _kept.update(new)
        drawn |= new
    return drawn
