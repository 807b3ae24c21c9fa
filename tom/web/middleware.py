"""What every request passes."""

from collections.abc import Callable

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.contrib.auth.views import redirect_to_login
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBadRequest,
    HttpResponseBase,
    HttpResponseForbidden,
)
from django.middleware.gzip import GZipMiddleware
from django.shortcuts import resolve_url
from django.utils.deprecation import MiddlewareMixin

from tom.web.addresses import looked_at
from tom.web.health import health

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


class HealthMiddleware(MiddlewareMixin):
    """Answer the health check before anything reads a session: the database may be away."""

    def process_request(self, request: HttpRequest) -> HttpResponse | None:
        return health(request) if request.path_info == "/health/" else None


class CompressionMiddleware(GZipMiddleware):
    """Compress pages. Padding of random length hides how much a secret next to a guess adds.

    A stream of changes leaves at once, piece by piece, and a picture is compressed already.
    """

    def process_response(
        self, request: HttpRequest, response: HttpResponseBase
    ) -> HttpResponseBase:
        is_picture = response.headers.get("Content-Type", "").startswith("image/")
        if response.streaming or is_picture:
            return response
        return super().process_response(request, response)


class LoginMiddleware(LoginRequiredMiddleware):
    """Send people who are not logged in to the login, and from there back to the page.

    What a page fetches by itself is refused instead: a picture, data, the stream of changes. In its
    place a browser would fetch the login's page, with a new CSRF cookie, and the login form that
    a person fills in meanwhile would be refused. htmx's parts are told where to go.
    """

    def handle_no_permission(  # type: ignore[override]  # Django takes any response
        self, request: HttpRequest, view_func: Callable[..., HttpResponseBase]
    ) -> HttpResponse:
        if _is_fetched_by_a_page(request):
            return HttpResponseForbidden("log in first", "text/plain")
        login = resolve_url(self.get_login_url(view_func))
        return redirect_to_login(
            looked_at(request) or "/", login, self.get_redirect_field_name(view_func)
        )


def _is_fetched_by_a_page(request: HttpRequest) -> bool:
    """Whether a page's own script or picture asks, which cannot show a login.

    A browser says so by itself where it holds the site to be secure; it names a stream always.
    """
    if "HX-Request" in request.headers:
        return False
    is_stream = request.headers.get("Accept", "").startswith("text/event-stream")
    return is_stream or request.headers.get("Sec-Fetch-Mode", "navigate") != "navigate"


def _refusal() -> HttpResponse:
    return HttpResponseBadRequest("no text here has a null character", "text/plain")
