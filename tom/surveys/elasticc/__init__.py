"""ELAsTiCC, the simulation of Rubin's alerts: its packets of version 0.9, and brokers' classes.

They have Rubin's shape and older names, and fluxes on SNANA's zero-point, 27.5.
"""

from typing import Final

from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Survey
from tom.forms.mapped import Clock, Epochs, HostFields, Packet, named, parser_of
from tom.records import Classification, ObjectAlert
from tom.records.alert import PointKind
from tom.sky import extinction_coefficient
from tom.surveys.elasticc.classes import SURVEY, is_said, parse_classes

_ZERO_POINT: Final = 27.5
_COLOURS: Final = {"g": Colour.GREEN, "r": Colour.RED, "i": Colour.AMBER}


def _sources(at: str, kind: PointKind, key: str) -> Epochs:
    return Epochs(
        at=at,
        kind=kind,
        key=key,
        time="midPointTai",
        band="filterName",
        flux="psFlux",
        flux_error="psFluxErr",
        zero_point=_ZERO_POINT,
    )


PACKET: Final = Packet(
    survey=SURVEY,
    object_id="diaSource.diaObjectId",
    ra="diaSource.ra",
    dec="diaSource.decl",
    trigger=_sources("diaSource", PointKind.ALERT, "diaSourceId"),
    history=(
        _sources("prvDiaSources", PointKind.ALERT, "diaSourceId"),
        _sources("prvDiaForcedSources", PointKind.FORCED, "diaForcedSourceId"),
    ),
    clock=Clock.MJD_TAI_MIDDLE,
    bands={**{band: band for band in "ugrizy"}, "Y": "y"},
    # That of 0.9 has one redshift; 0.9.1 says how it was measured.
    host=HostFields(
        redshifts=(
            ("diaObject.hostgal_zspec", "diaObject.hostgal_zspec_err"),
            ("diaObject.hostgal_z", "diaObject.hostgal_z_err"),
            ("diaObject.hostgal_zphot", "diaObject.hostgal_zphot_err"),
        ),
        ra="diaObject.hostgal_ra",
        dec="diaObject.hostgal_dec",
        separation="diaObject.hostgal_snsep",
    ),
    cutouts={"template": "cutoutTemplate", "difference": "cutoutDifference"},
)

ELASTICC: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="elasticc.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("elasticc-alerts*", "elasticc_alerts*"),
            recognises=named("elasticc", PACKET),
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
        Form(
            name="elasticc.classification",
            encoding=Encoding.AVRO,
            record=Classification,
            topics=("elasticc*classif*", "elasticc-broker*", "*-elasticc-classif*"),
            recognises=is_said,
            parse=parse_classes,
            lane=Lane.BATCH,
            is_open=True,
        ),
    ),
    bands={
        band: Band(
            extinction=extinction_coefficient(band), colour=_COLOURS.get(band, Colour.VIOLET)
        )
        for band in "ugrizy"
    },
    public_programs=frozenset({1}),
    is_simulated=True,
)
