"""DECAT, the DECam Alliance for Transients: its packets, as brokers pass them on.

Fluxes are counts on a zero-point of each exposure. Times are rounded to 338 s, since a 32-bit
number holds them.
"""

from typing import Final

from tom.forms.decam import BANDS, TELESCOPE
from tom.forms.declared import Encoding, Form, Lane, Survey
from tom.forms.mapped import Clock, Epochs, Packet, named, parser_of
from tom.records import ObjectAlert


def _sources(at: str) -> Epochs:
    return Epochs(
        at=at,
        key="sourceid",
        time="mjd",
        exposure="exptime",
        band="filter",
        flux="flux",
        flux_error="fluxerr",
        zero_point="magzp",
        limit="limmag",
        score="rb",
    )


PACKET: Final = Packet(
    survey="DECAT",
    object_id="objectid",
    ra="ra",
    dec="dec",
    trigger=_sources("triggersource"),
    history=(_sources("sources"),),
    clock=Clock.MJD_START,
    bands={band: band for band in BANDS},
    scores={"rb": "triggersource.rb"},
    cutouts={
        "science": "triggersource.scicutout",
        "template": "triggersource.refcutout",
        "difference": "triggersource.diffcutout",
    },
)

DECAT: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="decat.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("decat_*", "decat.*"),
            recognises=named("decat", PACKET),
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
