"""Instruments of the facilities behind the portal, and the portal's words for them.

The codes are those of the observatories' own instrument tables; see
https://developers.lco.global and https://observe.lco.global/api/instruments/.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tom.followup.facilities.cameras import SINISTRO
from tom.followup.facilities.contract import Instrument


@dataclass(frozen=True)
class PortalWords:
    """The words that an OCS portal expects for one instrument."""

    telescope_class: str
    configuration_type: str
    element_group: str  # the name under which an exposure's element is sent
    fixed_elements: Mapping[str, str] = field(default_factory=dict)
    acquisition: Mapping[str, str] = field(default_factory=dict)
    guiding: Mapping[str, str] = field(default_factory=dict)
    rotator: str = ""


@dataclass(frozen=True)
class FacilityCard:
    """One facility: its name, its instruments, and the words for each."""

    name: str
    label: str
    instruments: tuple[Instrument, ...]
    words: Mapping[str, PortalWords]


def _imaging(telescope_class: str) -> PortalWords:
    return PortalWords(telescope_class, "EXPOSE", "filter")


def _spectroscopy(telescope_class: str, **fixed_elements: str) -> PortalWords:
    return PortalWords(
        telescope_class,
        "SPECTRUM",
        "slit",
        fixed_elements=fixed_elements,
        acquisition={"mode": "WCS"},
        guiding={"mode": "ON"},
        rotator="VFLOAT",
    )


_LCO_1M = ("McDonald", "Cerro Tololo", "Sutherland", "Siding Spring", "Teide")

# The limits of LCO's telescopes, from the table of its Observation Portal: degrees, hours.
_LCO_ALTITUDE, _LCO_HOURS = 15.0, 4.6

LCO = FacilityCard(
    name="LCO",
    label="Las Cumbres Observatory",
    instruments=(
        Instrument(
            name="1M0-SCICAM-SINISTRO",
            label="Sinistro imager, 1 m",
            kind="imaging",
            elements=("gp", "rp", "ip", "zs"),
            seconds_max=1200,
            seconds_default=120,
            camera=SINISTRO,
            telescope="Sinistro, LCO 1 m",
            sites=_LCO_1M,
            altitude_min_deg=_LCO_ALTITUDE,
            hour_angle_max_hours=_LCO_HOURS,
        ),
        Instrument(
            name="2M0-FLOYDS-SCICAM",
            label="FLOYDS spectrograph, 2 m",
            kind="spectrum",
            elements=("slit_1.6as", "slit_2.0as", "slit_1.2as", "slit_6.0as"),
            seconds_max=3600,
            seconds_default=1800,
            sites=("Haleakala", "Siding Spring"),
            altitude_min_deg=_LCO_ALTITUDE,
            hour_angle_max_hours=_LCO_HOURS,
        ),
    ),
    words={
        "1M0-SCICAM-SINISTRO": _imaging("1m0"),
        "2M0-FLOYDS-SCICAM": _spectroscopy("2m0"),
    },
)

SOAR = FacilityCard(
    name="SOAR",
    label="SOAR 4.1 m",
    instruments=(
        Instrument(
            name="SOAR_GHTS_REDCAM_IMAGER",
            label="Goodman imager",
            kind="imaging",
            elements=("g-SDSS", "r-SDSS", "i-SDSS"),
            seconds_max=1200,
            seconds_default=60,
            modes=("NORMAL", "TIME_CRITICAL"),
            sites=("Cerro Pachon",),
        ),
        Instrument(
            name="SOAR_GHTS_REDCAM",
            label="Goodman spectrograph, 400 lines",
            kind="spectrum",
            elements=("slit_1.0as", "slit_1.5as"),
            seconds_max=3600,
            seconds_default=1200,
            modes=("NORMAL", "TIME_CRITICAL"),
            sites=("Cerro Pachon",),
        ),
    ),
    words={
        "SOAR_GHTS_REDCAM_IMAGER": _imaging("4m0"),
        "SOAR_GHTS_REDCAM": _spectroscopy("4m0", grating="SYZY_400"),
    },
)

BLANCO = FacilityCard(
    name="BLANCO",
    label="Blanco 4 m",
    instruments=(
        Instrument(
            name="BLANCO_NEWFIRM",
            label="NEWFIRM near-infrared imager",
            kind="imaging",
            elements=("JX", "HX", "KXs"),
            seconds_max=600,
            seconds_default=30,
            modes=("NORMAL", "TIME_CRITICAL"),
            sites=("Cerro Tololo",),
        ),
    ),
    words={"BLANCO_NEWFIRM": _imaging("4m0")},
)

CARDS = (LCO, SOAR, BLANCO)
