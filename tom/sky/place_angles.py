"""The angles of a position: turn the numbers that a person wrote into degrees, and check them."""

from typing import Final

from tom.sky.place_tokens import Number

Angle = list[Number]
"""The numbers of one angle: degrees or hours, then minutes and seconds if there are any."""

NOT_UNDERSTOOD: Final = (
    "RA and Dec could not be told apart; write 13:09:48.1 -23:22:53 or 197.45 -23.38"
)
_RADIUS_UNITS: Final = {"d": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


class UnreadablePlaceError(ValueError):
    """The text is meant as a position, but is not a possible one; the message says why."""


def right_ascension(parts: Angle) -> float:
    """Compute RA in degrees, 0 to 360. It is in hours if it has an `h` or parts without a unit."""
    is_hours = parts[0].unit == "h" or (len(parts) > 1 and parts[0].unit != "d")
    _check_parts(parts, "RA")
    value = _degrees(parts, "h" if is_hours else "d") + 0.0  # -0 is 0
    if (parts[0].sign == "-" and value != 0) or value > 360:
        given = f"{value / 15:.10g} h" if is_hours else f"{value:.10g}"
        most = "24 h (write 197d27m00s for degrees)" if is_hours else "360 degrees"
        message = f"RA lies from 0 to {most}, not at {given}"
        raise UnreadablePlaceError(message)
    return value


def declination(parts: Angle, *, name: str = "Dec") -> float:
    """Compute an angle from -90 to 90 degrees."""
    if parts[0].unit == "h":
        message = f"{name} is in degrees, not in hours"
        raise UnreadablePlaceError(message)
    _check_parts(parts, name)
    if parts[-1].after_colon and parts[-1].unit == "s" and not parts[0].sign:
        message = f"{name} ends in s, of seconds or of south: write its sign"
        raise UnreadablePlaceError(message)
    value = _degrees(parts, "d")
    if abs(value) > 90:
        message = f"{name} lies from -90 to 90 degrees, not at {value:.10g}"
        raise UnreadablePlaceError(message)
    return value


def _check_parts(parts: Angle, name: str) -> None:
    """Refuse impossible angles: minutes of 60, decimals before the end, too many parts."""
    if parts[0].unit in {"m", "s"} or len(parts) > 3:
        raise UnreadablePlaceError(NOT_UNDERSTOOD)
    if any(part.has_point for part in parts[:-1]):
        message = f"of {name} only the last number may have decimals"
        raise UnreadablePlaceError(message)
    for part, what in zip(parts[1:], ("minutes", "seconds"), strict=False):
        if part.value >= 60:
            message = f"{name} has {part.digits} {what}: they lie below 60"
            raise UnreadablePlaceError(message)


def _degrees(parts: Angle, unit: str) -> float:
    """Compute an angle in degrees."""
    # Slow to import, and only a search needs it.
    from astropy.coordinates import Angle as AstropyAngle

    sign = "-" if parts[0].sign == "-" else ""
    if len(parts) == 1:
        return float(AstropyAngle(parts[0].value, "hourangle" if unit == "h" else "deg").deg)
    digits = [part.digits.rstrip(".") for part in parts]
    text = f"{sign}{digits[0]}d" + "".join(
        f"{each}{mark}" for each, mark in zip(digits[1:], "ms", strict=False)
    )
    return float(AstropyAngle(text).deg) * (15 if unit == "h" else 1)


def radius_of(parts: Angle) -> float:
    """Compute a radius in arcsec."""
    if len(parts) > 1 or parts[0].unit not in _RADIUS_UNITS:
        message = "the radius is one number, in arcsec where it has no unit"
        raise UnreadablePlaceError(message)
    return parts[0].value * _RADIUS_UNITS[parts[0].unit]


def longitude(parts: Angle, name: str) -> float:
    """Compute Galactic l or the ecliptic longitude in degrees, -180 to 360."""
    if parts[0].unit == "h":
        message = f"{name} is in degrees"
        raise UnreadablePlaceError(message)
    _check_parts(parts, name)
    value = _degrees(parts, "d")
    if not -180 <= value <= 360:
        message = f"{name} lies from 0 to 360 degrees, not at {value:.10g}"
        raise UnreadablePlaceError(message)
    return value
