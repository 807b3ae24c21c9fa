"""Our own ranking takes part: a tiny night goes through the intake and its list is scored."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tom.benchmark.rankings import read_rankings
from tom.benchmark.rivals import RIVALS

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_a_night_is_ranked_and_scored_beside_all_rivals(hard_night, tmp_path):
    kept = tmp_path / "ours.jsonl"
    given = ["--size", "tiny", "--first", str(hard_night.seed), "--nights", "1", "--keep", kept]
    done = subprocess.run(
        [sys.executable, "-m", "tests.evaluation.benchmark", *map(str, given)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=850,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["ranking"] for row in told[:-1]] == ["ours", *RIVALS]
    assert told[0]["log_loss"]["48"] is not None
    assert set(told[-1]["gain"]) == set(RIVALS)
    lists = read_rankings(kept)
    listed = {name for each in lists for name in each.order}
    assert hard_night.counterpart in listed <= set(hard_night.names)
