"""Fermi's Gamma-ray Burst Monitor: GCN's JSON notices of its triggers.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/fermi/gbm/trigger.schema.json
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tom.formats.describe import is_schema
from tom.forms.declared import Encoding, Form, Mission, Page
from tom.forms.gcn_core import CoreNotice, read_core
from tom.records import Notice

_NAME: Final = "Fermi GBM"
_BURST: Final = re.compile(r"bn(?P<date>[0-9]{6})(?P<fraction>[0-9]{3})")
_BURST_CLASS: Final = "GRB"
_TRIGGER: Final = re.compile(r"[0-9]{6,12}")
_SPELLED: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
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
    core = read_core(payload)
    duration = core.facts.get("duration_class")
    systematic = _SYSTEMATIC["SHORT" if duration == "SHORT" else "LONG"]
    return Notice(
        sender=_NAME,
        kind="grb",
        names=tuple(dict.fromkeys(_names(core))),
        type=core.type,
        time=core.alert_datetime,
        event_time=core.trigger_time,
        significant=_is_burst(core),
        far=core.far,
        classification=core.classification,
        instruments=(_NAME,),
        maps=core.maps(_NAME),
        position=core.position(_NAME, systematic=systematic),
        facts=core.facts,
        test_reasons=core.test_reasons,
        left_out=core.left_out,
    )


def _names(core: CoreNotice) -> Iterator[str]:
    """Its burst's name and what others make of that, then the trigger's number, then any other."""
    for name in core.id:
        if burst := _BURST.fullmatch(name):
            yield name
            yield f"GRB{burst['date']}.{burst['fraction']}"
    yield from (f"GBM-{name}" for name in core.id if _TRIGGER.fullmatch(name))
    for name in core.event_name:
        spelled = "".join(name.split())
        if _SPELLED.fullmatch(spelled) and spelled.strip("."):
            yield spelled


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
    return named or "/notices/fermi/gbm/" in str(message.get("$schema"))


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
)
