"""What is answered where something fails."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.template.loader import render_to_string
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import ConnectionError as CacheError
from redis.exceptions import TimeoutError as CacheTimeoutError

# A service of ours is away; it comes back, and a request made then succeeds.
OUTAGES: dict[str, tuple[type[Exception], ...]] = {
    "The database": (OperationalError, InterfaceError),
    "Redis, which passes work to the workers,": (BrokerError, CacheError, CacheTimeoutError),
}
RETRY_AFTER_SECONDS = 5
API_PREFIX = "/api/"


def server_error(request: HttpRequest) -> HttpResponse:
    """Say that something failed: 503 where the database or the broker is away, else 500.

    Django calls it while it handles the exception, and has logged that.
    """
    error = sys.exception()
    away = next((name for name, kinds in OUTAGES.items() if isinstance(error, kinds)), None)
    if away is not None:
        said = f"{away} does not answer. What was stored is kept: try again in a moment."
        response = _say(request, 503, said)
        response["Retry-After"] = str(RETRY_AFTER_SECONDS)
        return response
    return _say(request, 500, "Something failed here. It has been logged.")


def _say(request: HttpRequest, status: int, detail: str) -> HttpResponse:
    if request.path_info.startswith(API_PREFIX):
        return JsonResponse({"detail": detail}, status=status)
    # Without the request: what makes a page's frame may need what is away.
    page = render_to_string(f"{status}.html", {"detail": detail})
    return HttpResponse(page, status=status)
