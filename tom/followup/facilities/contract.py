"""What a folder of facilities declares, and what every facility offers.

Calls fail with the errors of `tom.outbox.errors`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from tom.followup.spec import Aim, ObservationSpec
from tom.sky.exposure import Camera
from tom.sky.visibility import Site

Body = dict[str, Any]  # JSON as the facility wants it


class Progress(StrEnum):
    """How far a facility is with a request, in our words."""

    PENDING = "pending"
    SCHEDULED = "scheduled"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    EXPIRED = "expired"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def is_end(self) -> bool:
        """Whether the facility will do no more, as far as it knows."""
        return self not in {Progress.PENDING, Progress.SCHEDULED, Progress.IN_PROGRESS}


@dataclass(frozen=True)
class Remote:
    """What a facility says of one request."""

    id: str
    key: str
    state: str  # in its own words
    progress: Progress


@dataclass(frozen=True)
class Sent:
    """A request that a facility has: its id there, what was sent, and whether it goes on."""

    id: str
    body: Body
    is_open: bool


@dataclass(frozen=True)
class RemoteChanges:
    """The requests that changed at a facility, and the moment of its clock read up to."""

    remotes: Sequence[Remote]
    read_until: datetime | None
    unread: str = ""  # what was odd about those left out


@dataclass(frozen=True)
class Instrument:
    """What a form needs to know of an instrument."""

    name: str
    label: str
    kind: Literal["imaging", "spectrum"]
    elements: tuple[str, ...]
    seconds_max: float
    seconds_default: float
    modes: tuple[str, ...] = ("NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE")
    sites: tuple[str, ...] = ()  # names in tom.followup.sites
    camera: Camera | None = None  # None: no exposure is proposed by the magnitude
    # How its telescope may point: not lower, nor farther from the meridian.
    altitude_min_deg: float = 0
    hour_angle_max_hours: float = 12

    @property
    def element_label(self) -> str:
        """What its elements are called."""
        return "Filter" if self.kind == "imaging" else "Slit"


@dataclass(frozen=True)
class Call:
    """One call to a facility and its answer, as it may be stored: without secrets."""

    method: str
    url: str
    sent: str
    status: int | None
    received: str
    error: str
    seconds: float


Recorder = Callable[[Call], None]
Listing = dict[str, Any]  # what a facility says of its instruments, as JSON


@dataclass(frozen=True)
class Capabilities:
    """What a facility can do, in plain data."""

    has_key: bool
    """It can be asked for what was sent by our key, so that a lost answer settles itself."""
    cancels: bool
    amends: bool = False
    """It changes what it has. Nothing here asks for that yet."""
    gives_data: bool = False
    """It hands out the data. Nothing here fetches them yet."""
    lists_instruments: bool = False
    most_targets: int = 1
    """In one request."""


class Facility(Protocol):
    """An observatory, or the portal of several."""

    name: str
    label: str
    is_real: bool  # whether a telescope may move: then only live events reach it
    address: str  # whom its calls reach, as `tom.changes.addresses` knows it; empty: nobody outside
    poll_seconds: float  # how often to ask while something is under way
    capabilities: Capabilities
    spec: type[ObservationSpec]  # what may be asked for; the form is made from its schema

    def instruments(self) -> Sequence[Instrument]:
        """Name what may be asked for."""

    def build(self, spec: ObservationSpec, *, instrument: str, aim: Aim, key: str) -> Body:
        """Write the body that `submit` will send; raise InvalidSpecError where it cannot be."""

    def submit(self, body: Body, *, key: str) -> Remote:
        """Send it, once. Raises NothingSentError, RejectedError or UnknownOutcomeError."""

    def find(self, key: str) -> Sequence[Remote]:
        """Ask for what has this key, the first to come through first; none: surely not there.

        It is more than one where a call that we gave up came through late. Raises
        LookUpFailedError.
        """

    def status(self, remote_id: str) -> Remote:
        """Ask how far one request is. Raises LookUpFailedError."""

    def changes(self, since: datetime | None, *, sent: Sequence[Sent]) -> RemoteChanges:
        """Ask in bulk what changed of what was sent. Raises LookUpFailedError."""

    def cancel(self, remote_id: str) -> Remote:
        """Cancel it. Raises NothingSentError, RejectedError (too late) or UnknownOutcomeError."""

    def list_instruments(self) -> Listing:
        """Ask for what it says of its instruments. Raises LookUpFailedError."""


@dataclass(frozen=True)
class Tools:
    """What a facility is opened with, in addition to its credentials."""

    record: Recorder
    listing: Callable[[str], Listing]
    """What the facility of a name last said of its instruments; empty: nothing so far."""


@dataclass(frozen=True)
class Declaration:
    """What one folder declares: its facilities, and how each is opened as the settings stand."""

    capabilities: Capabilities
    names: tuple[str, ...]
    open: Callable[[Any, Tools], Sequence[Facility]]
    """Open those that the settings (the first argument) offer; none where they hold no access."""
    sites: tuple[Site, ...] = ()
    """Where its telescopes stand, but for those of `tom.followup.sites`."""
