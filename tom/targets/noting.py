"""What alerts say of a target, stored for each audience that may know it."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from tom.records.alert import ObjectAlert
from tom.targets.models import AudienceSummary, Program
from tom.targets.places import earliest, move_audiences
from tom.targets.summary import (
    Surroundings,
    note_audience_surroundings,
    note_surroundings,
)


class Told(NamedTuple):
    """An alert with its target and the program that sent it."""

    target_id: int
    program: Program
    alert: ObjectAlert


def note_alerts(told: Iterable[Told], audiences: Sequence[AudienceSummary]) -> None:
    """Store the surroundings, first sightings and places of alerts.

    `audiences` are all that these targets have but the public one.
    """
    publicly: dict[int, list[ObjectAlert]] = defaultdict(list)
    privately: dict[tuple[int, int], list[ObjectAlert]] = defaultdict(list)
    for target_id, program, alert in told:
        if alert.is_by_hand:
            continue
        if program.public:
            publicly[target_id].append(alert)
        else:
            privately[target_id, program.pk].append(alert)
    known = {
        row.pk: [
            *publicly.get(row.target_id, ()),
            *(a for pk in row.programs for a in privately.get((row.target_id, pk), ())),
        ]
        for row in audiences
    }
    note_surroundings(_surroundings(publicly))
    note_audience_surroundings(_surroundings(known))
    _place(audiences, known)


def _surroundings(known: Mapping[int, Sequence[ObjectAlert]]) -> list[Surroundings]:
    """What the newest packet says; a light curve that is only retold says nothing of it."""
    known = {key: [a for a in alerts if not a.is_retold] for key, alerts in known.items()}
    return [
        Surroundings(
            key,
            min((a.history_start for a in alerts if a.history_start), default=None),
            max(alerts, key=_age),
        )
        for key, alerts in sorted(known.items())
        if alerts
    ]


def _age(alert: ObjectAlert) -> tuple[object, ...]:
    """The order of a target's alerts: by time, then by id."""
    return (alert.time, alert.alert_id)


def _place(
    audiences: Iterable[AudienceSummary], known: Mapping[int, Sequence[ObjectAlert]]
) -> None:
    moved = {}
    for row in audiences:
        if not known[row.pk]:
            continue
        first = earliest(known[row.pk])
        stands = (row.position_time, row.position_alert)
        if row.position_time is None or (first.time, first.alert_id) < stands:
            moved[row.pk] = first
    move_audiences(moved)
