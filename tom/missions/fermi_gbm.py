"""Fermi's Gamma-ray Burst Monitor: GCN's JSON notices of its triggers, and its VOEvents.

Forms: https://gcn.nasa.gov/schema/main/gcn/notices/fermi/gbm/trigger.schema.json and
https://gcn.gsfc.nasa.gov/fermi.html. The circles of VOEvents hold 68%; those made in flight include
the systematic errors. What is below the threshold has a number of its own, by the second.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tom.formats.describe import is_schema
from tom.formats.voevent import VOEvent
from tom.forms.declared import Encoding, Figure, Form, Mission, Page
from tom.forms.gcn_core import CoreNotice, read_message, schema_of
from tom.forms.gcn_notices import apart, core_with_time, names_of_events
from tom.forms.voevents import Writer, voevent_form
from tom.records import Notice
from tom.records.notice import NoticeType

_NAME: Final = "Fermi GBM"
_BURST: Final = re.compile(r"bn(?P<date>[0-9]{6})(?P<fraction>[0-9]{3})")
_BURST_CLASS: Final = "GRB"
# Of VOEvents: the number of that class, and the packet that brings a position made in flight.
_BURST_INDEX: Final = "4"
_IN_FLIGHT: Final = "111"
_TRIGGER: Final = re.compile(r"[0-9]{6,12}")
# The errors of automatic localizations that their circles leave out, as shares of the bursts and
# sigmas in degrees: Goldstein et al. 2020, https://doi.org/10.3847/1538-4357/ab8bdb.
_SYSTEMATIC: Final = {
    "LONG": ((0.579, 1.86), (0.421, 4.14)),
    "SHORT": ((0.39, 2.55), (0.61, 4.43)),
}


def read_notice(payload: bytes) -> Notice:
    """Read a notice of a trigger.

    Raises
    ------
    MalformedAlertError
        If it is not JSON, or lacks its type or time. Retrying cannot help.
    """
    core = core_with_time(read_message(payload))
    retracts = core.type is NoticeType.RETRACTION
    duration = core.facts.get("duration_class")
    systematic = _SYSTEMATIC["SHORT" if duration == "SHORT" else "LONG"]
    return Notice(
        sender=_NAME,
        kind="grb",
        names=tuple(dict.fromkeys(apart(_names(core), core))),
        type=core.type,
        time=core.alert_datetime,
        event_time=core.trigger_time,
        significant=_is_burst(core),
        far=core.far,
        classification=core.classification,
        instruments=(_NAME,),
        maps=() if retracts else core.maps(_NAME),
        position=None if retracts else core.position(_NAME, systematic=systematic),
        addresses=core.addresses,
        facts=core.facts,
        test_reasons=core.test_reasons,
        left_out=core.left_out,
    )


def _voevent_names(voevent: VOEvent) -> Iterator[str]:
    """Its burst's name stands in the address of its light curve alone."""
    if burst := _BURST.search(voevent.value("LightCurve_URL") or ""):
        yield from _of_burst(burst)
    trigger = voevent.value("TrigID") or ""
    if _TRIGGER.fullmatch(trigger):
        yield f"GBM-{trigger}"
    transient = voevent.value("Trans_Num") or ""
    if _TRIGGER.fullmatch(transient):
        yield f"GBM-below-{transient}"


def _of_burst(burst: re.Match[str]) -> tuple[str, str]:
    return burst[0], f"GRB{burst['date']}.{burst['fraction']}"


def _voevent_systematic(voevent: VOEvent) -> tuple[tuple[float, float], ...]:
    if voevent.value("Packet_Type") == _IN_FLIGHT:
        return ()
    said = voevent.value("Long_short") or voevent.value("Duration_class") or ""
    return _SYSTEMATIC["SHORT" if said.upper() == "SHORT" else "LONG"]


def _voevent_is_burst(voevent: VOEvent) -> bool | None:
    """Whether a burst is the likeliest class; those on the ground repeat no class."""
    if voevent.says("Def_NOT_a_GRB"):
        return False
    index = voevent.value("Most_Likely_Index")
    return None if index is None else index == _BURST_INDEX


_WRITER: Final = Writer(
    sender=_NAME,
    ivorn=r"ivo://nasa\.gsfc\.gcn/Fermi#GBM_",
    kind="grb",
    names=_voevent_names,
    instrument=lambda _: _NAME,
    containment=0.68,
    systematic=_voevent_systematic,
    significant=_voevent_is_burst,
)


def _names(core: CoreNotice) -> Iterator[str]:
    """Its burst's name and what others make of that, the trigger's number, what everybody says."""
    for name in core.id:
        if burst := _BURST.fullmatch(name):
            yield from _of_burst(burst)
    yield from (f"GBM-{name}" for name in core.id if _TRIGGER.fullmatch(name))
    yield from names_of_events(core)


def _is_burst(core: CoreNotice) -> bool | None:
    """Whether a burst is the likeliest class: it sends no rate of false alarms, or no class yet."""
    if not core.classification:
        return None
    return max(core.classification, key=core.classification.__getitem__).upper() == _BURST_CLASS


def _is_ours(message: Mapping[str, Any]) -> bool:
    if is_schema(message):
        return False
    sender = (message.get("mission"), message.get("instrument"))
    named = sender == ("Fermi", "GBM") and "alert_type" in message
    return named or "/notices/fermi/gbm/" in schema_of(message)


FERMI_GBM: Final = Mission(
    name=_NAME,
    forms=(
        Form(
            name="gcn.fermi.gbm",
            encoding=Encoding.JSON,
            record=Notice,
            topics=("gcn.notices.fermi.gbm*",),
            recognises=_is_ours,
            keys=(b"/notices/fermi/gbm/", b'"GBM"'),
            parse=read_notice,
            is_open=True,
        ),
        voevent_form(
            _WRITER, name="gcn.fermi.gbm.voevent", topics=("gcn.classic.voevent.FERMI_GBM_*",)
        ),
    ),
    pages=(
        Page(
            name="Fermi's archive",
            pattern=r"(bn([0-9]{2})[0-9]{7})",
            url="https://heasarc.gsfc.nasa.gov/FTP/fermi/data/gbm/triggers/20{1}/{0}/",
        ),
    ),
    event_names=(r"bn\d{9}",),
    told_as=((r"fermi(?:[ -]?gbm)?[ #-]*([0-9]{6,12})", "GBM-{0}"),),
    named_as=((r"(GRB ?[0-9]{6}[A-Z]) ?\(trigger [0-9.]+ ?/ ?([0-9]{9})\b", "bn{0}"),),
    figures=(
        Figure(
            "Signal to noise",
            ("rate_snr", "params__What__Data_Signif", "params__What__Trig_Signif"),
        ),
        Figure(
            "Measured over",
            ("rate_duration", "params__What__Data_Timescale", "params__What__Trig_Timescale"),
            "s",
        ),
    ),
)
