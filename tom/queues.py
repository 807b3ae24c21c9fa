"""The queues of tasks: which task goes where, and which worker takes from which.

Workers take from their queues in turn: an event never waits for a night's alerts, nor does the
sweep, which would grow stale behind batch after batch. What calls somebody outside waits for an
answer and does nothing else: it has a worker of its own, of threads, and keeps nothing waiting.
Scorers have another: a thread waits for the process in which one judges, and may be killed. So do
plans.
"""

from typing import Final

_TASKS: Final = {
    "urgent": ("pipeline.ingest", "sweeping.sweep"),
    "score": ("pipeline.score", "pipeline.rank", "pipeline.after_ranking", "pipeline.rank_list"),
    "scorers": (
        *("pipeline.judge", "pipeline.judge_spectra", "pipeline.explain"),
        "pipeline.make_plan",
    ),
    "calls": (
        *("pipeline.submit", "pipeline.cancel", "pipeline.alarm", "pipeline.tell"),
        *("pipeline.follow", "pipeline.list_instruments", "pipeline.look_up"),
        *("pipeline.try_stream", "pipeline.try_filter", "pipeline.ask_pointings"),
        "pipeline.publish_classes",
        "sweeping.ask_archive",
    ),
}
DEFAULT: Final = "work"  # survey alerts, and what is not named above
ROUTES: Final = {
    f"tom.{task}": {"queue": queue} for queue, tasks in _TASKS.items() for task in tasks
}

WORKER: Final = "urgent,work,score"
CALLER: Final = "calls"
INGESTER: Final = "ingest"
SCORER: Final = "scorers"
ALL: Final = f"{WORKER},{CALLER},{SCORER}"
CALLER_THREADS: Final = 12
SCORER_THREADS: Final = 8
