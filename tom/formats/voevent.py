"""VOEvent: the XML in which missions told of events before JSON, and in which some still do.

Form: https://www.ivoa.net/documents/VOEvent/20110711/REC-VOEvent-2.0.pdf

A document type is refused, and with it every entity: nothing is expanded, and no address is
opened. Size, depth and the number of elements are bounded.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NoReturn
from xml.parsers import expat

from tom.formats.errors import MalformedAlertError
from tom.formats.times import utc_of
from tom.formats.values import clean

MAX_BYTES: Final = 1024 * 1024  # real ones have some 10 kB
MAX_DEPTH: Final = 32
MAX_ELEMENTS: Final = 5_000
_MAX_TEXT: Final = 1_000
_ROOT: Final = "VOEvent"
_ROLES: Final = ("observation", "prediction", "utility", "test")
# Frames whose coordinates are those of the ICRS within an arcsecond.
_FRAMES: Final = ("", "FK5", "ICRS")
# Values that give the error of the place in degrees, by Super-Kamiokande and by AMON.
_ERRORS: Final = ("Src_Error90", "src_error_90")
_LARGEST_RADIUS_DEG: Final = 180.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A place (ICRS degrees) and the radius of its error circle, degrees."""

    ra: float
    dec: float
    radius_deg: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VOEvent:
    """One VOEvent as it is written.

    Attributes
    ----------
    ivorn
        Its own name: "ivo://authority/stream#id".
    role
        `observation`, `prediction`, `utility` or `test`.
    date
        When it was written, aware, UTC; None: it does not say so in a way that can be read.
    params
        The values of `What` by their names, as texts; of a group by the group's name or type.
        Those of no group have the name "".
    event_time, place
        When and where; None where nothing usable is said. A circle without a radius is no place.
    citations
        What it says of earlier ones: a word such as `followup` or `retraction`, and the ivorn.
    left_out
        What could not be used, with the reason.
    """

    ivorn: str
    role: str
    date: datetime | None = None
    params: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    event_time: datetime | None = None
    place: Place | None = None
    citations: tuple[tuple[str, str], ...] = ()
    left_out: tuple[str, ...] = ()

    def value(self, name: str, *groups: str) -> str | None:
        """Return a value of one of these groups, or of any group; None if it is not there."""
        for group in groups or self.params:
            if name in self.params.get(group, {}):
                return self.params[group][name]
        return None

    def says(self, name: str) -> bool:
        """Whether a flag of this name is set, in whatever group."""
        return (self.value(name) or "").strip().lower() in ("true", "1")

    def cites(self, how: str) -> bool:
        """Whether it cites another one in this way."""
        return any(word == how for word, _ in self.citations)


def is_xml(payload: bytes) -> bool:
    """Whether bytes begin as XML or HTML does."""
    return payload[:100].removeprefix(b"\xef\xbb\xbf").lstrip()[:1] == b"<"


def read_voevent(payload: bytes) -> VOEvent:
    """Read a VOEvent of version 1.1 or 2.0.

    Raises
    ------
    MalformedAlertError
        If it is none, is damaged or too large, has a document type, or has no name of its own.
    """
    root = _read_tree(payload)
    if root.name != _ROOT:
        reason = f"XML, but no VOEvent: it is a {root.name[:40]}"
        raise MalformedAlertError(reason)
    ivorn = root.attributes.get("ivorn") or root.attributes.get("id") or ""
    role = root.attributes.get("role") or _ROLES[0]
    if not ivorn or role not in _ROLES:
        reason = f"a VOEvent without an ivorn, or with the role {role[:40]!r}"
        raise MalformedAlertError(reason)
    left_out: list[str] = []
    return VOEvent(
        ivorn=ivorn,
        role=role,
        date=_time(root.text("Who", "Date"), "Date", left_out),
        params=_params(root),
        event_time=_event_time(root, left_out),
        place=_place(root, left_out),
        citations=tuple(_citations(root)),
        left_out=tuple(left_out),
    )


