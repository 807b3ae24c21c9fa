"""Write a request as an OCS portal wants to read it."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from tom.followup.facilities.contract import Body, Instrument
from tom.followup.facilities.ocs.instruments import PortalWords
from tom.followup.field_spec import FieldsSpec
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
    configurations = [
        _configuration(spec, instrument, words, aim=aim, exposures=spec.exposures) for aim in aims
    ]
    window = _window(spec.start, spec.end)
    requests = [_request(words, window=window, configurations=configurations)]
    return _group(spec, requests, key=key, proposal=proposal)


def write_fields_body(
    spec: FieldsSpec, instrument: Instrument, *, words: PortalWords, key: str, proposal: str
) -> Body:
    """Write one request group with a request for each field of a plan, in its own window.

    Its operator MANY lets each be observed or missed by itself; one alone is SINGLE.
    """
    requests = []
    for each in spec.pointings:
        exposure = Exposure(element=each.element, seconds=each.seconds)
        configuration = _configuration(spec, instrument, words, aim=each, exposures=[exposure])
        window = _window(each.start, each.end)
        requests.append(_request(words, window=window, configurations=[configuration]))
    return _group(spec, requests, key=key, proposal=proposal)


def _group(
    spec: ObservationSpec | FieldsSpec,
    requests: list[dict[str, Any]],
    *,
    key: str,
    proposal: str,
) -> Body:
    return {
        "name": key,
        "proposal": proposal,
        "ipp_value": spec.priority,
        "operator": "SINGLE" if len(requests) == 1 else "MANY",
        "observation_type": spec.mode,
        "requests": requests,
    }


def _request(
    words: PortalWords, *, window: dict[str, str], configurations: list[dict[str, Any]]
) -> dict[str, Any]:
    return {
        "acceptability_threshold": 90,
        "optimization_type": "TIME",
        "configuration_repeats": 1,
        "location": {"telescope_class": words.telescope_class},
        "windows": [window],
        "configurations": configurations,
        "extra_params": {},
    }


def _configuration(
    spec: ObservationSpec | FieldsSpec,
    instrument: Instrument,
    words: PortalWords,
    *,
    aim: Aim,
    exposures: Sequence[Exposure],
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
        "instrument_configs": [_instrument_config(item, words) for item in exposures],
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


def _window(start: datetime, end: datetime) -> dict[str, str]:
    return {"start": _portal_time(start), "end": _portal_time(end)}


def _portal_time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
