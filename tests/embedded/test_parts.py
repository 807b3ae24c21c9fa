"""The parts of the embedded mode by themselves: pauses, paths, command lines, locks, the table."""

import json
import os
import signal
import socket
import stat
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.peers.serving import serving
from tom import queues
from tom.celery import app
from tom.embedded import children, component, frontend, run, supervisor
from tom.embedded.children import start, stop, wait_until
from tom.embedded.component import FIRST_PAUSE, CannotRunError, Child, Component
from tom.embedded.home import LONGEST_RUN_PATH, Home, HomeError
from tom.embedded.portal_table import IMAGER, SITES, SPECTROGRAPH, instrument_table
from tom.embedded.run import ALONE, SUPERVISED, joined_servers, supervisor_lock
from tom.embedded.servers import Servers, check_disk
from tom.embedded.supervisor import Supervisor, answers, components

SLEEP = ("sleep", "600")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time as components see it; set its only item."""
    now = [1000.0]
    monkeypatch.setattr(component.time, "monotonic", lambda: now[0])
    return now


@pytest.fixture
def child() -> Iterator[Child]:
    running = start(SLEEP)
    yield running
    stop(running, first=signal.SIGKILL, seconds=5)


def ended(*argv: str) -> Child:
    running = start(argv or ("true",))
    running.wait(10)
    return running


# --- A component --------------------------------------------------------------------------------
def test_one_that_lived_long_starts_again_with_the_first_pause(clock: list[float]) -> None:
    said: list[str] = []
    it = Component("it", ended, pause=16.0)
    it.start()

    clock[0] += 61
    it.restart_if_dead(said.append)

    assert said == [f"it has ended and starts again in {FIRST_PAUSE} s"]
    assert it.child is None
    assert it.due == clock[0] + FIRST_PAUSE


def test_a_pause_doubles_to_half_a_minute_and_no_further(clock: list[float]) -> None:
    said: list[str] = []
    it = Component("it", ended)
    it.start()
    for _ in range(9):
        it.restart_if_dead(said.append)  # it has ended
        clock[0] = it.due
        it.restart_if_dead(said.append)  # and is started

    pauses = [float(line.split()[-2]) for line in said]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 30, 30, 30]


def test_it_is_not_started_before_its_pause_is_over_nor_while_it_runs(
    clock: list[float], child: Child
) -> None:
    launched: list[float] = []

    def launch() -> Child:
        launched.append(clock[0])
        return child

    it = Component("it", launch, due=clock[0] + 5)
    it.restart_if_dead(print)
    assert launched == []

    clock[0] += 5
    it.restart_if_dead(print)
    it.restart_if_dead(print)
    assert launched == [1005.0]


def test_it_has_succeeded_where_it_ended_without_a_fault(child: Child) -> None:
    succeeded = [
        Component("it", ended, child=each).has_succeeded()
        for each in (None, child, ended("false"), ended("true"))
    ]

    assert succeeded == [False, False, False, True]


def test_what_the_system_refuses_to_start_is_said_and_tried_again(clock: list[float]) -> None:
    said: list[str] = []
    it = Component("it", partial(start, ["/no/such/program"]))

    it.restart_if_dead(said.append)

    assert len(said) == 1
    assert said[0].startswith("it does not start: ")
    assert it.due == clock[0] + FIRST_PAUSE


# --- Children -----------------------------------------------------------------------------------
def test_a_child_that_ended_is_asked_nothing() -> None:
    gone = ended()

    stop(gone, first=signal.SIGTERM, seconds=1)

    assert gone.returncode == 0


def test_a_deaf_child_is_killed_after_its_time(tmp_path: Path) -> None:
    log = tmp_path / "log"
    deaf = start(["bash", "-c", "trap '' TERM; echo up; sleep 600"], log=log)
    assert wait_until(lambda: log.read_text() == "up\n", child=deaf, seconds=10)
    began = time.monotonic()

    stop(deaf, first=signal.SIGTERM, seconds=0.2)

    assert deaf.returncode == -signal.SIGKILL
    assert 0.15 < time.monotonic() - began < 5


def test_output_is_added_to_the_log_and_the_environment_to_ours(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text("old\n")

    told = ["bash", "-c", "echo $MADE $HOME; pwd; echo err >&2"]
    start(told, log=log, environment={"MADE": "x"}, cwd=tmp_path).wait(10)

    assert log.read_text().splitlines() == ["old", f"x {os.environ['HOME']}", str(tmp_path), "err"]


def test_a_child_is_in_a_session_of_its_own(child: Child) -> None:
    assert os.getsid(child.pid) == child.pid != os.getsid(0)


def test_waiting_ends_with_the_child_or_the_time(child: Child) -> None:
    assert not wait_until(lambda: False, child=ended(), seconds=60)
    assert not wait_until(lambda: False, child=child, seconds=0.1)
    assert wait_until(lambda: True, child=child, seconds=0.1)


def test_a_system_that_is_not_linux_prepares_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(children.sys, "platform", "darwin")

    assert children._prepare_child(signal.SIGTERM, None) is None


# --- The home -----------------------------------------------------------------------------------
def test_the_home_says_where_everything_lies() -> None:
    home = Home(Path("/srv/tom"))

    assert home.postgres_socket == Path("/srv/tom/run/pg")
    assert home.broker_url == "redis+socket:///srv/tom/run/redis.sock?virtual_host=0"
    assert home.redis_url == "unix:///srv/tom/run/redis.sock?db=1"
    assert home.demo_loaded == Path("/srv/tom/demo/loaded")
    database = home.database()
    assert (database["HOST"], database["USER"]) == ("/srv/tom/run/pg", "counterpart")
    assert home.database("reader")["USER"] == "reader"


@pytest.mark.parametrize("length", [LONGEST_RUN_PATH, LONGEST_RUN_PATH + 1])
def test_sockets_move_where_the_path_is_one_byte_too_long(length: int) -> None:
    # Bytes, not letters: each of these letters takes two.
    name = "ä" * ((length - len("/x/run")) // 2)
    name += "y" * (length - len(os.fsencode(f"/x{name}/run")))
    home = Home(Path(f"/x{name}"))

    assert len(os.fsencode(home.path / "run")) == length
    assert (home.run == home.path / "run") is (length == LONGEST_RUN_PATH)


def test_two_long_homes_share_no_sockets_and_one_finds_its_own_again() -> None:
    first, second = (Home(Path("/") / (letter * 100)) for letter in "ab")

    assert first.run != second.run
    assert first.run == Home(first.path).run
    assert f"-{os.getuid()}-" in first.run.name


def test_the_folders_are_entered_by_their_owner_alone(tmp_path: Path) -> None:
    home = Home(tmp_path / "a" / "home")

    home.prepare()
    home.prepare()  # a second time changes nothing

    for folder in (home.path, home.run, home.logs, home.redis_data):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_file_in_the_way_of_a_folder_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    with pytest.raises(HomeError, match="set TOM_HOME to a folder of your own") as error:
        Home(tmp_path / "home").prepare()
    assert "\n" not in str(error.value)


def test_of_many_who_make_a_secret_at_once_all_read_the_same(tmp_path: Path) -> None:
    home, found = Home(tmp_path / "home"), []
    together = threading.Barrier(8)

    def ask() -> None:
        together.wait()
        found.append(home.secret("key"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8
    assert len(set(found)) == 1
    assert [file.name for file in home.path.iterdir()] == ["key"]  # no draft is left


def test_a_file_of_settings_that_nobody_holds_is_of_a_portal_that_is_gone(tmp_path: Path) -> None:
    home = Home(tmp_path)
    home.portal_settings.write_text("OCS_PORTAL_URL=http://127.0.0.1:9\n")

    assert home.portal() == {}


def test_too_little_disk_is_said_in_gigabytes(tmp_path: Path) -> None:
    check_disk(tmp_path)  # there is room where tests run

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tom.embedded.servers.LEAST_DISK_BYTES", 10**18)
        with pytest.raises(CannotRunError, match="GB free, 1000000000 GB needed"):
            check_disk(tmp_path)


# --- The supervisor -----------------------------------------------------------------------------
def test_every_queue_that_a_task_goes_to_has_a_worker_that_takes_from_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: dict[str, tuple[str, ...]] = {}
    monkeypatch.setattr(
        supervisor, "start", lambda argv, *, log, **_: started.update({log.stem: tuple(argv)})
    )
    for each in components(Home(tmp_path), port=8123):
        each.launch()

    taken = {
        queue
        for argv in started.values()
        if "-Q" in argv
        for queue in argv[argv.index("-Q") + 1].split(",")
    }
    wanted = {route["queue"] for route in queues.ROUTES.values()} | {queues.DEFAULT}
    assert wanted <= taken
    assert set(queues.ALL.split(",")) == wanted
    assert "8123" in started["web"]
    assert components(Home(tmp_path), port=1)[0].name == "web"
    app.loader.import_default_modules()
    assert queues.ROUTES.keys() <= app.tasks.keys()


def test_the_web_server_alone_gets_its_role_and_each_process_one_thread_of_algebra(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given: dict[str, dict[str, str]] = {}
    monkeypatch.setattr(
        supervisor,
        "start",
        lambda argv, *, log, environment, **_: given.update({log.stem: environment}),
    )
    for each in components(Home(tmp_path), port=8123):
        each.launch()

    assert {name for name, env in given.items() if "DATABASE_ROLE" in env} == {"web"}
    assert all(env[SUPERVISED] == "1" for env in given.values())
    assert all(env["OMP_NUM_THREADS"] == "1" for env in given.values())


class Site(BaseHTTPRequestHandler):
    """Answers with the status that its path names."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site() -> Iterator[str]:
    with serving(HTTPServer(("127.0.0.1", 0), Site)) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(
    ("status", "does"), [(200, True), (404, True), (403, True), (500, False), (503, False)]
)
def test_a_site_answers_unless_it_fails(site: str, status: int, *, does: bool) -> None:
    assert answers(f"{site}/{status}") is does


