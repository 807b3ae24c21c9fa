"""A target's page in a browser: what a reader chooses stays, and what is drawn can be read."""

from dataclasses import dataclass, field
from datetime import timedelta
from itertools import combinations

import pytest
from playwright.sync_api import FloatRect, Page, expect
from tom_targets.base_models import BaseTarget

from tests import factories
from tests.browser.conftest import Enter
from tests.browser.full_house import add_cutouts
from tom.changes.models import Change
from tom.targets.models import LightCurvePoint

# What a first visit may weigh, without the plotting library.
MOST_BYTES = 300_000
LONGEST_TASK_MS = 200

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def make_target_of_events(count: int) -> BaseTarget:
    """A target that is a candidate of several events some minutes apart."""
    target = factories.make_target("ZTF26abcdefg")
    for number in range(count):
        time = factories.MERGER + timedelta(minutes=20 * number)
        factories.make_candidate(factories.make_event(time=time), target)
    return target


def make_full_target(count: int) -> BaseTarget:
    """The same, with its pictures."""
    target = make_target_of_events(count)
    add_cutouts(target)
    return target


def add_point(target: BaseTarget, *, band: str) -> None:
    LightCurvePoint.objects.create(
        target=target,
        survey="ZTF",
        kind="alert",
        key="another",
        time=factories.MERGER + timedelta(hours=50),
        band=band,
        flux=1e5,
        flux_error=1e3,
        program=factories.make_program(),
    )


def overlap(first: FloatRect, second: FloatRect) -> bool:
    across = (
        first["x"] < second["x"] + second["width"] and second["x"] < first["x"] + first["width"]
    )
    along = (
        first["y"] < second["y"] + second["height"] and second["y"] < first["y"] + first["height"]
    )
    return across and along


def test_the_labels_of_events_do_not_overprint(enter: Enter) -> None:
    target = make_target_of_events(4)
    page = enter(factories.make_observer())
    page.goto(f"/targets/{target.pk}/")

    labels = page.locator("#lightcurve .annotation-text")
    expect(labels).to_have_count(4)
    boxes = [label.bounding_box() for label in labels.all()]

    assert all(boxes)
    assert not any(overlap(a, b) for a, b in combinations(boxes, 2) if a and b)


def test_what_is_chosen_for_the_light_curve_stays_after_a_swap_and_a_reload(enter: Enter) -> None:
    target = make_target_of_events(1)
    page = enter(factories.make_observer())
    page.goto(f"/targets/{target.pk}/")
    band = page.locator('[data-band="g"]')
    points = page.locator("#lightcurve .scatterlayer .trace")
    expect(points).to_have_count(3)  # g, r, and the limit in r

    band.press("Enter")
    page.locator('[data-scale="absolute"]').press("Enter")
    page.locator('[data-axis="phase"]').press("Enter")
    expect(points).to_have_count(2)
    add_point(target, band="i")
    page.evaluate("htmx.trigger('#lightcurve-news', 'sse:ranking')")
    expect(points).to_have_count(3)
    expect(band).to_have_attribute("aria-pressed", "false")
    page.reload()

    expect(points).to_have_count(3)
    expect(band).to_have_attribute("aria-pressed", "false")
    expect(page.locator('[data-scale="absolute"]')).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#lightcurve .xtitle")).to_contain_text("Days since S261120")
    expect(page.locator("#lightcurve .ytitle")).to_contain_text("Absolute magnitude (map of")


def test_at2017gfo_is_drawn_in_its_bands_beside_the_target(enter: Enter) -> None:
    target = make_target_of_events(1)
    page = enter(factories.make_observer())
    page.goto(f"/targets/{target.pk}/")

    overlay = page.locator("#curve-overlay")
    expect(overlay).to_be_visible()
    overlay.press("Enter")

    expect(page.locator("#lightcurve .scatterlayer .trace .js-line")).to_have_count(4)
    expect(page.locator('[data-band="z"]')).to_be_visible()
    expect(page.locator(".curve-note")).to_contain_text("AB magnitudes")
    expect(page.get_by_text("the mean distance of the event's map")).to_be_visible()


