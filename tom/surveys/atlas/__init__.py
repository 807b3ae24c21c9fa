"""The Asteroid Terrestrial-impact Last Alert System, as brokers pass its packets on.

A packet has one detection and no history. Learnt from real ones: `mjd` is the middle of the
exposure (15 s after `MJD-OBS` of the stamps' headers, for 30 s); `Mag` and `flux` are negative
where the source is fainter than before, while `isdiffpos` says the opposite of both; `Dflux` is
`flux` times `Dmag`, and so 9% too large.
"""

from typing import Final

from tom.formats.containers import WriterSchema
from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Survey, Telescope
from tom.forms.mapped import Clock, Epochs, Packet, parser_of
from tom.records import ObjectAlert

_CANDIDATE: Final = frozenset({"mjd", "filter", "Mag", "Dmag", "RA", "Dec"})

PACKET: Final = Packet(
    survey="ATLAS",
    object_id="objectId",
    ra="candidate.RA",
    dec="candidate.Dec",
    trigger=Epochs(
        at="candidate",
        key="candid",
        time="mjd",
        band="filter",
        magnitude="Mag",
        magnitude_error="Dmag",
    ),
    clock=Clock.MJD_MIDDLE,
    bands={"c": "c", "o": "o"},
    version="schemavsn",
    # The chances that its own vetting gives, in thousandths, and what they are of.
    scores={
        "atlas variable": "candidate.Pvr",
        "atlas transient": "candidate.Ptr",
        "atlas moving": "candidate.Pmv",
        "atlas known asteroid": "candidate.Pkn",
        "atlas noise": "candidate.Pno",
        "atlas burn": "candidate.Pbn",
        "atlas cosmic ray": "candidate.Pcr",
        "atlas cross-talk": "candidate.Pxt",
        "atlas star scar": "candidate.Psc",
    },
    score_share=0.001,
    cutouts={"science": "cutoutScience.stampData", "difference": "cutoutDifference.stampData"},
    fakes={"candidate.Det": 10},
)


def _is_atlas(schema: WriterSchema) -> bool:
    """A packet that calls itself so is one, also where it lacks what one has."""
    is_named = schema.name.partition(".")[0].lower() == "atlas" and "candidate" in schema.fields
    return is_named or (
        schema.fields.get("candidate", frozenset()) >= _CANDIDATE and "objectId" in schema.fields
    )


ATLAS: Final = Survey(
    name=PACKET.survey,
    forms=(
        Form(
            name="atlas.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("atlas_*", "atlas.*"),
            recognises=_is_atlas,
            fields={"candidate": _CANDIDATE},
            anywhere=True,
            parse=parser_of(PACKET),
            lane=Lane.BATCH,
        ),
    ),
    # Between those of Pan-STARRS1's filters, by 1 / wavelength: 533 nm and 679 nm.
    bands={
        "c": Band(extinction=2.77, colour=Colour.GREEN),
        "o": Band(extinction=1.97, colour=Colour.RED),
    },
    telescope=Telescope(name="ATLAS", instrument="ATLAS"),
    # It publishes no stream of its packets: the people who get them say who may see them.
    public_programs=frozenset(),
)
