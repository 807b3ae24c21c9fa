"""Whoever adds a survey, a mission or a broker writes one folder or file, and no other code."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tom_targets.base_models import BaseTarget

import tom.surveys
from tom import intake
from tom.events.models import NonLocalizedEvent
from tom.forms import event_names, recognition, registry, topics
from tom.forms.recognition import identify
from tom.streams.services import store_message
from tom.web.links import links_of

ROOT = Path(__file__).parents[2]
OWN = {
    "surveys/atlas": r"atlas",
    "surveys/lsst": r"lsstcam|simonyi",
    "surveys/ztf": r"ztf|palomar",
    "missions/fermi_gbm": r"fermi|gbm",
    "missions/lvk": r"lvk|igwn|gracedb|superevent_id",
    "brokers/ampel": r"ampel",
}
# What speaks of these three in words; no code of theirs does.
ADDED = ("surveys/atlas", "missions/fermi_gbm", "brokers/ampel")


def own_files(name: str) -> set[Path]:
    place = ROOT / "tom" / name
    return set(place.rglob("*.py")) or {place.with_suffix(".py")}


def other_files(name: str) -> Iterator[Path]:
    """Every file that is run or shown, but this sender's own and the demonstration's."""
    left_out = {ROOT / "tom" / "demo", ROOT / "static" / "vendor"}
    for folder, kinds in (("tom", "py"), ("templates", "html txt"), ("static", "js css")):
        for file in (ROOT / folder).rglob("*.*"):
            is_ours = file.suffix[1:] in kinds.split() and "migrations" not in file.parts
            if is_ours and not left_out & set(file.parents) and file not in own_files(name):
                yield file


def code_of(file: Path) -> str:
    """A file without its comments and its docstrings."""
    if file.suffix != ".py":
        return file.read_text()
    tree = ast.parse(file.read_text())
    for node in ast.walk(tree):
        match node:
            case ast.Module() | ast.ClassDef() | ast.FunctionDef():
                node.body = [each for each in node.body if not is_text(each)] or [ast.Pass()]
    return ast.unparse(tree)


def is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


@pytest.mark.parametrize("name", OWN)
def test_no_code_of_others_names_a_sender(name: str) -> None:
    word = re.compile(rf"(?<![a-z])(?:{OWN[name]})(?![a-z])", re.IGNORECASE)

    naming = [
        str(file.relative_to(ROOT)) for file in other_files(name) if word.search(code_of(file))
    ]

    assert own_files(name)
    assert naming == []


@pytest.mark.parametrize("name", ADDED)
def test_an_addition_stands_in_no_word_of_any_other_file(name: str) -> None:
    word = re.compile(rf"(?<![a-z])(?:{OWN[name]})(?![a-z])", re.IGNORECASE)

    naming = [
        str(file.relative_to(ROOT)) for file in other_files(name) if word.search(file.read_text())
    ]

    assert naming == []


def test_an_addition_is_as_many_files_as_we_say() -> None:
    """CONTRIBUTING.md promises one folder or file."""
    counts = {name: len(own_files(name)) for name in ADDED}

    assert counts == {"surveys/atlas": 2, "missions/fermi_gbm": 1, "brokers/ampel": 1}


@pytest.mark.parametrize(
    ("row", "added"),
    [
        ("a survey", "tom/surveys/atlas/"),
        ("a mission", "tom/missions/fermi_gbm.py"),
        ("a broker", "tom/brokers/ampel.py"),
    ],
)
def test_contributing_promises_that_and_no_more(row: str, added: str) -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(f"| {row} |")]
    paths = [path for path in re.findall(r"`([^`]+/[^`]*)`", line) if "declared.py" not in path]

    own, tests = paths
    name = Path(added).stem
    assert own.replace("<name>", name) == added
    assert (ROOT / added).exists()
    assert (ROOT / tests.replace("<name>", name)).is_dir()


# --- One that is added here -----------------------------------------------------------------------
MADE = """
import json
from datetime import datetime

from tom.forms.declared import Band, Encoding, Form, Lane, Page, Survey
from tom.records import ObjectAlert
from tom.records.alert import Point, PointKind


def parse(payload):
    said = json.loads(payload)
    time = datetime.fromisoformat(said["at"])
    point = Point(PointKind.ALERT, said["key"], time, "q", said["njy"], 1.0, 3, is_trigger=True)
    return ObjectAlert(
        survey="MADE", object_id=said["made"], alert_id=said["key"], time=time, ra=said["ra"],
        dec=said["dec"], points=(point,), program=3, first_seen=time, magnitude=20.0,
        is_positive=True,
    )


MADE = Survey(
    name="MADE",
    forms=(
        Form(
            name="made.json", encoding=Encoding.JSON, record=ObjectAlert, topics=("made-*",),
            recognises=lambda message: "made" in message, parse=parse, lane=Lane.BATCH,
        ),
    ),
    bands={"q": Band(extinction=1.0)},
    public_programs=frozenset({3}),
    pages=(Page(name="Made", pattern="(MADE[0-9]+)", url="https://example.org/{0}"),),
    test_topics=("made-9.*",),
)
"""
CACHED = (
    *(registry.senders, registry.forms, registry.surveys, registry.missions, registry.colours),
    *(registry.batch_forms, registry.object_forms, recognition._forms_of_topic),
    *(recognition._form_of_schema, event_names._pattern, topics._declared),
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A survey that is one file in one more folder of surveys."""
    (tmp_path / "made.py").write_text(MADE)
    with monkeypatch.context() as patch:
        patch.setattr(tom.surveys, "__path__", [*tom.surveys.__path__, str(tmp_path)])
        forget()
        yield
    sys.modules.pop("tom.surveys.made", None)
    forget()


def forget() -> None:
    for function in CACHED:
        function.cache_clear()


@pytest.mark.django_db
@pytest.mark.usefixtures("made")
def test_a_survey_of_one_file_is_heard_stored_and_shown() -> None:
    alert = (
        b'{"made": "MADE1", "key": "1", "at": "2026-01-01T00:00:00Z", "njy": 9, "ra": 1, "dec": 2}'
    )

    assert identify("made-1", alert) == "made.json"
    assert identify("file", alert) == "made.json"
    store_message("made-1", alert)
    store_message("made-91", alert.replace(b"MADE1", b"MADE2").replace(b'"ra": 1', b'"ra": 5'))
    assert intake.work_alerts()

    rows = BaseTarget.objects.order_by("name").values_list(
        "name", "permissions", "summary__is_test"
    )
    assert list(rows) == [("MADE1", "PUBLIC", False), ("MADE2", "PUBLIC", True)]
    assert links_of(["MADE1"], ra=None, dec=None)[0].url == "https://example.org/MADE1"
    assert registry.colours()["q"] == "other"
    assert not NonLocalizedEvent.objects.exists()
