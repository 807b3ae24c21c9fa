"""A gravitational wave's map is judged once by each version of the network, or refused."""

import pytest
from django.db import IntegrityError, transaction

from tests.factories import make_event, make_skymap
from tom.events import gwskynet
from tom.events.localizations import keep_map
from tom.events.map_models import Realness
from tom.events.models import EventKind, NonLocalizedEvent
from tom.events.preparing import is_prepared, prepare_map
from tom.sky import write_skymap

pytestmark = pytest.mark.django_db
HEADER = {
    "CREATOR": "BAYESTAR", "INSTRUME": "H1,L1,V1", "LOGBCI": 9.0, "LOGBSN": 90.0,
    "DISTMEAN": 40.0, "DISTSTD": 8.0,
}  # fmt: skip


def give_map(event: NonLocalizedEvent, **header: str) -> NonLocalizedEvent:
    """Let the event use a map with such a header."""
    assert event.used is not None
    event.used.localization = keep_map(write_skymap(make_skymap(), header=HEADER | header))
    event.used.save()
    return event


def test_a_map_is_judged_once_by_each_version_and_makes_its_event_due(monkeypatch) -> None:
    """In one test: each judgement takes two seconds."""
    event = give_map(make_event())
    before = event.rank_version
    assert not is_prepared(event)

    prepare_map(event)

    row = Realness.objects.get()
    assert row.model == "GWSkyNet 2.6.0"
    assert 0 < row.score < 1
    assert row.refusal == ""
    assert is_prepared(event)
    with monkeypatch.context() as patch:
        patch.setattr(gwskynet, "rate", lambda *_: pytest.fail("judged twice"))
        prepare_map(event)
    event.refresh_from_db()
    assert event.rank_version == before + 1

    Realness.objects.update(model="GWSkyNet 2.5.2")
    assert not is_prepared(event)
    prepare_map(event)

    assert Realness.objects.get().model == "GWSkyNet 2.6.0"


def test_what_is_refused_is_kept_with_the_reason() -> None:
    event = give_map(make_event(), CREATOR="CWB")

    prepare_map(event)

    row = Realness.objects.get()
    assert row.score is None
    assert "made by CWB" in row.refusal
    assert is_prepared(event)


def test_a_burst_is_refused() -> None:
    event = give_map(make_event())
    event.sequences.update(details={"event": {"group": "Burst"}})

    prepare_map(event)

    assert "burst" in Realness.objects.get().refusal


def test_other_kinds_of_events_are_not_judged() -> None:
    event = give_map(make_event(kind=EventKind.GRB))

    prepare_map(event)

    assert is_prepared(event)
    assert not Realness.objects.exists()


def test_without_its_package_nothing_is_judged(monkeypatch) -> None:
    monkeypatch.setattr(gwskynet, "model_version", lambda: "")
    event = give_map(make_event())

    prepare_map(event)

    assert is_prepared(event)
    assert not Realness.objects.exists()


def test_a_row_has_a_score_or_a_reason() -> None:
    event = give_map(make_event())

    with pytest.raises(IntegrityError), transaction.atomic():
        Realness.objects.create(
            localization_id=event.used.localization_id, model="x", score=0.5, refusal="none"
        )
