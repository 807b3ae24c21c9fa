"""Read an OCS portal's answer about a request group; refuse an answer with any odd value."""

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final, NoReturn

from tom.followup.facilities.contract import Observed, Progress, Remote
from tom.formats.values import clean
from tom.outbox.errors import UnknownOutcomeError

LONGEST_WORD: Final = 64  # characters of an id or a state that a request's row can hold
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*", re.ASCII)
_PROGRESS_OF: Final = {
    "PENDING": Progress.PENDING,
    "COMPLETED": Progress.COMPLETED,
    "WINDOW_EXPIRED": Progress.EXPIRED,
    "CANCELED": Progress.CANCELED,
    "FAILURE_LIMIT_REACHED": Progress.FAILED,
}


def read_group(group: Any, *, hide: Callable[[str], str]) -> Remote:
    """Read one request group.

    `hide` removes secrets from a text. A group that contains a secret is refused too.

    Raises
    ------
    UnknownOutcomeError
        If it is no mapping, or its id, name or state is missing or has the wrong form.
    """
    if not isinstance(group, Mapping):
        _refuse(f"a {type(group).__name__} where a request group should be")
    state = _read_state(group.get("state"), hide)
    return Remote(
        id=read_id(group.get("id"), hide=hide),
        key=_read_name(group.get("name")),
        state=state,
        progress=_PROGRESS_OF.get(state, Progress.PENDING),
    )


def read_id(value: Any, *, hide: Callable[[str], str]) -> str:
    """Read a request group's id: a positive number or a short word, safe in an address.

    Raises
    ------
    UnknownOutcomeError
        If the value is neither.
    """
    is_number = isinstance(value, int) and not isinstance(value, bool) and value > 0
    text = str(value) if is_number else value
    if not isinstance(text, str) or not 0 < len(text) <= LONGEST_WORD:
        _refuse("its id is missing, empty, too long, or no id at all")
    if not _ID.fullmatch(text) or not text.strip("0") or hide(text) != text:
        _refuse("its id has characters that no id has")
    return text


def read_observation(observation: Any) -> list[Observed]:
    """Read what one observation took: an entry for each filter of each configuration.

    Raises
    ------
    UnknownOutcomeError
        If a place, a time or a number is missing or has the wrong form.
    """
    try:
        site = str(observation["site"])[:LONGEST_WORD]
        return [
            _read_exposures(configuration, item, site=site, number=number)
            for configuration in observation["request"]["configurations"]
            if configuration["state"] == "COMPLETED" and configuration["summary"]
            for number, item in enumerate(configuration["instrument_configs"])
        ]
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        _refuse(f"an observation without what one has ({type(error).__name__})")


def _read_exposures(
    configuration: Mapping[str, Any], item: Mapping[str, Any], *, site: str, number: int
) -> Observed:
    """Read the exposures through one filter; those of one configuration have one start."""
    target = configuration["target"]
    ra, dec = float(target["ra"]), float(target["dec"])
    seconds = float(item["exposure_time"]) * int(item["exposure_count"])
    if not (0 <= ra <= 360 and -90 <= dec <= 90 and 0 <= seconds < math.inf):
        raise ValueError
    start = datetime.fromisoformat(configuration["summary"]["start"])
    return Observed(
        id=f"{int(configuration['configuration_status'])}-{number}",
        ra=ra % 360,
        dec=dec,
        start=start.replace(tzinfo=start.tzinfo or UTC),
        seconds=seconds,
        element=_read_element(item["optical_elements"]),
        site=clean(site),
    )


def _read_element(elements: Mapping[str, Any]) -> str:
    """Return the filter; empty where there is none."""
    found = elements.get("filter", "")
    return clean(found)[:20] if isinstance(found, str) else ""


def _read_name(value: Any) -> str:
    if not isinstance(value, str):
        _refuse("its name is missing or no text")
    return value


def _read_state(value: Any, hide: Callable[[str], str]) -> str:
    if not isinstance(value, str) or not 0 < len(value.strip()) <= len(value) <= LONGEST_WORD:
        _refuse("its state is missing, empty, too long, or no text")
    if clean(value) != value or not value.isprintable() or hide(value) != value:
        _refuse("its state has characters that no state has")
    return value


def _refuse(why: str) -> NoReturn:
    msg = f"The portal's answer is not understood: {why}"
    raise UnknownOutcomeError(msg)
