"""Whether the services answer: for monitoring, without a login."""

import logging
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth.decorators import login_not_required
from django.db import Error as DatabaseError
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu.exceptions import OperationalError as BrokerError
from redis.exceptions import RedisError

from tom.celery import app
from tom.changes.heartbeat import last_beat

logger = logging.getLogger(__name__)
BROKER_SECONDS = 2
FRESH_SECONDS = 1.0


@login_not_required
@never_cache
@require_safe
def health(_request: HttpRequest) -> JsonResponse:
    """Answer 200 where all is well and 503 otherwise, naming what is not.

    Looked at once a second at most, however many ask: this page waits for no turn.
    """
    well = recent.look()
    said = {name: "ok" if fine else "failing" for name, fine in well.items()}
    return JsonResponse(said, status=200 if all(well.values()) else 503)


def database_answers() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return True


def broker_answers() -> bool:
    # A broker that hangs takes a connection and never answers on it.
    patience = {"socket_timeout": BROKER_SECONDS, "socket_connect_timeout": BROKER_SECONDS}
    with app.connection_for_read(transport_options=patience) as broker:
        broker.ensure_connection(max_retries=1, timeout=BROKER_SECONDS)
    return True


def worker_beats() -> bool:
    """Whether a worker has done the sweep lately."""
    beat = last_beat()
    if beat is None:
        return False
    return (timezone.now() - beat).total_seconds() < settings.WORKER_SILENCE_SECONDS


class Recent:
    """What was found last, for as long as it is fresh."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.forget()

    def forget(self) -> None:
        """Look again when next asked."""
        self.until = 0.0
        self.well: dict[str, bool] = {}

    def look(self) -> dict[str, bool]:
        """Say what is well; who asks meanwhile waits for the one who looks."""
        with self.lock:
            if time.monotonic() >= self.until:
                self.well = {name: _is_well(name, check) for name, check in CHECKS.items()}
                self.until = time.monotonic() + FRESH_SECONDS
            return self.well


recent = Recent()
CHECKS: dict[str, Callable[[], bool]] = {
    "database": database_answers,
    "broker": broker_answers,
    "worker": worker_beats,
}


def _is_well(name: str, check: Callable[[], bool]) -> bool:
    try:
        return check()
    except (DatabaseError, BrokerError, RedisError, OSError):
        # What it says may name hosts: it goes to the log, not to the caller.
        logger.warning("health check failed", exc_info=True, extra={"check": name})
        return False