def test_a_port_on_which_nobody_listens_answers_nothing() -> None:
    with closing(socket.socket()) as ours:
        ours.bind(("127.0.0.1", 0))
        assert not answers(f"http://127.0.0.1:{ours.getsockname()[1]}/")


def make_supervisor(tmp_path: Path, *names: str) -> Supervisor:
    home = Home(tmp_path)
    home.prepare()
    sleeping = partial(start, SLEEP)
    servers = Servers(*(Component(name, sleeping) for name in ("postgres", "redis")))
    parts = [Component(name, sleeping) for name in names]
    return Supervisor(home, servers, parts, say=print)


def test_a_web_server_that_ends_while_it_is_waited_for_is_said_with_its_log(
    tmp_path: Path,
) -> None:
    running = make_supervisor(tmp_path, "web")
    running.components[0].child = ended("false")

    with pytest.raises(CannotRunError, match=r"the web server did not start: see .*web\.log"):
        running.wait_for_web("http://127.0.0.1:9/", seconds=60)
    running.stop()


def test_new_settings_of_a_portal_start_those_again_who_read_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    running = make_supervisor(tmp_path, "web", "worker", "scorer")
    try:
        for each in running.components:
            each.start()
        before = {each.name: each.child for each in running.components}
        running._restart_on_new_settings()
        assert {each.name: each.child for each in running.components} == before

        monkeypatch.setattr(Home, "portal", lambda _: {"OCS_PORTAL_URL": "http://new"})
        running._restart_on_new_settings()
        running._restart_on_new_settings()  # they are known now

        after = {each.name: each.child for each in running.components}
        again = {name for name in after if after[name] is not before[name]}
        assert again == {"web", "worker"}
        assert all(before[name].poll() is not None for name in again)
    finally:
        running.stop()
    assert all(each.child.poll() is not None for each in running.components)


