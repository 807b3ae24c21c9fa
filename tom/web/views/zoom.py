"""The zoomable map of an event: a page of its own, for its script needs more than others may."""

from urllib.parse import urlsplit

from csp.decorators import csp_replace
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponseBase, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from tom.events.localizations import chosen_localization
from tom.events.models import NonLocalizedEvent
from tom.web.candidate_list import open_list
from tom.web.event_map import spots_of
from tom.web.people import person
from tom.web.zoom import zoom_data

LISTED = 20
LAYERS = {
    "regions": "Regions",
    "candidates": "Candidates",
    "galaxies": "Galaxies",
    "fields": "Observed fields",
}
# Aladin Lite 3.8.2 makes one style element, whose text is known.
STYLE = "'sha256-cEnY4wnnUdAaYodEHQq0zu+362EwEHHSAlawP4BBKmw='"


@require_safe
def zoom(request: HttpRequest, event_id: str) -> HttpResponseBase:
    """The page; nothing large is fetched before its script starts."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    listing = open_list(event, person(request), now=timezone.now())
    context = {
        "event": event,
        "chosen": chosen_localization(event),
        "spots": spots_of(listing)[:LISTED],
        "layers": [*LAYERS.items(), *([("images", "Images")] if settings.HIPS_URL else [])],
        "images": settings.HIPS_URL,
    }

    @csp_replace(page_policy(settings.HIPS_URL))
    def answer(request: HttpRequest) -> HttpResponseBase:
        return render(request, "events/zoom.html", context)

    return answer(request)


def page_policy(images: str) -> dict[str, list[str]]:
    """Return what the page may do beyond others; `images` is the address of a HiPS, or empty.

    The WebAssembly lies in the script as a data address, which the script fetches; its worker,
    which reads images, lies there too.
    """
    usual = settings.CONTENT_SECURITY_POLICY["DIRECTIVES"]
    host = [f"{parts.scheme}://{parts.netloc}"] if (parts := urlsplit(images)).netloc else []
    return {
        "script-src": ["'self'", "'wasm-unsafe-eval'"],
        "style-src-elem": [*usual["style-src-elem"], STYLE],
        "connect-src": ["'self'", "data:", *host],
        "worker-src": ["blob:"],
        "img-src": [*usual["img-src"], *host],
    }


@require_safe
def zoom_json(request: HttpRequest, event_id: str) -> JsonResponse:
    """What the map's script draws."""
    event = get_object_or_404(NonLocalizedEvent, event_id=event_id)
    use = chosen_localization(event)
    if use is None:
        message = "no sky map has come for this event"
        raise Http404(message)
    listing = open_list(event, person(request), now=timezone.now())
    return JsonResponse(zoom_data(listing, use))
