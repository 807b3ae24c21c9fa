"""Whoever adds a survey, a mission or a broker writes one folder or file, and no other code."""

import ast
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from tom_targets.base_models import BaseTarget

import tom.surveys
from tom import intake
from tom.events.models import NonLocalizedEvent
from tom.forms import event_names, recognition, registry, topics
from tom.forms.recognition import identify
from tom.streams.models import AlertMessage
from tom.streams.services import store_message
from tom.web.links import links_of

# Each process that runs some of them reads all of the code first, which takes two seconds.
pytestmark = pytest.mark.xdist_group("additions")

ROOT = Path(__file__).parents[2]
OWN = {
    "surveys/atlas": r"atlas",
    "surveys/decat": r"decat",
    "surveys/desirt": r"desirt",
    "surveys/elasticc": r"elasticc\.",
    "surveys/lsst": r"lsstcam|simonyi",
    "surveys/pgir": r"pgir|gattini",
    "surveys/winter": r"winter\.|mirar",
    "surveys/tns": r"tns_marker",
    "surveys/ztf": r"ztf|oschin",
    "missions/burstcube": r"burstcube",
    "missions/chime": r"chime",
    "missions/dsa110": r"dsa.?110",
    "missions/fermi_gbm": r"gbm",
    "missions/glowbug": r"glowbug",
    "missions/km3net": r"km3net",
    "missions/lvk": r"lvk|igwn|gracedb|superevent_id",
    "missions/maxi": r"maxi",
    "missions/superk": r"superk|kamiokande",
    "missions/svom": r"svom",
    "missions/swift": r"guano",
    "brokers/alerce": r"lc_classifier|stamp_classifier",
    "brokers/ampel": r"ampel",
    "brokers/antares": r"locus_id",
    "brokers/babamul": r"near_brightstar",
    "brokers/fink": r"fink_broker_version|cdsxmatch",
    "brokers/lasair": r"lasair_api|sherlock",
    "brokers/pitt_google": r"pitt.google",
}
# What speaks of these three in words; no code of theirs does.
ADDED = ("surveys/atlas", "missions/fermi_gbm", "brokers/ampel")


def own_files(name: str) -> set[Path]:
    place = ROOT / "tom" / name
    return set(place.rglob("*.py")) or {place.with_suffix(".py")}


def other_files(name: str) -> Iterator[Path]:
    """Every file that is run or shown, but this sender's own and those of simulated nights."""
    left_out = {ROOT / "tom" / "demo", ROOT / "tom" / "benchmark", ROOT / "static" / "vendor"}
    if name.startswith("surveys/"):  # a broker says whose packets it passes on
        left_out.add(ROOT / "tom" / "brokers")
    own = own_files(name)
    for file in all_files():
        if file not in own and not left_out & set(file.parents):
            yield file


@cache
def all_files() -> list[Path]:
    return [
        file
        for folder, kinds in (("tom", "py"), ("templates", "html txt"), ("static", "js css"))
        for file in (ROOT / folder).rglob("*.*")
        if file.suffix[1:] in kinds.split() and "migrations" not in file.parts
    ]


@cache
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

    assert counts == {"surveys/atlas": 1, "missions/fermi_gbm": 1, "brokers/ampel": 1}


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
    own, tests = re.findall(r"`((?:tom|tests)/[^`]*)`", line)
    name = Path(added).stem
    assert own.replace("<name>", name) == added
    assert (ROOT / added).exists()
    assert (ROOT / tests.replace("<name>", name)).is_dir()


# --- One that is added here -----------------------------------------------------------------------
CACHED = (
    *(registry.senders, registry.forms, registry.surveys, registry.missions, registry.colours),
    registry.broker_names,
    registry.look_ups,
    *(registry.batch_forms, recognition._forms_of_topic),
    *(recognition._form_of_schema, event_names._pattern, topics._tests),
)


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The survey of docs/senders.md, one file in one more folder of surveys."""
    page = (ROOT / "docs" / "senders.md").read_text()
    (example,) = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (tmp_path / "made.py").write_text(example)
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
    said = {"key": "1", "at": "2026-01-01T00:00:00Z", "njy": 9.0, "error_njy": 1.0, "dec": 2.0}
    alert = json.dumps(said | {"made": "MADE1", "ra": 1.0}).encode()
    other = json.dumps(said | {"made": "MADE2", "ra": 5.0}).encode()

    assert identify("made-1", alert) == "made.json"
    assert identify("file", alert) == "made.json"
    store_message("made-1", alert)
    store_message("made-91", other)
    store_message("made-1", b'{"made": 7}')
    assert intake.work_alerts()

    rows = BaseTarget.objects.order_by("name").values_list(
        "name", "permissions", "summary__is_test"
    )
    assert list(rows) == [("MADE1", "PUBLIC", False), ("MADE2", "PUBLIC", True)]
    assert links_of(["MADE1"], ra=None, dec=None)[0].url == "https://example.org/MADE1"
    assert registry.colours()["q"] == "i"
    assert AlertMessage.objects.get(state="dead").reason == "no alert: KeyError"
    assert not NonLocalizedEvent.objects.exists()
