"""One word for one thing: a word that was given up for another does not come back."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
FILES = sorted(
    path
    for folder, ending in (
        ("tom", "py"),
        ("ml_plugins", "py"),
        ("templates", "html"),
        ("static/js", "js"),
    )
    for path in ROOT.joinpath(folder).rglob(f"*.{ending}")
    if "migrations" not in path.parts
)
# What was said before, and the word of the glossary that it is now.
GIVEN_UP = {
    r"\bbeside=|[\"']beside[\"']": "duplicate_of",
    r"\b[Ww]ish(es|ed)?\b": "request",
    r"\bLiveEvent\b|\btom\.live\b|\blive (page|part|stream|request|update)": "change",
    r"\b[Pp]ag(ed|ing)\b|\bpage_event\b|\bPageSend\b|\bPAGE_EMAILS =": "alarm",
    r"tom\.embedded\.(program|services)\b": "component, server",
    r"\bcontext_(time|alert)\b": "surroundings",
}


@pytest.mark.parametrize("given_up", GIVEN_UP)
def test_a_word_that_was_given_up_does_not_come_back(given_up: str) -> None:
    found = [
        f"{path.relative_to(ROOT)}:{number}: say {GIVEN_UP[given_up]}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(given_up, line)
    ]

    assert len(FILES) > 400
    assert found == []


def test_a_module_of_services_is_a_stage_s() -> None:
    assert not (ROOT / "tom" / "embedded" / "services.py").exists()
