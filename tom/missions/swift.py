"""Swift: GCN's JSON notices of GUANO's searches and any other, and the VOEvents of its telescopes.

Form of VOEvents: https://gcn.gsfc.nasa.gov/swift.html; their circles hold 90%. Form of GUANO: https://gcn.nasa.gov/schema/main/gcn/notices/swift/bat/Guano.schema.json
A search follows another mission's event. Where that is a burst that is known by its id, both are
one event. A notice first says that there was a burst, then brings a map, or a place to arc
minutes. Its errors include the systematic ones. No error is added to others: we found no
published one.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Final

from tom.formats.voevent import VOEvent
from tom.forms.declared import Encoding, Figure, Form, Mission
from tom.forms.event_names import name_told
from tom.forms.gcn_core import CoreNotice, read_message, schema_of
from tom.forms.gcn_notices import (
    Teller,
    core_with_time,
    gcn_form,
    is_of,
    likeliest,
    notice_of,
)
from tom.forms.voevents import Writer, voevent_form
from tom.records import Notice

_NAME: Final = "Swift"
_BAT: Final = "Swift BAT"
_TRIGGER: Final = re.compile(r"[0-9]{4,16}")
# Classes of BAT's that name no known source.
_OF_NOTHING_KNOWN: Final = ("", "unknown", "grb")
_DOUBTS: Final = ("StarTrack_Lost_Lock", "Target_in_Flt_Catalog")
_GUANO: Final = Teller(
    sender=_NAME,
    folder="/notices/swift/bat/guano",
    kind="grb",
    ids=((r"[0-9]{6,12}", "GUANO-{0}"),),
    instrument="BAT-GUANO",
)
_OTHERS: Final = Teller(
    sender=_NAME,
    folder="/notices/swift/",
    kind="grb",
    ids=((r"[0-9]{4,16}", "Swift-{0}"),),
    instrument="Swift",
)


def read_guano(payload: bytes) -> Notice:
    """Read a notice of GUANO; raises MalformedAlertError as every notice."""
    core = core_with_time(read_message(payload))
    notice = notice_of(_GUANO, core)
    return replace(notice, followed=_followed(core) if notice.names else ())


def read_other(payload: bytes) -> Notice:
    """Read a notice of a telescope of Swift's; raises MalformedAlertError as every notice."""
    core = core_with_time(read_message(payload))
    return replace(notice_of(_OTHERS, core), significant=_is_news(core))


def _is_news(core: CoreNotice) -> bool | None:
    """False where BAT says that it saw a known source, or that it had lost the stars."""
    if core.instrument != "BAT":
        return None
    is_known = likeliest(core).lower() not in _OF_NOTHING_KNOWN
    return False if is_known or core.facts.get("star_tracker_locked") is False else None


def _followed(core: CoreNotice) -> tuple[str, ...]:
    """The name of another mission's burst that a search followed; none of a test's."""
    is_burst = core.facts.get("follow_up_type") == "GRB" and not core.test_reasons
    name = name_told(str(core.facts.get("follow_up_event"))) if is_burst else None
    return (name,) if name else ()


def _trigger_of(voevent: VOEvent) -> Iterator[str]:
    trigger = voevent.value("TrigID") or ""
    if _TRIGGER.fullmatch(trigger):
        yield f"Swift-{trigger.lstrip('0')}"


def _telescope_of(voevent: VOEvent) -> str:
    """The telescope, by which the second part of its own name begins."""
    return f"Swift {voevent.ivorn.partition('#')[2].partition('_')[0]}".strip()


def _is_burst(voevent: VOEvent) -> bool | None:
    """Whether it says that it is a burst, or that it is none.

    BAT's place is that of a source in its catalog, or is false where it had lost the stars.
    """
    by_bat = _telescope_of(voevent) == _BAT
    if voevent.says("Def_NOT_a_GRB") or (by_bat and any(map(voevent.says, _DOUBTS))):
        return False
    return voevent.says("GRB_Identified") if voevent.value("GRB_Identified") else None


_WRITER: Final = Writer(
    sender=_NAME,
    ivorn=r"ivo://nasa\.gsfc\.gcn/SWIFT#",
    kind="grb",
    names=_trigger_of,
    instrument=_telescope_of,
    significant=_is_burst,
    times_event=lambda voevent: _telescope_of(voevent) == _BAT,
)


def _is_guano(message: dict[str, object]) -> bool:
    return is_of(_GUANO.folder, {**message, "$schema": schema_of(message).lower()})


SWIFT: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="gcn.swift.guano",
            encoding=Encoding.JSON,
            record=Notice,
            topics=("gcn.notices.swift.bat.guano*",),
            recognises=_is_guano,
            keys=(b"/notices/swift/bat/Guano",),
            parse=read_guano,
            is_open=True,
        ),
        replace(
            gcn_form(_OTHERS, name="gcn.swift", topics=("gcn.notices.swift.*",)), parse=read_other
        ),
        voevent_form(_WRITER, name="gcn.swift.voevent", topics=("gcn.classic.voevent.SWIFT_*",)),
    ),
    event_names=(r"guano-\d{6,12}",),
    told_as=((r"swift(?:[ -]?bat)?[ #-]*([0-9]{4,16})", "Swift-{0}"),),
    named_as=(
        (
            r"BAT\)? (?:triggered and located )?(GRB ?[0-9]{6}[A-Z])"
            r" ?\(trigger ?[=#] ?([0-9]{6,8})\)",
            "Swift-{0}",
        ),
    ),
    figures=(
        Figure("Signal to noise of the image", ("image_snr", "params__What__Image_Signif")),
        Figure("Signal to noise of the rate", ("rate_snr", "params__What__Rate_Signif")),
    ),
)
