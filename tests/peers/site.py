"""The site as it runs: uvicorn, and a Celery worker with its beat, on the test's database."""

import os
import socket
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from pathlib import Path
from signal import SIGTERM

import requests
from django.conf import settings
from django.db import connection

from tom import queues
from tom.embedded.children import start, stop, wait_until
from tom.embedded.servers import WEB_ROLE
from tom.embedded.supervisor import CALLER_POOL, SCORER_POOL

START_SECONDS = 60
PYTHON = (sys.executable, "-m")
WEB = (sys.executable, str(settings.BASE_DIR / "manage.py"), "serve")
WORKER = (*PYTHON, "celery", "-A", "tom", "worker", "--loglevel=WARNING")


class SiteError(Exception):
    """The site did not start; the message says where its log is."""


@contextmanager
def running_site(
    folder: Path,
    *,
    static: Path,
    with_worker: bool = False,
    with_scorer: bool = True,
    **surroundings: str,
) -> Iterator[str]:
    """Run the site in processes of its own for the block; yield its address.

    Parameters
    ----------
    folder
        For logs and the beat's schedule.
    static
        Where the static files were collected.
    with_worker
        Whether tasks are worked on too.
    with_scorer
        Whether the worker's scorer is one of them.
    surroundings
        What its environment says, too.
    """
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    environment = site_environment(static) | surroundings
    with ExitStack() as children:
        log = folder / "web.log"
        theirs = {**environment, "DATABASE_URL": database_url(WEB_ROLE)}
        web = start([*WEB, "--port", str(port)], log=log, environment=theirs)
        children.callback(stop, web, first=SIGTERM, seconds=5)
        if not wait_until(lambda: _answers(address), child=web, seconds=START_SECONDS):
            message = f"the site did not start: see {log}"
            raise SiteError(message)
        if with_worker:
            children.enter_context(running_workers(folder, environment, with_scorer=with_scorer))
        yield address


@contextmanager
def running_workers(
    folder: Path, environment: Mapping[str, str], *, with_scorer: bool = True
) -> Iterator[None]:
    """The worker, with its beat, the caller and the scorer, for the block.

    Where nothing is scored, without the scorer: to start it takes three seconds of a processor.
    """
    argvs = {
        "worker": [*WORKER, "-B", "-c", "1", "-Q", queues.WORKER, "-s", str(folder / "beat")],
        "caller": [*WORKER, "-Q", queues.CALLER, *CALLER_POOL],
        "scorer": [*WORKER, "-Q", queues.SCORER, *SCORER_POOL],
    }
    if not with_scorer:
        del argvs["scorer"]
    children = [
        start([*argv, "-n", f"{name}@test"], log=folder / f"{name}.log", environment=environment)
        for name, argv in argvs.items()
    ]
    try:
        yield
    finally:  # all at once: each ends what it is at
        with ThreadPoolExecutor(len(children)) as pool:
            list(pool.map(partial(stop, first=SIGTERM, seconds=8), children))


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def database_url(role: str) -> str:
    """The address of the test's database for one of its roles."""
    database = connection.settings_dict
    host = str(database["HOST"]).replace("/", "%2F")
    return f"postgres://{role}@{host}/{database['NAME']}"


def site_environment(static: Path) -> dict[str, str]:
    """As in production: every service is named, here by the test's own."""
    return {
        "DATABASE_URL": database_url(connection.settings_dict["USER"]),
        "BROKER_URL": settings.BROKER_URL,
        "REDIS_URL": settings.REDIS_URL,
        "SECRET_KEY": settings.SECRET_KEY,
        "ALLOWED_HOSTS": "127.0.0.1",
        "HTTPS": "false",
        "STATIC_ROOT": str(static),
        "TOM_HOME": str(settings.HOME.path),
        "PRACTICE_TELESCOPE": "true",
        "PRACTICE_STEP_SECONDS": "0.5",
        "PYTHONPATH": os.pathsep.join([str(settings.BASE_DIR), os.environ.get("PYTHONPATH", "")]),
    }


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/accounts/login/", timeout=5).ok
    except requests.RequestException:
        return False
