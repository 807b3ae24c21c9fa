"""DESIRT, a survey with the Dark Energy Camera: its packets, as brokers pass them on.

`forcediffimflux` is in microjansky; its `mjd` is the exposure's start, whose length none tells.
"""

from typing import Final

from tom.forms.decam import BANDS, TELESCOPE
from tom.forms.declared import Encoding, Form, Lane, Survey
from tom.forms.mapped import Clock, Epochs, Packet, named, parser_of
from tom.records import ObjectAlert
from tom.records.alert import PointKind

_MICROJANSKY: Final = 23.9
PACKET: Final = Packet(
    survey="DESIRT",
    object_id="objectId",
    ra="candidate.ra",
    dec="candidate.dec",
    trigger=Epochs(
        at="candidate",
        key="candid",
        time="mjd",
        band="band",
        flux="forcediffimflux",
        flux_error="forcediffimfluxunc",
        zero_point=_MICROJANSKY,
        limit="diffmaglim",
        score="reliability",
    ),
    history=(
        Epochs(
            at="fp_hists",
            kind=PointKind.FORCED,
            time="mjd",
            band="band",
            flux="forcediffimflux",
            flux_error="forcediffimfluxunc",
            zero_point=_MICROJANSKY,
            limit="diffmaglim",
        ),
    ),
    clock=Clock.MJD_START,
    bands={band: band for band in BANDS},
    scores={"reliability": "candidate.reliability"},
    cutouts={
        "science": "cutoutScience",
        "template": "cutoutTemplate",
        "difference": "cutoutDifference",
    },
)

DESIRT: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="desirt.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("desirt_*", "desirt.*"),
            recognises=named("desirt", PACKET),
            fields={PACKET.trigger.at: ()},
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
    ),
    bands=BANDS,
    telescope=TELESCOPE,
    # It publishes no stream of its packets: the people who get them say who may see them.
    public_programs=frozenset(),
)
