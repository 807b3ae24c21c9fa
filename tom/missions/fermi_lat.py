"""Fermi's Large Area Telescope: GCN's JSON notices of flares of known sources.

Form: https://gcn.nasa.gov/schema/main/gcn/notices/fermi/lat/flare.schema.json
It gives no id: a flare is called by its source and the day of its observation. The place has no
error, so no map is made of it.
"""

from typing import Final

from tom.formats.errors import MalformedAlertError
from tom.forms.declared import Encoding, Form, Mission
from tom.forms.gcn_core import read_message
from tom.forms.gcn_notices import Teller, core_with_time, is_of, notice_of, spelled
from tom.records import Notice

_FOLDER: Final = "/notices/fermi/lat/"
_FLARE: Final = Teller(
    sender="Fermi LAT", folder=_FOLDER, ids=((r".+", "LAT-{0}"),), instrument="LAT"
)


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
    source = spelled(next(iter(core.event_name), "").replace("+", "p"))
    if not source:
        reason = "it names no source: event_name is missing"
        raise MalformedAlertError(reason)
    day = core.trigger_time or core.alert_datetime
    named = core.model_copy(update={"id": (f"{source[:40]}-{day:%Y%m%d}",)})
    return notice_of(_FLARE, named)


def _is_flare(message: dict[str, object]) -> bool:
    return is_of(_FOLDER, message)


FERMI_LAT: Final = Mission(
    name="Fermi LAT",
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
    ),
)
