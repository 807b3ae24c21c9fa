"""What the ingest worker hands its listeners: events' regions, and how far scoring is behind."""

from datetime import timedelta

import pytest

from tests.factories import MERGER, make_event, make_target
from tom.celery import Listening
from tom.targets.models import TargetSummary

pytestmark = pytest.mark.django_db


def test_its_listeners_know_the_regions_of_open_events():
    make_event()

    assert len(Listening.regions(MERGER + timedelta(days=2))) > 0


def test_its_listeners_know_how_many_targets_wait_for_scoring():
    make_target()
    TargetSummary.objects.update(version=2, scored_version=1)

    assert Listening.backlog() == 1
