"""The health check."""

import socket
import time
from datetime import timedelta

import pytest
from celery import current_app
from django.core.cache import cache
from django.db import connection
from django.utils import timezone

from tests.factories import make_user
from tests.web.test_errors import end_connection
from tom.changes import heartbeat
from tom.changes.heartbeat import beat
from tom.sweeping import sweep
from tom.web.health import recent

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def nothing_recent():
    recent.forget()


def test_all_is_well_while_a_worker_sweeps(client):
    beat()

    response = client.get("/health/")

    assert response.status_code == 200
    assert response.json() == {"database": "ok", "broker": "ok", "worker": "ok"}
    assert "no-store" in response["Cache-Control"]


def test_the_sweep_is_the_workers_sign_of_life(client):
    cache.clear()

    sweep()

    assert client.get("/health/").json()["worker"] == "ok"


@pytest.mark.parametrize("silence", [None, timedelta(minutes=2)])
def test_a_worker_that_is_silent_is_not_well(client, silence):
    cache.clear()
    if silence:
        cache.set(heartbeat.KEY, timezone.now() - silence)

    response = client.get("/health/")

    assert response.status_code == 503
    assert response.json() == {"database": "ok", "broker": "ok", "worker": "failing"}


def test_a_service_that_is_away_is_named_without_its_address(client, monkeypatch):
    beat()
    monkeypatch.setattr(current_app.conf, "broker_url", "redis://:a-password@127.0.0.1:1/0")

    response = client.get("/health/")

    assert response.status_code == 503
    assert response.json()["broker"] == "failing"
    assert b"127.0.0.1" not in response.content


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_told_in_json_to_a_browser_that_is_logged_in(client):
    beat()
    client.force_login(make_user("anne"))
    end_connection()

    response = client.get("/health/")
    connection.close()  # as at the end of every request

    assert response.status_code == 503
    assert response.json() == {"database": "failing", "broker": "ok", "worker": "ok"}


def test_a_broker_that_hangs_is_not_waited_for(client, monkeypatch, tmp_path):
    beat()
    deaf = socket.socket(socket.AF_UNIX)
    deaf.bind(str(tmp_path / "deaf"))
    deaf.listen()
    monkeypatch.setattr(current_app.conf, "broker_url", f"redis+socket://{tmp_path}/deaf")

    start = time.monotonic()
    response = client.get("/health/")

    assert time.monotonic() - start < 14  # the broker's own connections wait 15 s
    assert response.json()["broker"] == "failing"
    deaf.close()
