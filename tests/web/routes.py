"""Every route of the finished site, from its resolver."""

import re
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from django.urls import URLPattern, URLResolver, get_resolver

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


class Route(NamedTuple):
    """A route by its name (with the namespaces before it), or by its pattern where it has none."""

    name: str
    pattern: str

    def address(self, values: Mapping[str, object]) -> str:
        """Fill in what the route takes."""
        path = re.sub(r"<(?:\w+:)?(\w+)>", lambda found: str(values.get(found[1], 1)), self.pattern)
        return f"/{path}"


def all_routes() -> list[Route]:
    return list(_walk(get_resolver().url_patterns, "", ""))


def _walk(patterns: list[URLPattern | URLResolver], prefix: str, namespace: str) -> Iterator[Route]:
    for pattern in patterns:
        path = prefix + _plain(str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            inner = f"{namespace}{pattern.namespace}:" if pattern.namespace else namespace
            yield from _walk(pattern.url_patterns, path, inner)
        else:
            yield Route(f"{namespace}{pattern.name}" if pattern.name else path, path)


def _plain(pattern: str) -> str:
    """Write a regular expression of a route as Django's plainer form."""
    named = re.sub(r"\(\?P<(\w+)>[^)]*\)", r"<\1>", pattern)
    return named.removeprefix("^").removesuffix("$")
