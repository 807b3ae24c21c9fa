"""The Zwicky Transient Facility: its packets of every version, and what it is observed with."""

from typing import Final

from tom.formats.containers import WriterSchema
from tom.forms.declared import (
    Band,
    Colour,
    Encoding,
    Form,
    Lane,
    Page,
    Survey,
    Telescope,
)
from tom.forms.images import ImageNumber
from tom.records import ObjectAlert
from tom.sky import Orientation, extinction_coefficient
from tom.surveys.ztf.packets import open_ztf, parse_ztf, read_alert, read_ztf_trigger

_CANDIDATE: Final = frozenset({"jd", "fid", "pid", "magpsf", "sigmapsf", "isdiffpos"})
_HISTORY: Final = frozenset({"jd", "fid", "pid", "magpsf", "diffmaglim"})
# Its packets have the names of these fields, and other meanings; it is no survey here.
_OTHERS: Final = frozenset({"turbo"})
_NAME: Final = r"(ZTF[0-9]{2}[a-z]{7})"
# The key is `candid`, `objectId:pid` or `objectId:pid:fp`. `pid` is night and time, quadrant, and
# the 15 of the product; `candid` begins with it.
_IMAGE: Final = ImageNumber(separator=":", part=2, cut=6, end="15", digits=(9, 11))


def _is_ztf(schema: WriterSchema) -> bool:
    """Tell ZTF's packets, in any version and from any broker, from look-alikes.

    A packet that calls itself ZTF's but lacks `objectId` is one too: its parser says what it lacks.
    Babamul's has the same top level, but its history holds fluxes on another scale.
    """
    survey = schema.name.partition(".")[0].lower()
    history = schema.fields.get("prv_candidates", _HISTORY)
    return (
        survey not in _OTHERS
        and schema.fields.get("candidate", frozenset()) >= _CANDIDATE
        and history >= _HISTORY
        and ("objectId" in schema.fields or survey == "ztf")
    )


ZTF: Final = Survey(
    name="ZTF",
    forms=(
        Form(
            name="ztf.avro",
            encoding=Encoding.AVRO,
            topics=("ztf_*", "ztf.*"),
            recognises=_is_ztf,
            fields={"candidate": _CANDIDATE, "prv_candidates": _HISTORY},
            anywhere=True,
            record=ObjectAlert,
            parse=parse_ztf,
            open=open_ztf,
            read_trigger=read_ztf_trigger,
            lane=Lane.BATCH,
        ),
    ),
    # No table has its filters; those of Pan-STARRS1 are the nearest.
    bands={
        "g": Band(extinction=extinction_coefficient("ps1_g"), colour=Colour.GREEN),
        "r": Band(extinction=extinction_coefficient("ps1_r"), colour=Colour.RED),
        "i": Band(extinction=extinction_coefficient("ps1_i"), colour=Colour.AMBER),
    },
    public_programs=frozenset({1}),
    read=read_alert,
    image=_IMAGE,
    telescope=Telescope(name="Palomar 1.2m Oschin", instrument="ZTF"),
    # North is down and east to the left as FITS files are shown: a mirror image of the sky.
    orientation=Orientation(east_x=-1.01, east_y=0.0, north_x=0.0, north_y=-1.01),
    pages=(
        Page(name="ALeRCE", pattern=_NAME, url="https://alerce.online/object/{0}"),
        Page(name="Fink", pattern=_NAME, url="https://ztf.fink-portal.org/{0}"),
        Page(name="Lasair", pattern=_NAME, url="https://lasair-ztf.lsst.ac.uk/objects/{0}/"),
    ),
)
