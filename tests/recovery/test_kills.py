"""kill -9 of any part during a replay, then on: nothing lost, nothing twice."""

import os
import threading
from contextlib import closing
from pathlib import Path

import pytest
import requests

from tests.recovery.site import Site, command_of, finish, running_site, wait_for
from tests.streams.packets import JD, make_detection, make_limit, make_ztf_packet

OBJECTS, ALERTS_EACH = 60, 15
PARTS = {
    "worker": ("celery", "worker@"),
    "ingester": ("celery", "ingest@"),
    "redis": ("redis-server",),
    "postgres": ("postgres", "-D"),
}


def write_night(folder: Path) -> None:
    """Objects that are seen again and again, each packet with its history."""
    for number in range(OBJECTS):
        for alert in range(ALERTS_EACH):
            (folder / f"{alert:02d}-{number:03d}.avro").write_bytes(make_alert(number, alert))


def make_alert(number: int, alert: int) -> bytes:
    """The packet of one alert of one object: its earlier detections, and a limit."""
    return make_ztf_packet(
        object_id=f"ZTF26{number:07d}",
        ra=(3.0 + 5.9 * number) % 360.0,
        dec=-40.0 + number % 80,
        jd=JD + alert,
        jdstarthist=JD,
        candid=10**15 + number * 1000 + alert,
        pid=10**12 + number * 1000 + alert,
        history=[
            *(history(number, earlier) for earlier in range(alert)),
            make_limit(pid=10**14 + number),
        ],
    )


def history(number: int, earlier: int) -> dict[str, object]:
    """An earlier detection, as a later packet repeats it."""
    return make_detection(
        jd=JD + earlier,
        candid=10**15 + number * 1000 + earlier,
        pid=10**12 + number * 1000 + earlier,
    )


def contents(site: Site) -> dict[str, object]:
    """What the site holds, in figures that a loss or a repetition would change."""
    return {
        "messages": site.query("SELECT state, count(*) FROM streams_alertmessage GROUP BY 1"),
        "targets": site.query("SELECT count(*) FROM tom_targets_basetarget"),
        "points": site.query(
            "SELECT kind, count(*), count(DISTINCT key) FROM targets_lightcurvepoint "
            "GROUP BY 1 ORDER BY 1"
        ),
        "mirror": site.query("SELECT count(*) FROM tom_dataproducts_photometryreduceddatum"),
        "summaries": site.query(
            "SELECT DISTINCT n_detections, n_limits, scored_version = version "
            "FROM targets_targetsummary"
        ),
    }


EXPECTED = {
    "messages": [("stored", OBJECTS * ALERTS_EACH)],
    "targets": [(OBJECTS,)],
    "points": [
        ("alert", OBJECTS * ALERTS_EACH, OBJECTS * ALERTS_EACH),
        ("limit", OBJECTS, OBJECTS),
    ],
    "mirror": [(OBJECTS * (ALERTS_EACH + 1),)],
    "summaries": [(ALERTS_EACH, 1, True)],
}


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_killing_any_part_during_a_replay_loses_nothing_and_doubles_nothing(
    tmp_path: Path,
) -> None:
    night = tmp_path / "night"
    night.mkdir()
    write_night(night)
    # A short path: sockets lie below it.
    home = tmp_path / "home"
    with running_site(home) as site:
        for words in PARTS.values():
            replay = site.manage("replay", str(night))
            wait_for(lambda: has_begun(site), seconds=60)
            killed = site.kill(*words)
            finish(replay, seconds=120)  # it may fail where its database died under it
            wait_for(lambda pid=killed: all_run(site, not_pid=pid), seconds=60)
        code, said = finish(site.manage("replay", "--wait", str(night)), seconds=240)
        assert code == 0, said
        assert contents(site) == EXPECTED

    with running_site(home) as again:  # the data is found after a stop
        assert contents(again) == EXPECTED


def has_begun(site: Site) -> bool:
    return site.query("SELECT count(*) FROM streams_alertmessage")[0][0] > 0


def all_run(site: Site, *, not_pid: int) -> bool:
    """Whether every part runs again, the killed one under another number."""
    pids = site.children()
    lines = [command_of(pid) for pid in pids]
    present = all(
        any(all(word in line for word in words) for line in lines) for words in PARTS.values()
    )
    return present and not_pid not in pids and site.answers()


@pytest.mark.timeout(400)
def test_a_killed_supervisor_leaves_no_process_and_the_next_start_is_clean(tmp_path: Path) -> None:
    home = tmp_path / "home"
    with running_site(home) as site:
        children = site.children()
        os.kill(site.process.pid, 9)
        wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in children), seconds=60)

    with running_site(home) as again:
        assert again.query("SELECT 1") == [(1,)]
        assert roles_at_the_sessions(again) == [("counterpart_web",)]


def roles_at_the_sessions(site: Site) -> list[tuple[str]]:
    """As which role the web server reads: of who waits for the sessions' table while we hold it."""
    waiting = (
        "SELECT DISTINCT usename FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
        "AND query LIKE '%django_session%'"
    )
    with closing(site.connect()) as holder, holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE")
        reader = threading.Thread(target=read_page, args=[f"http://127.0.0.1:{site.port}/"])
        reader.start()
        wait_for(lambda: bool(site.query(waiting)), seconds=60)
        found = site.query(waiting)
    reader.join()
    return found


def read_page(url: str) -> None:
    requests.get(url, cookies={"sessionid": "a" * 32}, timeout=60)
