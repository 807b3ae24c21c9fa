"""What people type to find a target: a name, or a position with a radius."""

import math
import re
from dataclasses import dataclass

from django.db.models import QuerySet
from tom_targets.base_models import BaseTarget

from tom.targets.search import LARGEST_RADIUS_ARCSEC, find_by_name, find_in_cone

DEFAULT_RADIUS_ARCSEC = 10.0
_SEPARATORS = re.compile(r"[\s,;]+")
_SEXAGESIMAL = re.compile(r"([+-]?)(\d{1,3})[:hd](\d{1,2})[:m'](\d{1,2}(?:\.\d*)?)[s\"]?")


@dataclass(frozen=True)
class Cone:
    """A place on the sky: ICRS degrees, and a radius."""

    ra: float
    dec: float
    radius_arcsec: float


def read_cone(text: str) -> Cone | None:
    """Read "RA Dec [radius in arcsec]"; None where the text is no position.

    Right ascension and declination are decimal degrees, or hours and degrees with colons
    (also 13h09m48.1s -23d22m53s).
    """
    parts = [part for part in _SEPARATORS.split(text.strip()) if part]
    if len(parts) not in {2, 3}:
        return None
    ra, dec = _angle(parts[0], hours=True), _angle(parts[1], hours=False)
    radius = _number(parts[2].rstrip('"')) if len(parts) == 3 else DEFAULT_RADIUS_ARCSEC
    if ra is None or dec is None or radius is None:
        return None
    if not (0 <= ra <= 360 and -90 <= dec <= 90 and 0 < radius <= LARGEST_RADIUS_ARCSEC):
        return None
    return Cone(ra % 360, dec, radius)


def find_targets(targets: QuerySet[BaseTarget], text: str) -> QuerySet[BaseTarget]:
    """Keep the targets that a person's text means."""
    wanted = text.replace("\0", "").strip()
    cone = read_cone(wanted)
    if cone is not None:
        return find_in_cone(targets, ra=cone.ra, dec=cone.dec, radius_arcsec=cone.radius_arcsec)
    return find_by_name(targets, wanted) if wanted else targets


def _angle(text: str, *, hours: bool) -> float | None:
    found = _SEXAGESIMAL.fullmatch(text)
    if found is None:
        return _number(text)
    sign, whole, minutes, seconds = found.groups()
    if int(minutes) >= 60 or float(seconds) >= 60:
        return None
    value = int(whole) + int(minutes) / 60 + float(seconds) / 3600
    return (-value if sign == "-" else value) * (15 if hours else 1)


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) else None
