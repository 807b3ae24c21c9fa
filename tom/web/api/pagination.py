"""How lists are cut into pages: `limit` and `offset`, with a most that nobody gets past."""

from rest_framework.exceptions import ValidationError
from rest_framework.pagination import LimitOffsetPagination
from rest_framework.request import Request


class Pages(LimitOffsetPagination):
    """A hundred rows a page, a thousand at most; what is no such number is refused."""

    default_limit = 100
    max_limit: int = 1_000

    def get_limit(self, request: Request) -> int:
        found = _read_count(request, self.limit_query_param, least=1)
        return self.default_limit if found is None else min(found, self.max_limit)

    def get_offset(self, request: Request) -> int:
        return _read_count(request, self.offset_query_param, least=0) or 0


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
