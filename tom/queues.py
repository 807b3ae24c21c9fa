"""The queues of tasks: which task goes where, and which worker takes from which.

Workers take from their queues in turn: an event never waits for a night's alerts, nor does the
sweep, which would grow stale behind batch after batch. What calls somebody outside waits for an
answer and does nothing else: it has a worker of its own, of threads, and keeps nothing waiting.
Scorers have another: a thread waits for the process in which one judges, and may be killed. So do
plans.
"""

from typing import Final

_TASKS: Final = {
    "urgent": ("ingest", "sweep"),
    "score": ("score", "rank", "after_ranking", "rank_list"),
    "scorers": ("judge", "explain", "make_plan"),
    "calls": (
        *("submit", "cancel", "alarm", "tell", "follow", "list_instruments", "look_up"),
        *("try_stream", "try_filter", "ask_archive", "ask_pointings"),
    ),
}
DEFAULT: Final = "work"  # survey alerts, and what is not named above
ROUTES: Final = {
    f"tom.pipeline.{task}": {"queue": queue} for queue, tasks in _TASKS.items() for task in tasks
}

WORKER: Final = "urgent,work,score"
CALLER: Final = "calls"
INGESTER: Final = "ingest"
SCORER: Final = "scorers"
ALL: Final = f"{WORKER},{CALLER},{SCORER}"
CALLER_THREADS: Final = 12
SCORER_THREADS: Final = 8
