"""Work on one plan in a process of its own, which its parent may kill: `-m tom.planning.child`.

The process has no database, no setting and no secret. It reads a line of JSON, the task, and then
the packed map. It writes lines of JSON: the steps, and at the end the result or why there is none.
"""

import json
import os
import resource
import signal
import sys
from typing import Any

from tom.planning.plain import read_task, work_task
from tom.sky import unpack


def main(memory_mb: int, seconds: int) -> None:
    """Read the task, work on it, write the result."""
    os.nice(5)  # work for which a page waits comes first
    limit = memory_mb * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.alarm(seconds)  # the parent may be gone
    task = read_task(json.loads(sys.stdin.buffer.readline()))
    skymap = unpack(sys.stdin.buffer.read())
    try:
        done = work_task(skymap, task, tell=lambda step: _say(step=step))
    except MemoryError:
        _say(failed="it needs more memory than a plan may have: ask for fewer or larger fields")
    else:
        _say(done=done)


def _say(**told: Any) -> None:
    sys.stdout.write(json.dumps(told) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