def test_without_an_event_the_caption_speaks_of_none(enter: Enter) -> None:
    target = make_target_of_events(0)
    page = enter(factories.make_observer())
    page.goto(f"/targets/{target.pk}/")

    expect(page.locator("#lightcurve .js-plotly-plot, #lightcurve.js-plotly-plot")).to_be_visible()
    expect(page.locator(".curve-note")).to_contain_text("AB magnitudes")
    expect(page.get_by_text("the mean distance of the event's map")).to_be_hidden()


def test_the_place_is_copied_and_the_points_are_sorted_by_the_keyboard(enter: Enter) -> None:
    target = make_target_of_events(0)
    page = enter(factories.make_observer())
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"/targets/{target.pk}/")

    page.locator("[data-copy]").first.press("Enter")
    expect(page.locator("[data-copy]").first).to_have_text("Copied")
    copied = page.evaluate("navigator.clipboard.readText()")
    page.get_by_text("Table of the points").press("Enter")
    page.locator("#sort-magnitude").press("Enter")

    assert copied == "197.450000 -23.380000"
    expect(page.locator('th[aria-sort="ascending"]')).to_contain_text("Magnitude")
    expect(page.locator("#points tbody tr").first).to_contain_text("17.500")


def test_a_first_visit_is_light_and_nothing_is_fetched_twice(enter: Enter) -> None:
    target = make_full_target(1)
    page = enter(factories.make_observer())
    traffic = watch_traffic(page)
    before = max(Change.objects.values_list("pk", flat=True), default=0)

    page.goto(f"/targets/{target.pk}/")
    expect(page.locator("#lightcurve .scatterlayer .trace")).to_have_count(3)
    page.locator("#visibility").scroll_into_view_if_needed()
    expect(page.locator("#visibility svg").first).to_be_visible()

    weights = {url: size for url, size in traffic.sizes() if "plotly" not in url}
    assert sum(weights.values()) <= MOST_BYTES, weights
    fetched = [url for url, _ in traffic.sizes()]
    # What changes meanwhile is fetched again: a worker may rank the target.
    has_changed = Change.objects.filter(pk__gt=before).exists()
    once = [url for url in fetched if "/static/" in url or not has_changed]
    assert {url for url in once if once.count(url) > 1} == set()
    assert "/static/vendor/plotly" in "".join(fetched)


def test_no_long_task_holds_up_the_first_paint(enter: Enter) -> None:
    target = make_full_target(1)
    page = enter(factories.make_observer())
    page.add_init_script(
        """
        window.tasks = [];
        new PerformanceObserver((list) => tasks.push(...list.getEntries()))
            .observe({ type: "longtask", buffered: true });
        """
    )

    page.goto(f"/targets/{target.pk}/")
    expect(page.locator("#lightcurve .scatterlayer .trace")).to_have_count(3)

    late = page.evaluate(
        """() => {
            const paint = performance.getEntriesByName("first-contentful-paint")[0].startTime;
            return tasks.filter((task) => task.startTime < paint).map((task) => task.duration);
        }"""
    )
    assert [duration for duration in late if duration > LONGEST_TASK_MS] == []


def test_the_plot_is_fetched_only_where_somebody_sees_it(enter: Enter) -> None:
    target = make_full_target(1)
    page = enter(factories.make_observer(), viewport={"width": 390, "height": 200})
    traffic = watch_traffic(page)

    page.goto(f"/targets/{target.pk}/")
    page.wait_for_load_state("networkidle")
    assert not [url for url, _ in traffic.sizes() if "plotly" in url or "visibility" in url]

    page.locator("#lightcurve").scroll_into_view_if_needed()
    expect(page.locator("#lightcurve .scatterlayer .trace")).to_have_count(3)


@dataclass
class Traffic:
    """What a page fetched: how many bytes of each address went over the wire."""

    addresses: dict[str, str] = field(default_factory=dict)
    bytes: dict[str, int] = field(default_factory=dict)

    def sizes(self) -> list[tuple[str, int]]:
        return [
            (self.addresses[key], size) for key, size in self.bytes.items() if key in self.addresses
        ]


def watch_traffic(page: Page) -> Traffic:
    """Watch what a page fetches, as on a first visit: without its cache."""
    traffic = Traffic()
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    session.on(
        "Network.requestWillBeSent",
        lambda sent: traffic.addresses.update({sent["requestId"]: sent["request"]["url"]}),
    )
    session.on(
        "Network.loadingFinished",
        lambda done: traffic.bytes.update({done["requestId"]: done["encodedDataLength"]}),
    )
    return traffic
