"""Fermi's Large Area Telescope: GCN's JSON notices of flares of known sources, and its VOEvents.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/fermi/lat/flare.schema.json and
https://gcn.gsfc.nasa.gov/fermi.html. A flare has no id: it is called by its source and the day of
its observation. The place has no error, so no map is made of it.

The circles of bursts hold 90%. A burst is called by the number of the telescope's own trigger: that
of its other instrument's is another one, also where both saw one burst.
"""

import re
from collections.abc import Iterator
from datetime import datetime
from typing import Final

from tom.formats.errors import MalformedAlertError
from tom.formats.voevent import VOEvent
from tom.forms.declared import Encoding, Form, Mission
from tom.forms.gcn_core import read_message
from tom.forms.gcn_notices import Teller, core_with_time, is_of, notice_of, spelled
from tom.forms.voevents import Writer, voevent_form
from tom.records import Notice

_NAME: Final = "Fermi LAT"
_IVORN: Final = r"ivo://nasa\.gsfc\.gcn/Fermi#LAT_"
_TOPICS: Final = ("gcn.classic.voevent.FERMI_LAT_*",)
_TRIGGER: Final = re.compile(r"[0-9]{6,12}")
_FOLDER: Final = "/notices/fermi/lat/"
_FLARE: Final = Teller(sender=_NAME, folder=_FOLDER, ids=((r".+", "LAT-{0}"),), instrument="LAT")


def read_flare(payload: bytes) -> Notice:
    """Read a notice of a flare.

    Raises
    ------
    MalformedAlertError
        If it is no JSON object, names no source, or lacks its time. Retrying cannot help.
    """
    content = read_message(payload)
    began = content.get("trigger_time") or content.get("observation_start")
    core = core_with_time({**content, "trigger_time": began})
    name = _flare(next(iter(core.event_name), ""), core.trigger_time or core.alert_datetime)
    if not name:
        reason = "it names no source: event_name is missing"
        raise MalformedAlertError(reason)
    return notice_of(_FLARE, core.model_copy(update={"id": (name,)}))


def _flare(source: str, day: datetime) -> str:
    """The name of a flare; "" without a source."""
    known = spelled(source.replace("+", "p"))
    return f"{known[:40]}-{day:%Y%m%d}" if known else ""


def _burst_names(voevent: VOEvent) -> Iterator[str]:
    trigger = voevent.value("TrigID") or ""
    if _TRIGGER.fullmatch(trigger):
        yield f"LAT-{trigger}"


def _flare_names(voevent: VOEvent) -> Iterator[str]:
    source, day = voevent.value("SourceName") or "", voevent.event_time or voevent.date
    if day and (name := _flare(source, day)):
        yield f"LAT-{name}"


def _is_burst(voevent: VOEvent) -> bool | None:
    return False if voevent.says("Def_NOT_a_GRB") else None


_BURSTS: Final = Writer(
    sender=_NAME,
    ivorn=_IVORN + r"(?!Monitor|Trans)",
    kind="grb",
    names=_burst_names,
    instrument=lambda _: "LAT",
    significant=_is_burst,
)
_FLARES: Final = Writer(
    sender=_NAME,
    ivorn=_IVORN + r"(?:Monitor|Trans)",
    kind="unknown",
    names=_flare_names,
    instrument=lambda _: "LAT",
)


def _is_flare(message: dict[str, object]) -> bool:
    return is_of(_FOLDER, message)


FERMI_LAT: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="gcn.fermi.lat",
            encoding=Encoding.JSON,
            record=Notice,
            topics=("gcn.notices.fermi.lat*",),
            recognises=_is_flare,
            keys=(_FOLDER.encode(),),
            parse=read_flare,
            is_open=True,
        ),
        voevent_form(_BURSTS, name="gcn.fermi.lat.voevent", topics=_TOPICS),
        voevent_form(_FLARES, name="gcn.fermi.lat.flare.voevent", topics=_TOPICS),
    ),
)
