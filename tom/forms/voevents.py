"""Notices in VOEvent's XML: what a mission declares of them, and the reader made of that."""

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Final
from urllib.parse import urlsplit

from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.formats.voevent import VOEvent, read_voevent
from tom.forms.declared import Encoding, Form
from tom.forms.gcn_notices import MOST_NAME, spelled
from tom.records import Notice
from tom.records.notice import NoticeType, Position

CLASSIC: Final = "gcn.classic.voevent.*"
"""The topics on which GCN passes on the VOEvents of all missions."""
KEYS: Final = (b"VOEvent",)
_FLAGS: Final = ("Test_Submission", "Test_Notice", "Test", "InternalTest")
_URL_NAME: Final = re.compile(r"url$|^skymap_fits|_fits$", re.IGNORECASE)
_FITS: Final = (".fits", ".fits.gz")
_REVISION: Final = "Rev"
_TRIGGERS: Final = ("TrigID", "Trigger_Number")
_RUN: Final = ("run_id", "event_id")
# What stands before the stream in the part of an ivorn that names its author.
_STREAM: Final = re.compile(r"^.*/")


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """What a mission says of its VOEvents.

    Attributes
    ----------
    sender
        The mission's name.
    ivorn
        A regular expression for the beginning of the ivorns of its own, whatever the case.
    kind
        What its events are, as of a `Notice`.
    names
        The names of the event of one VOEvent; each is spelled as addresses hold it.
    instrument
        Who saw it and made its circle: a name, or what tells it from a VOEvent.
    containment
        The chance that a circle of its holds the event.
    systematic
        What a circle leaves out, as of a `Position`.
    significant
        Whether the mission calls it so; None where nothing says so.
    far
        The rate of false alarms in Hz, or None.
    times_event
        Whether its time is that of the event, and not that of a later look at it.
    """

    sender: str
    ivorn: str
    kind: str
    names: Callable[[VOEvent], Iterable[str]]
    instrument: Callable[[VOEvent], str]
    containment: float = 0.9
    systematic: Callable[[VOEvent], tuple[tuple[float, float], ...]] = lambda _: ()
    significant: Callable[[VOEvent], bool | None] = lambda _: None
    far: Callable[[VOEvent], float | None] = lambda _: None
    times_event: Callable[[VOEvent], bool] = lambda _: True


def voevent_form(writer: Writer, *, name: str, topics: tuple[str, ...]) -> Form:
    """Declare the form of a mission's VOEvents."""
    return Form(
        name=name,
        encoding=Encoding.XML,
        record=Notice,
        topics=topics,
        recognises=partial(is_of, writer.ivorn),
        keys=KEYS,
        parse=partial(read_notice, writer),
        is_open=True,
    )


def is_of(ivorn: str, voevent: VOEvent) -> bool:
    """Whether a VOEvent's own name begins in this way."""
    return re.match(ivorn, voevent.ivorn, re.IGNORECASE) is not None


def read_notice(writer: Writer, payload: bytes) -> Notice:
    """Read a VOEvent of a mission.

    Raises
    ------
    MalformedAlertError
        If it is no sound VOEvent, or says neither when it was written nor which event it is of.
    UnhandledAlertError
        If it tells of no event: its role is utility.
    """
    return notice_of(writer, sound(read_voevent(payload)))


def read_any_voevent(payload: bytes) -> Notice:
    """Read a VOEvent of whatever mission: its event is called by the stream and a number.

    It is the number of a trigger, or the numbers of a run and of an event in it.

    Raises
    ------
    MalformedAlertError
        As `read_notice`.
    UnhandledAlertError
        If it tells of no event: its role is utility, or it gives no such number.
    """
    voevent = sound(read_voevent(payload))
    number = _number_of(voevent)
    stream = spelled(_STREAM.sub("", voevent.ivorn.partition("#")[0]))
    if not number or not stream:
        named = ", ".join((*_TRIGGERS, " and ".join(_RUN)))
        reason = f"kept; no event: it names none by a number ({named})"
        raise UnhandledAlertError(reason)
    writer = Writer(
        sender=stream,
        ivorn="",
        kind="unknown",
        names=lambda _: (f"{stream}-{number}",),
        instrument=lambda _: stream,
    )
    return notice_of(writer, voevent)


def _number_of(voevent: VOEvent) -> str:
    """The number that a mission gave its event; "" if there is none, or a zero for it."""
    for name in _TRIGGERS:
        found = spelled(voevent.value(name) or "")
        if found.strip("0"):
            return found
    parts = [spelled(voevent.value(name) or "") for name in _RUN]
    return "_".join(parts) if all(part.strip("0") for part in parts) else ""


