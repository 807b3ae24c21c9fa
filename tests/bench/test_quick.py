"""The bench runs, in small sizes, and leaves nothing behind."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run_bench(which: str) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench", "--quick", which],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report: dict[str, Any] = json.loads(done.stdout)
    return report


@pytest.mark.soak
@pytest.mark.timeout(960)
def test_the_bench_measures_every_stage_and_every_page_answers() -> None:
    report = run_bench("--tables")

    assert report["one_process"]["alerts_per_second"] > 0
    assert report["two_workers"]["alerts_per_second"] > 0
    assert report["points"]["points"] == 240
    assert report["points"]["ratio"] > 0
    assert report["survey_alerts"]["stored_per_second"] > 0
    assert report["survey_alerts"]["ratio"] > 1
    assert report["door"]["triggers"] == 50
    assert report["door"]["pass"] < 10
    assert report["hard_nights"]["light_curves_per_second"] > 0
    _check_growth(report["growth"])
    if report["maps"]["real"]:
        assert report["maps"]["rows_19200"]["processor_ms"] > 0
        assert report["crossmatch"]["ours"]["seconds_3d"] > 0
    assert report["ranking"]["rows_of_first"] == 200
    assert 0 < report["ranking"]["rows_of_second"] < 20
    assert (report["list"]["targets"], report["list"]["page"]["status"]) == (200, 200)
    assert report["sky_map_in_database"]["rows"] == 19_200
    assert {len(told["faults"]) for told in report["plans"].values()} == {0}
    _check_pages(report["pages"])


@pytest.mark.soak
@pytest.mark.timeout(960)
def test_the_bench_measures_every_page_of_two_readers() -> None:
    report = run_bench("--pages")

    for scene in ("full_event", "many_targets"):
        pages = report[scene]
        slow = pages.pop("over_100_ms")
        assert slow == {
            page: told["processor_ms"] for page, told in pages.items() if told["processor_ms"] > 100
        }
        assert {page.split()[0] for page in pages} == {"public", "private"}
        _check_pages(pages)


@pytest.mark.soak
@pytest.mark.timeout(960)
def test_the_bench_measures_whole_streams() -> None:
    report = run_bench("--streams")

    assert report["from_kafka"]["alerts_per_second"] > 0
    assert report["from_kafka"]["targets"] > 0
    assert report["from_kafka"]["points"] == report["from_kafka"]["mirrored_points"]
    assert 0 < report["rubin_visit"]["stored"] == report["rubin_visit"]["pass"] < 20
    assert report["rubin_full_history"]["stored"] == report["rubin_full_history"]["pass"] == 3
    steady = report["rubin_ten_minutes"]
    assert (steady["packets"], steady["lost"]) == (2600, 0)
    assert 70 < steady["stored"] == steady["pass"] < 90
    assert len(steady["lag"]) == 40
    latency = report["latency"]
    assert latency["shown"] == latency["alerts"] == 200
    for name in ("deg2_100", "deg2_10000"):
        told = report["reranked"][name]
        assert len(told["seconds"]) == 2
        assert told["area_90"] == pytest.approx(int(name.partition("_")[2]), rel=0.1)
        assert 0 < told["bytes_transferred"] < 400_000
    assert latency["seconds"]["median"] > 0
    assert latency["api_seconds"]["median"] > 0


def _check_pages(pages: dict[str, Any]) -> None:
    assert {page["status"] for page in pages.values()} == {200}
    assert all(page["processor_ms"] > 0 for page in pages.values())


def _check_growth(growth: dict[str, Any]) -> None:
    costs = growth["processor_ms_whole_ours_database"]
    assert list(costs) == [f"{n} targets, {e} events" for n in (50, 500) for e in (1, 4)]
    assert all(cost > 0 for each in costs.values() for cost in each)
    parses = growth["parses"].values()
    assert growth["most_to_least"] == pytest.approx(max(parses) / min(parses), rel=0.1)
