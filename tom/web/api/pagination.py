"""How lists are cut into pages: `limit` and `offset`, with a most that nobody gets past."""

from rest_framework.pagination import LimitOffsetPagination


class Pages(LimitOffsetPagination):
    """A hundred rows a page, a thousand at most."""

    default_limit = 100
    max_limit = 1_000


class LightCurvePages(LimitOffsetPagination):
    """A light curve comes whole unless it is huge."""

    default_limit = 5_000
    max_limit = 20_000
