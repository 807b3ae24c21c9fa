"""ELAsTiCC, the simulation of Rubin's alerts: its packets of version 0.9, and brokers' classes.

They have Rubin's shape and older names. What was streamed to brokers has fluxes in nJy: against the
simulated peaks the zero point is 31.39 (n 1,487 points within 1.5 days of a peak in Fink's alerts
of 2023), and SNANA, which wrote those alerts, scales to 31.4. The packets for the first tests have
SNANA's own scale, 27.5, by their depths. Both call themselves 0.9. The streamed ones tell how the
host's redshift was measured (`hostgal_zspec`), the first ones do not (`hostgal_z`).
"""

from dataclasses import replace
from typing import Final

from tom.formats.containers import MAGIC, WriterSchema
from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Survey
from tom.forms.mapped import Clock, Epochs, HostFields, Packet, named, parser_by_schema, read_packet
from tom.records import Classification, ObjectAlert
from tom.records.alert import PointKind
from tom.sky import extinction_coefficient
from tom.surveys.elasticc.answers import ANSWERS
from tom.surveys.elasticc.classes import SURVEY, is_said, parse_classes
from tom.surveys.elasticc.streamed import read_streamed

_SNANA: Final = 27.5
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
    )


PACKET: Final = Packet(
    survey=SURVEY,
    object_id="diaSource.diaObjectId",
    ra="diaSource.ra",
    dec="diaSource.decl",
    least_ra=-180.0,  # near 0 h it is told as below 0: 7 of Fink's 3908 alerts
    trigger=_sources("diaSource", PointKind.ALERT, "diaSourceId"),
    history=(
        _sources("prvDiaSources", PointKind.ALERT, "diaSourceId"),
        _sources("prvDiaForcedSources", PointKind.FORCED, "diaForcedSourceId"),
    ),
    clock=Clock.MJD_TAI_MIDDLE,
    bands={**{band: band for band in "ugrizy"}, "Y": "y"},
    # The first packets have one redshift; the streamed ones say how it was measured.
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

_FIRST: Final = replace(
    PACKET,
    trigger=replace(PACKET.trigger, zero_point=_SNANA),
    history=tuple(replace(epochs, zero_point=_SNANA) for epochs in PACKET.history),
)
"""The packets for the first tests."""


def _packet_of(schema: WriterSchema) -> Packet:
    return PACKET if "hostgal_zspec" in schema.fields.get("diaObject", ()) else _FIRST


_parse_container: Final = parser_by_schema(_packet_of)


def _parse(payload: bytes) -> ObjectAlert:
    if payload.startswith(MAGIC):
        return _parse_container(payload)
    return read_packet(PACKET, read_streamed(payload))


ELASTICC: Final = Survey(
    name=PACKET.survey,
    forms=(
        # First: its topics are among those of the alerts.
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
        Form(
            name="elasticc.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("elasticc*",),
            recognises=named("elasticc", PACKET),
            fields={PACKET.trigger.at: ()},
            anywhere=True,
            parse=_parse,
            lane=Lane.BATCH,
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
    answers=ANSWERS,
)
