"""VOEvents made for tests: of each mission's form."""

from collections.abc import Iterable, Mapping
from xml.sax.saxutils import quoteattr

HEAD = (
    "<?xml version='1.0' encoding='UTF-8'?>"
    '<voe:VOEvent xmlns:voe="http://www.ivoa.net/xml/VOEvent/v2.0" version="2.0" '
)
IVORNS = {
    "igwn.voevent": "ivo://gwnet/LVC#S260101ab-1-Initial",
    "gcn.fermi.gbm.voevent": "ivo://nasa.gsfc.gcn/Fermi#GBM_Gnd_Pos_2026-01-01T05:04:46_789000001",
    "gcn.swift.voevent": "ivo://nasa.gsfc.gcn/SWIFT#BAT_GRB_Pos_1300001-001",
    "gcn.icecube.voevent": "ivo://nasa.gsfc.gcn/AMON#ICECUBE_GOLD_Event2026-01-01T05:04:46_0",
    "gcn.svom.voevent": "ivo://org.svom/fsc#sb26010101_eclairs-wakeup",
    "gcn.fermi.lat.voevent": "ivo://nasa.gsfc.gcn/Fermi#LAT_Initial_Pos_2026-01-01_789000002_0-01",
    "gcn.fermi.lat.flare.voevent": "ivo://nasa.gsfc.gcn/Fermi#LAT_Monitor_2026-01-01_1767_0-1",
    "gcn.superk.voevent": "ivo://nasa.gsfc.gcn/SK_SN#Event_2026-01-01T05:04:46_000007-1",
    "chime.voevent": "ivo://ca.chimenet.frb/FRB-DETECTION-#2026-01-01-05:04:46UTC_12ab",
    "voevent": "ivo://nasa.gsfc.gcn/INTEGRAL#Weak_2026-01-01T05:04:46_9001",
}
"""The name of a VOEvent of each form."""
LVK = {"GraceID": "S260101ab", "AlertType": "Initial", "Instruments": "H1,L1", "FAR": "1e-9"}
PARAMS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "igwn.voevent": {
        "": {**LVK, "Group": "CBC", "Pipeline": "gstlal", "Search": "AllSky", "Significant": "1"},
        "GW_SKYMAP": {"skymap_fits": "https://example.org/bayestar.multiorder.fits,0"},
        "Classification": {"BNS": "0.9", "Terrestrial": "0.1"},
        "Properties": {"HasNS": "1.0"},
        "External Coincidence": {
            "External_GCN_Notice_Id": "789000001",
            "External_Observatory": "Fermi",
            "Time_Difference": "2.0",
        },
    },
    "gcn.fermi.gbm.voevent": {"": {"TrigID": "789000001", "Packet_Type": "112"}},
    "gcn.swift.voevent": {
        "": {"TrigID": "1300001"},
        "Solution_Status": {"GRB_Identified": "true", "Def_NOT_a_GRB": "false"},
    },
    "gcn.icecube.voevent": {
        "": {"run_id": "140000", "event_id": "7000001", "FAR": "1.0", "Rev": "0"}
    },
    "gcn.svom.voevent": {
        "": {"Instrument": "ECLAIRs"},
        "Svom_Identifiers": {"Burst_Id": "sb26010101"},
    },
    "gcn.fermi.lat.voevent": {"": {"TrigID": "789000002"}},
    "gcn.fermi.lat.flare.voevent": {"": {"SourceName": "PKS 0001+02"}},
    "gcn.superk.voevent": {"": {"Trigger_Number": "7"}},
    "chime.voevent": {"event parameters": {"event_no": "300000001", "dm": "310.5"}},
    "voevent": {"": {"TrigID": "9001"}},
}


def make_voevent(
    form: str,
    *,
    ivorn: str = "",
    role: str = "observation",
    date: str = "2026-01-01T05:05:00",
    time: str = "2026-01-01T05:04:46.43",
    place: tuple[float, float, float] | None = (50.0, 20.0, 3.0),
    frame: str = "UTC-FK5-GEO",
    cites: Iterable[tuple[str, str]] = (),
    **params: str | None,
) -> bytes:
    """A VOEvent; `params` are added to its values, or replace them; None takes one out."""
    said = {name: {**values} for name, values in PARAMS[form].items()}
    top = said.setdefault("", {})
    for name, value in params.items():
        group = next((each for each in said.values() if name in each), top)
        group.pop(name, None)
        if value is not None:
            group[name] = value
    what = "".join(
        f"<Group type={quoteattr(name)}>{_params(values)}</Group>" if name else _params(values)
        for name, values in said.items()
    )
    cited = "".join(f'<EventIVORN cite="{how}">{name}</EventIVORN>' for how, name in cites)
    return (
        f"{HEAD} role={quoteattr(role)} ivorn={quoteattr(ivorn or IVORNS[form])}>"
        f"<Who><Date>{date}</Date></Who><What>{what}</What>"
        f"<WhereWhen><ObsDataLocation><ObservationLocation>"
        f'<AstroCoordSystem id="{frame}"/><AstroCoords coord_system_id="{frame}">'
        f"<Time><TimeInstant><ISOTime>{time}</ISOTime></TimeInstant></Time>{_place(place)}"
        f"</AstroCoords></ObservationLocation></ObsDataLocation></WhereWhen>"
        f"<Citations>{cited}</Citations></voe:VOEvent>"
    ).encode()


def _params(values: Mapping[str, str]) -> str:
    return "".join(
        f"<Param name={quoteattr(name)} value={quoteattr(value)}/>"
        for name, value in values.items()
    )


def _place(place: tuple[float, float, float] | None) -> str:
    if place is None:
        return ""
    ra, dec, radius = place
    return (
        '<Position2D unit="deg"><Name1>RA</Name1><Name2>Dec</Name2>'
        f"<Value2><C1>{ra}</C1><C2>{dec}</C2></Value2><Error2Radius>{radius}</Error2Radius>"
        "</Position2D>"
    )
