"""Pages of a long list, of which no more is counted than anybody pages through."""

from collections.abc import Sequence
from typing import Any

from django.core.paginator import Page, Paginator
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.functional import cached_property

PER_PAGE = 50
# Of a longer list the first rows alone are counted and cut into pages: to count a million takes
# seconds, and so does the way to the last of them.
MOST_COUNTED = 10_000
LONGEST_NUMBER = 9


class BoundedPaginator(Paginator[Any]):
    """Cuts the first `most` rows into pages; `known` says that there are at least so many."""

    def __init__(
        self, rows: Any, per_page: int, *, most: int = MOST_COUNTED, known: int = 0
    ) -> None:
        super().__init__(rows, per_page)
        self.most, self.known = most, known

    @cached_property
    def _counted(self) -> int:
        """How many rows there are, at most one more than `most`."""
        if self.known > self.most:
            return self.known
        if isinstance(self.object_list, QuerySet):
            return self.object_list.order_by()[: self.most + 1].count()
        return len(self.object_list)

    @cached_property
    def count(self) -> int:
        """How many rows are cut into pages."""
        return min(self._counted, self.most)

    @property
    def is_more(self) -> bool:
        """Whether there are more rows than that."""
        return self._counted > self.most

    @property
    def said(self) -> str:
        """How many rows there are, in words."""
        return f"more than {self.most:,}" if self.is_more else f"{self.count:,}"


def page_of(
    request: HttpRequest,
    rows: QuerySet[Any] | Sequence[Any],
    *,
    per_page: int = PER_PAGE,
    most: int = MOST_COUNTED,
    known: int = 0,
) -> Page[Any]:
    """Return the page that `?page=` asks for; the nearest one where there is no such page."""
    paginator = BoundedPaginator(rows, per_page, most=most, known=known)
    return paginator.get_page(request.GET.get("page"))


def page_asked(request: HttpRequest) -> int:
    """The number in `?page=`; 1 where there is none."""
    text = request.GET.get("page", "")
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= LONGEST_NUMBER else 1


def page_at_once(
    request: HttpRequest, keys: QuerySet[Any, Any], *, per_page: int = PER_PAGE
) -> Page[Any]:
    """Return the same page of primary keys, by one query that reads all keys that are counted.

    Where no index gives a page, all rows are read for it: to count them apart reads them twice.
    """
    found = list(keys[: MOST_COUNTED + 1])
    return page_of(request, found, per_page=per_page, most=MOST_COUNTED)
