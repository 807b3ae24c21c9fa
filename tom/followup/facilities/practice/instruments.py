"""Instruments of the practice telescope, at the sites of real telescopes."""

from tom.followup.facilities.cameras import SINISTRO
from tom.followup.facilities.contract import Instrument

NAME = "PRACTICE"
LABEL = "Practice telescope (observes nothing)"

INSTRUMENTS = (
    Instrument(
        name="PRACTICE-IMAGER",
        label="Practice imager, 1 m",
        kind="imaging",
        elements=("g", "r", "i", "z"),
        seconds_max=1200,
        seconds_default=120,
        camera=SINISTRO,
        telescope="Sinistro, LCO 1 m",
        sites=("McDonald", "Cerro Tololo", "Sutherland", "Siding Spring", "Teide"),
    ),
    Instrument(
        name="PRACTICE-SPECTROGRAPH",
        label="Practice spectrograph, 2 m",
        kind="spectrum",
        elements=("slit_1.6as", "slit_2.0as"),
        seconds_max=3600,
        seconds_default=1800,
        sites=("Haleakala", "Siding Spring"),
    ),
)
