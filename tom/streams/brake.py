"""Hold what comes in streams of survey alerts while the work on them is behind."""

import time
from collections.abc import Callable, Iterable
from typing import Final

from django.conf import settings
from django.db import Error, connection

from tom.forms.declared import Lane
from tom.forms.networks import UNKNOWN
from tom.forms.recognition import identify
from tom.forms.registry import batch_forms, forms
from tom.streams.bounded import bounded

LOOK_SECONDS: Final = 2.0
GO_ON: Final = 0.8
"""At this share of the limit reading goes on, so that it does not stop at each other batch."""

_COUNT_UNREAD: Final = """
    SELECT count(*) FROM (
        SELECT FROM streams_alertmessage WHERE state = 'received' AND kind = ANY(%s) LIMIT %s
    ) AS waiting
"""

Backlog = Callable[[], int]
"""How many targets wait for scoring."""


class Brake:
    """Says of which topics of a source nothing is fetched, and how much work they wait for.

    That is the targets that are due for scoring, and the survey packets that are not read yet:
    nearly each of those makes a target due. Notices, circulars and other texts are never held: what
    matters most is rare, and quick to work on.
    """

    def __init__(self, topics: Iterable[str], backlog: Backlog) -> None:
        self._backlog = backlog
        kinds = {topic: identify(topic, b"") for topic in topics}
        self._surveys = {topic for topic, kind in kinds.items() if _is_survey(kind)}
        # The topic does not say it: its first messages will.
        self._unsure = {topic for topic, kind in kinds.items() if kind == UNKNOWN}
        self._waits_for = 0
        self._next_look = 0.0

    def note(self, topic: str, kind: str) -> None:
        """Note the form of a message that came on a topic."""
        if topic in self._unsure and _is_survey(kind):
            self._unsure.discard(topic)
            self._surveys.add(topic)

    def look(self) -> dict[str, int]:
        """The topics that are held now, each with the number of packets and targets due."""
        if self._surveys and time.monotonic() >= self._next_look:
            self._waits_for = self._count()
            self._next_look = time.monotonic() + LOOK_SECONDS
        return dict.fromkeys(self._surveys, self._waits_for) if self._waits_for else {}

    def _count(self) -> int:
        limit = settings.SCORING_BACKLOG
        if not limit:
            return 0
        try:
            with bounded():
                due = self._backlog() + count_unread(most=2 * limit)
        except Error:  # what cannot be counted holds nothing that was not held
            connection.close()
            return self._waits_for
        return due if due > (GO_ON * limit if self._waits_for else limit) else 0


def count_unread(*, most: int) -> int:
    """Count the kept survey packets that are not read yet, up to `most`; from an index alone."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNT_UNREAD, [list(batch_forms()), most])
        return int(cursor.fetchone()[0])


def _is_survey(kind: str) -> bool:
    form = forms().get(kind)
    return form is not None and form.lane is Lane.BATCH
