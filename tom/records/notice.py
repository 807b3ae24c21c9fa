"""What a mission says of an event: that something happened, when, and where it may be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class NoticeType(StrEnum):
    """What a notice is in its event's chain, in the order in which ties in time are put."""

    EARLY_WARNING = "EARLYWARNING"
    PRELIMINARY = "PRELIMINARY"
    INITIAL = "INITIAL"
    UPDATE = "UPDATE"
    RETRACTION = "RETRACTION"


class Product(StrEnum):
    """Which map it is: the event's own, or one combined with that of a coincidence."""

    SKYMAP = "skymap"
    COMBINED = "combined_skymap"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoticeMap:
    """A sky map that a notice carries: a FITS file, and who made it."""

    product: Product
    author: str
    fits: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """A place with its error circle or error ellipse, where a notice carries no map.

    Attributes
    ----------
    ra, dec
        ICRS degrees.
    radius_deg, containment
        Of the circle, and the chance that it holds the event: 0 to 1, without its ends. Of an
        ellipse the radius is its semi-major axis.
    minor_deg, angle_deg
        Of an ellipse, its semi-minor axis, and the position angle of its semi-major axis from
        north through east. None: a circle.
    systematic
        What the circle leaves out: the share of events with each further error, and its sigma on
        one axis in degrees. The shares sum to 1. Empty: the circle leaves nothing out.
    author
        Who made it.
    """

    ra: float
    dec: float
    radius_deg: float
    minor_deg: float | None = None
    angle_deg: float = 0.0
    containment: float = 0.9
    systematic: tuple[tuple[float, float], ...] = ()
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """A place between four corners, where a notice carries no map.

    Attributes
    ----------
    corners
        Four of (ra, dec), ICRS degrees, in their order around the box.
    containment, systematic, author
        As of a `Position`.
    """

    corners: tuple[tuple[float, float], ...]
    containment: float = 0.9
    systematic: tuple[tuple[float, float], ...] = ()
    author: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One message about one event that is somewhere in a region of the sky.

    Attributes
    ----------
    sender
        The mission that says it, as it declares itself.
    kind
        What was seen: `gw`, `grb`, `neutrino`, `frb` or `unknown`.
    names
        Of the event, each 1 to 64 letters, digits, `_`, `-` and `.`; the first becomes its id
        where none of them is known. Empty: it stays unidentified, and is never merged by guess.
    followed
        Names that another mission gives an event that the message says is the same.
    type, time
        What the message is in the event's chain, and its own time: aware, UTC.
    event_time
        When it happened, aware, UTC, or None.
    significant, far
        Whether its author calls it so, and its false alarm rate in Hz; None where nothing says so.
    classification, properties
        What it may be, and what it may have, to a probability.
    instruments
        Which detectors saw it.
    maps, position
        Where it is. A position is used where there is no map of the event's own.
    addresses
        Of the maps that it only refers to: by the product, or by what it calls the map.
    facts
        What else the message says, as JSON holds it; its maps are not in it.
    test_reasons
        Each sign in the message that it is a test; an event is live only without any.
    left_out
        Each value that broke the form and is missing here, with the reason.
    """

    sender: str
    kind: str
    names: tuple[str, ...]
    type: NoticeType
    time: datetime
    event_time: datetime | None = None
    significant: bool | None = None
    far: float | None = None
    followed: tuple[str, ...] = ()
    classification: Mapping[str, float] = field(default_factory=dict)
    properties: Mapping[str, float] = field(default_factory=dict)
    instruments: tuple[str, ...] = ()
    maps: tuple[NoticeMap, ...] = ()
    position: Position | Box | None = None
    addresses: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    test_reasons: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()

    @property
    def is_retraction(self) -> bool:
        """Whether the event is withdrawn: such a notice says nothing else of it."""
        return self.type is NoticeType.RETRACTION
