"""Notices of GCN's core schema: what a mission declares of them, and the reader made of that."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from tom.formats.describe import is_schema
from tom.formats.errors import MalformedAlertError, UnhandledAlertError
from tom.forms.common_names import ONCE_NAMES
from tom.forms.declared import Encoding, Form
from tom.forms.gcn_core import CoreNotice, core_of, read_message, schema_of
from tom.records import Notice
from tom.records.notice import Box, NoticeType, Position

MOST_NAME: Final = 64
_MOST_TENSE: Final = 20
_SCHEMAS: Final = "gcn.nasa.gov/schema/"
_EVENT_NAME: Final = re.compile("|".join(ONCE_NAMES), re.IGNORECASE)
_NOT_SPELLED: Final = re.compile(r"[^A-Za-z0-9_.-]+")
_BURST: Final = re.compile(r"grb", re.IGNORECASE)
_TIMES: Final = frozenset({"alert_datetime", "trigger_time"})
_BEGAN: Final = "observation_start"
_AUTHORS: Final = frozenset({"mission", "instrument"})
_NAMES: Final = frozenset({"id", "event_name"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Teller:
    """What a mission says of its notices.

    Attributes
    ----------
    sender
        The mission's name.
    folder
        The part of its schemas' addresses that is its own: "/notices/maxi/".
    kind
        What its events are, as of a `Notice`. Where it is `unknown`, a burst's name makes a burst.
    ids
        Regular expressions for a whole id that names an event, each with the name made of it, or of
        its groups.
    instrument
        The one that saw it, where the notice names none.
    own_names_first
        Whether its events are called by their names rather than by their ids.
    systematic
        What its errors leave out where they say so, as of a `Position`.
    """

    sender: str
    folder: str
    kind: str = "unknown"
    ids: tuple[tuple[str, str], ...] = ()
    instrument: str = ""
    own_names_first: bool = False
    systematic: tuple[tuple[float, float], ...] = ()


def gcn_form(teller: Teller, *, name: str, topics: tuple[str, ...]) -> Form:
    """Declare the form of a mission's notices."""
    return Form(
        name=name,
        encoding=Encoding.JSON,
        record=Notice,
        topics=topics,
        recognises=partial(is_of, teller.folder),
        keys=(teller.folder.encode(),),
        parse=partial(read_notice, teller),
        is_open=True,
    )


def is_of(folder: str, message: Mapping[str, Any]) -> bool:
    """Whether a message names a schema of this folder, and is none itself."""
    return folder in schema_of(message) and not is_schema(message)


def is_notice(message: Mapping[str, Any]) -> bool:
    """Whether a message names a schema of GCN's, or has the core's fields, and is no schema."""
    if is_schema(message):
        return False
    fields = all(message.keys() & each for each in (_TIMES, _AUTHORS, _NAMES))
    return fields or _SCHEMAS in schema_of(message)


def read_notice(teller: Teller, payload: bytes) -> Notice:
    """Read a notice of a mission.

    One that does not say when it was sent has the time of its trigger, or of the start of what it
    observed; one that does not say what it is in a chain is the first.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, has neither time, or tells of no event. Retrying cannot help.
    """
    return notice_of(teller, core_with_time(read_message(payload)))


def read_any_notice(payload: bytes) -> Notice:
    """Read a notice of whatever mission, by the core schema alone.

    Its event is called by the mission and the id, or by the name that everybody gives it. Without
    either it is an event if it tells when something was and where.

    Raises
    ------
    MalformedAlertError
        As `read_notice`.
    UnhandledAlertError
        If it tells of no event, as an observation does, or a part of a notice.
    """
    content = read_message(payload)
    if not content.keys() & {*_TIMES, _BEGAN}:
        reason = "kept; no event: it has neither a time of its own nor one of a trigger"
        raise UnhandledAlertError(reason)
    core = core_with_time(content)
    sender = spelled(core.mission or core.instrument or "") or "GCN"
    teller = Teller(sender=sender, folder="", ids=((r".+", f"{sender}-{{0}}"),))
    if not any(_names(teller, core)) and not _is_somewhere(core):
        reason = "kept; no event: it names none, by an id or by the name of one"
        raise UnhandledAlertError(reason)
    return notice_of(teller, core)


