"""A scorer's process answers, or is ended with its reason; the next call has a new one."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from multiprocessing import Pipe
from pathlib import Path

import pytest
from pytest_django import Settings

from tests.scoring.curves import make_curve
from tom.scoring.contract import MOST_POINTS, Batch, Reason
from tom.scoring.host import Host, ScorerDiedError, _contributions
from tom.scoring.hosts import host_of
from tom.scoring.registry import find_scorers
from tom.scoring.runner import Abstention, Opinion

GOOD = "ml_plugins.fast_transient.FastTransient"


class Hosts(dict[str, Host]):
    """The process of each scorer, by its name."""


@pytest.fixture
def hosts(bad_plugins: list[str]) -> Iterator[Hosts]:
    found = find_scorers([GOOD, *bad_plugins])
    hosts = Hosts({s.spec.name: Host(path, s.spec, 2000, 2.0) for path, s in found.items()})
    yield hosts
    for host in hosts.values():
        host.stop()


def batch_of(n: int) -> Batch:
    return Batch.build([make_curve(str(index)) for index in range(n)])


def test_a_scorer_answers_in_order_from_a_process_of_its_own(hosts: Hosts) -> None:
    host = hosts["fast_transient"]

    first = host.judge(batch_of(20))
    child = host._child
    second = host.judge(batch_of(20))

    assert [outcome.object_id for outcome in first] == [str(i) for i in range(20)]
    assert all(isinstance(outcome, Opinion) for outcome in first)
    assert first == second
    assert child is not None
    assert child is host._child
    assert child.pid != os.getpid()


def test_a_process_whose_parent_is_killed_ends_without_a_word() -> None:
    mine, its = Pipe()
    given = [GOOD, "2000", str(its.fileno()), ""]
    child = subprocess.Popen(
        [sys.executable, "-m", "tom.scoring.child", *given],
        pass_fds=[its.fileno()],
        stderr=subprocess.PIPE,
    )
    its.close()
    assert mine.poll(60)

    mine.close()  # its name is not read: so it learns at once that nobody is there

    _, said = child.communicate(timeout=60)
    assert (child.returncode, said) == (0, b"")


def test_a_child_loads_neither_django_nor_celery() -> None:
    line = (
        "import sys, tom.planning.child, tom.scoring.child;"
        " print({'celery', 'django', 'kombu'} & {*sys.modules})"
    )

    said = subprocess.check_output([sys.executable, "-c", line], text=True, timeout=60)

    assert said == "set()\n"


def test_it_explains_its_opinions(hosts: Hosts) -> None:
    told = hosts["fast_transient"].explain(batch_of(2))

    assert {each.object_id for each in told} == {"0", "1"}
    assert all(each.name and each.text for each in told)


def test_of_a_light_curve_only_what_can_be_drawn_is_taken() -> None:
    part = {"object_id": "0", "name": "near", "log_lr": 0.0, "text": "near"}
    nan, wide = float("nan"), [[float(day), "r" * 99, 1.0] for day in range(MOST_POINTS + 5)]
    odd = [[0.0, "g", 1.0], [nan, "g", 1.0], [1.0, "g", nan]]

    told = _contributions([part, part | {"lines": odd}, part | {"lines": wide}], batch_of(1))

    assert [len(each.lines) for each in told] == [0, 1, MOST_POINTS]
    assert told[1].lines == [(0.0, "g", 1.0)]
    assert told[2].lines[0] == (0.0, "r" * 8, 1.0)


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("eternal", "it took longer than 2 s"),
        ("crashing", "ended by SIGSEGV"),
        ("lying", "breaks the contract"),
        ("quitting", "its process ended with 3"),
        ("lingering", "its process ended with 3"),
        ("unloaded", "its process ended with 4"),
    ],
)
def test_a_scorer_that_gives_no_answer_is_ended_with_the_reason(
    hosts: Hosts, name: str, reason: str
) -> None:
    host = hosts[name]

    for _ in range(2):
        with pytest.raises(ScorerDiedError, match=reason):
            host.judge(batch_of(1))
        assert host._child is None


def test_a_scorer_that_wants_too_much_memory_abstains(hosts: Hosts) -> None:
    (outcome,) = hosts["greedy"].judge(batch_of(1))

    assert isinstance(outcome, Abstention)
    assert outcome.reason == Reason.FAILED
    assert outcome.detail.startswith("it needs more than 2000 MiB: raise SCORER_MEMORY_MB. Unable")


def test_a_child_is_told_no_secret(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "very secret")
    monkeypatch.setenv("HOP_PASSWORD", "very secret")
    host = hosts["fast_transient"]
    host.judge(batch_of(1))
    assert host._child is not None

    environment = Path(f"/proc/{host._child.pid}/environ").read_bytes()

    assert b"PYTHONPATH" in environment
    assert b"very secret" not in environment


def test_an_idle_child_ends_with_its_parent(hosts: Hosts) -> None:
    host = hosts["fast_transient"]
    host.judge(batch_of(1))
    child, pipe = host._child, host._pipe
    assert child is not None
    assert pipe is not None

    pipe.close()  # as the end of our own process does

    deadline = time.monotonic() + 20
    while child.poll() is None and time.monotonic() < deadline:
        time.sleep(0.05)
    assert child.poll() is not None


def test_a_scorer_reads_the_folder_that_the_site_gives_it(
    bad_plugins: list[str], settings: Settings, tmp_path: Path
) -> None:
    settings.SCORERS, settings.SCORER_FILES = bad_plugins, tmp_path

    def judge() -> Opinion | Abstention:
        host_of.cache_clear()
        host = host_of("furnished")
        try:
            return host.judge(batch_of(1))[0]
        finally:
            host.stop()
            host_of.cache_clear()

    without = judge()
    file = tmp_path / "furnished" / "number.txt"
    file.parent.mkdir()
    file.write_text("0.75")
    given = judge()
    file.write_text("three")

    assert isinstance(without, Abstention)
    assert without.detail == "the site has given the scorer no file"
    assert isinstance(given, Opinion)
    assert given.probability == (0.75, 0.25)
    with pytest.raises(ScorerDiedError, match=r"cannot be loaded: could not convert .* 'three'"):
        judge()
