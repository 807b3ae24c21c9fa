"""Server times and sizes of the pages and the API, in process: without the network."""

import gzip
from collections.abc import Iterator

from django.conf import settings
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.bench.measure import least_processor_ms, median_ms
from tom.candidates.models import EventCandidate
from tom.events.models import NonLocalizedEvent
from tom.web.permissions import OBSERVERS, ensure_roles
from tom.web.ready import make_ready


def measure_pages(event: NonLocalizedEvent, *, times: int) -> dict[str, dict[str, object]]:
    """Measure every page as an observer sees it: milliseconds, bytes, queries."""
    serve_here()
    client = Client()
    client.force_login(_observer())
    return {path: measure_page(client, path, times) for path in _paths(event)}


def serve_here() -> None:
    """Make this process answer as one of the site's does: ready before its first request."""
    settings.ALLOWED_HOSTS = ["testserver"]
    make_ready()


def _observer() -> User:
    """Somebody with an observer's rights: an administrator's pages cost less."""
    ensure_roles()
    user, _ = User.objects.get_or_create(username="bench")
    user.groups.add(Group.objects.get(name=OBSERVERS))
    return user


def _paths(event: NonLocalizedEvent) -> Iterator[str]:
    target = EventCandidate.objects.filter(event=event).order_by("rank", "pk")[0].target
    yield from ("/", "/events/", f"/events/{event.event_id}/")
    yield f"/events/{event.event_id}/?part=candidates"
    yield from (
        "/targets/",
        "/targets/?page=100",
        "/targets/?order=bright",
        f"/targets/?q={target.name[:6]}",
    )
    yield f"/targets/?q={target.ra:.5f}+{target.dec:.5f}+600"
    yield from (f"/targets/{target.pk}/", f"/targets/{target.pk}/lightcurve.json")
    yield from (f"/targets/{target.pk}/?part=visibility", f"/targets/{target.pk}/request/")
    yield from ("/requests/", "/messages/", "/messages/?state=dead", "/notifications/")
    yield from ("/api/events/", f"/api/events/{event.event_id}/candidates/", "/api/targets/")
    yield from (f"/api/targets/{target.pk}/lightcurve/", f"/api/targets/{target.pk}/scores/")
    yield from ("/api/requests/", "/api/messages/")


def measure_page(client: Client, path: str, times: int) -> dict[str, object]:
    """Median milliseconds of a page, the least of processors, its bytes and its queries."""
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(path)
    n_queries, body = len(queries), answer.content  # the next request forgets the queries
    return {
        "status": answer.status_code,
        "ms": median_ms(lambda: client.get(path), times=times),
        "processor_ms": least_processor_ms(lambda: client.get(path), times=times),
        "queries": n_queries,
        "bytes": len(body),
        "bytes_gzipped": len(gzip.compress(body, 6)),
    }
