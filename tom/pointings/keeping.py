"""Store pointings: in bulk, each once, whoever tells them how often."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import Group, User
from django.db import transaction

from tom.events.models import NonLocalizedEvent
from tom.events.services import note_changes
from tom.pointings.footprints import keep_footprints
from tom.pointings.models import Pointing, PointingTable, Source, Status
from tom.sky import Shape

# What a later telling of the same pointing changes.
TOLD = (
    *("facility", "instrument", "team", "ra", "dec", "position_angle", "footprint", "time"),
    *("exposure_s", "band", "depth", "depth_unit", "status"),
)
BATCH = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """A pointing as a source tells it: degrees (ICRS), UTC, seconds; None: not said."""

    external_id: str
    facility: str
    instrument: str
    shape: Shape
    ra: float
    dec: float
    time: datetime
    status: Status
    position_angle: float = 0.0
    team: str = ""
    exposure_s: float | None = None
    band: str = ""
    depth: float | None = None
    depth_unit: str = ""


@dataclass(frozen=True, slots=True)
class Kept:
    """How many pointings were new, and how many were known and say now what was told last."""

    added: int
    known: int


def identity_of(*parts: object) -> str:
    """Make an id of what tells a pointing from others, for a source that gives it none."""
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:32]


def keep_pointings(
    told: Iterable[Told],
    *,
    source: Source,
    event: NonLocalizedEvent | None,
    group: Group | None,
    table: PointingTable | None = None,
) -> Kept:
    """Store pointings for everybody or for a group; what is known already is brought up to date.

    Of two with the same id the later one counts. The chances of an event's candidates depend on
    what everybody knows was observed: its list is due again.
    """
    by_id = {each.external_id: each for each in told}
    mine = Pointing.objects.filter(source=source, event=event, group=group)
    with transaction.atomic():
        known = mine.filter(external_id__in=list(by_id)).count()
        prints = keep_footprints(_aim(each) for each in by_id.values())
        Pointing.objects.bulk_create(
            [
                Pointing(
                    source=source,
                    event=event,
                    group=group,
                    table=table,
                    footprint_id=prints[_aim(each)],
                    **_columns(each),
                )
                for each in by_id.values()
            ],
            update_conflicts=True,
            unique_fields=["source", "external_id", "event", "group"],
            update_fields=TOLD,
            batch_size=BATCH,
        )
        if event is not None and group is None:
            note_changes([event.pk])
    return Kept(len(by_id) - known, known)


def take_back(table: PointingTable) -> None:
    """Delete a table that a person uploaded, with its pointings."""
    with transaction.atomic():
        if table.group_id is None:
            note_changes([table.event_id])
        table.delete()


def upload_pointings(
    told: Sequence[Told],
    *,
    event: NonLocalizedEvent,
    group: Group | None,
    name: str,
    by: User,
) -> Kept:
    """Store a table that a person uploaded; one whose pointings are all known leaves none."""
    with transaction.atomic():
        table = PointingTable.objects.create(
            event=event, group=group, name=name[:100], n_pointings=0, created_by=by
        )
        kept = keep_pointings(told, source=Source.TABLE, event=event, group=group, table=table)
        if kept.added:
            PointingTable.objects.filter(pk=table.pk).update(n_pointings=kept.added)
        else:
            table.delete()
    return kept


def _aim(told: Told) -> tuple[Shape, float, float, float]:
    return told.shape, told.ra, told.dec, told.position_angle


def _columns(told: Told) -> dict[str, object]:
    names = (*TOLD, "external_id")
    return {name: getattr(told, name) for name in names if name != "footprint"}
