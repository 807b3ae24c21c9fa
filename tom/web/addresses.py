"""Addresses that a request names to come back to: only those of this site are followed."""

from urllib.parse import urlsplit

from django.http import HttpRequest
from django.utils.http import url_has_allowed_host_and_scheme


def local_address(request: HttpRequest, wanted: str, *, otherwise: str) -> str:
    """Return `wanted` where it is an absolute path of this site, else `otherwise`."""
    is_here = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, request.is_secure())
    return wanted if is_here and wanted.startswith("/") else otherwise


def looked_at(request: HttpRequest) -> str:
    """Return the path of the page that a person looks at; "" where that is not known.

    Parts, plots and files are fetched by a page, which names itself.
    """
    if "HX-Request" in request.headers:
        page = request.headers.get("HX-Current-URL", "")
    elif request.method in ("GET", "HEAD") and request.path.endswith("/"):
        return request.get_full_path()
    else:
        page = request.headers.get("Referer", "")
    try:
        parts = urlsplit(page)
    except ValueError:  # no address at all: "http://[x"
        return ""
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return local_address(request, path, otherwise="") if parts.netloc == request.get_host() else ""