def _is_somewhere(core: CoreNotice) -> bool:
    """Whether a notice tells when something was and where; a retraction does not."""
    if core.type is NoticeType.RETRACTION or core.trigger_time is None:
        return False
    return core.position("") is not None or bool(core.maps(""))


def core_with_time(content: Mapping[str, Any]) -> CoreNotice:
    """Read the core of a notice that may leave its type and its own time out."""
    given = {name: value for name, value in content.items() if value is not None}
    began = given.get("trigger_time", given.get(_BEGAN))
    usual = {"alert_type": "initial", "alert_datetime": began}
    return core_of(usual | given)


def notice_of(teller: Teller, core: CoreNotice) -> Notice:
    """Say what a notice's core says in the words of every mission's."""
    names = tuple(dict.fromkeys(_names(teller, core)))
    author = core.instrument or teller.instrument or teller.sender
    retracts = core.type is NoticeType.RETRACTION
    position = None if retracts else core.position(author[:MOST_NAME], systematic=teller.systematic)
    maps = () if retracts else core.maps(author[:MOST_NAME])
    if not (names or (core.trigger_time and (position or maps))):
        reason = "it names no event"
        raise MalformedAlertError(reason)
    is_burst = teller.kind == "unknown" and (
        any(map(_BURST.match, names)) or _BURST.fullmatch(likeliest(core)) is not None
    )
    return Notice(
        sender=teller.sender,
        kind="grb" if is_burst else teller.kind,
        names=names,
        type=core.type,
        time=core.alert_datetime,
        event_time=core.trigger_time,
        far=core.far,
        classification=core.classification,
        instruments=(author,),
        maps=maps,
        position=position,
        addresses=core.addresses,
        facts=core.facts,
        test_reasons=core.test_reasons,
        left_out=(*core.left_out, *_without_error(core, position)),
    )


def likeliest(core: CoreNotice) -> str:
    """The class that a notice calls the likeliest; "" where it says nothing of classes."""
    chances = core.classification
    best = max(chances, key=chances.__getitem__, default="")
    return best if chances.get(best) else ""


def spelled(name: str) -> str:
    """Write a name with what addresses hold."""
    return _NOT_SPELLED.sub("-", "".join(name.split())).strip("-.")[:MOST_NAME]


def _names(teller: Teller, core: CoreNotice) -> Iterator[str]:
    """The names of the event: those made of its ids, and those that everybody gives it."""
    ids = [
        spelled(name.format(*(found.groups() or [each])))
        for each in core.id
        for pattern, name in teller.ids
        if spelled(each) and (found := re.fullmatch(pattern, each))
    ]
    named = names_of_events(core)
    yield from apart((*named, *ids) if teller.own_names_first else (*ids, *named), core)


def names_of_events(core: CoreNotice) -> list[str]:
    """The names that are of one event alone; others may be of a star, which flares again."""
    return [name for name in map(spelled, core.event_name) if _EVENT_NAME.fullmatch(name)]


def apart(names: Iterable[str], core: CoreNotice) -> Iterator[str]:
    """Yield the names; a test's are its own, so that it never makes a live event a test."""
    suffix = f"-{spelled(core.alert_tense)[:_MOST_TENSE] or 'test'}" if core.test_reasons else ""
    for name in names:
        yield name[: MOST_NAME - len(suffix)] + suffix


def _without_error(core: CoreNotice, position: Position | Box | None) -> Iterator[str]:
    if position is None and core.ra is not None and "ra_dec_error" not in core.facts:
        yield "ra, dec (without an error: no map is made of them)"
