"""The practice telescope: answers as an OCS portal does, in seconds, and observes nothing.

The progress of a request follows from the time since it was sent. So it survives any restart.
"""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone

from tom.followup.facilities.contract import (
    Body,
    Call,
    Capabilities,
    Instrument,
    Listing,
    Observed,
    Progress,
    Remote,
    RemoteChanges,
    Sent,
    Tools,
)
from tom.followup.facilities.limits import check_fields, check_limits, find_instrument
from tom.followup.facilities.practice.instruments import INSTRUMENTS, LABEL, NAME
from tom.followup.facilities.practice.rows import PracticeObservation
from tom.followup.facilities.practice.states import STEPS
from tom.followup.field_spec import FieldsSpec
from tom.followup.spec import Aim, ObservationSpec
from tom.outbox.errors import LookUpFailedError, RejectedError

CAPABILITIES = Capabilities(has_key=True, cancels=True, most_targets=10, most_fields=50)


class PracticeTelescope:
    """A telescope for learning and for demonstrations."""

    name = NAME
    label = LABEL
    is_real = False
    address = ""
    capabilities = CAPABILITIES
    spec = ObservationSpec

    def __init__(self, step_seconds: float, tools: Tools) -> None:
        self.poll_seconds = step_seconds / 2
        self._step_seconds = step_seconds
        self._record = tools.record

    def instruments(self) -> Sequence[Instrument]:
        return INSTRUMENTS

    def build(self, spec: ObservationSpec, *, instrument: str, aim: Aim, key: str) -> Body:
        found = find_instrument(INSTRUMENTS, instrument)
        check_limits(spec, found, now=timezone.now(), most_targets=CAPABILITIES.most_targets)
        return {
            "name": key,
            "instrument": instrument,
            "targets": [
                {"name": each.name, "ra": each.ra, "dec": each.dec} for each in spec.aims(aim)
            ],
            **spec.model_dump(mode="json", exclude={"further_targets"}),
        }

    def build_fields(self, spec: FieldsSpec, *, instrument: str, key: str) -> Body:
        found = find_instrument(INSTRUMENTS, instrument)
        check_fields(spec, found, now=timezone.now(), most_fields=CAPABILITIES.most_fields)
        return {"name": key, "instrument": instrument, **spec.model_dump(mode="json")}

    def submit(self, body: Body, *, key: str) -> Remote:
        row, _ = PracticeObservation.objects.get_or_create(
            key=key,
            defaults={
                "body": body,
                "created": timezone.now(),
                "step_seconds": self._step_seconds,
            },
        )
        remote = _remote(row)
        self._answer("POST", "requestgroups", remote, sent=body, status=201)
        return remote

    def find(self, key: str) -> Sequence[Remote]:
        row = PracticeObservation.objects.filter(key=key).first()
        remote = _remote(row) if row else None
        self._answer("GET", f"requestgroups?name={key}", remote)
        return [remote] if remote else []

    def status(self, remote_id: str) -> Remote:
        return _remote(PracticeObservation.objects.get(pk=_pk(remote_id)))

    def changes(self, since: datetime | None, *, sent: Sequence[Sent]) -> RemoteChanges:
        which = Q(pk__in=[_pk(each.id) for each in sent if each.is_open])
        if since is not None:
            life = timedelta(seconds=len(STEPS) * self._step_seconds)
            which |= Q(canceled__gte=since) | Q(created__gte=since - life)
        rows = PracticeObservation.objects.filter(which)
        return RemoteChanges([_remote(row) for row in rows], read_until=timezone.now())

    def observed(self, remote_id: str) -> Sequence[Observed]:
        return []  # it looks at no sky

    def cancel(self, remote_id: str) -> Remote:
        row = PracticeObservation.objects.get(pk=_pk(remote_id))
        if _remote(row).progress is Progress.COMPLETED:
            self._answer("POST", f"requestgroups/{remote_id}/cancel", _remote(row), status=400)
            msg = "the practice telescope has completed it"
            raise RejectedError(msg)
        row.canceled = row.canceled or timezone.now()
        row.save(update_fields=["canceled"])
        remote = _remote(row)
        self._answer("POST", f"requestgroups/{remote_id}/cancel", remote)
        return remote

    def list_instruments(self) -> Listing:
        msg = "the practice telescope lists none"
        raise LookUpFailedError(msg)

    def _answer(
        self,
        method: str,
        path: str,
        remote: Remote | None,
        *,
        sent: Body | None = None,
        status: int = 200,
    ) -> None:
        received = "[]" if remote is None else json.dumps({"id": remote.id, "state": remote.state})
        self._record(
            Call(
                method=method,
                url=f"practice:/{path}",
                sent=json.dumps(sent) if sent else "",
                status=status,
                received=received,
                error="",
                seconds=0,
            )
        )


def _remote(row: PracticeObservation) -> Remote:
    if row.canceled:
        return Remote(f"practice-{row.pk}", row.key, "CANCELED", Progress.CANCELED)
    step = int((timezone.now() - row.created) / timedelta(seconds=row.step_seconds))
    state, progress = STEPS[min(step, len(STEPS) - 1)]
    return Remote(f"practice-{row.pk}", row.key, state, progress)


def _pk(remote_id: str) -> int:
    return int(remote_id.removeprefix("practice-"))
