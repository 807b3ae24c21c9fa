"""A browser on the running site: pages that must raise no error and ask no other host."""

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.core.management import call_command
from django.db import transaction
from django.db.models import F
from django.test import Client, override_settings
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    Request,
    ViewportSize,
    expect,
    sync_playwright,
)

from tests import factories
from tests.browser.axe import find_axe
from tests.browser.chromium import FLAGS, find_chromium
from tests.conftest import PEER_MISSING
from tests.peers.site import running_site
from tom.candidates.models import EventCandidate
from tom.embedded.frontend import ROOT, VENDOR, FrontendError, install_frontend
from tom.targets.models import TargetSummary

DESKTOP: ViewportSize = {"width": 1440, "height": 900}
NARROW: ViewportSize = {"width": 390, "height": 844}
# Where a test of both sizes differs little: `make test` has the desktop, `make soak` the phone too.
PHONE_IN_SOAK = pytest.param(NARROW, marks=pytest.mark.soak)

# What a page must come to show is waited for so long: a busy machine is not a wrong page.
PATIENCE_MS = 45_000
expect.set_options(timeout=PATIENCE_MS)

Enter = Callable[..., Page]


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Chromium, without a window; let go before other tests want an event loop of their own."""
    found = find_chromium(ROOT / "node_modules" / ".chromium")
    if found is None:
        pytest.skip(
            f"{PEER_MISSING}Chromium (apt-get install chromium-headless-shell, or set CHROMIUM)"
        )
    # Playwright keeps an event loop in this thread, in which Django's ORM is used all the same.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(
            executable_path=found.path, args=list(FLAGS), env={**os.environ, **found.environment}
        )
        yield started
        started.close()
    del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def axe() -> str:
    try:
        return find_axe(ROOT / "node_modules" / ".axe")
    except FrontendError as error:
        pytest.skip(f"{PEER_MISSING}axe-core ({error})")


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The static files as they are served: installed, collected, named by their content."""
    install_frontend(ROOT, VENDOR)
    folder = tmp_path_factory.mktemp("static")
    with override_settings(STATIC_ROOT=folder, DEBUG=False):
        call_command("collectstatic", interactive=False, verbosity=0)
    assert folder != settings.STATIC_ROOT
    return folder


@pytest.fixture(scope="package")
def site(
    django_db_setup: None, static_files: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of the site, with a worker behind it, which tests of no browser must not meet.

    Started once for them all: it takes ten seconds of two cores.
    """
    folder = tmp_path_factory.mktemp("site")
    with running_site(folder, static=static_files, with_worker=True) as address:
        yield address


@pytest.fixture
def candidates(transactional_db: None) -> list[EventCandidate]:
    """An event's six candidates, best first."""
    with transaction.atomic():
        event = factories.make_event("MS261120ab")
        made = [
            factories.make_candidate(event, factories.make_target(f"ZTF26row{rank}"), rank=rank)
            for rank in range(1, 7)
        ]
        keep_rankings()
    return made


def keep_rankings() -> None:
    """Let the site's worker leave rankings as they were made, in the transaction of their making.

    Each sweep has targets scored that were not, and their events are ranked anew. Then a row
    “None of these” comes, others have other chances, and all moves down.
    """
    TargetSummary.objects.update(scored_version=F("version"))


@dataclass
class Watched:
    """A page of a browser of its own, and what it did wrong.

    Faults are errors in its console (a breach of the content security policy is one) and requests
    to other hosts.
    """

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        context = self.page.context
        context.on("console", lambda m: m.type == "error" and self.faults.append(m.text))
        context.on("weberror", lambda error: self.faults.append(str(error.error)))
        context.on("request", self._check_host)

    def log_in(self, *, user: str, password: str) -> None:
        """Log in by the form."""
        self.open("/accounts/login/")
        self.page.get_by_label("User name").fill(user)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Log in").click()
        self.page.wait_for_url(f"{self.address}/")

    def enter_as(self, user: User) -> None:
        """Begin a session of somebody, without the form."""
        client = Client()
        client.force_login(user)
        name = settings.SESSION_COOKIE_NAME
        session = client.cookies[name].value
        self.page.context.add_cookies([{"name": name, "value": session, "url": self.address}])
        self.open("/")

    def open(self, path: str) -> None:
        """Go to a page of the site, which must answer well."""
        answer = self.page.goto(f"{self.address}{path}")
        assert answer is not None
        assert answer.ok, path

    def shoot(self, name: str) -> None:
        """Keep a picture of the page where SCREENSHOTS names a folder."""
        folder = os.environ.get("SCREENSHOTS")
        if folder:
            self.page.wait_for_timeout(500)  # what is drawn by scripts
            self.page.screenshot(path=Path(folder) / f"{name}.png")

    def _check_host(self, request: Request) -> None:
        if not request.url.startswith((self.address, "data:", "blob:")):
            self.faults.append(f"asked {request.url}")


@pytest.fixture
def watch(browser: Browser) -> Iterator[Callable[..., Watched]]:
    """Open a page in a browser of its own, watched; its faults are the test's to look at."""
    contexts: list[BrowserContext] = []

    def opened(address: str, *, viewport: ViewportSize = DESKTOP) -> Watched:
        context = browser.new_context(viewport=viewport, base_url=address)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        return Watched(context.new_page(), address)

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def enter(
    transactional_db: None,
    site: str,
    watch: Callable[..., Watched],
) -> Iterator[Enter]:
    """Log somebody in; a fault of any of their pages fails the test."""
    watched: list[Watched] = []

    def log_in(user: User, *, viewport: ViewportSize = DESKTOP) -> Page:
        visit = watch(site, viewport=viewport)
        watched.append(visit)
        visit.enter_as(user)
        return visit.page

    yield log_in
    assert [fault for visit in watched for fault in visit.faults] == []
