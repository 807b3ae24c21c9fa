"""Write a request as an OCS portal wants to read it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tom.followup.facilities.contract import Body, Instrument
from tom.followup.facilities.ocs.instruments import PortalWords
from tom.followup.spec import Aim, Exposure, ObservationSpec


def write_body(
    spec: ObservationSpec,
    instrument: Instrument,
    *,
    words: PortalWords,
    aims: Sequence[Aim],
    key: str,
    proposal: str,
) -> Body:
    """Write one request group: one request with a configuration for each target, in order."""
    return {
        "name": key,
        "proposal": proposal,
        "ipp_value": spec.priority,
        "operator": "SINGLE",
        "observation_type": spec.mode,
        "requests": [
            {
                "acceptability_threshold": 90,
                "optimization_type": "TIME",
                "configuration_repeats": 1,
                "location": {"telescope_class": words.telescope_class},
                "windows": [{"start": _portal_time(spec.start), "end": _portal_time(spec.end)}],
                "configurations": [_configuration(spec, instrument, words, aim) for aim in aims],
                "extra_params": {},
            }
        ],
    }


def _configuration(
    spec: ObservationSpec, instrument: Instrument, words: PortalWords, aim: Aim
) -> dict[str, Any]:
    return {
        "type": words.configuration_type,
        "instrument_type": instrument.name,
        "target": {
            "type": "ICRS",
            "name": aim.name[:50],
            "ra": aim.ra,
            "dec": aim.dec,
            "epoch": 2000.0,
            "proper_motion_ra": 0,
            "proper_motion_dec": 0,
            "parallax": 0,
            "extra_params": {},
        },
        "constraints": {
            "max_airmass": spec.max_airmass,
            "min_lunar_distance": spec.min_moon_separation_deg,
        },
        "instrument_configs": [_instrument_config(item, words) for item in spec.exposures],
        "acquisition_config": dict(words.acquisition),
        "guiding_config": dict(words.guiding),
        "extra_params": {},
    }


def _instrument_config(exposure: Exposure, words: PortalWords) -> dict[str, Any]:
    config: dict[str, Any] = {
        "exposure_count": exposure.count,
        "exposure_time": exposure.seconds,
        "optical_elements": {words.element_group: exposure.element, **words.fixed_elements},
        "extra_params": {},
    }
    if words.rotator:
        config["rotator_mode"] = words.rotator
    return config


def _portal_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
