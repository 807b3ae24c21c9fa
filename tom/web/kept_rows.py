"""Rows that a verdict would take out of a filtered list: they stay until the filter changes."""

import time
from collections.abc import Mapping

from django.http import HttpRequest, QueryDict

FILTERS = ("vetting", "region", "q", "since", "up", "class", "by")
MOST_ROWS = 200
MOST_LISTS = 20
# A shift: who comes back the next night begins again.
KEPT_SECONDS = 12 * 3600
KEY = "kept_rows"


def filters_of(query: QueryDict) -> str:
    """Return the query string of the list's filters alone, without order and page."""
    chosen = QueryDict(mutable=True)
    for name in FILTERS:
        if query.get(name):
            chosen[name] = str(query[name])
    return chosen.urlencode()


def keep_row(request: HttpRequest, event_id: int, query: QueryDict, candidate_id: int) -> None:
    """Have a candidate stay in the event's list as it is filtered now, from this moment on."""
    lists: dict[str, dict[str, object]] = request.session.get(KEY, {})
    filters = filters_of(query)
    rows = {str(pk): since for pk, since in _stored(lists, event_id, filters).items()}
    rows[str(candidate_id)] = time.time()
    lists.pop(str(event_id), None)
    lists[str(event_id)] = {"filters": filters, "rows": dict(list(rows.items())[-MOST_ROWS:])}
    request.session[KEY] = dict(list(lists.items())[-MOST_LISTS:])
    request.session.save()  # not at the end of the request alone


def rows_kept(request: HttpRequest, event_id: int, query: QueryDict) -> list[int]:
    """Return the candidates that stay in the list as it is filtered now."""
    stored = _stored(request.session.get(KEY, {}), event_id, filters_of(query))
    return [pk for pk, since in stored.items() if time.time() - since < KEPT_SECONDS]


def forget_other_filters(request: HttpRequest, event_id: int, query: QueryDict) -> None:
    """Let go of the rows that were kept under another filter."""
    lists = request.session.get(KEY, {})
    kept = lists.get(str(event_id))
    if kept and kept["filters"] != filters_of(query):
        del lists[str(event_id)]
        request.session[KEY] = lists


def _stored(
    lists: Mapping[str, dict[str, object]], event_id: int, filters: str
) -> dict[int, float]:
    kept = lists.get(str(event_id))
    if not kept or kept["filters"] != filters or not isinstance(kept["rows"], dict):
        return {}
    return {int(pk): float(since) for pk, since in kept["rows"].items()}
