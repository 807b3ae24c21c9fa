"""The instrument table that a portal on this machine reads: sites, telescopes, instruments.

The observatories' own table is not public. This one takes an imager and a spectrograph from the
portal's own test data and gives them the names of the instruments we know.
"""

import copy
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

Entry = dict[str, Any]  # one object of the table, as JSON

IMAGER = "1M0-SCICAM-SBIG"
SPECTROGRAPH = "2M0-FLOYDS-SCICAM"


@dataclass(frozen=True)
class InstrumentRow:
    """One instrument: its model in the test data, its name, its optical elements by group."""

    like: str
    name: str
    elements: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True)
class TelescopeRow:
    """One telescope and its instruments."""

    code: str
    aperture_m: float
    instruments: tuple[InstrumentRow, ...]


@dataclass(frozen=True)
class SiteRow:
    """One site: degrees and metres."""

    code: str
    latitude: float
    longitude: float
    elevation_m: float
    telescopes: tuple[TelescopeRow, ...]


_SINISTRO = InstrumentRow(
    IMAGER, "1M0-SCICAM-SINISTRO", {"filters": ("rp", "gp", "ip", "zs", "up", "B", "V", "w")}
)
_FLOYDS = InstrumentRow(
    SPECTROGRAPH,
    "2M0-FLOYDS-SCICAM",
    {"slits": ("slit_1.6as", "slit_2.0as", "slit_1.2as", "slit_6.0as")},
)
_GOODMAN_IMAGER = InstrumentRow(
    IMAGER, "SOAR_GHTS_REDCAM_IMAGER", {"filters": ("g-SDSS", "r-SDSS", "i-SDSS")}
)
_GOODMAN = InstrumentRow(
    SPECTROGRAPH,
    "SOAR_GHTS_REDCAM",
    {"gratings": ("SYZY_400", "SYZY_930"), "slits": ("slit_1.0as", "slit_1.5as")},
)
_NEWFIRM = InstrumentRow(IMAGER, "BLANCO_NEWFIRM", {"filters": ("JX", "HX", "KXs")})

_ONE_METRE = TelescopeRow("1m0a", 1.0, (_SINISTRO,))
_TWO_METRE = TelescopeRow("2m0a", 2.0, (_FLOYDS,))
SITES = (
    SiteRow("ogg", 20.7069, -156.2570, 3055, (_TWO_METRE,)),
    SiteRow("elp", 30.6797, -104.0153, 2027, (_ONE_METRE,)),
    SiteRow("lsc", -30.1673, -70.8047, 2201, (_ONE_METRE,)),
    SiteRow("cpt", -32.3806, 20.8100, 1798, (_ONE_METRE,)),
    SiteRow("coj", -31.2728, 149.0708, 1165, (_ONE_METRE, _TWO_METRE)),
    SiteRow("tfn", 28.3006, -16.5117, 2330, (_ONE_METRE,)),
    # 4.0 m: the portal names a telescope's class by its aperture, and SOAR is in the class 4m0.
    SiteRow(
        "sor", -30.2379, -70.7336, 2738, (TelescopeRow("4m0a", 4.0, (_GOODMAN_IMAGER, _GOODMAN)),)
    ),
    SiteRow("ctio", -30.1692, -70.8063, 2207, (TelescopeRow("4m0a", 4.0, (_NEWFIRM,)),)),
)


def instrument_table(package: Path) -> bytes:
    """Return the table as the portal asks for it, from the portal package's folder."""
    source = json.loads((package / "common" / "test_data" / "configdb.json").read_text())
    likes = {name: _find(source, name) for name in (IMAGER, SPECTROGRAPH)}
    sites = [_site(row, likes) for row in SITES]
    table = {"count": len(sites), "next": None, "previous": None, "results": sites}
    return json.dumps(table).encode()


def _find(source: Entry, name: str) -> tuple[Entry, Entry]:
    """Return the telescope and the instrument of that name in the test data."""
    for telescope in _telescopes(source):
        for instrument in telescope["instrument_set"]:
            if instrument["instrument_type"]["code"] == name:
                return telescope, instrument
    raise LookupError(name)


def _telescopes(source: Entry) -> Iterator[Entry]:
    for site in source["results"]:
        for enclosure in site["enclosure_set"]:
            yield from enclosure["telescope_set"]


def _site(row: SiteRow, likes: Mapping[str, tuple[Entry, Entry]]) -> Entry:
    # A site's instruments are numbered through all of its telescopes.
    firsts = accumulate((len(each.instruments) for each in row.telescopes), initial=1)
    return {
        "code": row.code,
        "elevation": row.elevation_m,
        "timezone": round(row.longitude / 15),
        "active": True,
        "enclosure_set": [
            {
                "code": f"dom{letter}",
                "name": f"dom{letter}",
                "active": True,
                "telescope_set": [_telescope(telescope, row, first, likes)],
            }
            for letter, telescope, first in zip("ab", row.telescopes, firsts, strict=False)
        ],
    }


def _telescope(
    row: TelescopeRow, site: SiteRow, first: int, likes: Mapping[str, tuple[Entry, Entry]]
) -> Entry:
    return {
        **copy.deepcopy(likes[row.instruments[0].like][0]),
        "code": row.code,
        "name": row.code,
        "active": True,
        "aperture": row.aperture_m,
        "lat": site.latitude,
        "long": site.longitude,
        "instrument_set": [
            _instrument(instrument, f"{site.code}{number}", likes[instrument.like][1])
            for number, instrument in enumerate(row.instruments, start=first)
        ],
    }


def _instrument(row: InstrumentRow, code: str, like: Entry) -> Entry:
    entry = copy.deepcopy(like)
    entry |= {"code": code, "state": "SCHEDULABLE"}
    entry["autoguider_camera"] |= {"code": f"{code}g"}
    entry["instrument_type"] |= {"code": row.name, "name": row.name}
    # The test data lack names for the modes, without which TOMs and the portal's pages fail.
    for mode_type in entry["instrument_type"]["mode_types"]:
        for mode in mode_type["modes"]:
            mode.setdefault("name", mode["code"])
    groups = [_element_group(kind, codes) for kind, codes in row.elements.items()]
    for camera in entry["science_cameras"]:
        camera |= {"code": code, "optical_element_groups": groups}
    return entry


def _element_group(kind: str, codes: tuple[str, ...]) -> Entry:
    return {
        "type": kind,
        "name": kind,
        "default": codes[0],
        "element_change_overhead": 0,
        "optical_elements": [{"code": code, "name": code, "schedulable": True} for code in codes],
    }
