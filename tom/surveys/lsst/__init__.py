"""The Rubin Observatory's survey, for reports and pages. Its packets are not read yet."""

from typing import Final

from tom.forms.declared import Band, Colour, Page, Survey, Telescope
from tom.sky import extinction_coefficient

_NUMBER: Final = r"(?:LSST)?[ _-]*([0-9]{15,19})[ _-]*"
_COLOURS: Final = {"g": Colour.GREEN, "r": Colour.RED, "i": Colour.AMBER}

LSST: Final = Survey(
    name="LSST",
    bands={
        band: Band(
            extinction=extinction_coefficient(band), colour=_COLOURS.get(band, Colour.VIOLET)
        )
        for band in "ugrizy"
    },
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
