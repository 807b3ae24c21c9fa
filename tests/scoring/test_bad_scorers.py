"""Scorers that fail in every way, in real workers: nothing else waits for them."""

import itertools
import logging
import os
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from tests import factories
from tests.followup.conftest import make_request
from tests.peers.ocs import opposite_the_sun
from tests.peers.site import running_workers, site_environment
from tests.streams.packets import make_circular
from tom import queues
from tom.celery import app
from tom.pipeline import nudge, score, submit, wake
from tom.scoring.models import DueScore, Score, ScorerState
from tom.scoring.services import scorers
from tom.streams.models import MessageState
from tom.streams.services import store_message

logger = logging.getLogger(__name__)
pytestmark = pytest.mark.django_db(transaction=True)

GOOD = ("ml_plugins.fast_transient.FastTransient", "ml_plugins.real_bogus.RealBogus")
GOOD_NAMES = ("fast_transient", "real_bogus")
BAD = ("eternal", "crashing", "greedy", "lying")
# Far longer than anything else here takes on a busy machine.
PATIENCE_SECONDS = 25
TRIES = 5
# What each kind of work may take beside bad scorers: what waits for one waits for all its patience.
MOST_SECONDS = PATIENCE_SECONDS / 4
circulars = itertools.count(40_001)


def wait_for(ready: Callable[[], bool], log: Path, *, seconds: float = 120) -> float:
    """Return how long it took to be ready, s."""
    start = time.monotonic()
    while not ready():
        assert time.monotonic() < start + seconds, log.read_text()[-3000:]
        time.sleep(0.02)
    return time.monotonic() - start


def failures(name: str) -> int:
    return ScorerState.objects.filter(scorer=name, failures__gt=0).count()


class Work:
    """What a night asks for beside the scorers: each way returns how long it took, s."""

    def __init__(self, observer: User, log: Path) -> None:
        self.observer, self.log = observer, log
        self.numbers = itertools.count(1)

    def keep_message(self) -> float:
        """A message is kept, then stored."""
        payload = make_circular(circularId=next(circulars))
        message, _ = store_message("gcn.circulars", payload)
        wake({message.kind: [message.pk]})
        return wait_for(lambda: _state(message) == MessageState.STORED, self.log)

    def send_request(self) -> float:
        """A request is approved, then taken by the telescope."""
        ra = opposite_the_sun(timezone.now())
        target = factories.make_target(f"Sent {next(self.numbers)}", ra=ra, dec=-5.0)
        request = make_request(target, self.observer)
        nudge(submit, request.pk)
        return wait_for(lambda: _state(request) == "accepted", self.log)

    def score_target(self) -> float:
        """A target changed, then both good scorers have said what they think of it."""
        target = factories.make_target(f"Scored {next(self.numbers)}")
        nudge(score)
        scores = Score.objects.filter(target=target, scorer__in=GOOD_NAMES)
        return wait_for(lambda: scores.count() == len(GOOD), self.log)

    def measure(self) -> dict[str, float]:
        """The median of several tries of each, taken in turn."""
        ways = (self.keep_message, self.send_request, self.score_target)
        for way in ways:  # what each process loads first
            way()
        taken = [[way() for way in ways] for _ in range(TRIES)]
        return {
            way.__name__: median(column)
            for way, column in zip(ways, zip(*taken, strict=True), strict=True)
        }


@pytest.fixture
def environment(tmp_path: Path, bad_plugins: list[str]) -> dict[str, str]:
    """The workers' environment: it knows all scorers, and names the good ones alone."""
    return site_environment(tmp_path) | {
        "SCORERS": ",".join(GOOD),
        "SCORER_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
        "SCORER_MEMORY_MB": "2000",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }


@pytest.mark.timeout(600)
def test_bad_scorers_are_ended_and_told_of_and_hold_up_nothing(
    environment: Mapping[str, str],
    bad_plugins: list[str],
    tmp_path: Path,
    settings: Settings,
    client: Client,
) -> None:
    paths = [*GOOD, *(path for path in bad_plugins if path.rpartition(".")[2].lower() in BAD)]
    settings.SCORERS = paths
    scorers.cache_clear()
    targets = [factories.make_target() for _ in range(10)]
    log = tmp_path / "scorer.log"
    empty_queues()
    with running_workers(tmp_path, {**environment, "SCORERS": ",".join(paths)}):
        wait_for(lambda: ScorerState.objects.filter(scorer="eternal").exists(), log)
        taken = Work(factories.make_user(), log).measure()
        # All of it was done while one scorer hung in its first call.
        assert not failures("eternal"), "the others waited until it was ended"
        logger.warning("Seconds beside bad scorers: %s", taken)
        for way, seconds in taken.items():
            assert seconds < MOST_SECONDS, way
        good = Score.objects.filter(scorer__in=GOOD_NAMES, target__in=targets)
        wait_for(lambda: good.count() == len(GOOD) * len(targets), log)
        due = DueScore.objects.filter(scorer="eternal", target__in=targets)
        assert due.filter(attempts=1).count() == len(targets)
        for name in ("crashing", "lying", "eternal"):
            wait_for(lambda name=name: failures(name) > 0, log)
        greedy = Score.objects.filter(
            scorer="greedy", target__in=targets, reason__contains="allocate"
        )
        wait_for(lambda: greedy.count() == len(targets), log)

    client.force_login(factories.make_user())
    told = client.get(reverse("scorer_list")).content.decode()
    assert f"it took longer than {PATIENCE_SECONDS + 1} s" in told
    assert "its process was ended by SIGSEGV" in told
    assert "its answer breaks the contract" in told
    assert "The scorer eternal gives no answer" in client.get("/?part=streams").content.decode()
    scorers.cache_clear()


def empty_queues() -> None:
    with app.connection_for_write() as broker:
        for name in queues.ALL.split(","):
            broker.default_channel.queue_purge(name)


def _state(row: object) -> str:
    row.refresh_from_db()
    return row.state
