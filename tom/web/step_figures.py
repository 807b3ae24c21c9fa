"""How long each step of the messages of the last minutes took, by topic, as Prometheus reads it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection

from tom.records.alert import SAME_EPOCH

WINDOW_MINUTES: Final = 10
MOST: Final = 2000
"""Of more messages than these within the window, about so many are looked at, spread evenly."""

QUANTILES: Final = (0.5, 0.9, 0.99)
STEPS: Final = (
    "sent_to_received",
    "received_to_stored",
    "stored_to_scored",
    "scored_to_ranked",
    "ranked_to_shown",
)

# An alert is scored by the first score of its target that knows it, whoever may see the score; it
# is ranked by the first ranking since that gave the target a new place.
STATEMENT: Final = """
    WITH asked AS (SELECT now() - %(minutes)s * interval '1 minute' AS since),
    share AS (
        SELECT greatest(1, count(*) / %(most)s) AS every
        FROM streams_alertmessage, asked WHERE received >= since
    ),
    came AS MATERIALIZED (
        SELECT m.id, m.broker, m.topic, m.sent, m.received, m.finished
        FROM streams_alertmessage m, asked, share
        WHERE m.received >= since AND m.id %% every = 0 AND m.replays = 0
            AND m.state = 'stored' AND m.broker <> ''
    ),
    known AS MATERIALIZED (
        SELECT came.*, o.target_id, scored.created AS scored
        FROM came
        LEFT JOIN targets_arrival a ON a.message_id = came.id
        LEFT JOIN targets_surveyobject o ON o.id = a.object_id
        LEFT JOIN LATERAL (
            SELECT min(s.created) AS created FROM scoring_score s
            WHERE s.target_id = o.target_id AND s.created >= came.received
                AND s.data_until >= a.time - %(same)s
        ) scored ON true
    ),
    steps AS (
        SELECT known.*, ranked.created AS ranked, ranked.published AS shown
        FROM known
        LEFT JOIN LATERAL (
            SELECT r.created, r.published
            FROM (
                SELECT p.ranking_id FROM ranking_rankedcandidate p
                JOIN candidates_eventcandidate c ON c.id = p.candidate_id
                WHERE c.target_id = known.target_id
                UNION ALL
                SELECT p.ranking_id FROM ranking_rankedcandidate p
                WHERE p.target_id = known.target_id
            ) place
            JOIN ranking_ranking r ON r.id = place.ranking_id
            WHERE r.created >= known.scored
            ORDER BY r.created LIMIT 1
        ) ranked ON known.scored IS NOT NULL
    )
    SELECT broker, topic, step, count(seconds),
        percentile_cont(%(quantiles)s::float8[]) WITHIN GROUP (ORDER BY seconds)
    FROM steps, LATERAL (VALUES
        (0, received - sent), (1, finished - received), (2, scored - finished),
        (3, ranked - scored), (4, shown - ranked)
    ) AS took (step, duration), LATERAL (SELECT extract(epoch FROM duration)::float8 AS seconds) s
    WHERE seconds IS NOT NULL
    GROUP BY broker, topic, step ORDER BY broker, topic, step
"""


@dataclass(frozen=True)
class StepFigures:
    """How long one step took for a topic's messages of the window.

    `quantiles` has a duration in seconds for each of `QUANTILES`; below zero where two clocks
    differ. `n` messages or alerts had the step's both ends.
    """

    broker: str
    topic: str
    step: str
    n: int
    quantiles: tuple[float, ...]


def read_steps() -> Iterator[StepFigures]:
    """Read the durations of the window's messages that came by a stream; one query.

    A step of which no message has both ends is left out.
    """
    given: dict[str, Any] = {
        "minutes": WINDOW_MINUTES,
        "most": MOST,
        "same": SAME_EPOCH,
        "quantiles": list(QUANTILES),
    }
    with connection.cursor() as cursor:
        cursor.execute(STATEMENT, given)
        for broker, topic, step, n, quantiles in cursor.fetchall():
            yield StepFigures(broker, topic, STEPS[step], n, tuple(quantiles))
