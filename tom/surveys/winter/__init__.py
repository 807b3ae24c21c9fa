"""WINTER, in the near infrared at Palomar: its packets, as brokers pass them on.

J and H are on the scale of 2MASS, Vega; Y is on that of Pan-STARRS1, AB.
"""

from typing import Final

from tom.forms.declared import Band, Encoding, Form, Lane, Survey, Telescope
from tom.forms.mapped import Clock, Epochs, Packet, named, parser_of
from tom.records import ObjectAlert


def _detections(at: str) -> Epochs:
    return Epochs(
        at=at,
        key="candid",
        time="jd",
        exposure="exptime",
        band="fid",
        magnitude="magpsf",
        magnitude_error="sigmapsf",
        sign="isdiffpos",
        limit="diffmaglim",
        score="rb",
        program="programid",
    )


PACKET: Final = Packet(
    survey="WINTER",
    object_id="objectid",
    ra="candidate.ra",
    dec="candidate.dec",
    trigger=_detections("candidate"),
    history=(_detections("prv_candidates"),),
    clock=Clock.JD_START,
    usual_s=120.0,
    bands={1: "Y", 2: "J", 3: "H"},
    # Blanton & Roweis 2007, https://doi.org/10.1086/510127
    ab_offsets={"J": 0.91, "H": 1.39},
    history_start="candidate.jdstarthist",
    n_detections="candidate.ndethist",
    version="schemavsn",
    scores={"rb": "candidate.rb"},
    star=("candidate.distpsnr1", "candidate.sgscore1"),
    planet=("candidate.ssnamenr", "candidate.ssdistnr", "candidate.ssmagnr"),
    cutouts={
        "science": "cutout_science",
        "template": "cutout_template",
        "difference": "cutout_difference",
    },
)

WINTER: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="winter.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("winter_*", "winter.*"),
            recognises=named("winter", PACKET),
            fields={PACKET.trigger.at: ()},
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
    ),
    # A / E(B-V): Schlafly & Finkbeiner 2011, table 6, for Pan-STARRS1's y and 2MASS.
    bands={
        "Y": Band(extinction=1.087),
        "J": Band(extinction=0.723),
        "H": Band(extinction=0.460),
    },
    telescope=Telescope(name="Palomar 1m", instrument="WINTER"),
    # It publishes no stream of its packets: the people who get them say who may see them.
    public_programs=frozenset(),
)
