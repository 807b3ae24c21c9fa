"""A person's own filter, in the process that it really gets: what it may do, and what ends it."""

import importlib
import os
import socket
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from ml_plugins.filter.devkit import DevKitLocus
from ml_plugins.filter.loci import locus_of
from tests.scoring.curves import make_curve
from tests.scoring.own_scorers import filter_parts
from tom.scoring import host as host_module
from tom.scoring.contract import Batch, Reason
from tom.scoring.filter_tags import UnreadableTagsError, read_tags
from tom.scoring.host import Host, ScorerDiedError
from tom.scoring.own import Parts
from tom.scoring.own_trial import UselessError, try_scorer
from tom.scoring.runner import Abstention, Opinion


@pytest.fixture
def start() -> Iterator[Callable[..., Host]]:
    hosts: list[Host] = []

    def make(parts: Parts, patience: float = 20.0) -> Host:
        hosts.append(Host.of_own(parts, patience_seconds=patience))
        return hosts[-1]

    yield make
    for host in hosts:
        host.stop()


def batch_of(n: int = 2) -> Batch:
    return Batch.build([make_curve(str(row)) for row in range(n)])


def source_of(body: str, *, tags: tuple[str, ...] = ("bright",), before: str = "") -> str:
    """A filter of these tags, whose `_run` has this body."""
    declared = [{"name": name, "description": name} for name in tags]
    head = "from antares_devkit.models import BaseFilter\n"
    text = f"class Made(BaseFilter):\n    OUTPUT_LOCUS_TAGS = {declared!r}\n\n"
    run = textwrap.indent(textwrap.dedent(body).strip(), " " * 8)
    return f"{head}{before}\n{text}    def _run(self, locus):\n{run}\n"


BRIGHT = """
    if locus.alert.properties["ant_mag"] < 19.5:
        locus.tag("bright")
    locus.set_property("last_mag", locus.alert.properties["ztf_magpsf"])
"""


def test_its_tags_are_the_answer_and_its_properties_the_reason(start) -> None:
    host = start(filter_parts(source_of(BRIGHT)))
    faint = make_curve("faint", [(0.0, "g", 21.0), (1.0, "r", 20.0)])
    batch = Batch.build([make_curve("bright"), faint, make_curve("dark", [])])

    bright, told, dark = host.judge(batch)
    reasons = [each.text for each in host.explain(batch.take([0]))]

    assert (bright.probability, told.probability) == ((1.0,), (0.0,))
    assert (dark.reason, reasons) == (Reason.TOO_FEW_POINTS, ["bright: bright", "last_mag = 19.0"])


def test_what_is_written_into_a_copy_of_the_properties_is_told_as_lost(start) -> None:
    body = """
        locus.properties["mine"] = 1
        locus.properties["kept"] = 2
        locus.set_property("kept", 2)
    """

    told = start(filter_parts(source_of(body))).explain(batch_of(1))

    lost = "mine is lost: use locus.set_property('mine', ...)"
    assert [each.text for each in told] == ["kept = 2", lost]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -1e39, None])
def test_a_property_is_a_text_or_a_number_that_can_be_kept(value: object) -> None:
    locus = DevKitLocus("1", 0.0, 0.0, [])

    with pytest.raises(ValueError, match="a property"):
        locus.set_property("p", value)

    assert locus.properties == {}


def test_a_locus_tells_magnitudes_of_alerts_and_limits_up_to_the_newest_detection() -> None:
    seen = [(0.0, "r", 20.5), (1.0, "r", 19.0), (1.1, "g", 19.2), (2.0, "g", 20.0)]
    kinds = ["limit", "alert", "forced", "limit"]
    curve = make_curve("7", seen, kinds=kinds, survey=["ZTF"] * 4, alert_values={"drb": 0.9})

    locus = locus_of(Batch.build([curve]), 0)

    assert [each.properties["ant_survey"] for each in locus.alerts] == [2, 1]
    newest = locus.alert.properties
    assert newest["ant_mag"] == pytest.approx(19.0)
    assert newest["ant_magerr"] == pytest.approx(0.0543, abs=1e-4)  # 5% of the flux
    assert (newest["ant_passband"], newest["ztf_fid"], newest["ztf_drb"]) == ("R", 2, 0.9)
    assert locus.alerts[0].properties["ant_maglim"] == pytest.approx(20.5)
    assert len(locus.lightcurve()) == 2