def test_a_second_wish_to_stop_kills_what_still_runs(tmp_path: Path) -> None:
    running = make_supervisor(tmp_path, "web")
    web = running.components[0].start()

    running._on_signal(signal.SIGINT, None)
    assert running.stopping
    assert web.poll() is None

    running._on_signal(signal.SIGINT, None)
    assert web.wait(10) == -signal.SIGKILL


def test_the_watch_ends_when_it_is_told_to_and_starts_what_died(tmp_path: Path) -> None:
    said: list[str] = []
    running = make_supervisor(tmp_path, "web")
    running.say = said.append
    running.components[0].child = ended("false")
    try:
        running.watch(until=lambda: bool(said))
    finally:
        running.stop()

    assert said == ["web has ended and starts again in 0.5 s"]


# --- Who joins whom -----------------------------------------------------------------------------
def test_a_second_supervisor_is_told_who_holds_the_home(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with supervisor_lock(home) as lock:
        run.sign_as_supervisor(lock)
        with pytest.raises(CannotRunError, match=f"is in use by up {os.getpid()}: stop it first"):
            supervisor_lock(home).__enter__()
    with supervisor_lock(home):  # and has it once that is gone
        pass


def test_a_command_joins_a_running_supervisor_and_starts_no_servers(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with supervisor_lock(home) as lock:
        run.sign_as_supervisor(lock)
        with joined_servers(home):
            assert ALONE not in os.environ
    assert not home.postgres_data.exists()


def test_a_supervised_process_looks_at_no_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(SUPERVISED, "1")

    with joined_servers(Home(tmp_path / "none")):
        assert not (tmp_path / "none").exists()


def test_a_command_waits_for_another_and_says_so_at_last(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "WAIT_SECONDS", 0)
    home = Home(tmp_path)
    with supervisor_lock(home) as lock:
        run._sign(lock, "command")
        with pytest.raises(CannotRunError, match="wait for it to end"):
            joined_servers(home).__enter__()


# --- The front end ------------------------------------------------------------------------------
def test_npm_is_the_wheel_s_else_the_system_s_else_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node, script = frontend.find_npm()
    assert (node.name, script.name) == ("node", "npm-cli.js")

    monkeypatch.setattr(frontend, "find_spec", lambda _: None)
    npm = tmp_path / "npm"
    npm.write_text("#!/bin/sh\necho no such lock >&2; exit 3\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert frontend.find_npm() == (npm,)
    with pytest.raises(frontend.FrontendError, match="npm ci failed: no such lock"):
        frontend.run_npm(["ci"], tmp_path)

    monkeypatch.setenv("PATH", str(tmp_path / "none"))
    with pytest.raises(frontend.FrontendError, match="install Node"):
        frontend.find_npm()


def test_a_changed_lock_is_another_fingerprint(tmp_path: Path) -> None:
    files = [tmp_path / "a", tmp_path / "b"]
    for file in files:
        file.write_text("same")
    before = frontend._fingerprint(files)

    files[1].write_text("other")

    assert frontend._fingerprint(files) != before


# --- The portal's table -------------------------------------------------------------------------
def make_instrument(code: str) -> dict[str, object]:
    modes = [{"code": "central"}, {"code": "full", "name": "Whole"}]
    return {
        "code": "xx01",
        "state": "DISABLED",
        "autoguider_camera": {"code": "ef01"},
        "instrument_type": {"code": code, "name": code, "mode_types": [{"modes": modes}]},
        "science_cameras": [{"code": "xx01", "optical_element_groups": []}],
    }


@pytest.fixture
def sites(tmp_path: Path) -> list[dict]:
    """The table's sites, made from a package whose test data has one of each kind."""
    telescopes = [
        {
            "code": "t",
            "lat": 0,
            "long": 0,
            "slew_rate": 2,
            "instrument_set": [make_instrument(code)],
        }
        for code in (IMAGER, SPECTROGRAPH)
    ]
    source = {"results": [{"enclosure_set": [{"telescope_set": [each]} for each in telescopes]}]}
    folder = tmp_path / "common" / "test_data"
    folder.mkdir(parents=True)
    (folder / "configdb.json").write_text(json.dumps(source))

    table = json.loads(instrument_table(tmp_path))

    assert table["count"] == len(table["results"]) == len(SITES)
    assert table["next"] is None
    return table["results"]


def instruments_of(site: dict) -> list[dict]:
    return [
        instrument
        for enclosure in site["enclosure_set"]
        for telescope in enclosure["telescope_set"]
        for instrument in telescope["instrument_set"]
    ]


def test_each_site_has_its_telescopes_in_domes_of_their_own(sites: list[dict]) -> None:
    coj = next(site for site in sites if site["code"] == "coj")

    assert [dome["code"] for dome in coj["enclosure_set"]] == ["doma", "domb"]
    apertures = [dome["telescope_set"][0]["aperture"] for dome in coj["enclosure_set"]]
    assert apertures == [1.0, 2.0]
    assert coj["timezone"] == 10  # 149 degrees east
    telescope = coj["enclosure_set"][0]["telescope_set"][0]
    assert (telescope["lat"], telescope["long"]) == (-31.2728, 149.0708)
    assert telescope["slew_rate"] == 2  # what the test data say of it stays


def test_every_instrument_can_be_used_and_has_a_code_of_its_own(sites: list[dict]) -> None:
    every = [instrument for site in sites for instrument in instruments_of(site)]

    assert {each["state"] for each in every} == {"SCHEDULABLE"}
    codes = [each["code"] for each in every]
    assert len(set(codes)) == len(codes)
    assert {each["instrument_type"]["code"] for each in every} == {
        *("1M0-SCICAM-SINISTRO", "2M0-FLOYDS-SCICAM", "BLANCO_NEWFIRM"),
        *("SOAR_GHTS_REDCAM", "SOAR_GHTS_REDCAM_IMAGER"),
    }
    for each in every:
        assert each["autoguider_camera"]["code"] == f"{each['code']}g"
        (camera,) = each["science_cameras"]
        assert camera["code"] == each["code"]
        modes = [mode["name"] for kind in each["instrument_type"]["mode_types"]
                 for mode in kind["modes"]]  # fmt: skip
        assert modes == ["central", "Whole"]  # where one had no name, its code


def test_optical_elements_are_grouped_by_kind_and_the_first_is_the_usual_one(
    sites: list[dict],
) -> None:
    soar = next(site for site in sites if site["code"] == "sor")
    spectrograph = instruments_of(soar)[1]

    groups = spectrograph["science_cameras"][0]["optical_element_groups"]

    assert [(group["type"], group["default"]) for group in groups] == [
        ("gratings", "SYZY_400"),
        ("slits", "slit_1.0as"),
    ]
    assert all(element["schedulable"] for group in groups for element in group["optical_elements"])


def test_a_package_without_what_the_table_is_made_of_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "common" / "test_data"
    folder.mkdir(parents=True)
    (folder / "configdb.json").write_text('{"results": []}')

    with pytest.raises(LookupError, match=IMAGER):
        instrument_table(tmp_path)
