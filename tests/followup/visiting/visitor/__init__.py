"""A facility as somebody else would add it: a folder of its own, without a key and without cancels.

It writes each request into a file that its night assistant reads.
"""

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Literal

from django.utils import timezone
from pydantic import Field

from tom.followup.facilities.contract import (
    Body,
    Call,
    Capabilities,
    Declaration,
    Facility,
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
from tom.followup.field_spec import FieldsSpec
from tom.followup.spec import Aim, ObservationSpec
from tom.outbox.errors import LookUpFailedError, RejectedError, UnknownOutcomeError
from tom.sky.visibility import Site

CAPABILITIES = Capabilities(has_key=False, cancels=False)
CAMERA = Instrument(
    name="VISITOR-CAM",
    label="Camera",
    kind="imaging",
    elements=("V",),
    seconds_max=600,
    seconds_default=60,
    modes=("NORMAL",),
    sites=("The Hill",),
)


class VisitorSpec(ObservationSpec, frozen=True, extra="forbid"):
    """A visit with a readout of its own."""

    readout: Literal["slow", "fast"] = Field(default="slow", title="Readout")


class Visitor:
    """The night assistant's file."""

    name, label, is_real, address, poll_seconds = "VISITOR", "The visitor", False, "", 60.0
    capabilities, spec = CAPABILITIES, VisitorSpec

    def __init__(self, file: Path, tools: Tools) -> None:
        self._file, self._record = file, tools.record

    def instruments(self) -> Sequence[Instrument]:
        return (CAMERA,)

    def build(self, spec: ObservationSpec, *, instrument: str, aim: Aim, key: str) -> Body:
        find_instrument(self.instruments(), instrument)
        check_limits(spec, CAMERA, now=timezone.now(), most_targets=CAPABILITIES.most_targets)
        return {"targets": [aim.model_dump()], **spec.model_dump(mode="json")}

    def build_fields(self, spec: FieldsSpec, *, instrument: str, key: str) -> Body:
        check_fields(spec, CAMERA, now=timezone.now(), most_fields=CAPABILITIES.most_fields)
        return spec.model_dump(mode="json")

    def submit(self, body: Body, *, key: str) -> Remote:
        if not self._file.parent.is_dir():  # whether an earlier write came through, nobody knows
            msg = "the file is away"
            raise UnknownOutcomeError(msg)
        lines = self._lines()
        self._file.write_text("\n".join([*lines, json.dumps(body)]))
        self._record(Call("WRITE", str(self._file), json.dumps(body), 200, "written", "", 0))
        return Remote(str(len(lines) + 1), "", "WRITTEN", Progress.PENDING)

    def find(self, key: str) -> Sequence[Remote]:
        msg = "it knows no keys: a person has to look into the file"
        raise LookUpFailedError(msg)

    def status(self, remote_id: str) -> Remote:
        return Remote(remote_id, "", "WRITTEN", Progress.PENDING)

    def changes(self, since: datetime | None, *, sent: Sequence[Sent]) -> RemoteChanges:
        return RemoteChanges([self.status(each.id) for each in sent], read_until=since)

    def observed(self, remote_id: str) -> Sequence[Observed]:
        return []  # the assistant's file does not say

    def cancel(self, remote_id: str) -> Remote:
        msg = "it cancels nothing: ask the night assistant"
        raise RejectedError(msg)

    def list_instruments(self) -> Listing:
        msg = "it lists none"
        raise LookUpFailedError(msg)

    def _lines(self) -> list[str]:
        return self._file.read_text().splitlines() if self._file.exists() else []


def _open(settings: Any, tools: Tools) -> Sequence[Facility]:
    access = settings.FACILITY_ACCESS.get("visitor", {})
    return [Visitor(Path(access["file"]), tools)] if "file" in access else []


DECLARATION = Declaration(
    CAPABILITIES, names=("VISITOR",), open=_open, sites=(Site("The Hill", 50.0, 10.0, 300.0),)
)
