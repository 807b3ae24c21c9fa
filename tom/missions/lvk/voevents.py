"""LVK's VOEvents, which it sent until July 2026: read as the alerts that JSON carries today.

Form: https://emfollow.docs.ligo.org/userguide/content.html of before 2026. They have no map, only
its address, and no address is opened.
"""

from collections.abc import Mapping
from typing import Any, Final

from tom.formats.voevent import VOEvent, read_voevent
from tom.forms.voevents import sound
from tom.missions.lvk.alert import GWAlert, read_alert

IVORN: Final = r"ivo://(?:gwnet|nasa\.gsfc\.gcn)/(?:LVC|LVK|gcn_sender)#"
_RETRACTION: Final = "RETRACTION"
_SKYMAPS: Final = ("skymap_fits", "skymap_fits_basic", "skymap_fits_x509", "skymap_fits_shib")
# Until 2018 the properties stood among the other values, with longer names.
_OLD_PROPERTIES: Final = {"ProbHasNS": "HasNS", "ProbHasRemnant": "HasRemnant"}
_COINCIDENCE: Final = {
    "External_GCN_Notice_Id": "gcn_notice_id",
    "External_Ivorn": "ivorn",
    "External_Observatory": "observatory",
    "External_Search": "search",
    "Time_Difference": "time_difference",
    "Time_Coincidence_FAR": "time_coincidence_far",
    "Time_Sky_Position_Coincidence_FAR": "time_sky_position_coincidence_far",
}
_EVENT: Final = {
    "FAR": "far",
    "Significant": "significant",
    "Group": "group",
    "Pipeline": "pipeline",
    "Search": "search",
    "Duration": "duration",
    "CentralFreq": "central_frequency",
}


def parse_gwalert_xml(payload: bytes) -> tuple[GWAlert, VOEvent]:
    """Parse a VOEvent of LVK's.

    Returns
    -------
    (GWAlert, VOEvent)
        The alert, its `urls` with the addresses of its maps, and the VOEvent as it is written.

    Raises
    ------
    MalformedAlertError
        If it is no sound VOEvent, or breaks the form.
    UnhandledAlertError
        If its role is utility.
    """
    voevent = sound(read_voevent(payload))
    alert = read_alert(_as_json(voevent))
    left_out = (*voevent.left_out, *alert.left_out)
    return alert.model_copy(update={"left_out": left_out}), voevent


def _as_json(voevent: VOEvent) -> dict[str, Any]:
    what = voevent.params.get("", {})
    is_named = what.get("AlertType", "").upper() == _RETRACTION or voevent.says("Retraction")
    retracts = is_named or voevent.cites("retraction")
    date = voevent.date.isoformat() if voevent.date else None
    return {
        "alert_type": _RETRACTION if retracts else what.get("AlertType", "").upper(),
        "time_created": date,
        "superevent_id": what.get("GraceID"),
        "urls": _urls(voevent),
        "event": None if retracts else _event(voevent, what),
        "external_coinc": _renamed(voevent.params.get("External Coincidence", {}), _COINCIDENCE),
    }


def _event(voevent: VOEvent, what: Mapping[str, str]) -> dict[str, Any]:
    instruments = what.get("Instruments", "").split(",")
    old = _renamed(what, _OLD_PROPERTIES) or {}
    return {
        **(_renamed(what, _EVENT) or {}),
        "time": voevent.event_time.isoformat() if voevent.event_time else None,
        "instruments": [name.strip() for name in instruments if name.strip()],
        "classification": dict(voevent.params.get("Classification", {})),
        "properties": {**old, **voevent.params.get("Properties", {})},
    }


def _renamed(said: Mapping[str, str], names: Mapping[str, str]) -> dict[str, str] | None:
    """Those of the values that have another name in JSON, by that; None if there are none."""
    return {names[name]: value for name, value in said.items() if name in names and value} or None


def _urls(voevent: VOEvent) -> dict[str, str]:
    maps = (voevent.value(name, "GW_SKYMAP") for name in _SKYMAPS)
    found = {
        "gracedb": voevent.value("EventPage"),
        "skymap": next(filter(None, maps), None),
        "combined_skymap": voevent.value("joint_skymap_fits"),
    }
    return {name: url for name, url in found.items() if url}
