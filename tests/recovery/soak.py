"""`make soak`: kill -9 of every part while the demonstration night loads, a restart, a comparison.

The same night is loaded into one home in peace and into another under kills; both must hold the
same messages, points, targets, events and candidates. Prints JSON; the exit code is the verdict.
"""

import json
import os
import shutil
import signal
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

from tests.recovery.site import Site, finish, running_site, wait_for
from tests.recovery.test_kills import PARTS, all_run

LOAD_SECONDS = 600
# Each part is killed once so many messages are stored.
THRESHOLDS = dict(zip(PARTS, (300, 900, 1500, 2100), strict=True))
QUERIES = {
    "messages": "SELECT kind, state, count(*) FROM streams_alertmessage GROUP BY 1, 2 ORDER BY 1",
    "points": "SELECT kind, count(*), count(DISTINCT key), "
    "md5(string_agg(key || band || coalesce(flux, 0) || flux_error, ',' ORDER BY key)) "
    "FROM targets_lightcurvepoint GROUP BY 1 ORDER BY 1",
    "mirror": "SELECT count(*), sum(brightness)::numeric(12, 3) "
    "FROM tom_dataproducts_photometryreduceddatum",
    "targets": "SELECT count(*), sum(n_detections), sum(n_limits), "
    "bool_and(scored_version = version) FROM targets_targetsummary",
    "events": "SELECT e.event_id, e.alert_type, count(*) FROM events_nonlocalizedevent e "
    "JOIN events_eventsequence s ON s.event_id = e.id GROUP BY 1, 2",
    "candidates": "SELECT count(*), count(DISTINCT target_id), count(rank) "
    "FROM candidates_eventcandidate",
    "ranks": "SELECT t.name, c.rank, c.log_weight FROM candidates_eventcandidate c "
    "JOIN tom_targets_basetarget t ON t.id = c.target_id ORDER BY t.name",
}


def main() -> int:
    """Load the night twice and compare; return the exit code."""
    with tempfile.TemporaryDirectory(prefix="counterpart-soak-") as folder:
        calm, rough = Path(folder) / "calm", Path(folder) / "rough"
        with running_site(calm) as site:
            expected = load(site)
        shutil.copytree(calm / "demo", rough / "demo", ignore=shutil.ignore_patterns("loaded"))
        killed = kill_while_loading(rough)
        with running_site(rough) as site:
            found = load(site)
    differ = [name for name in QUERIES if found[name] != expected[name]]
    said = {"killed_at": killed, "differ": differ, "expected": expected, "found": found}
    sys.stdout.write(json.dumps(said, indent=1, default=str) + "\n")
    return 1 if differ else 0


def load(site: Site) -> dict[str, object]:
    """Load the night to its end; return what the site holds then."""
    code, said = finish(site.manage("demo_night"), seconds=LOAD_SECONDS)
    assert code == 0, said
    return contents(site)


def contents(site: Site) -> dict[str, object]:
    """What a site holds once it has ranked all events."""
    unranked = "SELECT count(*) FROM events_nonlocalizedevent WHERE ranked_version < rank_version"
    wait_for(lambda: site.query(unranked)[0][0] == 0, seconds=60)
    return {name: site.query(statement) for name, statement in QUERIES.items()}


def kill_while_loading(home: Path) -> dict[str, int]:
    """Kill each part once while the night loads; return how many messages were stored then."""
    killed = {}
    with running_site(home) as site:
        loading = [site.manage("demo_night")]

        def has_stored(least: int) -> bool:
            # It may fail where its database or Redis died under it, at once or some time after.
            if loading[-1].poll() is not None:
                loading.append(site.manage("demo_night"))
            return stored(site) >= least

        for part, threshold in THRESHOLDS.items():
            wait_for(partial(has_stored, threshold), seconds=120)
            killed[part] = stored(site)
            pid = site.kill(*PARTS[part])
            wait_for(lambda old=pid: all_run(site, not_pid=old), seconds=60)
        time.sleep(1)
        loading[-1].send_signal(signal.SIGKILL)
        loading[-1].wait()
    return killed


def stored(site: Site) -> int:
    """How many messages have been worked on."""
    count: int = site.query("SELECT count(*) FROM streams_alertmessage WHERE state = 'stored'")[0][
        0
    ]
    return count


if __name__ == "__main__":
    os.chdir(Path(__file__).resolve().parents[2])
    sys.exit(main())