@pytest.mark.parametrize(
    ("name", "kind", "fraction"),
    [("highsnr", "HighSNR", 0.01), ("simple_slsn_filter", "SimpleSLSNPreFilter", 0.05)],
)
def test_a_public_filter_of_antares_runs_unchanged(start, name, kind, fraction) -> None:
    pytest.importorskip("antares_devkit", reason="antares-devkit is not installed")
    real = importlib.import_module("antares_devkit.models")
    public = importlib.import_module(f"antares_devkit.filters.{name}")
    rng = np.random.default_rng(2)
    curves = [
        make_curve(
            str(row),
            [(float(day), "gr"[day % 2], rng.uniform(16, 20)) for day in range(8)],
            error_fraction=fraction * rng.uniform(0.5, 3),
        )
        for row in range(12)
    ]
    batch = Batch.build(curves)

    told = start(filter_parts(Path(public.__file__).read_text())).judge(batch)

    for row, outcome in enumerate(told):
        ours = locus_of(batch, row)
        alerts = [
            real.DevkitAlert(id=a.id, mjd=a.mjd, properties=a.properties) for a in ours.alerts
        ]
        locus = real.DevKitLocus(
            id=ours.id, ra=ours.ra, dec=ours.dec, alerts=alerts,
            internal_properties=ours.internal_properties,
        )  # fmt: skip
        assert getattr(public, kind)().run(locus).status == "Succeeded"
        tags = [tag["name"] for tag in getattr(public, kind).OUTPUT_LOCUS_TAGS]
        assert outcome.probability == tuple(float(tag in locus.tags) for tag in tags)
    assert any(outcome.probability[0] for outcome in told)


KNOWN = {
    "DJANGO_SETTINGS_MODULE",
    "PYTHONPATH",
    "HOME",
    "LANG",
    "LC_CTYPE",
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
}
LOOKS_AROUND = """
    import os, socket, subprocess
    def works(name, do):
        try:
            do()
        except BaseException:
            return
        locus.tag(name)
    works("ran", lambda: 1)
    works("network", lambda: socket.create_connection(("127.0.0.1", PORT), 1))
    works("socket", lambda: socket.socket(socket.AF_UNIX).connect(PLACE))
    works("passwords", lambda: open("/etc/passwd").read())
    works("files", lambda: open(MANAGE).read())
    works("writing", lambda: open("/usr/written", "w"))
    works("processes", lambda: os.listdir("/proc/self"))
    works("killing", lambda: os.kill(PARENT, 0))
    works("privileges", lambda: os.setuid(0))
    works("mounts", lambda: os.chroot("/usr"))
    works("secret", lambda: os.environ["SECRET_KEY"])
    locus.set_property("environment", " ".join(sorted(os.environ)))
"""


def test_it_finds_no_network_no_file_no_process_and_no_secret(start, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    tcp, unix = socket.create_server(("127.0.0.1", 0)), socket.socket(socket.AF_UNIX)
    place = str(tmp_path / "socket")
    unix.bind(place)
    unix.listen()
    facts = {
        "PORT": tcp.getsockname()[1], "PLACE": place, "PARENT": os.getpid(),
        "MANAGE": str(Path(host_module.__file__).parents[2] / "manage.py"),
    }  # fmt: skip
    before = "".join(f"{name} = {value!r}\n" for name, value in facts.items())
    tags = ("ran", "network", "socket", "passwords", "files", "writing", "processes", "killing",
            "privileges", "mounts", "secret")  # fmt: skip
    host = start(filter_parts(source_of(LOOKS_AROUND, tags=tags, before=before)))

    (told,) = host.judge(batch_of(1))
    reasons = [each.text for each in host.explain(batch_of(1))]

    tcp.close()
    unix.close()
    assert isinstance(told, Opinion), told
    found = [name for name, value in zip(tags, told.probability, strict=True) if value]
    assert found == ["ran"]
    (environment,) = [text for text in reasons if text.startswith("environment")]
    assert set(environment.split()[2:]) <= KNOWN


ANSWER = '[["somebody else", [2.0], -1]]'
WRITES = """
    import os, time
    for fd in range(3, 64):
        try:
            os.write(fd, HEAD + BODY)
        except OSError:
            continue
    time.sleep(SLEEP)
"""


@pytest.mark.parametrize(
    ("body", "before", "why"),
    [
        ("while True: pass", "", "it took longer than 1 s"),
        ("import ctypes; ctypes.string_at(0)", "", "ended by SIGSEGV"),
        (
            WRITES,
            f"BODY, SLEEP = {ANSWER.encode()!r}, 0\nHEAD = len(BODY).to_bytes(4, 'big')\n",
            "its answer breaks the contract",
        ),
        (
            WRITES,
            "BODY, SLEEP, HEAD = b'[', 60, (10**6).to_bytes(4, 'big')\n",
            "its process was ended by SIGKILL",
        ),
        (
            WRITES,
            "BODY, SLEEP = b'[' * 100_000, 0\nHEAD = len(BODY).to_bytes(4, 'big')\n",
            "its answer breaks the contract",
        ),
        (
            "import __main__; __main__._plain = lambda said: [said.object_id, [1.0], -5]",
            "",
            "its answer breaks the contract: score returned .* a negative sigma",
        ),
        ("import os; os._exit(3)", "", "it ended its own process, with 3"),
    ],
    ids=["eternal", "crashing", "lying", "half an answer", "deep answer", "patching", "quitting"],
)
def test_a_bad_filter_is_ended_and_told_of(start, monkeypatch, body, before, why) -> None:
    monkeypatch.setattr(host_module, "READING_SECONDS", 1.0)
    host = start(filter_parts(source_of(body, before=before), seconds_per_object=0.001), 1.0)

    with pytest.raises(ScorerDiedError, match=why):
        host.judge(batch_of(1))

    assert host._child is None


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("while True:\n    pass\n", "more than 8 s of a processor to load"),
        ("import time\ntime.sleep(100)\n", "more than 20 s to load"),
    ],
)
def test_a_filter_that_does_not_end_while_it_is_loaded_is_ended(start, before, why) -> None:
    host = start(filter_parts(source_of("pass", before=before)))
    begun = time.monotonic()

    with pytest.raises(ScorerDiedError, match=why):
        host.judge(batch_of(1))

    assert time.monotonic() - begun < 40  # of a busy machine; it was 60


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("x = 1\nlocus.alert.properties['nope']", "line 8: KeyError: 'nope'"),
        ("import numpy as np; np.linalg.inv([[0.0]])", "line 7: LinAlgError: Singular matrix"),
        ("raise SystemExit", "line 7: ValueError: it would end its process (SystemExit): return"),
        ("import sys; sys.exit(3)", "line 7: ValueError: it would end its process (SystemExit)"),
        ("raise KeyboardInterrupt", "line 7: ValueError: it would end its process (Keyboard"),
        ("raise BlockingIOError(11, 'No')", "line 7: it may start no more processes ([Errno 11]"),
    ],
)
def test_a_failure_is_told_with_the_line_of_the_source(start, body: str, words: str) -> None:
    (outcome,) = start(filter_parts(source_of(body))).judge(batch_of(1))

    assert isinstance(outcome, Abstention)
    assert outcome.detail.startswith(words)