def sound(voevent: VOEvent) -> VOEvent:
    """Return a VOEvent that tells of an event; raises as `read_notice`."""
    if voevent.role == "utility":
        reason = "kept; no event: its role is utility"
        raise UnhandledAlertError(reason)
    if voevent.date is None:
        reason = "it does not say when it was written"
        raise MalformedAlertError(reason)
    return voevent


def notice_of(writer: Writer, voevent: VOEvent) -> Notice:
    """Say what a VOEvent says in the words of every mission's."""
    tests = tests_of(voevent)
    names = tuple(dict.fromkeys(_spelled(writer.names(voevent), is_test=bool(tests))))
    type_ = type_of(voevent)
    retracts = type_ is NoticeType.RETRACTION
    position = None if retracts else _position(writer, voevent)
    if voevent.date is None or not (names or (voevent.event_time and position)):
        reason = "it names no event"
        raise MalformedAlertError(reason)
    return Notice(
        sender=writer.sender,
        kind=writer.kind,
        names=names,
        type=type_,
        time=voevent.date,
        event_time=voevent.event_time if writer.times_event(voevent) else None,
        significant=writer.significant(voevent),
        far=writer.far(voevent),
        instruments=(writer.instrument(voevent),),
        position=position,
        addresses=_maps_of(voevent),
        facts=facts_of(voevent),
        test_reasons=tests,
        left_out=voevent.left_out,
    )


def type_of(voevent: VOEvent) -> NoticeType:
    """What a VOEvent is in its event's chain: the first is one that cites none before it."""
    if voevent.cites("retraction") or voevent.says("Retraction"):
        return NoticeType.RETRACTION
    later = bool(voevent.citations) or (voevent.value(_REVISION) or "0") not in ("", "0")
    return NoticeType.UPDATE if later else NoticeType.INITIAL


def tests_of(voevent: VOEvent) -> tuple[str, ...]:
    """Each sign in a VOEvent that it is no news of the sky."""
    role = () if voevent.role == "observation" else (f"its role is {voevent.role}",)
    flags = (f"it says {name}" for name in _FLAGS if voevent.says(name))
    injected = ("it is a hardware injection",) if voevent.says("HardwareInj") else ()
    return (*role, *flags, *injected)


def facts_of(voevent: VOEvent) -> dict[str, Any]:
    """What a VOEvent says, as JSON holds it; its addresses beside its values."""
    return {
        "ivorn": voevent.ivorn,
        "role": voevent.role,
        "params": {name or "What": dict(said) for name, said in voevent.params.items()},
        "citations": [{"cite": how, "ivorn": ivorn} for how, ivorn in voevent.citations],
        "urls": dict(addresses(voevent)),
    }


def addresses(voevent: VOEvent) -> Iterator[tuple[str, str]]:
    """Yield the addresses that a VOEvent gives, each with its name."""
    for said in voevent.params.values():
        for name, value in said.items():
            if _URL_NAME.search(name) and _scheme(value) in ("http", "https"):
                yield name, value


def _scheme(text: str) -> str:
    """The scheme of an address; "" if it is none."""
    try:
        return urlsplit(text).scheme
    except ValueError:
        return ""


def number(voevent: VOEvent, name: str) -> float | None:
    """Return a value as a finite number; None if it is not there, or is none."""
    try:
        found = float(voevent.value(name) or "")
    except ValueError:
        return None
    return found if abs(found) < float("inf") else None


def _maps_of(voevent: VOEvent) -> dict[str, str]:
    """The addresses of its maps, by what it calls them."""
    found = addresses(voevent)
    return {name: url for name, url in found if url.partition("?")[0].endswith(_FITS)}


def _spelled(names: Iterable[str], *, is_test: bool) -> Iterator[str]:
    """The names; a test has its own, so that it never makes a live event a test."""
    suffix = "-test" if is_test else ""
    for name in map(spelled, names):
        if name:
            yield name[: MOST_NAME - len(suffix)] + suffix


def _position(writer: Writer, voevent: VOEvent) -> Position | None:
    place = voevent.place
    if place is None:
        return None
    return Position(
        ra=place.ra,
        dec=place.dec,
        radius_deg=place.radius_deg,
        containment=writer.containment,
        systematic=writer.systematic(voevent),
        author=writer.instrument(voevent)[:MOST_NAME],
    )
