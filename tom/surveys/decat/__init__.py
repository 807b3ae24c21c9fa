"""DECAT, the DECam Alliance for Transients: its packets, as brokers pass them on.

Fluxes are counts on a zero-point of each exposure. Times are rounded to 338 s, since a 32-bit
number holds them.
"""

from typing import Final

from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Survey, Telescope
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
    bands={band: band for band in "ugrizY"},
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
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
    ),
    # A / E(B-V): Schlafly & Finkbeiner 2011, table 6; u is that of SDSS.
    bands={
        "u": Band(extinction=4.239),
        "g": Band(extinction=3.237, colour=Colour.GREEN),
        "r": Band(extinction=2.176, colour=Colour.RED),
        "i": Band(extinction=1.595, colour=Colour.AMBER),
        "z": Band(extinction=1.217),
        "Y": Band(extinction=1.058),
    },
    telescope=Telescope(name="Blanco", instrument="DECam"),
    # It publishes no stream of its packets: the people who get them say who may see them.
    public_programs=frozenset(),
)
