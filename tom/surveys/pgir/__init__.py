"""Palomar Gattini-IR, in J alone: its packets, as brokers pass them on.

Magnitudes are on the scale of 2MASS, Vega.
"""

from typing import Final

from tom.forms.declared import Band, Encoding, Form, Lane, Survey, Telescope
from tom.forms.mapped import Clock, Epochs, Packet, named, parser_of
from tom.records import ObjectAlert


def _detections(at: str) -> Epochs:
    return Epochs(
        at=at,
        key="candid",
        limit_key="subid",
        time="jd",
        exposure="exptime",
        magnitude="magpsf",
        magnitude_error="sigmapsf",
        sign="isdiffpos",
        limit="diffmaglim",
        score="drb",
    )


PACKET: Final = Packet(
    survey="PGIR",
    object_id="objectId",
    ra="candidate.ra",
    dec="candidate.dec",
    trigger=_detections("candidate"),
    history=(_detections("prv_candidates"),),
    clock=Clock.JD_START,
    usual_s=71.3,
    bands={"": "J"},
    ab_offsets={"J": 0.91},  # Blanton & Roweis 2007, https://doi.org/10.1086/510127
    history_start="candidate.jdstarthist",
    n_detections="candidate.ndethist",
    version="schemavsn",
    scores={"drb": "candidate.drb"},
    planet=("candidate.ssnamenr", "candidate.ssdistnr", "candidate.ssmagnr"),
    cutouts={
        "science": "cutoutScience",
        "template": "cutoutTemplate",
        "difference": "cutoutDifference",
    },
)

PGIR: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="pgir.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("pgir_*", "pgir.*"),
            recognises=named("pgir", PACKET),
            fields={PACKET.trigger.at: ()},
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
    ),
    bands={"J": Band(extinction=0.723)},  # Schlafly & Finkbeiner 2011, table 6, for 2MASS
    telescope=Telescope(name="Palomar Gattini-IR", instrument="PGIR"),
    # It publishes no stream of its packets: the people who get them say who may see them.
    public_programs=frozenset(),
)
