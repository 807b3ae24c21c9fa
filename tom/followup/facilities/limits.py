"""Hold a spec against what an instrument can do."""

from collections.abc import Sequence

from tom.followup.facilities.contract import Instrument
from tom.followup.spec import InvalidSpecError, ObservationSpec

LONGEST_RAPID_WINDOW_S = 86_400


def find_instrument(instruments: Sequence[Instrument], name: str) -> Instrument:
    """Return the instrument of this name.

    Raises
    ------
    InvalidSpecError
        If the facility has none.
    """
    for instrument in instruments:
        if instrument.name == name:
            return instrument
    raise InvalidSpecError({"instrument": [f"there is no instrument {name!r} here"]})


def check_limits(spec: ObservationSpec, instrument: Instrument) -> None:
    """Refuse what the instrument cannot do.

    Raises
    ------
    InvalidSpecError
        With each field at fault.
    """
    errors: dict[str, list[str]] = {}
    for number, exposure in enumerate(spec.exposures):
        if exposure.element not in instrument.elements:
            offered = ", ".join(instrument.elements)
            errors[f"exposures.{number}.element"] = [f"choose one of {offered}"]
        if exposure.seconds > instrument.seconds_max:
            errors[f"exposures.{number}.seconds"] = [f"at most {instrument.seconds_max:g} s"]
    if spec.mode not in instrument.modes:
        errors["mode"] = [f"choose one of {', '.join(instrument.modes)}"]
    elif spec.mode == "RAPID_RESPONSE":
        errors |= _rapid_faults(spec)
    if errors:
        raise InvalidSpecError(errors)


def _rapid_faults(spec: ObservationSpec) -> dict[str, list[str]]:
    window = (spec.end - spec.start).total_seconds()
    exposure = sum(item.seconds * item.count for item in spec.exposures)
    if window > LONGEST_RAPID_WINDOW_S + exposure:
        return {"end": ["a rapid response has a window of at most 24 hours"]}
    return {}
