"""Swift's Burst Alert Telescope: GCN's JSON notices of GUANO's searches, and any other of Swift's.

Form of GUANO: https://gcn.nasa.gov/schema/main/gcn/notices/swift/bat/Guano.schema.json
A search follows another mission's event. Where that is a burst that is known by its id, both are
one event. A notice first says that there was a burst, then brings a map, or a place to arc
minutes. Its errors include the systematic ones. No error is added to others: we found no
published one.
"""

from dataclasses import replace
from typing import Final

from tom.forms.declared import Encoding, Form, Mission
from tom.forms.event_names import name_told
from tom.forms.gcn_core import CoreNotice, read_message
from tom.forms.gcn_notices import Teller, core_with_time, gcn_form, is_of, notice_of
from tom.records import Notice

_NAME: Final = "Swift"
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
    return replace(notice, names=(*notice.names, *_followed(core)) if notice.names else ())


def _followed(core: CoreNotice) -> tuple[str, ...]:
    """The name of another mission's burst that a search followed; none of a test's."""
    is_burst = core.facts.get("follow_up_type") == "GRB" and not core.test_reasons
    name = name_told(str(core.facts.get("follow_up_event"))) if is_burst else None
    return (name,) if name else ()


def _is_guano(message: dict[str, object]) -> bool:
    return is_of(_GUANO.folder, {**message, "$schema": str(message.get("$schema")).lower()})


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
        gcn_form(_OTHERS, name="gcn.swift", topics=("gcn.notices.swift.*",)),
    ),
    event_names=(r"guano-\d{6,12}",),
)
