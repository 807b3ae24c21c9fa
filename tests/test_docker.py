"""The container files name commands, settings and files that exist."""

import re
from pathlib import Path

import yaml
from django.core.management import get_commands

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
PROCESSES = ("web", "worker", "caller", "beat", "ingester", "migrate")


def test_compose_has_every_process_and_service() -> None:
    assert set(COMPOSE["services"]) == {*PROCESSES, "postgres", "redis"}


def test_every_process_has_the_image_and_the_addresses_of_its_services() -> None:
    for name in PROCESSES:
        service = COMPOSE["services"][name]
        assert service["build"]["dockerfile"] == "docker/Dockerfile"
        assert "@postgres/" in service["environment"]["DATABASE_URL"]
        assert service["environment"]["BROKER_URL"].startswith("redis://redis:")


def test_workers_take_from_every_queue_that_tasks_are_sent_to() -> None:
    from django.conf import settings

    taken = {
        queue
        for name in ("worker", "caller", "ingester")
        for queue in COMPOSE["services"][name]["command"][7].split(",")
    }

    routed = {route["queue"] for route in settings.CELERY_TASK_ROUTES.values()}
    assert routed | {settings.CELERY_TASK_DEFAULT_QUEUE, "ingest"} == taken


def test_the_dockerfile_copies_and_runs_what_exists() -> None:
    text = (ROOT / "docker/Dockerfile").read_text()

    assert (ROOT / "requirements.txt").exists()
    assert (ROOT / "tom/embedded/frontend.py").exists()
    assert "USER tom" in text
    assert '"manage.py", "serve"' in text
    assert "serve" in get_commands()


def test_the_example_environment_names_settings_that_are_read() -> None:
    names = re.findall(r"^([A-Z_]+)=", (ROOT / "docker/env.example").read_text(), re.MULTILINE)
    settings_text = (ROOT / "tom/settings.py").read_text()

    read = [name for name in names if f'"{name}"' in settings_text or name == "POSTGRES_PASSWORD"]

    assert read == names
