"""What the documentation says is there: settings, commands, files, links."""

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.management import get_commands

from tom import environment

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("ml_plugins/**/*.md")])
# Read from the environment, and set by ourselves for a child or by the machine.
OURS = {"CI", "PATH", "DJANGO_SETTINGS_MODULE", "TOM_REAL_DATA"}
# What reads a setting: `read_packet` of a broker's reads none.
READERS = {name for name in dir(environment) if name.startswith("read_")}


def read_settings() -> set[str]:
    """The names that the code reads from the environment."""
    files = [*ROOT.glob("tom/**/*.py"), ROOT / "manage.py"]
    names = {name for path in files for name in _names(ast.parse(path.read_text()))}
    return {name for name in names if not name.startswith("PORTAL_") or name == "PORTAL_PORT"}


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            name = ast.unparse(node.func)
            if name in READERS or re.fullmatch(r"env\.\w+|(os\.)?environ\.get", name):
                yield from [node.args[0].value] if isinstance(node.args[0].value, str) else []


def documented_settings() -> set[str]:
    rows = re.findall(r"^\| (`[A-Z].*?) \|", (ROOT / "docs/settings.md").read_text(), re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}


def test_every_setting_has_its_row_and_every_row_its_setting() -> None:
    assert documented_settings() == read_settings() - OURS


def constant_defaults() -> dict[str, str]:
    """The defaults that stand in the settings as numbers or texts."""
    found = {}
    for node in ast.walk(ast.parse((ROOT / "tom/settings.py").read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name("env"))
                | ast.Name("read_number" | "read_count" | "read_rate"),
                args=[ast.Constant(str(name)), ast.Constant(int() | float() | str() as default)],
            ) if default not in ("", True, False):
                found[name] = str(default)
    return found


def test_the_defaults_of_the_table_are_those_of_the_settings() -> None:
    text = (ROOT / "docs/settings.md").read_text()
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| (.*?) \|", text, re.MULTILINE))
    expected = constant_defaults()

    assert len(expected) > 15
    assert {name: as_number(told[name]) for name in expected} == {
        name: as_number(value) for name, value in expected.items()
    }


def as_number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_of_a_page_leads_to_a_file(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)", page.read_text())

    missing = [
        link for link in links if "://" not in link and not (page.parent / link).resolve().exists()
    ]

    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_command_and_make_target_that_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    commands = set(re.findall(r"manage\.py ([a-z_]+)", text))
    targets = set(re.findall(r"`(?:[A-Z_]+=\S+ )*make ([a-z]+)", text))

    assert commands - set(get_commands()) == set()
    assert targets - set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M)) == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_of_ours_that_a_page_names_is_there(page: Path) -> None:
    named = re.findall(
        r"`((?:tom|tests|docker|docs|ml_plugins|templates)/[\w./-]*)`", page.read_text()
    )

    assert [name for name in named if not (ROOT / name).exists()] == []


def test_the_page_of_the_house_names_every_stage_of_the_import_contracts() -> None:
    page = (ROOT / "docs/architecture.md").read_text()
    rows = re.findall(r"^\| ((?:`[\w./]+`(?:, )?)+) \|", page, re.MULTILINE)
    told = {
        name.removesuffix("/").removesuffix(".py")
        for row in rows
        for name in re.findall(r"`([\w./]+)`", row)
    }
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(each["layers"] for each in contracts["contracts"] if "layers" in each)
    stages = {name.removeprefix("tom.") for layer in layers for name in layer.split(" : ")}
    folders = {path.parent.name for path in ROOT.glob("tom/*/__init__.py")}

    assert stages <= told | {"intake_verdicts"}
    assert folders <= told
