"""Every page that a person opens, and what it needs beside targets and an event."""

from collections.abc import Iterator

from django.db import connection
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.bench.ranking import rank_newly
from tests.bench.targets import DAYS, add_messages, add_points
from tom.events.models import NonLocalizedEvent
from tom.strategies.models import Strategy

# So many points has the target of the longest light curve.
MANY_POINTS = 2_000
MESSAGES = 100_000
# In the names of one target in each 100,000.
PART = "00012"
# A class of most targets, one of few, and one broker of all, one of few.
SAID = ("class=supernova", "class=kilonova", "by=Fink", "by=Lasair")
ORDERS = ("decide", "chance", "name", "level", "magnitude", "newest")


def add_rest(*, most: int | None) -> Strategy:
    """Add points, messages, a stream and a list without an event; return the list's strategy.

    Each of the first `most` targets gets four points, if it has none yet, and one very many.
    About `most` targets belong to the list.
    """
    longest = BaseTarget.objects.order_by("pk")[11]
    add_points(most=most, longest=longest.pk, n=MANY_POINTS)
    add_messages(MESSAGES if most is None else most)
    factories.make_stream("bench")
    days = DAYS * (1 if most is None else min(1.0, most / BaseTarget.objects.count()))
    strategy = Strategy.objects.create(
        name="bench", sought=["transient"], terms=["star", "minor planet"], days_before=days
    )
    rank_newly(strategy)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return strategy


def paths_of(event: NonLocalizedEvent, strategy: Strategy) -> Iterator[str]:
    """The addresses of all pages, parts of pages and answers of the API."""
    yield from ("/", "/events/")
    yield from _of_event(f"/events/{event.event_id}/")
    yield from _of_targets(event)
    yield from (f"/search/?q={part}" for part in (PART, "bench", "nowhere"))
    page = f"/lists/{strategy.pk}/"
    yield from ("/lists/", page, f"{page}?page=100")
    yield from (f"{page}?{said}" for said in SAID)
    by_list = f"/targets/?order=list-{strategy.pk}"
    yield from (by_list, f"{by_list}&page=100", f"{by_list}&rest=hide", f"{by_list}&{SAID[0]}")
    yield f"/api{page}targets/"
    for page in ("messages", "requests"):
        yield from (f"/{page}/", f"/api/{page}/")
    yield from ("/messages/?page=100", "/messages/?state=dead", "/streams/", "/api/streams/")
    yield from ("/scorers/", "/team/", "/notifications/", "/account/")


def _of_event(page: str) -> Iterator[str]:
    yield from (page, f"{page}?whole=1")
    yield from (f"{page}?part={part}" for part in ("rest", "about", "facts", "candidates"))
    part = f"{page}?part=candidates"
    yield from (f"{part}&page=3000&region=all&vetting=all", f"{part}&vetting=rejected")
    yield from (f"{part}&region=all&order={order}" for order in ORDERS)
    yield from (f"{part}&since=new", f"{part}&since=moved", f"{part}&up=any", f"{part}&q={PART}")
    yield from (f"{part}&{said}" for said in SAID)
    yield from (f"/api{page}candidates/", f"/api{page}candidates/?class=supernova")
    yield from (f"{page}tell/", f"{page}going-on/", f"/api{page}", "/api/events/")


def _of_targets(event: NonLocalizedEvent) -> Iterator[str]:
    page = "/targets/"
    yield from (page, f"{page}?page=100", f"{page}?q={PART}", f"{page}?q=197.45+-23.4+600")
    yield from (f"{page}?order={order}" for order in ("bright", "name", "new"))
    yield from (f"{page}?{said}" for said in SAID)
    yield from ("/api/targets/", "/api/targets/?class=supernova", f"/api/targets/?name={PART}")
    few, many = BaseTarget.objects.order_by("pk").values_list("pk", flat=True)[10:12]
    for target in (few, many):
        yield from _of_target(f"{page}{target}/", event)


def _of_target(page: str, event: NonLocalizedEvent) -> Iterator[str]:
    yield from (page, f"{page}?event={event.event_id}&list=&at=20")
    yield from (f"{page}?part={part}" for part in ("standing", "cutouts", "chips", "visibility"))
    yield from (f"{page}lightcurve.json", f"{page}points/", f"{page}request/")
    yield f"/api{page}"
    for part in ("lightcurve", "scores", "classifications", "timeline", "tags"):
        yield f"/api{page}{part}/"
