"""Inputs that went wrong once, through the whole intake: what becomes of each, and nothing else."""

from pathlib import Path

import pytest

from tests.conftest import REAL_DATA
from tom import intake
from tom.forms.networks import FILE_TOPIC
from tom.streams.models import AlertMessage
from tom.streams.services import store_message

pytestmark = pytest.mark.django_db
FOLDER = REAL_DATA / "cases"
FOLDERS = sorted(path.name for path in FOLDER.glob("*") if path.is_dir())
# What is stored without a map that cannot be read.
IN_PART = {"1-own-map-cut.json", "2-combined-cut.json", "3b-update.json"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_each_case_is_stored_and_says_what_it_left_out(real_data: Path, folder: str) -> None:
    paths = sorted(path for path in (FOLDER / folder).rglob("*") if path.is_file())
    for path in paths:
        message, _ = store_message(FILE_TOPIC, path.read_bytes(), name=path.name)
        intake.work_message(message.pk)
    while intake.work_alerts():
        pass

    rows = AlertMessage.objects.all()
    left_out = {row.name for row in rows if "left out" in row.reason}
    assert {row.state for row in rows} <= {"stored", "known"}, [row.reason for row in rows]
    assert left_out == IN_PART & {path.name for path in paths}
