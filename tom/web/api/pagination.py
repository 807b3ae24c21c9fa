"""How lists are cut into pages: `limit` and `offset`, with a most that nobody gets past."""

from typing import Any

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request
from rest_framework.utils.urls import replace_query_param

# Of a longer list it is not counted how long it is: to count a million rows takes seconds.
MOST_COUNTED = 10_000
# Of rows found by what brokers say so many are counted: each takes several times as long.
MOST_COUNTED_SAID = 1_000
SAID = {"class", "by"}  # the parameters that ask for what brokers say


class Pages(LimitOffsetPagination):
    """A hundred rows a page, a thousand at most; what is no such number is refused.

    `count` is null for more than `MOST_COUNTED` rows, and for fewer of what brokers say. `next`
    leads on to the last page of any list.
    """

    default_limit = 100
    max_limit: int = 1_000
    count: int | None

    def get_limit(self, request: Request) -> int:
        found = _read_count(request, self.limit_query_param, least=1)
        return self.default_limit if found is None else min(found, self.max_limit)

    def get_offset(self, request: Request) -> int:
        return _read_count(request, self.offset_query_param, least=0) or 0

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        """Read the page, and one row more: it says whether there is another page."""
        limit, offset = self.get_limit(request), self.get_offset(request)
        self.request, self.limit, self.offset = request, limit, offset
        is_said = not SAID.isdisjoint(request.query_params)
        self.most_counted = min(MOST_COUNTED, MOST_COUNTED_SAID) if is_said else MOST_COUNTED
        self.asked = request.build_absolute_uri()
        rows = self.read_between(queryset, first=offset, last=offset + limit + 1)
        self.is_more = len(rows) > limit
        # The last page tells the number by itself, unless it lies beyond the end.
        tells = not self.is_more and (bool(rows) or offset == 0)
        count = offset + len(rows) if tells else self.count_some(queryset)
        self.count = None if count > self.most_counted else count
        return rows[:limit]

    def read_between(self, queryset: Any, *, first: int, last: int) -> list[Any]:
        """Read the rows from the place `first` on, before the place `last`."""
        return list(queryset[first:last])

    def count_some(self, queryset: Any) -> int:
        """Count the rows; at most one more than `most_counted`."""
        number: int = queryset.order_by()[: self.most_counted + 1].count()
        return number

    def get_next_link(self) -> str | None:
        if not self.is_more:
            return None
        url = replace_query_param(self.asked, self.limit_query_param, self.limit)
        following = (self.offset or 0) + (self.limit or 0)
        return replace_query_param(url, self.offset_query_param, following)

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """The form of a page: `count` may be null."""
        page: dict[str, Any] = super().get_paginated_response_schema(schema)
        above = f"null above {MOST_COUNTED}, and above {MOST_COUNTED_SAID} of what brokers say"
        count = {"type": "integer", "nullable": True, "description": above}
        page["properties"]["count"] |= count
        return page


class LightCurvePages(Pages):
    """A light curve comes whole unless it is huge."""

    default_limit = 5_000
    max_limit = 20_000


def _read_count(request: Request, name: str, *, least: int) -> int | None:
    text = request.query_params.get(name)
    if text is None:
        return None
    count = int(text) if text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS else -1
    if count < least:
        raise ValidationError({name: [f"a whole number from {least} on"]})
    return count


# PostgreSQL takes no offset of more.
MOST_DIGITS = 18