@dataclass(slots=True)
class _Node:
    """An element of a tree: its name without a prefix, and what is in it."""

    name: str
    attributes: Mapping[str, str] = field(default_factory=dict)
    children: list["_Node"] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)

    def all(self, name: str) -> Iterator["_Node"]:
        """Yield the elements of this name, at any depth."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def text(self, *path: str) -> str:
        """Return the text of the first element along a path of names; "" if there is none."""
        node: _Node | None = self
        for name in path:
            node = next(node.all(name), None) if node else None
        return "".join(node.parts).strip() if node else ""


class _Builder:
    """Makes a tree of what expat finds, within bounds."""

    def __init__(self) -> None:
        self.top = _Node("")
        self.open = [self.top]
        self.count = 0

    def start(self, name: str, attributes: Mapping[str, str]) -> None:
        self.count += 1
        if len(self.open) > MAX_DEPTH or self.count > MAX_ELEMENTS:
            reason = f"XML deeper than {MAX_DEPTH}, or of more than {MAX_ELEMENTS} elements"
            raise MalformedAlertError(reason)
        said = {key: clean(value)[:_MAX_TEXT].strip() for key, value in attributes.items()}
        node = _Node(name.rpartition(":")[2], said)
        self.open[-1].children.append(node)
        self.open.append(node)

    def end(self, _: str) -> None:
        self.open.pop()

    def text(self, text: str) -> None:
        node = self.open[-1]
        if sum(map(len, node.parts)) < _MAX_TEXT:
            node.parts.append(clean(text)[:_MAX_TEXT])

    @staticmethod
    def refuse(*_: Any) -> NoReturn:
        reason = "XML with a document type or an entity: refused"
        raise MalformedAlertError(reason)


def _read_tree(payload: bytes) -> _Node:
    if len(payload) > MAX_BYTES:
        reason = f"longer than {MAX_BYTES} bytes"
        raise MalformedAlertError(reason)
    builder, parser = _Builder(), expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.text
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.EntityDeclHandler = builder.refuse
    parser.ExternalEntityRefHandler = builder.refuse
    parser.SetParamEntityParsing(expat.XML_PARAM_ENTITY_PARSING_NEVER)
    try:
        parser.Parse(payload.strip(), True)
    except (expat.ExpatError, LookupError, ValueError) as error:
        if isinstance(error, MalformedAlertError):
            raise
        reason = f"damaged XML: {str(error)[:100]}"
        raise MalformedAlertError(reason) from error
    return builder.top.children[0]


def _params(root: _Node) -> dict[str, dict[str, str]]:
    """The values of `What`; of two of one name the first."""
    found: dict[str, dict[str, str]] = {"": {}}
    for what in root.all("What"):
        for child in what.children:
            if child.name == "Param":
                _add_param(found[""], child)
            if child.name == "Group":
                # LVK's groups have a type that stays, and a name that may be that of a pipeline.
                name = child.attributes.get("type") or child.attributes.get("name") or ""
                for param in child.all("Param"):
                    _add_param(found.setdefault(name, {}), param)
    return found


def _add_param(params: dict[str, str], node: _Node) -> None:
    name = node.attributes.get("name")
    if name:
        params.setdefault(name, node.attributes.get("value") or node.text("Value"))


def _event_time(root: _Node, left_out: list[str]) -> datetime | None:
    scale = _system(root)[0]
    return _time(root.text("WhereWhen", "ISOTime"), "ISOTime", left_out, scale=scale)


def _time(text: str, name: str, left_out: list[str], *, scale: str = "UTC") -> datetime | None:
    if not text:
        return None
    with suppress(ValueError, OverflowError):
        return utc_of(datetime.fromisoformat(text), scale)
    left_out.append(f"{name} {text[:40]} (not a time)")
    return None


def _place(root: _Node, left_out: list[str]) -> Place | None:
    """The error circle; zeros stand for none, and so does a radius of none."""
    where = next(root.all("Position2D"), None)
    if where is None:
        return None
    frame = _system(root)[1]
    if frame not in _FRAMES:
        left_out.append(f"its place (in a frame of {frame[:20]}, not of ICRS)")
        return None
    ra, dec = (_number(where.text(name)) for name in _order(where))
    radius = _number(where.text("Error2Radius"))
    if not radius > 0:
        radius = _error_told(root)
    if (ra, dec, radius) == (0.0, 0.0, 0.0) or math.isnan(ra + dec):
        return None
    if not (-180 <= ra <= 360 and -90 <= dec <= 90):
        left_out.append(f"its place {ra:g}, {dec:g} (outside of the sky)")
        return None
    if not 0 < radius <= _LARGEST_RADIUS_DEG:
        left_out.append("its place (without an error: no map is made of it)")
        return None
    return Place(ra=ra % 360, dec=dec, radius_deg=radius)


def _error_told(root: _Node) -> float:
    """The radius that holds 90%, where it stands among the values alone; 0 if it does not."""
    found = (_number(said.get(name, "")) for said in _params(root).values() for name in _ERRORS)
    return next((each for each in found if each > 0), 0.0)


def _system(root: _Node) -> tuple[str, str]:
    """The scale of time and the frame that a name such as UTC-FK5-GEO has; "" where it has none."""
    coords = next(root.all("AstroCoords"), None)
    system = next(root.all("AstroCoordSystem"), None)
    named = coords.attributes.get("coord_system_id", "") if coords else ""
    named = named or (system.attributes.get("id", "") if system else "")
    parts = [*named.upper().split("-"), "", ""]
    return parts[0], parts[1]


def _order(where: _Node) -> tuple[str, str]:
    """Which of the two coordinates is which."""
    return ("C2", "C1") if where.text("Name1").upper().startswith("DEC") else ("C1", "C2")


def _number(text: str) -> float:
    """Read a number; NaN for anything else."""
    try:
        number = float(text)
    except ValueError:
        return math.nan
    return number if math.isfinite(number) else math.nan


def _citations(root: _Node) -> Iterator[tuple[str, str]]:
    for part in root.all("Citations"):
        for cited in part.all("EventIVORN"):
            how, ivorn = cited.attributes.get("cite", "").lower(), cited.text()
            if ivorn or how == "retraction":  # some name none before them
                yield how, ivorn
