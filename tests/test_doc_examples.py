"""Every example of the documentation runs: commands, requests to the API, settings, SQL."""

import json
import re
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.db import connection
from django.utils import timezone
from rest_framework.test import APIClient

from tests.factories import make_event, make_observer, make_target
from tests.test_docs import PAGES, ROOT
from tom.galaxies.mapping import read_mapping
from tom.streams.sources import read_sources
from tom.web.tokens import renew_token

# The languages of blocks whose examples a test runs: Python's where its subject is tested, the rest
# here. A text block is a drawing.
RUN = {"bash", "python", "markdown", "sql", "toml", "yaml", ""}
# Named in sentences, with nothing of theirs after the name.
OF_DJANGO = {"migrate", "collectstatic", "createsuperuser", "check"}


def blocks(page: Path) -> list[tuple[str, str]]:
    """The fenced blocks of a page: their language and their text."""
    return re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)


def test_every_block_is_of_a_language_that_a_test_runs() -> None:
    assert {language for page in PAGES for language, _ in blocks(page)} <= RUN


def commands() -> list[tuple[str, str]]:
    """Each `manage.py` command of the documentation with its arguments, once."""
    found = set()
    for page in PAGES:
        for name, rest in re.findall(r"manage\.py ([a-z_]+)([^`\n]*)", page.read_text()):
            if rest.strip() and name not in OF_DJANGO:
                found.add((name, rest.strip()))
    return sorted(found)


@pytest.mark.parametrize(("name", "arguments"), commands())
def test_every_command_takes_the_arguments_that_a_page_gives_it(name: str, arguments: str) -> None:
    written = re.sub(r"[\[\]]|\.\.\.", " ", arguments)
    parser = load_command_class(get_commands()[name], name).create_parser("manage.py", name)

    parser.parse_args(shlex.split(written))


def curls() -> list[str]:
    texts = (text for language, text in blocks(ROOT / "docs/api.md") if language == "bash")
    return [text for text in texts if text.startswith("curl")]


@pytest.mark.django_db
@pytest.mark.parametrize("text", curls())
def test_every_request_of_the_api_page_is_answered(text: str) -> None:
    make_event("S230518h")
    target = make_target()
    client = APIClient()
    client.force_authenticate(make_observer())
    words = shlex.split(text)
    (path,) = (re.sub(r"^http://[^/]+", "", word) for word in words if "://" in word)

    if "-d" not in words:
        assert client.get(path).status_code == 200
        return
    body = json.loads(words[words.index("-d") + 1])
    now = timezone.now()
    if "spec" in body:
        body["target"] = target.pk
        body["spec"] |= {"start": now.isoformat(), "end": (now + timedelta(hours=10)).isoformat()}
    answer = client.post(path, body, format="json")
    assert answer.status_code == 201, answer.json()


@pytest.mark.django_db
def test_prometheus_reads_the_figures_as_the_example_says() -> None:
    ((_, text),) = [each for each in blocks(ROOT / "docs/streams.md") if each[0] == "yaml"]
    (job,) = yaml.safe_load(text)["scrape_configs"]
    token = renew_token(make_observer())
    client = APIClient(headers={"Authorization": f"{job['authorization']['type']} {token}"})

    assert client.get(job["metrics_path"]).status_code == 200
    assert APIClient().get(job["metrics_path"]).status_code == 401


def test_the_streams_of_the_example_are_read() -> None:
    ((_, text),) = [each for each in blocks(ROOT / "docs/streams.md") if "STREAMS=" in each[1]]
    value = re.search(r"STREAMS=(\S+)", text)
    assert value is not None

    sources = read_sources(value.group(1).split(","))

    assert len(sources) == 2


def test_the_mapping_of_the_example_is_taken(tmp_path: Path) -> None:
    (text,) = [text for language, text in blocks(ROOT / "docs/galaxies.md") if language == "toml"]
    path = tmp_path / "bgs.toml"
    path.write_text(text)

    assert read_mapping(path).name == "DESI BGS"


@pytest.mark.django_db
def test_the_sql_of_the_production_page_is_taken() -> None:
    (text,) = [text for language, text in blocks(ROOT / "docs/production.md") if language == "sql"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        owner = cursor.fetchone()[0]
        text = text.replace("IN ROLE counterpart", f'IN ROLE "{owner}"')
        cursor.execute(text.replace("counterpart_web", "counterpart_example"))
        cursor.execute("SELECT rolconnlimit FROM pg_roles WHERE rolname = 'counterpart_example'")
        assert cursor.fetchone() == (40,)
