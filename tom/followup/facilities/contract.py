"""What a folder of facilities declares, and what every facility offers.

Calls fail with the errors of `tom.outbox.errors`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol

from tom.followup.field_spec import FieldsSpec
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
        """Whether the facility plans no more work on the request."""
        return self not in {Progress.PENDING, Progress.SCHEDULED, Progress.IN_PROGRESS}


@dataclass(frozen=True)
class Remote:
    """A facility's answer about one request."""

    id: str
    key: str
    state: str  # in its own words
    progress: Progress


@dataclass(frozen=True)
class Observed:
    """Exposures that a facility took for a request: where and when, of one optical element."""

    id: str  # among those of the request
    ra: float  # ICRS degrees
    dec: float
    start: datetime
    seconds: float  # of all exposures together
    element: str
    site: str  # as the facility names it


@dataclass(frozen=True)
class Sent:
    """A request that a facility has: its id there, the body sent, and whether it is still open."""

    id: str
    body: Body
    is_open: bool


@dataclass(frozen=True)
class RemoteChanges:
    """The requests that changed at a facility until `read_until`, a time of its clock.

    If `read_until` is None, the next question asks for all changes since our first request.
    """

    remotes: Sequence[Remote]
    read_until: datetime | None
    unread: str = ""  # why a request was left out: its answer could not be read


@dataclass(frozen=True)
class Instrument:
    """The properties of an instrument that forms and requests need."""

    name: str
    label: str
    kind: Literal["imaging", "spectrum"]
    elements: tuple[str, ...]
    seconds_max: float
    seconds_default: float
    modes: tuple[str, ...] = ("NORMAL", "TIME_CRITICAL", "RAPID_RESPONSE")
    sites: tuple[str, ...] = ()  # names in tom.followup.sites
    camera: Camera | None = None  # None: no exposure is proposed by the magnitude
    # Its name among the telescopes of plans (`tom/planning/telescopes.toml`): an observation costs
    # their moves and reading. "": it has none there.
    telescope: str = ""
    # The telescope points neither lower than this altitude nor farther from the meridian.
    altitude_min_deg: float = 0
    hour_angle_max_hours: float = 12

    @property
    def element_label(self) -> str:
        """The name of its kind of optical elements."""
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
Listing = dict[str, Any]  # a facility's list of its instruments, as JSON


@dataclass(frozen=True)
class Capabilities:
    """What a facility can do, in plain data."""

    has_key: bool
    """The facility can be asked for a request by our key, so a lost answer can be settled."""
    cancels: bool
    amends: bool = False
    """The facility can change a request that it has. Nothing here asks for that yet."""
    gives_data: bool = False
    """The facility gives the data to programs. Nothing here fetches them yet."""
    lists_instruments: bool = False
    most_targets: int = 1
    """Targets in one request."""
    most_fields: int = 0
    """Fields of a plan in one request; 0: it takes no plan."""


class Facility(Protocol):
    """An observatory, or a facility behind the portal of several observatories."""

    name: str
    label: str
    is_real: bool  # whether a real telescope may move; only live events reach a real facility
    address: str  # the name in `tom.changes.addresses` of the address it calls; "": nobody outside
    poll_seconds: float  # how often to ask while something is under way
    capabilities: Capabilities
    spec: type[ObservationSpec]  # its kind of specification; the form is made from the schema

    def instruments(self) -> Sequence[Instrument]:
        """Return the instruments that may be requested."""

    def build(self, spec: ObservationSpec, *, instrument: str, aim: Aim, key: str) -> Body:
        """Write the body that `submit` sends. Raises InvalidSpecError if it cannot be observed."""

    def build_fields(self, spec: FieldsSpec, *, instrument: str, key: str) -> Body:
        """Write the body for fields of a plan. Raises InvalidSpecError if it takes them not."""

    def submit(self, body: Body, *, key: str) -> Remote:
        """Send a request once. Raises NothingSentError, RejectedError or UnknownOutcomeError."""

    def find(self, key: str) -> Sequence[Remote]:
        """Return the requests at the facility with this key, the oldest first.

        None in the list: the facility does not have it. More than one: a call that we gave up
        arrived late. Raises LookUpFailedError.
        """

    def status(self, remote_id: str) -> Remote:
        """Return the progress of one request. Raises LookUpFailedError."""

    def changes(self, since: datetime | None, *, sent: Sequence[Sent]) -> RemoteChanges:
        """Return what changed of all the requests in `sent`. Raises LookUpFailedError."""

    def observed(self, remote_id: str) -> Sequence[Observed]:
        """Return the exposures that were taken for a request. Raises LookUpFailedError."""

    def cancel(self, remote_id: str) -> Remote:
        """Cancel a request.

        Raises NothingSentError, RejectedError (it is too late) or UnknownOutcomeError.
        """

    def list_instruments(self) -> Listing:
        """Return the facility's own list of its instruments. Raises LookUpFailedError."""


@dataclass(frozen=True)
class Tools:
    """Functions that a facility needs, in addition to its credentials."""

    record: Recorder
    listing: Callable[[str], Listing]
    """Returns the last list of instruments of the facility of this name; empty: none so far."""


@dataclass(frozen=True)
class Declaration:
    """What one folder declares: its facilities, and how the settings open each."""

    capabilities: Capabilities
    names: tuple[str, ...]
    open: Callable[[Any, Tools], Sequence[Facility]]
    """Opens the facilities that the settings (the first argument) give access to."""
    sites: tuple[Site, ...] = ()
    """The sites of its telescopes that are not in `tom.followup.sites`."""