def test_a_filter_that_leaks_fails_within_its_own_memory(start) -> None:
    leak = source_of("KEPT.append(bytearray(60_000_000))", before="KEPT = []\n")
    host = start(filter_parts(leak, memory_mb=900))

    outcomes = [host.judge(batch_of(1))[0] for _ in range(20)]

    assert isinstance(outcomes[0], Opinion)
    assert isinstance(outcomes[-1], Abstention)
    words = "line 8: it needs more than 900 MiB: raise Memory (the site's most is SCORER_MEMORY_MB)"
    assert outcomes[-1].detail == words


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (source_of("1 / 0"), "on the object 'made 0': line 7: ZeroDivisionError"),
        (source_of("locus.tag('other')"), "is not among its OUTPUT_LOCUS_TAGS"),
        (
            source_of("SEEN.append(1); len(SEEN) % 3 or locus.tag('bright')", before="SEEN = []\n"),
            "it answers otherwise if it is asked again",
        ),
        (source_of("pass", before="1 / 0\n"), "cannot be loaded: line 2: ZeroDivisionError"),
        (source_of("pass").replace("_run", "run"), "the filter has no _run"),
        ("class Made:\n    OUTPUT_LOCUS_TAGS = [{'name': 'x'}]\n", "0 classes of filters"),
    ],
)
@pytest.mark.django_db
def test_a_trial_says_what_is_wrong(source: str, why: str) -> None:
    with pytest.raises(UselessError, match=why):
        try_scorer(filter_parts(source))


@pytest.mark.parametrize("source", ["class (", "x = 1", "class A:\n    OUTPUT_LOCUS_TAGS = tags()"])
def test_a_source_that_does_not_say_its_tags_is_refused(source: str) -> None:
    with pytest.raises(UnreadableTagsError):
        read_tags(source)


def test_a_source_without_a_tag_is_told_so() -> None:
    with pytest.raises(UnreadableTagsError, match="No class of it declares a tag"):
        read_tags("x = 1")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("body", "how"),
    [
        ("import os\nif locus.ra == 152.0: os._exit(3)", "it ended its own process, with 3"),
        ("import os\nif locus.ra == 152.0: os.abort()", "its process was ended by SIGABRT"),
    ],
)
def test_the_object_that_ends_the_process_is_named_when_it_is_tried(body: str, how: str) -> None:
    with pytest.raises(UselessError, match=f"^on the object 'made 2': {how}"):
        try_scorer(filter_parts(source_of(body)))
