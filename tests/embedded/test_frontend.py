"""The front-end packages: which npm runs, what is kept, what fails in one line."""

import json
from pathlib import Path

import pytest

from tom.embedded import frontend

ROOT = frontend.ROOT
# Other ends of lines, and the words that name a map, inside of a string.
SCRIPT = 'let blank = "\u2028\x0b", map = "//# sourceMappingURL=";\n'


def test_lock_names_no_registry() -> None:
    assert "resolved" not in (ROOT / "package-lock.json").read_text()


def test_every_package_is_pinned_exactly() -> None:
    package = json.loads((ROOT / "package.json").read_text())

    versions = [*package["dependencies"].values(), *package["devDependencies"].values()]

    assert all(version[0].isdigit() for version in versions)


def test_an_installed_folder_is_left_alone(tmp_path: Path) -> None:
    stamp = frontend._fingerprint([*(ROOT / name for name in frontend.MANIFESTS), _module()])
    (tmp_path / frontend.STAMP).write_text(stamp)

    assert frontend.install_frontend(ROOT, tmp_path) is False
    assert [file.name for file in tmp_path.iterdir()] == [frontend.STAMP]


def test_a_broken_lock_fails_in_one_line_and_leaves_no_stamp(tmp_path: Path) -> None:
    root, vendor = tmp_path / "root", tmp_path / "vendor"
    root.mkdir()
    (root / "package.json").write_text('{"name": "x", "dependencies": {"htmx.org": "2.0.10"}}')
    (root / "package-lock.json").write_text("{}")

    with pytest.raises(frontend.FrontendError) as error:
        frontend.install_frontend(root, vendor)

    assert "\n" not in str(error.value)
    assert not (vendor / frontend.STAMP).exists()


def test_a_style_sheet_loses_the_line_that_names_its_map(tmp_path: Path) -> None:
    for name in (*frontend.FILES, *frontend.LICENCES):
        file = tmp_path / "packages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("body {}\n/*# sourceMappingURL=x.css.map */\n")

    frontend._copy(tmp_path / "packages", tmp_path / "vendor")

    assert (tmp_path / "vendor" / "bootstrap.min.css").read_text() == "body {}\n"


def test_a_script_keeps_what_stands_in_its_strings(tmp_path: Path) -> None:
    for name in (*frontend.FILES, *frontend.LICENCES):
        file = tmp_path / "packages" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SCRIPT, encoding="utf-8")

    frontend._copy(tmp_path / "packages", tmp_path / "vendor")

    kept = (tmp_path / "vendor" / "plotly-basic.min.js").read_text(encoding="utf-8")
    assert kept == SCRIPT


def _module() -> Path:
    return Path(frontend.__file__)
