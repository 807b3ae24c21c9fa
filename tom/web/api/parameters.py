"""Which query parameters each method of the API reads; any other is refused with those it knows."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from django.http import HttpRequest, JsonResponse
from django.utils.deprecation import MiddlewareMixin
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.mixins import ListModelMixin
from rest_framework.settings import api_settings

from tom.web.api.answers import HandIn
from tom.web.api.missing import missing

OF_PAGES: Final = ("limit", "offset")
EVERYWHERE: Final = {api_settings.URL_FORMAT_OVERRIDE}
"""What REST framework itself reads."""
UNASKED: Final = (missing.cls, HandIn)
"""No route, and a gateway, which writes addresses in its own way."""


Handler = TypeVar("Handler", bound=Callable[..., Any])


def takes(*parameters: OpenApiParameter, in_pages: bool = False) -> Callable[[Handler], Handler]:
    """Tell the schema, and the check below, which query parameters a method reads.

    A method of `ListModelMixin` reads those of its pages, too. Another one that does is `in_pages`.
    """

    def tell(handler: Handler) -> Handler:
        names = [each.name for each in parameters]
        handler.takes = (*names, *(OF_PAGES if in_pages else ()))  # type: ignore[attr-defined]
        return extend_schema(parameters=list(parameters))(handler)

    return tell


def known_parameters(view: type, method: str) -> list[str] | None:
    """Return which query parameters a method of a view reads; None: it has no such method."""
    handler = getattr(view, "get" if method == "HEAD" else method.lower(), None)
    if handler is None:
        return None
    is_listed = issubclass(view, ListModelMixin) and method in ("GET", "HEAD")
    return sorted({*getattr(handler, "takes", ()), *(OF_PAGES if is_listed else ())})


class KnownParametersMiddleware(MiddlewareMixin):
    """Refuse a query parameter that the API does not know: a mistyped filter filters nothing."""

    def process_view(
        self, request: HttpRequest, view: Callable[..., object], _args: object, _kwargs: object
    ) -> JsonResponse | None:
        of = getattr(view, "cls", None)
        if of is None or of in UNASKED or not request.GET:
            return None
        known = known_parameters(of, request.method or "")
        if known is None:
            return None
        told = f"known here: {', '.join(known)}" if known else "none is known here"
        unknown = set(request.GET) - {*known, *EVERYWHERE}
        faults = {name: [f"no parameter of this address; {told}"] for name in sorted(unknown)}
        return JsonResponse(faults, status=400) if faults else None
