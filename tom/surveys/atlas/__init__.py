"""The Asteroid Terrestrial-impact Last Alert System, as brokers pass its packets on."""

from typing import Final

from tom.formats.containers import WriterSchema
from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Survey, Telescope
from tom.records import ObjectAlert
from tom.surveys.atlas.packets import SURVEY, parse_atlas

_CANDIDATE: Final = frozenset({"mjd", "filter", "Mag", "Dmag", "RA", "Dec"})


def _is_atlas(schema: WriterSchema) -> bool:
    """A packet that calls itself so is one, also where it lacks what one has."""
    named = schema.name.partition(".")[0].lower() == "atlas" and "candidate" in schema.fields
    return named or (
        schema.fields.get("candidate", frozenset()) >= _CANDIDATE and "objectId" in schema.fields
    )


ATLAS: Final = Survey(
    name=SURVEY,
    forms=(
        Form(
            name="atlas.avro",
            encoding=Encoding.AVRO,
            record=ObjectAlert,
            topics=("atlas_*", "atlas.*"),
            recognises=_is_atlas,
            anywhere=True,
            parse=parse_atlas,
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
