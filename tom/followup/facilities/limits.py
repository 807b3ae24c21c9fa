"""Check a specification against the limits of an instrument."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from tom.followup.facilities.contract import Instrument
from tom.followup.field_spec import FieldsSpec
from tom.followup.spec import InvalidSpecError, ObservationSpec

# The limits of the Observation Portal. No semester is longer than LONGEST_WINDOW.
RAPID_WITHIN = timedelta(hours=24)
LONGEST_WINDOW = timedelta(days=184)


def find_instrument(instruments: Sequence[Instrument], name: str) -> Instrument:
    """Return the instrument of this name.

    Raises
    ------
    InvalidSpecError
        If the facility has no instrument of this name.
    """
    for instrument in instruments:
        if instrument.name == name:
            return instrument
    raise InvalidSpecError({"instrument": [f"there is no instrument {name!r} here"]})


def check_limits(
    spec: ObservationSpec, instrument: Instrument, *, now: datetime, most_targets: int
) -> None:
    """Refuse what the instrument cannot do, and what a portal never accepts.

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
    if len(spec.further_targets) >= most_targets:
        errors["further_targets"] = [f"at most {most_targets} targets in one request"]
    if spec.mode not in instrument.modes:
        errors["mode"] = [f"choose one of {', '.join(instrument.modes)}"]
    elif spec.mode == "RAPID_RESPONSE":
        errors |= _rapid_faults(spec, now)
    errors = _window_faults(spec, now) | errors
    if errors:
        raise InvalidSpecError(errors)


def check_fields(
    spec: FieldsSpec, instrument: Instrument, *, now: datetime, most_fields: int
) -> None:
    """Refuse fields of a plan that the instrument cannot observe.

    Raises
    ------
    InvalidSpecError
        With each field at fault; "pointings" for all of them together.
    """
    errors = _camera_faults(spec, instrument)
    if not most_fields:
        errors["instrument"] = ["this facility takes no plans"]
    elif len(spec.pointings) > most_fields:
        errors["pointings"] = [f"at most {most_fields} fields in one request"]
    if any((each.end - now).total_seconds() <= each.seconds for each in spec.pointings):
        errors["pointings"] = ["the window of a field has already ended"]
    if errors:
        raise InvalidSpecError(errors)


def _camera_faults(spec: FieldsSpec, instrument: Instrument) -> dict[str, list[str]]:
    faults: dict[str, list[str]] = {}
    if instrument.kind != "imaging":
        faults["instrument"] = ["choose an imager"]
    unknown = sorted({each.element for each in spec.pointings} - set(instrument.elements))
    if unknown:
        offered = ", ".join(instrument.elements)
        faults["element"] = [f"it has no {', '.join(unknown)}: choose one of {offered}"]
    if any(each.seconds > instrument.seconds_max for each in spec.pointings):
        faults["seconds"] = [f"at most {instrument.seconds_max:g} s"]
    if spec.mode not in instrument.modes:
        faults["mode"] = [f"choose one of {', '.join(instrument.modes)}"]
    return faults


def _rapid_faults(spec: ObservationSpec, now: datetime) -> dict[str, list[str]]:
    """Check that a rapid response starts now and that its window ends in time.

    The latest end is 24 hours and the duration of its exposures from now.
    """
    faults: dict[str, list[str]] = {}
    latest = now + RAPID_WITHIN + spec.exposure
    if spec.start > now:
        faults["start"] = ["a rapid response starts at once: its start cannot lie in the future"]
    if spec.end > latest:
        faults["end"] = [
            "a rapid response has to start within 24 hours: its window ends by "
            f"{latest:%Y-%m-%d %H:%M} UTC"
        ]
    return faults


def _window_faults(spec: ObservationSpec, now: datetime) -> dict[str, list[str]]:
    window = spec.end - spec.start
    if spec.end - max(spec.start, now) <= spec.exposure:
        hours = spec.exposure / timedelta(hours=1)
        return {
            "end": [f"the exposures take {hours:.2f} h, longer than what is left of the window"]
        }
    if window > LONGEST_WINDOW:
        return {"end": [f"at most {LONGEST_WINDOW.days} days after the start: a semester"]}
    return {}
