"""Scorers that fail in every way, in real workers: nothing else waits for them."""

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from tests import factories
from tests.peers.site import running_workers, site_environment
from tests.streams.packets import make_circular
from tom import queues
from tom.celery import app
from tom.pipeline import wake
from tom.scoring.models import DueScore, Score, ScorerState
from tom.scoring.services import scorers
from tom.streams.models import MessageState
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db(transaction=True)

GOOD = ("ml_plugins.fast_transient.FastTransient", "ml_plugins.real_bogus.RealBogus")
# Far longer than anything else here takes on a busy machine.
PATIENCE_SECONDS = 25


def wait_for(ready: Callable[[], bool], log: Path, *, seconds: float = 120) -> float:
    """Wait; return how long it took, s."""
    start = time.monotonic()
    while not ready():
        assert time.monotonic() < start + seconds, log.read_text()[-3000:]
        time.sleep(0.05)
    return time.monotonic() - start


def failures(name: str) -> int:
    return ScorerState.objects.filter(scorer=name, failures__gt=0).count()


def test_bad_scorers_are_ended_and_told_of_and_hold_up_nothing(
    bad_plugins: list[str], tmp_path: Path, settings: Settings, client: Client
) -> None:
    wanted = {"Eternal", "Crashing", "Greedy", "Lying"}
    paths = [*GOOD, *(path for path in bad_plugins if path.rpartition(".")[2] in wanted)]
    settings.SCORERS = paths
    scorers.cache_clear()
    environment = site_environment(tmp_path) | {
        "SCORERS": ",".join(paths),
        "SCORER_PATIENCE_SECONDS": str(PATIENCE_SECONDS),
        "SCORER_MEMORY_MB": "2000",
        "PYTHONPATH": os.pathsep.join(filter(None, sys.path)),
    }
    targets = [factories.make_target() for _ in range(10)]
    log = tmp_path / "scorer.log"
    empty_queues()
    with running_workers(tmp_path, environment):
        wait_for(lambda: ScorerState.objects.filter(scorer="eternal").exists(), log)
        good = Score.objects.filter(scorer__in=["fast_transient", "real_bogus"])
        wait_for(lambda: good.count() == 2 * len(targets), log)
        message, _ = store_message("gcn.circulars", make_circular())
        wake({message.kind: [message.pk]})
        wait_for(lambda: _state(message) == MessageState.STORED, tmp_path / "worker.log")

        assert not failures("eternal"), "the others waited until it was ended"
        assert DueScore.objects.filter(scorer="eternal", attempts=1).count() == len(targets)
        for name in ("crashing", "lying", "eternal"):
            wait_for(lambda name=name: failures(name) > 0, log)
        greedy = Score.objects.filter(scorer="greedy", reason__contains="allocate")
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


def _state(message: object) -> str:
    message.refresh_from_db()
    return message.state
