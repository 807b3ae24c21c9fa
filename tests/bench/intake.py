"""Send a night through the intake in this process, without Celery: kept, worked on, scored."""

from collections.abc import Sequence

from tom import intake
from tom.candidates.hosts import find_other_hosts
from tom.demo.night import Message
from tom.events.models import NonLocalizedEvent
from tom.forms.registry import batch_forms
from tom.ranking.services import rank_if_due
from tom.scoring.judging import score_due
from tom.streams.services import Incoming, store_messages

BATCH = 200
SCORE_BATCH = 500


def keep(messages: Sequence[Message]) -> None:
    """Keep the messages, and work on those that are not survey alerts."""
    for first in range(0, len(messages), BATCH):
        batch = messages[first : first + BATCH]
        stored = store_messages([Incoming(m.topic, m.payload) for m in batch])
        for kind, ids in stored.ids.items():
            if kind not in batch_forms():
                for pk in ids:
                    intake.work_message(pk)


def work() -> None:
    """Work on the survey alerts that wait."""
    while intake.work_alerts():
        pass


def score() -> None:
    """Score what changed, find hosts, and rank every event that it moves."""
    while score_due(most=SCORE_BATCH):
        pass
    for event in NonLocalizedEvent.objects.due_for_ranking():
        find_other_hosts(event)
        rank_if_due(event)
