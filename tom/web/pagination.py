"""Pages of a long list."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import Count, QuerySet, Window
from django.http import HttpRequest

from tom.web.keys import read_pk

PER_PAGE = 50
# Beyond any list.
LAST_PAGE = 10**9


def page_of(
    request: HttpRequest, rows: QuerySet[Any] | Sequence[Any], *, per_page: int = PER_PAGE
) -> Page[Any]:
    """Return the page that `?page=` asks for; the nearest one where there is no such page."""
    return Paginator(rows, per_page).get_page(request.GET.get("page"))


def page_counted(
    request: HttpRequest, keys: QuerySet[Any, Any], *, per_page: int = PER_PAGE
) -> Page[Any]:
    """Return the same page of primary keys, counted by the query that finds them.

    Where no index gives a page, all rows are read for it: to count them apart reads them twice.
    """
    number = min(read_pk(request.GET.get("page", "")) or 1, LAST_PAGE)
    first = (number - 1) * per_page
    counted = keys.annotate(n_rows=Window(Count("*"))).values_list("pk", "n_rows")
    found = list(counted[first : first + per_page])
    if not found and number > 1:
        return page_of(request, keys, per_page=per_page)
    pages: Paginator[Any] = Paginator(keys, per_page)
    pages.count = found[0][1] if found else 0
    return Page([key for key, _ in found], number, pages)
