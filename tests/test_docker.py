"""The container files name commands, settings and files that exist."""

import os
import re
import subprocess
from contextlib import closing
from pathlib import Path

import psycopg2
import pytest
import yaml
from django.core.management import get_commands
from django.db import connection

from tom.embedded.home import Home
from tom.embedded.servers import WEB_ROLE, find_postgres, running_servers

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = yaml.safe_load((ROOT / "docker/compose.yaml").read_text())
PROCESSES = ("web", "worker", "caller", "scorer", "beat", "ingester", "migrate")


def test_compose_has_every_process_and_service() -> None:
    assert set(COMPOSE["services"]) == {*PROCESSES, "postgres", "web-role", "redis"}


def test_every_process_has_the_image_and_the_addresses_of_its_services() -> None:
    for name in PROCESSES:
        service = COMPOSE["services"][name]
        assert service["build"]["dockerfile"] == "docker/Dockerfile"
        assert "@postgres/" in service["environment"]["DATABASE_URL"]
        assert service["environment"]["BROKER_URL"].startswith("redis://redis:")


@pytest.mark.django_db
def test_the_database_plans_as_that_of_one_command() -> None:
    settings = [each.removeprefix("-c") for each in COMPOSE["services"]["postgres"]["command"][1:]]
    compose = dict(each.split("=") for each in settings)
    compose.pop("shared_buffers")  # as the machine has
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", [[*compose]])
        assert dict(cursor.fetchall()) == compose
    assert compose == {"random_page_cost": "1.1", "max_parallel_workers_per_gather": "0"}


def test_the_web_server_alone_has_the_role_with_a_limit() -> None:
    users = {
        name: re.split("[/:]+", COMPOSE["services"][name]["environment"]["DATABASE_URL"])[1]
        for name in PROCESSES
    }

    assert users.pop("web") == WEB_ROLE
    assert set(users.values()) == {"counterpart"}
    assert "web-role" in COMPOSE["services"]["web"]["depends_on"]


def test_the_script_makes_the_role_with_its_limit_and_can_run_again(tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    with running_servers(home):
        with closing(connect(home)) as owner, owner, owner.cursor() as cursor:
            cursor.execute(f"DROP ROLE {WEB_ROLE}")  # which the embedded mode made
            cursor.execute("CREATE TABLE rows (id serial)")
        for password in ("first", "it's another"):
            run_script(home, password)
        with closing(connect(home)) as owner, owner.cursor() as cursor:
            cursor.execute(
                "SELECT rolconnlimit, rolcanlogin, rolsuper, rolpassword LIKE 'SCRAM%%' "
                "FROM pg_authid WHERE rolname = %s",
                [WEB_ROLE],
            )
            assert cursor.fetchall() == [(40, True, False, True)]
        with closing(connect(home, role=WEB_ROLE)) as web, web, web.cursor() as cursor:
            cursor.execute("INSERT INTO rows DEFAULT VALUES")
            cursor.execute("DROP TABLE rows")


def run_script(home: Home, password: str) -> None:
    """Run the compose file's script as its service does."""
    service = COMPOSE["services"]["web-role"]
    _, *options, script = service["command"]
    assert service["volumes"] == [f".{script}:{script}:ro"]
    subprocess.run(
        [find_postgres() / "psql", *options, ROOT / "docker" / script.removeprefix("/")],
        env={
            **os.environ,
            **{name: service["environment"][name] for name in ("PGUSER", "PGDATABASE")},
            **{"PGHOST": str(home.postgres_socket), "PGPASSWORD": password},
        },
        check=True,
        timeout=60,
    )


def connect(home: Home, *, role: str = "counterpart") -> "psycopg2.extensions.connection":
    return psycopg2.connect(
        host=str(home.postgres_socket), user=role, dbname="counterpart", connect_timeout=5
    )


def test_workers_take_from_every_queue_that_tasks_are_sent_to() -> None:
    from django.conf import settings

    taken = {
        queue
        for name in ("worker", "caller", "scorer", "ingester")
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
