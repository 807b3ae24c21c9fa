"""The Dark Energy Camera at the Blanco telescope, for the surveys that use it."""

from typing import Final

from tom.forms.declared import Band, Colour, Telescope

TELESCOPE: Final = Telescope(name="Blanco", instrument="DECam")
# A / E(B-V): Schlafly & Finkbeiner 2011, table 6; u is that of SDSS.
BANDS: Final = {
    "u": Band(extinction=4.239),
    "g": Band(extinction=3.237, colour=Colour.GREEN),
    "r": Band(extinction=2.176, colour=Colour.RED),
    "i": Band(extinction=1.595, colour=Colour.AMBER),
    "z": Band(extinction=1.217),
    "Y": Band(extinction=1.058),
}
