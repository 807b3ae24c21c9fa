"""The Rubin Observatory's survey: its packets of every version, and what it is observed with."""

from typing import Final

from tom.formats.containers import WriterSchema
from tom.forms.declared import Band, Colour, Encoding, Form, Lane, Page, Survey, Telescope
from tom.records import ObjectAlert
from tom.sky import extinction_coefficient
from tom.surveys.lsst.packets import (
    SURVEY,
    open_container,
    open_framed,
    parse_container,
    parse_framed,
    read_alert,
    read_contained_trigger,
    read_framed_trigger,
)
from tom.surveys.lsst.schemas import is_alert_id

_NUMBER: Final = r"(?:LSST)?[ _-]*([0-9]{15,19})[ _-]*"
_COLOURS: Final = {"g": Colour.GREEN, "r": Colour.RED, "i": Colour.AMBER}
_SOURCE: Final = frozenset({"diaSourceId", "ra", "snr"})
_FLUX: Final = ({"midpointMjdTai", "psfFlux"}, {"midPointTai", "psFlux"})
# Simulations and brokers whose packets have the names of these fields, and other meanings.
_OTHERS: Final = frozenset({"elasticc"})


def _is_alert(schema: WriterSchema) -> bool:
    """A packet in any version and from any broker that keeps its form."""
    survey = schema.name.partition(".")[0].lower()
    source = schema.fields.get("diaSource", frozenset())
    return (
        survey not in _OTHERS
        and source >= _SOURCE
        and any(source >= names for names in _FLUX)
        and "prvDiaSources" in schema.fields
    )


LSST: Final = Survey(
    name=SURVEY,
    forms=(
        Form(
            name="lsst.framed",
            encoding=Encoding.FRAMED,
            topics=("lsst-alerts*", "lsst_*"),
            recognises=is_alert_id,
            record=ObjectAlert,
            parse=parse_framed,
            open=open_framed,
            read_trigger=read_framed_trigger,
            lane=Lane.BATCH,
        ),
        Form(
            name="lsst.avro",
            encoding=Encoding.AVRO,
            topics=("lsst-alerts*", "lsst_*"),
            recognises=_is_alert,
            fields={"diaSource": _SOURCE | _FLUX[0], "prvDiaSources": ()},
            anywhere=True,
            record=ObjectAlert,
            parse=parse_container,
            open=open_container,
            read_trigger=read_contained_trigger,
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
    read=read_alert,
    telescope=Telescope(name="Simonyi", instrument="LSSTCam"),
    pages=(
        Page(
            name="ALeRCE (LSST)",
            pattern=_NUMBER,
            url="https://lsst.alerce.online/object/{0}?survey=lsst",
        ),
        Page(name="Fink (LSST)", pattern=_NUMBER, url="https://lsst.fink-portal.org/{0}"),
        Page(name="Lasair (LSST)", pattern=_NUMBER, url="https://lasair.lsst.ac.uk/objects/{0}/"),
    ),
)
