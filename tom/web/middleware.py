"""What every request passes."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest
from django.utils.deprecation import MiddlewareMixin

NULL = "\x00"


class NullCharacterMiddleware(MiddlewareMixin):
    """Refuse null characters in addresses and forms: PostgreSQL has no text with one.

    The API, whose views read their JSON themselves, refuses them in its fields.
    """

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        if NULL in request.path_info or "%00" in request.META.get("QUERY_STRING", ""):
            return _refusal()
        return None

    def process_view(
        self,
        request: HttpRequest,
        view: Callable[..., object],
        _args: object,
        _kwargs: object,
    ) -> HttpResponse | None:
        if getattr(view, "csrf_exempt", False) or request.method != "POST":
            return None
        texts = (text for name, values in request.POST.lists() for text in (name, *values))
        return _refusal() if any(NULL in text for text in texts) else None


def _refusal() -> HttpResponse:
    return HttpResponseBadRequest("no text here has a null character", "text/plain")
