"""What the efficiency page of an event shows: what the pointings would have caught, or why not."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from django.contrib.auth.models import User

from tom.events.localizations import chosen_localization
from tom.events.models import EventLocalization, NonLocalizedEvent
from tom.pipeline import estimate, nudge, trace
from tom.pointings.coverage import looks_of
from tom.pointings.efficiency import Found, read_stored
from tom.pointings.estimating import untraced, wanted_efficiency
from tom.pointings.prepared import EfficiencyState
from tom.web.coverage import Asked, find_pointings, looks_after


class Stage(StrEnum):
    """How far an event's efficiency is."""

    NO_MAP = "no map"
    NO_TIME = "no time"
    NO_DISTANCE = "no distance"
    NO_POINTING = "no pointing"
    WAITING = "waiting"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True)
class Opened:
    """An event's efficiency for one reader, and with which map."""

    stage: Stage
    use: EventLocalization | None = None
    found: Found | None = None
    reason: str = ""


def open_efficiency(event: NonLocalizedEvent, user: User, asked: Asked) -> Opened:
    """Find what the pointings that a user may see would have caught; if need be, ask for it."""
    use = chosen_localization(event)
    if use is None or event.time is None:
        return Opened(Stage.NO_MAP if use is None else Stage.NO_TIME, use)
    if not use.localization.distance_fraction > 0:
        return Opened(Stage.NO_DISTANCE, use)
    looks = looks_after(event, looks_of(find_pointings(event, user, asked)))
    if not looks:
        return Opened(Stage.NO_POINTING, use)
    if untraced(looks):
        nudge(trace)
        return Opened(Stage.WAITING, use)
    row = wanted_efficiency(use.localization_id, looks, event.time)
    if row.state == EfficiencyState.WAITING:
        nudge(estimate, row.pk)
        return Opened(Stage.WAITING, use)
    if row.state == EfficiencyState.FAILED:
        return Opened(Stage.FAILED, use, reason=row.reason)
    return Opened(Stage.DONE, use, read_stored(row.result))


def grid_rows(found: Found) -> Iterator[tuple[float, float, float, float]]:
    """Decline, absolute magnitude, and the chances to have caught it once and twice."""
    for decline, once, twice in zip(found.declines, found.once, found.twice, strict=True):
        for row in zip(found.magnitudes, once, twice, strict=True):
            yield (decline, *row)


def whole_magnitudes(found: Found) -> tuple[list[int], list[tuple[float, list[float]]]]:
    """The table of the page: whole absolute magnitudes, and the chances at each decline."""
    columns = [at for at, magnitude in enumerate(found.magnitudes) if magnitude == int(magnitude)]
    rows = [
        (decline, [chances[at] for at in columns])
        for decline, chances in zip(found.declines, found.once, strict=True)
    ]
    return [int(found.magnitudes[at]) for at in columns], rows
