"""A quiet site: no event is open, and nothing waits for scoring."""

from datetime import datetime
from typing import Any

import numpy as np

from tom.sky.arrays import IntArray


def nowhere(_: datetime) -> IntArray:
    return np.empty((0, 2), dtype=np.int64)


def idle() -> int:
    return 0


QUIET: Any = {"regions": nowhere, "backlog": idle}
